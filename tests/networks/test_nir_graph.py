"""Networks from NIR graphs against the equations of their nodes, written out step by step."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from brainleaks_pl.networks.nir.network import NIRNetwork
from brainleaks_pl.networks.nir.neurons import SpikingNeurons
from brainleaks_pl.networks.surrogates import ATan, FastSigmoid, StraightThrough, Surrogate

nir = pytest.importorskip("nir")

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Writes a chain of nodes between an input and an output of the given shapes, or a graph of named nodes."""

    def write(shape: Sequence[int], *nodes: Any, output: Sequence[int] | None = None, metadata: Any = None) -> Path:
        ends = nir.Input(np.array(shape)), nir.Output(np.array(shape if output is None else output))
        named = {"input": ends[0], **{f"n{i}": node for i, node in enumerate(nodes)}, "output": ends[1]}
        return write_graph(tmp_path / "graph.nir", named, list(pairwise(named)), metadata)

    return write


def write_graph(path: Path, nodes: dict[str, Any], edges: list[tuple[str, str]], metadata: Any = None) -> Path:
    nir.write(path, nir.NIRGraph(nodes, edges, metadata=metadata or {}, type_check=False))
    return path


def array(*values: float) -> Any:
    return np.array(values, np.float64)


def neuron_node(kind: str, seed: int = 0, v_reset: bool = True) -> Any:
    """A node of 3 neurons that differ in everything."""
    draw = np.random.default_rng(seed)

    def between(low: float, high: float) -> Any:
        return draw.uniform(low, high, 3)

    fires = {"v_threshold": between(0.5, 1.2), "v_reset": between(-0.3, 0.2) if v_reset else np.zeros(3)}
    leaky = {"r": between(0.8, 2), "v_leak": between(-0.2, 0.2)}
    match kind:
        case "IF":
            return nir.IF(r=between(0.2, 0.8), **fires)
        case "LIF":
            return nir.LIF(tau=between(2, 9), **leaky, **fires)
        case "LI":
            return nir.LI(tau=between(2, 9), **leaky)
        case "CubaLIF":
            return nir.CubaLIF(tau_syn=between(2, 5), tau_mem=between(2, 9), **leaky, **fires, w_in=between(0.5, 2))
    raise AssertionError(kind)


def by_the_equations(
    node: Any,
    x: Tensor,
    dt: float,
    reset: str = "to_value",
    multi_spike: bool = False,
    min_v: float = -math.inf,
    surrogate: Surrogate | None = None,
) -> tuple[Tensor, Tensor]:
    """Spikes and membranes before the reset, in double precision; autograd takes resets for constants.

    But where neurons fire several times a step, it follows what spikes take from the membrane.
    """
    spike = (surrogate or ATan()).spike_function()
    p = {name: torch.as_tensor(value) for name, value in vars(node).items() if isinstance(value, np.ndarray)}
    kind = type(node).__name__
    v = p["v_reset"] if kind == "IF" else p["v_leak"]
    i = torch.zeros(())
    late: Tensor | float = 0.0
    spikes, membranes = [], []
    for step in x.double():
        match kind:
            case "IF":
                v = v + dt * p["r"] * step
            case "LIF" | "LI":
                v = v + dt / p["tau"] * (p["v_leak"] - v + p["r"] * step)
            case "CubaLIF":
                i = i + dt / p["tau_syn"] * (p["w_in"] * step - i)
                v = v + dt / p["tau_mem"] * (p["v_leak"] - v + p["r"] * i)
        v = v - late
        v = torch.where(v > min_v, v, torch.full_like(v, min_v)) if min_v > -math.inf else v
        membranes.append(v)
        if kind == "LI":
            continue
        per_spike = p["v_threshold"] - p["v_reset"]
        if multi_spike:
            level = (v - p["v_reset"]) / per_spike
            number = level.detach().floor().clamp(min=0)
            slope = (surrogate or ATan()).derivative((v - p["v_threshold"]).detach())
            slope = torch.where(v >= p["v_threshold"], 1 / per_spike, slope.minimum(1 / per_spike))
            z = number + slope * (v - v.detach())
        else:
            z = spike(v - p["v_threshold"])
        spikes.append(z)
        fixed = z if multi_spike else z.detach()
        if reset == "to_value":
            v = torch.where(fixed > 0, p["v_reset"], v)
        elif reset == "subtract":
            v = v - fixed * per_spike
        else:
            late = fixed * per_spike
    return torch.stack(spikes) if spikes else torch.empty(0), torch.stack(membranes)


