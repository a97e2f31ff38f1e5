"""The time scan against stepping snntorch.Leaky, and the surrogates against their closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import get_args
from unittest.mock import patch

import pytest
import snntorch
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from toys import Triangle

from brainleaks_pl import ATan, FastSigmoid, Sigmoid, StraightThrough, Surrogate, lif_linear, lif_scan
from brainleaks_pl.networks import scan as neurons_module
from brainleaks_pl.networks.scan import Reset

SURROGATES = [FastSigmoid(), FastSigmoid(3.0), ATan(), ATan(1.5), Sigmoid(1.0), StraightThrough(), Triangle(0.7)]


def stepped(
    current: Tensor, beta: float, threshold: float, surrogate: Surrogate, reset: Reset = "subtract"
) -> tuple[Tensor, Tensor]:
    neuron = snntorch.Leaky(
        beta=beta, threshold=threshold, spike_grad=surrogate.spike_function(), reset_mechanism=reset
    )
    membrane = torch.zeros_like(current[0])
    spikes, membranes = [], []
    for step in current:
        spike, membrane = neuron(step, membrane)
        spikes.append(spike)
        membranes.append(membrane)
    return torch.stack(spikes), torch.stack(membranes)


@settings(max_examples=160, deadline=None, derandomize=True)
@given(
    time_steps=st.integers(1, 12),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    beta=st.sampled_from([0.0, 0.7, 0.8, 1.0]) | st.floats(0, 1),
    threshold=st.sampled_from([1.0, 0.3]) | st.floats(0.05, 3),
    surrogate=st.sampled_from(SURROGATES),
    reset=st.sampled_from(get_args(Reset)),
    through=st.sampled_from(["spikes", "membranes", "both"]),
    scale=st.sampled_from([0.3, 1.0, 4.0]),
    seed=st.integers(0, 2**31),
)
def test_scan_equals_stepping_snntorch(
    time_steps: int,
    shape: list[int],
    beta: float,
    threshold: float,
    surrogate: Surrogate,
    reset: Reset,
    through: str,
    scale: float,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    current = (scale * (torch.randn(time_steps, *shape, generator=generator) + 0.5)).requires_grad_()
    for_spikes, for_membranes = torch.randn(2, time_steps, *shape, generator=generator)

    def objective(spikes: Tensor, membranes: Tensor) -> Tensor:
        of_spikes, of_membranes = (spikes * for_spikes).sum(), (membranes * for_membranes).sum()
        return {"spikes": of_spikes, "membranes": of_membranes, "both": of_spikes + of_membranes}[through]

    ours = lif_scan(current, beta=beta, threshold=threshold, surrogate=surrogate, reset=reset)
    theirs = stepped(current, beta, threshold, surrogate, reset)
    assert torch.equal(ours[0], theirs[0])
    assert torch.equal(ours[1], theirs[1])
    (our_gradient,) = torch.autograd.grad(objective(*ours), current)
    (their_gradient,) = torch.autograd.grad(objective(*theirs), current)
    largest = float(their_gradient.abs().max())
    torch.testing.assert_close(our_gradient, their_gradient, rtol=1e-5, atol=1e-6 * largest)


def test_trajectory_by_hand() -> None:
    current = torch.tensor([0.75, 0.75, 0.75, 1.0, 0.0]).unsqueeze(1)
    spikes, membranes = lif_scan(current, beta=0.5, threshold=1.0, surrogate=FastSigmoid())
    # .75 | .375+.75 fires | .5625+.75-1 | .15625+1 fires | .578125-1
    assert membranes.flatten().tolist() == [0.75, 1.125, 0.3125, 1.15625, -0.421875]
    assert spikes.flatten().tolist() == [0, 1, 0, 1, 0]


def test_trajectory_and_gradient_by_hand_where_a_spike_empties_the_membrane() -> None:
    current = torch.tensor([0.75, 0.75, 0.75, 1.0, 0.25]).unsqueeze(1).requires_grad_()
    spikes, membranes = lif_scan(current, beta=0.5, threshold=1.0, surrogate=StraightThrough(), reset="zero")
    # .75 | .375+.75 fires | 0+.75 | .375+1 fires | 0+.25
    assert membranes.flatten().tolist() == [0.75, 1.125, 0.75, 1.375, 0.25]
    assert spikes.flatten().tolist() == [0, 1, 0, 1, 0]
    (gradient,) = torch.autograd.grad(membranes.sum(), current)  # a current counts until the next spike
    assert gradient.flatten().tolist() == [1.5, 1.0, 1.5, 1.0, 1.0]


def test_an_unknown_reset_is_refused() -> None:
    with pytest.raises(ValueError, match="reset must be 'subtract' or 'zero', got 'none'"):
        lif_scan(torch.zeros(2, 1), beta=0.7, threshold=1.0, surrogate=ATan(), reset="none")  # type: ignore[arg-type]


def test_a_membrane_at_the_threshold_does_not_fire() -> None:
    spikes, membranes = lif_scan(torch.ones(3, 1), beta=0.0, threshold=1.0, surrogate=FastSigmoid())
    assert membranes.tolist() == [[1.0]] * 3
    assert spikes.sum() == 0


@pytest.mark.parametrize(
    ("surrogate", "derivative"),
    [
        (FastSigmoid(40.0), lambda u: 1 / (1 + 40 * abs(u)) ** 2),
        (ATan(1.5), lambda u: 0.75 / (1 + (math.pi / 2 * 1.5 * u) ** 2)),
        (Sigmoid(25.0), lambda u: 25 * math.exp(-25 * u) / (1 + math.exp(-25 * u)) ** 2),
        (StraightThrough(), lambda u: 1.0),
        (Triangle(0.5), lambda u: max(0.0, 1 - abs(u) / 0.5)),
    ],
)
def test_surrogate_derivatives(surrogate: Surrogate, derivative: Callable[[float], float]) -> None:
    points = torch.tensor([-1.5, -0.6, -0.3, -0.01, 0.0, 0.02, 0.4, 1.7])
    before = points.clone()
    expected = torch.tensor([derivative(u) for u in points.tolist()])
    torch.testing.assert_close(surrogate.derivative(points), expected, rtol=2e-5, atol=1e-8)
    assert torch.equal(points, before)
    assert torch.equal(surrogate.spike_function()(points), (points > 0).float())


def test_default_surrogate_is_the_published_one() -> None:
    assert FastSigmoid() == FastSigmoid(slope=40.0)


def test_sigmoid_is_finite_where_snntorch_overflows() -> None:
    current = torch.tensor([[-5.0], [-20.0], [0.9], [30.0]], requires_grad=True)
    ours, _ = lif_scan(current, beta=0.9, threshold=1.0, surrogate=Sigmoid(25.0))
    theirs, _ = stepped(current, 0.9, 1.0, Sigmoid(25.0))
    (gradient,) = torch.autograd.grad(ours.sum(), current)
    assert torch.isfinite(gradient).all()
    assert torch.isnan(torch.autograd.grad(theirs.sum(), current)[0]).any(), "the reason for our own form has gone"


def test_backward_is_repeatable_and_leaves_everything_in_place() -> None:
    current = torch.randn(6, 3, generator=torch.Generator().manual_seed(1)).requires_grad_()
    before = current.detach().clone()
    for surrogate in SURROGATES:
        spikes, membranes = lif_scan(current, beta=0.8, threshold=0.5, surrogate=surrogate)
        membranes_before = membranes.detach().clone()
        weight = torch.arange(18.0).view(6, 3)
        first, second = (
            torch.autograd.grad((spikes, membranes), current, (weight, weight), retain_graph=True)[0] for _ in range(2)
        )
        assert torch.equal(first, second)
        assert torch.equal(membranes, membranes_before)
        assert torch.equal(weight, torch.arange(18.0).view(6, 3))
    assert torch.equal(current, before)


def test_constant_current_given_as_an_expanded_view() -> None:
    image = torch.rand(2, 3, generator=torch.Generator().manual_seed(2)).requires_grad_()
    view = image.expand(5, 2, 3)
    spikes, membranes = lif_scan(view, beta=0.9, threshold=1.0, surrogate=ATan())
    expected = lif_scan(view.contiguous(), beta=0.9, threshold=1.0, surrogate=ATan())
    assert torch.equal(spikes, expected[0])
    assert torch.equal(membranes, expected[1])
    gradient, wanted = (torch.autograd.grad(m.sum(), image)[0] for m in (membranes, expected[1]))
    torch.testing.assert_close(gradient, wanted)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32(dtype: torch.dtype) -> None:
    current = torch.randn(20, 8, generator=torch.Generator().manual_seed(3)).to(dtype).requires_grad_()
    spikes, membranes = lif_scan(current, beta=0.95, threshold=1.0, surrogate=FastSigmoid())
    expected = lif_scan(current.detach().float(), beta=0.95, threshold=1.0, surrogate=FastSigmoid())
    assert spikes.dtype == membranes.dtype == torch.float32
    assert torch.equal(spikes, expected[0])
    assert torch.equal(membranes, expected[1])
    (gradient,) = torch.autograd.grad(spikes.sum(), current)
    assert gradient.dtype == dtype
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("shape", [(0, 2, 3), ()])
def test_no_time_step(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"at least one time step, got a current of shape \("):
        lif_scan(torch.zeros(shape), beta=0.7, threshold=1.0, surrogate=FastSigmoid())


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    sizes=st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 12), st.integers(1, 4)),
    in_cache=st.sampled_from([1, 20, 60, 2**17]),
    beta=st.sampled_from([0.0, 0.7, 1.0]) | st.floats(0, 1),
    threshold=st.sampled_from([1.0, 0.3]) | st.floats(0.05, 3),
    surrogate=st.sampled_from(SURROGATES),
    wanted=st.sets(st.sampled_from(["current", "weight", "bias"]), min_size=1),
    scale=st.sampled_from([0.3, 1.0, 4.0]),
    seed=st.integers(0, 2**31),
)
def test_neurons_and_linear_layer_equal_a_scan_and_the_layer(
    sizes: tuple[int, int, int, int],
    in_cache: int,
    beta: float,
    threshold: float,
    surrogate: Surrogate,
    wanted: set[str],
    scale: float,
    seed: int,
) -> None:
    time_steps, batch, hidden, classes = sizes
    generator = torch.Generator().manual_seed(seed)
    values = {
        "current": scale * (torch.randn(time_steps, batch, hidden, generator=generator) + 0.5),
        "weight": torch.randn(classes, hidden, generator=generator),
        "bias": torch.randn(classes, generator=generator),
    }
    direction = torch.randn(time_steps, batch, classes, generator=generator)
    results = []
    for together in (True, False):
        leaves = {name: value.clone().requires_grad_(name in wanted) for name, value in values.items()}
        current, neurons = leaves["current"].clone(), {"beta": beta, "threshold": threshold, "surrogate": surrogate}
        with patch.object(neurons_module, "IN_CACHE", in_cache):
            if together:
                outputs = lif_linear(current, leaves["weight"], leaves["bias"], **neurons)
            else:
                outputs = F.linear(lif_scan(current, **neurons)[0], leaves["weight"], leaves["bias"])
            results.append((outputs, *torch.autograd.grad((outputs * direction).sum(), [leaves[w] for w in wanted])))
    for mine, their in zip(*results, strict=True):
        torch.testing.assert_close(mine, their, rtol=1e-5, atol=1e-5 * max(1.0, float(their.detach().abs().max())))


@pytest.mark.parametrize("steps_at_once", [1, 2, 3, 5])
def test_the_gradient_goes_back_through_all_blocks_of_steps(steps_at_once: int) -> None:
    """Against plain autograd through snntorch; the last block may be shorter than the others."""
    generator = torch.Generator().manual_seed(0)
    values = [torch.randn(7, 2, 3, generator=generator) + 0.5, torch.randn(4, 3, generator=generator), torch.randn(4)]
    direction = torch.randn(7, 2, 4, generator=generator)
    theirs, ours = ([value.clone().requires_grad_() for value in values] for _ in range(2))
    expected = F.linear(stepped(theirs[0], 0.9, 0.5, FastSigmoid(2.0))[0], *theirs[1:])
    wanted = torch.autograd.grad((expected * direction).sum(), theirs)
    neurons = {"beta": 0.9, "threshold": 0.5, "surrogate": FastSigmoid(2.0)}
    with patch.object(neurons_module, "IN_CACHE", 6 * steps_at_once):
        outputs = lif_linear(ours[0].clone(), *ours[1:], **neurons)
        found = torch.autograd.grad((outputs * direction).sum(), ours)
    torch.testing.assert_close(outputs, expected)
    for mine, their in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, their, rtol=1e-4, atol=1e-5)
    assert wanted[0].abs().min() > 1e-3, "every current counts"


@pytest.mark.parametrize("shape", [(3, 0, 4), (3, 2, 0)])
def test_neurons_and_linear_layer_without_samples_or_neurons(shape: tuple[int, int, int]) -> None:
    weight = torch.ones(2, shape[2])
    outputs = lif_linear(torch.zeros(shape), weight, torch.ones(2), beta=0.7, threshold=1.0, surrogate=ATan())
    assert torch.equal(outputs, torch.ones(3, shape[1], 2))


def test_neurons_and_linear_layer_on_a_transposed_current() -> None:
    current, weight, bias = torch.randn(5, 4, 6), torch.randn(3, 6), torch.randn(3)
    gradients = []
    for move in (lambda x: x.clone().transpose(0, 1), lambda x: x.transpose(0, 1).contiguous()):
        leaf = current.clone().requires_grad_()
        outputs = lif_linear(move(leaf), weight, bias, beta=0.7, threshold=1.0, surrogate=ATan())
        gradients.append(torch.autograd.grad(outputs.sum(), leaf)[0])
    assert torch.equal(*gradients)


def test_neurons_and_linear_layer_refuse_to_be_differentiated_twice() -> None:
    current = torch.rand(2, 1, 3, requires_grad=True)
    neurons = {"beta": 0.5, "threshold": 1.0, "surrogate": FastSigmoid()}
    outputs = lif_linear(current.clone(), torch.ones(1, 3), torch.ones(1), **neurons).sum()
    torch.autograd.grad(outputs, current, retain_graph=True)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):  # no wrong gradient
        torch.autograd.grad(outputs, current)


def test_neurons_and_linear_layer_in_half_precision() -> None:
    current = torch.randn(20, 2, 8, generator=torch.Generator().manual_seed(3)).bfloat16()
    constants = {"beta": 0.95, "threshold": 1.0, "surrogate": FastSigmoid()}
    weight, bias = torch.eye(8), torch.zeros(8)
    assert torch.equal(lif_linear(current, weight, bias, **constants), lif_scan(current.float(), **constants)[0])


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 3)])
def test_neurons_and_linear_layer_need_time_and_batch(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"at least one time step, got a current of shape \("):
        lif_linear(torch.zeros(shape), torch.ones(2, 3), torch.ones(2), beta=0.7, threshold=1.0, surrogate=ATan())