HOW = [
    {"reset": reset, "multi_spike": multi, "min_v": bound}
    for reset, multi, bound in product(("to_value", "subtract", "subtract_late"), (False, True), (None, -0.25))
    if not (multi and reset == "to_value")
]


def draw_input(*shape: int, scale: float = 1.5, seed: int = 0) -> Tensor:
    return scale * (torch.randn(shape, generator=torch.Generator().manual_seed(seed)) + 0.4)


@pytest.mark.parametrize("how", HOW, ids=str)
@pytest.mark.parametrize("kind", ["IF", "LIF", "CubaLIF"])
def test_spiking_neurons_follow_their_equations(save: Save, kind: str, how: dict[str, Any]) -> None:
    node = neuron_node(kind)
    path = save([3], node)
    x = draw_input(40, 5, 3, scale=3.0)
    given = {name: value for name, value in how.items() if value is not None}
    spikes, membranes = by_the_equations(node, x, 0.8, **given)
    assert torch.equal(NIRNetwork(path, dt=0.8, **how)(x), spikes.float())
    network = NIRNetwork(path, dt=0.8, output="membranes", **how)
    torch.testing.assert_close(network(x), membranes.float(), rtol=1e-4, atol=1e-5)
    assert 0.02 < (spikes > 0).double().mean() < 0.9
    assert bool((spikes > 1).any()) == how["multi_spike"]


def test_leaky_integrator_follows_its_equation(save: Save) -> None:
    node = neuron_node("LI")
    x = draw_input(30, 4, 3).requires_grad_()
    _, membranes = by_the_equations(node, x, 0.8)
    ours = NIRNetwork(save([3], node), dt=0.8)(x)
    torch.testing.assert_close(ours, membranes.float(), rtol=1e-5, atol=1e-6)
    weight = draw_input(30, 4, 3, seed=1)
    (expected,) = torch.autograd.grad((membranes * weight).sum(), x)
    (gradient,) = torch.autograd.grad((ours * weight).sum(), x)
    torch.testing.assert_close(gradient, expected, rtol=1e-5, atol=1e-6)


def test_leaky_integrator_nears_its_limit(save: Save) -> None:
    node = nir.LI(tau=array(5, 5), r=array(2, 2), v_leak=array(0.5, 0.5))
    course = NIRNetwork(save([2], node), dt=1.0)(torch.full((200, 1, 2), 0.75))
    # Euler: v - (v_leak + r I) shrinks by 1 - dt/tau a step
    steps = torch.arange(1, 201)
    torch.testing.assert_close(course[:, 0, 1], 2.0 - 1.5 * 0.8**steps, rtol=1e-5, atol=1e-6)


def course(save: Save, node: Any, current: Sequence[float], output: str = "spikes", **how: Any) -> list[float]:
    """What two equal neurons, driven by one current, hand out; that of the first."""
    x = torch.tensor(current).view(-1, 1, 1).expand(-1, 1, 2)
    network = NIRNetwork(save([2], node), output=output, **how)
    return network(x)[:, 0, 0].tolist()


def test_resets_by_hand(save: Save) -> None:
    node = nir.LIF(
        tau=array(2, 2), r=array(2, 2), v_leak=array(0, 0), v_threshold=array(1, 1), v_reset=array(0.25, 0.25)
    )  # with dt = 1: v = v/2 + I, and .75 to subtract
    current = [1.5, 0.5, 0.5, 0.0]
    assert course(save, node, current, dt=1.0) == [1, 0, 0, 0]
    assert course(save, node, current, "membranes", dt=1.0) == [1.5, 0.625, 0.8125, 0.40625]
    assert course(save, node, current, "membranes", dt=1.0, reset="subtract") == [1.5, 0.875, 0.9375, 0.46875]
    assert course(save, node, current, "membranes", dt=1.0, reset="subtract_late") == [1.5, 0.5, 0.75, 0.375]


def test_a_neuron_at_its_threshold_does_not_fire_yet(save: Save) -> None:
    node = nir.IF(r=array(1, 1), v_threshold=array(1, 1))
    assert course(save, node, [1.0, 0.0, 0.25, 0.0]) == [0, 0, 1, 0]
    several = course(save, node, [1.0, 0.0, 0.25, 0.0], reset="subtract", multi_spike=True)
    assert several == [1, 0, 0, 0]  # floor(v), as sinabs has it


def test_several_spikes_and_a_lower_bound_by_hand(save: Save) -> None:
    node = nir.IF(r=array(1, 1), v_threshold=array(0.5, 0.5))
    how = {"reset": "subtract", "multi_spike": True, "min_v": -1.0}
    current = [1.75, -5.0, 1.25, 0.25, 0.0]
    # 1.75: 3 fired, .25 left | held at -1 | .25 | .5: 1 fired | 0
    assert course(save, node, current, **how) == [3, 0, 0, 1, 0]
    assert course(save, node, current, "membranes", **how) == [1.75, -1.0, 0.25, 0.5, 0.0]


def test_gain_and_time_step_of_integrate_and_fire(save: Save) -> None:
    node = nir.IF(r=array(4, 4), v_threshold=array(9, 9))
    assert course(save, node, [1.0, 1.0], "membranes") == [4, 8]
    assert course(save, node, [1.0, 1.0], "membranes", dt=0.25) == [1, 2]


def test_all_start_at_rest(save: Save) -> None:
    lif = nir.LIF(tau=array(4, 4), r=array(1, 1), v_leak=array(0.5, 0.5), v_threshold=array(1, 1))
    assert course(save, lif, [0.0, 0.0], "membranes", dt=1.0) == [0.5, 0.5]
    integrate = nir.IF(r=array(1, 1), v_threshold=array(1, 1), v_reset=array(-0.5, -0.5))
    assert course(save, integrate, [0.0, 0.0], "membranes") == [-0.5, -0.5]


def test_threshold_is_a_step_with_a_surrogate_gradient(save: Save) -> None:
    path = save([2], nir.Threshold(threshold=array(0.5, 1.0)))
    x = torch.tensor([[[0.5, 1.5]], [[0.75, 1.0]]]).requires_grad_()
    spikes = NIRNetwork(path, surrogate=FastSigmoid(2.0))(x)
    assert spikes.tolist() == [[[0, 1]], [[1, 0]]]
    spikes.sum().backward()
    torch.testing.assert_close(x.grad, (1 + 2 * (x.detach() - torch.tensor([0.5, 1.0])).abs()) ** -2)


@pytest.mark.parametrize("through", ["spikes", "membranes"])
@pytest.mark.parametrize("how", HOW, ids=str)
@pytest.mark.parametrize("kind", ["IF", "LIF", "CubaLIF"])
@pytest.mark.parametrize("surrogate", [FastSigmoid(3.0), ATan(1.5)], ids=["fast_sigmoid", "atan"])
def test_gradient_equals_that_of_the_equations(
    save: Save, kind: str, how: dict[str, Any], through: str, surrogate: Surrogate
) -> None:
    node = neuron_node(kind, seed=1)
    x, weight = draw_input(12, 4, 3, scale=3.0).requires_grad_(), draw_input(12, 4, 3, seed=1)
    given = {name: value for name, value in how.items() if value is not None}
    spikes, membranes = by_the_equations(node, x, 0.8, **given, surrogate=surrogate)
    (expected,) = torch.autograd.grad(((spikes if through == "spikes" else membranes) * weight).sum(), x)
    network = NIRNetwork(save([3], node), dt=0.8, **how, output=through, surrogate=surrogate)
    (gradient,) = torch.autograd.grad((network(x) * weight).sum(), x)
    assert expected.abs().max() > 0
    torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-5 * float(expected.abs().max()))


def convolved(x: Any, weight: Any, bias: Any, stride: int, padding: int, dilation: int, groups: int) -> Any:
    """A 2-d convolution of one sample, (C, H, W), by its definition."""
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding)))
    outputs, per_group, height, width = weight.shape
    rows = (x.shape[1] - dilation * (height - 1) - 1) // stride + 1
    columns = (x.shape[2] - dilation * (width - 1) - 1) // stride + 1
    y = np.zeros((outputs, rows, columns))
    for o, i, j in product(range(outputs), range(rows), range(columns)):
        y[o, i, j] = bias[o]
        for c, a, b in product(range(per_group), range(height), range(width)):
            channel = o // (outputs // groups) * per_group + c
            y[o, i, j] += weight[o, c, a, b] * x[channel, i * stride + dilation * a, j * stride + dilation * b]
    return y


def test_layers_by_their_definitions(save: Save) -> None:
    draw = np.random.default_rng(0)
    x = draw.normal(size=(3, 2, 4, 7, 8))
    weight, bias = draw.normal(size=(6, 2, 3, 2)), draw.normal(size=6)
    node = nir.Conv2d((7, 8), weight, stride=2, padding=1, dilation=2, groups=2, bias=bias)
    expected = np.array([[convolved(one, weight, bias, 2, 1, 2, 2) for one in step] for step in x])
    network = NIRNetwork(save([4, 7, 8], node, output=expected.shape[2:]))
    answer = network(torch.tensor(x).float())
    assert network.num_classes == answer.shape[2] == expected[0, 0].size
    torch.testing.assert_close(answer.double(), torch.tensor(expected).flatten(2), rtol=1e-4, atol=1e-5)

    line, line_weight = x[:, :, :, 0], weight[:, :, 0]
    node = nir.Conv1d(8, line_weight, stride=1, padding=1, dilation=1, groups=2, bias=bias)
    expected = np.array(
        [
            [
                convolved(np.pad(one[:, None], ((0, 0), (0, 0), (1, 1))), line_weight[:, :, None], bias, 1, 0, 1, 2)
                for one in step
            ]
            for step in line
        ]
    )
    network = NIRNetwork(save([4, 8], node, output=(6, 9)))
    assert network.input_shape == (4, 1, 8)
    answer = network(torch.tensor(line).float().unsqueeze(3))
    torch.testing.assert_close(answer.double(), torch.tensor(expected).flatten(2), rtol=1e-4, atol=1e-5)


def test_padding_in_words(save: Save) -> None:
    weight, bias = np.random.default_rng(0).normal(size=(2, 1, 3, 3)), np.zeros(2)
    x = draw_input(2, 1, 1, 4, 5)
    for word, padding, shape in (("same", 1, (2, 4, 5)), ("valid", 0, (2, 2, 3))):
        node = nir.Conv2d((4, 5), weight, stride=1, padding=word, dilation=1, groups=1, bias=bias)
        answer = NIRNetwork(save([1, 4, 5], node, output=shape))(x)
        expected = convolved(x[1, 0].numpy(), weight, bias, 1, padding, 1, 1)
        torch.testing.assert_close(answer[1, 0].double(), torch.tensor(expected).flatten(), rtol=1e-4, atol=1e-5)


def test_pools_flatten_linear_and_scale(save: Save) -> None:
    x = torch.arange(2.0 * 3 * 4).view(1, 1, 2, 3, 4)
    sizes = {"kernel_size": np.array([2, 2]), "stride": np.array([1, 2]), "padding": np.array([0, 1])}
    sums = [[4.0, 14, 10], [12, 30, 18], [28, 62, 34], [36, 78, 42]]
    network = NIRNetwork(save([2, 3, 4], nir.SumPool2d(**sizes), output=(2, 2, 3)))
    assert network(x).view(4, 3).tolist() == sums
    network = NIRNetwork(save([2, 3, 4], nir.AvgPool2d(**sizes), output=(2, 2, 3)))
    torch.testing.assert_close(network(x).view(4, 3), torch.tensor(sums) / 4)

    flatten = nir.Flatten(np.array([2, 3, 4]), start_dim=0, end_dim=-1)
    weight, bias = np.random.default_rng(0).normal(size=(5, 24)), np.arange(5.0)
    shifted = NIRNetwork(save([2, 3, 4], flatten, nir.Affine(weight, bias), nir.Scale(2 * np.ones(5)), output=[5]))(x)
    plain = NIRNetwork(save([2, 3, 4], flatten, nir.Linear(weight), nir.Scale(np.arange(5.0)), output=[5]))(x)
    expected = weight @ np.arange(24.0)
    torch.testing.assert_close(shifted.flatten().double(), torch.tensor(2 * (expected + bias)), rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(plain.flatten().double(), torch.tensor(expected * np.arange(5)), rtol=1e-5, atol=1e-4)

    some = nir.Flatten(np.array([2, 3, 4]), start_dim=1, end_dim=2)
    assert NIRNetwork(save([2, 3, 4], some, output=[2, 12])).num_classes == 24


def test_branches_are_added_up(tmp_path: Path) -> None:
    nodes = {
        "input": nir.Input(np.array([2])),
        "twice": nir.Scale(array(2, 2)),
        "thrice": nir.Scale(array(3, 3)),
        "last": nir.Scale(array(1, 10)),
        "output": nir.Output(np.array([2])),
    }
    edges = [("input", "twice"), ("input", "thrice"), ("twice", "last"), ("thrice", "last"), ("twice", "output")]
    network = NIRNetwork(write_graph(tmp_path / "g.nir", nodes, [*edges, ("last", "output")]))
    assert network(torch.ones(1, 1, 2)).tolist() == [[[7, 52]]]


def small_network(save: Save, **how: Any) -> NIRNetwork:
    """5 inputs, 6 CubaLIF neurons of one constant, 3 LIF neurons."""
    draw = np.random.default_rng(3)
    hidden = nir.CubaLIF(*(np.array([value]) for value in (3.0, 4.0, 2.0, 0.0, 0.6, 0.0)), w_in=np.array([1.5]))
    layers = nir.Affine(draw.normal(size=(6, 5)), draw.normal(size=6)), hidden, nir.Linear(draw.normal(size=(3, 6)))
    return NIRNetwork(save([5], *layers, neuron_node("LIF"), output=[3]), dt=1.0, **how)


def test_nothing_is_kept_between_forwards_and_samples(save: Save) -> None:
    torch.manual_seed(7)
    network = small_network(save)
    assert torch.initial_seed() == 7
    after_building = torch.rand(1)
    torch.manual_seed(7)
    assert torch.equal(after_building, torch.rand(1))
    x = draw_input(20, 6, 5)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first, second = network(x), network(x)
    assert torch.equal(first, second)
    assert 0 < first.mean() < 1
    torch.testing.assert_close(network(x[:, 2:3]), first[:, 2:3])
    torch.testing.assert_close(network(x[:9]), first[:9])
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert {"nodes.n0.layer.weight", "nodes.n3.threshold"} < set(before)
    assert sum(weight.requires_grad for weight in network.parameters()) == 3
    first.sum().backward()
    assert all(bool(weight.grad.abs().sum() > 0) for weight in network.parameters())


def test_another_surrogate_takes_effect_at_the_next_forward(save: Save) -> None:
    network = small_network(save)
    x = draw_input(20, 4, 5).requires_grad_()

    def gradient() -> Tensor:
        return torch.autograd.grad(network(x).sum(), x)[0]

    answer, before = network(x), gradient()
    neurons = [module for module in network.modules() if hasattr(module, "surrogate")]
    assert len(neurons) == 2
    for module in neurons:
        assert module.surrogate == ATan(2.0)
        module.surrogate = StraightThrough()
    assert torch.equal(network(x), answer)
    assert not torch.allclose(gradient(), before)
    torch.testing.assert_close(
        gradient(), torch.autograd.grad(small_network(save, surrogate=StraightThrough())(x).sum(), x)[0]
    )


def test_half_precision_is_computed_in_full(save: Save) -> None:
    path = save([2], nir.IF(r=array(1, 1), v_threshold=array(1e9, 1e9)))
    membranes = NIRNetwork(path, output="membranes")(torch.full((2100, 1, 2), 1.0, dtype=torch.float16))
    assert membranes[-1].tolist() == [[2100, 2100]]  # half precision has no odd numbers above 2048
    assert membranes[2048, 0, 0] == 2049


def test_shapes_that_users_see(save: Save) -> None:
    path = save([6], nir.Scale(np.arange(6.0)))
    network = NIRNetwork(path)
    assert (network.input_shape, network.num_classes, network.takes_spikes) == ((1, 1, 6), 6, True)
    shaped = NIRNetwork(path, input_shape=(1, 2, 3))
    assert shaped.input_shape == (1, 2, 3)
    x = draw_input(4, 2, 1, 2, 3)
    assert torch.equal(shaped(x), network(x.flatten(2)))
    assert torch.equal(shaped(x), x.flatten(2) * torch.arange(6))
    for wrong in (draw_input(4, 2, 7), draw_input(4, 6), torch.zeros(0, 2, 6)):
        with pytest.raises(ValueError, match=r"takes \(T, B, C, H, W\)"):
            network(wrong)
    with pytest.raises(ValueError, match=r"suit the graph's input \(6,\), got \(1, 2, 4\)"):
        NIRNetwork(path, input_shape=(1, 2, 4))


def test_options_of_the_metadata_give_way_to_arguments(save: Save) -> None:
    node = neuron_node("LIF")
    stored = {"dt": 0.5, "reset": "subtract", "multi_spike": True, "min_v": -0.5, "output": "membranes"}
    x = draw_input(20, 4, 3)
    path = save([3], node, metadata={"brainleaks_pl": stored})
    with_metadata = NIRNetwork(path)(x), NIRNetwork(path, dt=0.7, output="spikes")(x)
    bare = save([3], node)
    assert torch.equal(with_metadata[0], NIRNetwork(bare, **stored)(x))
    assert torch.equal(with_metadata[1], NIRNetwork(bare, **{**stored, "dt": 0.7, "output": "spikes"})(x))
    for wrong, complaint in [
        ({"colour": 1.0}, "must hold nothing but dt, reset"),
        ({"dt": "soon"}, "not supported"),
        ({"reset": "never"}, "reset must be one of"),
        ({"reset": "subtract", "multi_spike": "perhaps"}, "multi_spike must be true or false, got 'perhaps'"),
        ({"min_v": array(1, 2)}, "must be a single value"),
    ]:
        path = save([3], node, metadata={"brainleaks_pl": {"dt": 1.0, **wrong}})
        with pytest.raises(ValueError, match=rf"graph\.nir: .*{complaint}"):
            NIRNetwork(path)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, r"time constants \(n0\), but no time step: give dt"),
        ({"dt": 0.0}, "dt must be positive"),
        ({"dt": 50.0}, r"node 'n0' \(LIF\).*tau = .* shorter than the time step dt = 50"),
        ({"dt": 1.0, "reset": "zero"}, "reset must be one of to_value, subtract, subtract_late, got 'zero'"),
        ({"dt": 1.0, "multi_spike": True}, "set reset to 'subtract'"),
        ({"dt": 1.0, "min_v": math.nan}, "min_v must be a number"),
        ({"dt": 1.0, "output": "voltage"}, "output must be one of spikes, membranes, got 'voltage'"),
    ],
)
def test_options_out_of_range(save: Save, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=f"graph.nir.*{complaint}"):
        NIRNetwork(save([3], neuron_node("LIF")), **options)


def test_unknown_nodes_are_named(save: Save) -> None:
    path = save([3], nir.Delay(array(1, 1, 1)), nir.Scale(array(1, 1, 1)), nir.I(array(1, 1, 1)))
    with pytest.raises(
        ValueError, match=r"graph.nir.*'n0' \(Delay\), 'n2' \(I\)\. Supported: Input, Output, Affine, .*IF"
    ):
        NIRNetwork(path)
    inner = nir.NIRGraph(
        {"input": nir.Input(np.array([3])), "output": nir.Output(np.array([3]))}, [("input", "output")]
    )
    with pytest.raises(ValueError, match=r"'n0' \(NIRGraph\)"):
        NIRNetwork(save([3], inner))


def test_recurrent_and_loose_graphs_are_refused(tmp_path: Path) -> None:
    ends = {"input": nir.Input(np.array([3])), "output": nir.Output(np.array([3]))}
    inner = {"fires": nir.IF(np.ones(3), np.ones(3)), "back": nir.Scale(np.ones(3))}
    chain = [("input", "fires"), ("fires", "output")]
    path = tmp_path / "g.nir"
    for edges, complaint in [
        (
            [*chain, ("fires", "back"), ("back", "fires")],
            "recurrent.*'(fires|back)' -> '(fires|back)' -> '(fires|back)'",
        ),
        ([*chain, ("fires", "fires"), ("fires", "back"), ("back", "output")], "recurrent.*'fires' -> 'fires'"),
        (chain, "lie on no path.*'back'"),
        ([*chain, ("fires", "back")], "lie on no path.*'back'"),
        ([*chain, ("back", "output")], "lie on no path.*'back'"),
        ([*chain, ("fires", "nobody")], "'fires' -> 'nobody' names no node"),
        ([*chain, *chain], "is there 2 times"),
    ]:
        with pytest.raises(ValueError, match=f"g.nir: .*{complaint}"):
            NIRNetwork(write_graph(path, {**ends, **inner}, edges))
    edges = [("input", "back"), ("back", "output")]
    with pytest.raises(ValueError, match="'back' has no membranes beside its output"):
        NIRNetwork(write_graph(path, {**ends, "back": inner["back"]}, edges), output="membranes")
    edges = [("input", "fires"), ("fires", "back"), ("back", "output"), ("fires", "output")]
    neurons = {"fires": inner["fires"], "back": inner["fires"]}
    with pytest.raises(ValueError, match="other nodes need the spikes of 'fires'"):
        NIRNetwork(write_graph(path, {**ends, **neurons}, edges), output="membranes")
    with pytest.raises(ValueError, match="must have one Input node"):
        NIRNetwork(write_graph(path, {**ends, **inner, "other": ends["input"]}, chain))


def test_nodes_that_do_not_fit_are_named(save: Save) -> None:
    scale = nir.Scale(np.ones(3))
    for nodes, output, complaint in [
        ([nir.IF(np.ones(4), np.ones(4))], [3], r"'n0' \(IF\), input \(3,\): .*\(4,\)"),
        ([scale, nir.Linear(np.ones((2, 4)))], [2], r"'n1' \(Linear\), input \(3,\): its weight takes .*\(4,\)"),
        ([nir.Affine(np.ones((2, 3)), np.ones(1))], [2], r"'n0' \(Affine\).*bias must hold 2"),
        ([nir.Affine(np.ones((1, 2, 3)), np.ones(2))], [2], "must have 2 dimensions"),
        ([nir.Scale(array(1, math.nan, 1))], [3], r"'n0' \(Scale\).*scale must be finite"),
        ([nir.Scale(np.ones(3) * 1j)], [3], "real numbers"),
        ([scale], [4], r"output is of shape \(3,\), its node 'output' states \(4,\)"),
        ([scale], [0], "positive numbers"),
        ([nir.LI(-np.ones(3), np.ones(3), np.ones(3))], [3], "tau must be positive"),
        ([nir.SumPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))], [3], r"'n0' \(SumPool2d\)"),
        ([nir.Flatten(np.array([3]), 0, 1)], [3], r"'n0' \(Flatten\)"),
        ([nir.SumPool2d(array(2, 2), np.array([2, 2]), np.array([0, 0]))], [3], "kernel_size must hold whole numbers"),
    ]:
        with pytest.raises(ValueError, match=f"graph.nir: .*{complaint}"):
            NIRNetwork(save([3], *nodes, output=output), dt=0.5)
    with pytest.raises(ValueError, match="v_threshold must be above v_reset"):
        NIRNetwork(save([3], nir.IF(np.ones(3), np.ones(3), v_reset=np.ones(3))), reset="subtract")


def test_files_that_are_no_graphs(save: Save, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.nir"):
        NIRNetwork(tmp_path / "nowhere.nir")
    whole = save([3], nir.Scale(np.ones(3))).read_bytes()
    damaged = tmp_path / "damaged.nir"
    for content in (b"", b"no graph", whole[: len(whole) // 2], whole[:-100], whole[:600]):
        damaged.write_bytes(content)
        with pytest.raises(ValueError, match=r"damaged\.nir"):
            NIRNetwork(damaged)

    def spoil(change: Callable[[Any], None]) -> None:
        damaged.write_bytes(whole)
        with h5py.File(damaged, "r+") as file:
            change(file)
        with pytest.raises(ValueError, match=r"damaged\.nir is not a NIR graph, or is damaged"):
            NIRNetwork(damaged)

    spoil(lambda file: file.__delitem__("node"))
    spoil(lambda file: file.__delitem__("node/edges"))
    spoil(lambda file: file.__delitem__("node/nodes/n0/type"))
    spoil(lambda file: file.__delitem__("node/nodes/n0/scale"))
    spoil(lambda file: file["node/nodes/n0"].create_dataset("surprise", data=1))
    spoil(lambda file: file["node/nodes"].create_dataset("surprise", data=1))
    nir.write(damaged, nir.Scale(np.ones(3)))
    with pytest.raises(ValueError, match="a single node of type Scale"):
        NIRNetwork(damaged)


def test_without_the_package(save: Save, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save([3], nir.Scale(np.ones(3)))
    monkeypatch.setitem(sys.modules, "nir", None)
    with pytest.raises(ModuleNotFoundError, match="pip install nir"):
        NIRNetwork(path)


def test_names_that_torch_does_not_take(tmp_path: Path) -> None:
    names = ["input", "a.b", "a_b", "keys", "training", "output"]
    nodes = {name: nir.Scale(array(2, 2)) for name in names}
    nodes |= {"input": nir.Input(np.array([2])), "output": nir.Output(np.array([2]))}
    network = NIRNetwork(write_graph(tmp_path / "g.nir", nodes, list(pairwise(names))))
    assert network(torch.ones(1, 1, 2)).tolist() == [[[16, 16]]]
    assert not any(isinstance(module, SpikingNeurons) for module in network.modules())
