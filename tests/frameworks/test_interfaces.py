"""The interfaces against the frameworks themselves: answers and gradients are written out in plain framework code."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import tutorial_networks as tutorials
from torch import Tensor, nn
from toys import Triangle
from tutorial_networks import CLASSES, HIDDEN, MEAN, STD, STEPS

from brainleaks_pl.networks.surrogates import ATan, FastSigmoid, Surrogate
from brainleaks_pl.targets.interfaces import (
    Interface,
    NonSpiking,
    Norse,
    Rockpool,
    Sinabs,
    Snntorch,
    SpikingJelly,
)
from brainleaks_pl.targets.weights import load_weights


def pictures(size: int, seed: int) -> tuple[Tensor, Tensor]:
    """Noisy pictures of a horizontal bar, a vertical bar and a ring, and their labels."""
    generator = torch.Generator().manual_seed(seed)
    shapes = torch.zeros(CLASSES, 1, 12, 12)
    shapes[0, :, 5:7, 1:11] = 0.8
    shapes[1, :, 1:11, 5:7] = 0.8
    shapes[2, :, 2:10, 2:10] = 0.8
    shapes[2, :, 4:8, 4:8] = 0
    labels = torch.arange(size) % CLASSES
    return shapes[labels] + 0.2 * torch.rand(size, 1, 12, 12, generator=generator), labels


IMAGES, LABELS = pictures(60, seed=1)
SPIKES = (torch.rand(STEPS, *IMAGES.shape, generator=torch.Generator().manual_seed(2)) < IMAGES).float()
FEW = 4
IMPORT = re.compile("(import|from) ")  # not indented


# Networks beside the trained ones: other layouts, other answers


class Static(nn.Module):
    """snntorch, tutorial 5: an image ``(B, C * H * W)``, shown at every step."""

    def __init__(self) -> None:
        import snntorch as snn

        super().__init__()
        self.fc1, self.lif1 = nn.Linear(144, HIDDEN), snn.Leaky(beta=0.9)
        self.fc2, self.lif2 = nn.Linear(HIDDEN, CLASSES), snn.Leaky(beta=0.9)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        spk2_rec, mem2_rec = [], []
        for _ in range(STEPS):
            spk1, mem1 = self.lif1(self.fc1(x), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spk2_rec.append(spk2)
            mem2_rec.append(mem2)
        return torch.stack(spk2_rec), torch.stack(mem2_rec)


def snntorch_synaptic(slope: float = 25) -> nn.Module:
    """Neurons of second order in a nested module, which return spikes, currents and membranes."""
    import snntorch as snn
    from snntorch import surrogate

    made = {"alpha": 0.7, "beta": 0.8, "spike_grad": surrogate.fast_sigmoid(slope), "init_hidden": True}
    hidden = nn.Sequential(nn.Flatten(), nn.Linear(144, HIDDEN), snn.Synaptic(**made))
    return nn.Sequential(hidden, nn.Linear(HIDDEN, CLASSES), snn.Synaptic(**made, output=True))


def spikingjelly_alpha(alpha: float = 2.0) -> nn.Module:
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    net = nn.Sequential(
        layer.Flatten(),
        layer.Linear(144, HIDDEN),
        neuron.LIFNode(surrogate_function=surrogate.ATan(alpha)),
        layer.Linear(HIDDEN, CLASSES),
        neuron.IFNode(surrogate_function=surrogate.ATan(alpha)),
    )
    functional.set_step_mode(net, "m")
    return net


def spikingjelly_membranes() -> nn.Module:
    from spikingjelly.activation_based import functional, layer, neuron

    hidden = [layer.Flatten(), layer.Linear(144, HIDDEN), neuron.LIFNode(), layer.Linear(HIDDEN, CLASSES)]
    net = nn.Sequential(*hidden, neuron.NonSpikingLIFNode(tau=2.0))
    functional.set_step_mode(net, "m")
    return net


def norse_lifted(method: str = "super") -> nn.Module:
    """Modules with time: ``(T, B, ...)``, and a state beside the output."""
    import norse.torch as norse

    p = norse.LIFParameters(v_th=torch.as_tensor(0.1), method=method, alpha=torch.as_tensor(0.5))
    return norse.SequentialState(
        nn.Flatten(2), nn.Linear(144, HIDDEN), norse.LIF(p), nn.Linear(HIDDEN, CLASSES), norse.LI()
    )


def norse_cells(kind: str = "LIFCell", method: str = "super") -> nn.Module:
    """Cells, called with a state, step by step."""
    import norse.torch as norse

    p: Any = norse.LIFParameters(v_th=torch.as_tensor(0.1), method=method)
    if kind == "LIFRefracCell":
        p = norse.LIFRefracParameters(p)
    cell = getattr(norse, kind)(p)
    return norse.SequentialState(nn.Flatten(), nn.Linear(144, HIDDEN), cell, nn.Linear(HIDDEN, CLASSES), norse.LICell())


def sinabs_surrogate(surrogate_grad_fn: Any = None, spike_fn: Any = None, **settings: Any) -> nn.Module:
    """Layers on ``(B, T, ...)`` that emit spikes, or as many as are due with the ``spike_fn`` ``MultiSpike``."""
    from sinabs.activation import SingleExponential, SingleSpike
    from sinabs.layers import IAF, LIF

    made = {
        "spike_fn": SingleSpike if spike_fn is None else spike_fn,
        "surrogate_grad_fn": SingleExponential() if surrogate_grad_fn is None else surrogate_grad_fn,
    }
    hidden = LIF(tau_mem=10.0, tau_syn=5.0, norm_input=False, **made)
    return nn.Sequential(nn.Flatten(2), nn.Linear(144, HIDDEN), hidden, nn.Linear(HIDDEN, CLASSES), IAF(**made))


def sinabs_membranes() -> nn.Module:
    from sinabs.layers import LIF, ExpLeak

    hidden = [nn.Flatten(2), nn.Linear(144, HIDDEN), LIF(tau_mem=10.0, norm_input=False)]
    return nn.Sequential(*hidden, nn.Linear(HIDDEN, CLASSES), ExpLeak(tau_mem=10.0))


def sinabs_unflattened(batch_size: int = 30) -> nn.Module:
    """Layers that fold time, and one that unfolds it, told the batch size of training."""
    from sinabs.layers import IAFSqueeze, UnflattenTime

    hidden = [nn.Flatten(), nn.Linear(144, HIDDEN), IAFSqueeze(batch_size=batch_size)]
    return nn.Sequential(*hidden, nn.Linear(HIDDEN, CLASSES), UnflattenTime(batch_size=batch_size))


def rockpool_surrogate(spike_generation_fn: Any = None, most: float = 1.0) -> nn.Module:
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch, LinearTorch
    from rockpool.nn.modules.torch.lif_torch import PeriodicExponential

    own = PeriodicExponential if spike_generation_fn is None else spike_generation_fn
    made = {"spike_generation_fn": own, "max_spikes_per_dt": most}
    return Sequential(
        LinearTorch((144, HIDDEN)), LIFTorch(HIDDEN, **made), LinearTorch((HIDDEN, CLASSES)), LIFTorch(CLASSES, **made)
    )


def rockpool_membranes() -> nn.Module:
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import ExpSynTorch, LIFTorch, LinearTorch

    return Sequential(
        LinearTorch((144, HIDDEN)), LIFTorch(HIDDEN), LinearTorch((HIDDEN, CLASSES)), ExpSynTorch(CLASSES)
    )


# What the frameworks themselves say: the reset, the call and the answer, in their own code


def _snntorch_loop(net: Any, x: Tensor) -> Tensor:
    return net(x)[0].sum(0)


def _snntorch_loop_membranes(net: Any, x: Tensor) -> Tensor:
    return net(x)[1]


def _snntorch_static(net: Any, x: Tensor) -> Tensor:
    return net(x.flatten(1))[0].sum(0)


def _snntorch_sequential(net: Any, x: Tensor, element: int = 0) -> Tensor:
    for layer in net.modules():
        if hasattr(layer, "reset_mem"):
            layer.reset_mem()
    return torch.stack([net(step)[element] for step in x])


def _spikingjelly(net: Any, x: Tensor) -> Tensor:
    from spikingjelly.activation_based import functional

    functional.reset_net(net)
    return net(x).sum(0)


def _spikingjelly_steps(net: Any, x: Tensor) -> Tensor:
    from spikingjelly.activation_based import functional

    functional.reset_net(net)
    total = torch.zeros(())
    for step in x:
        total = total + net(step)
    return total / len(x)


def _spikingjelly_membranes(net: Any, x: Tensor) -> Tensor:
    from spikingjelly.activation_based import functional

    functional.reset_net(net)
    return torch.stack(net(x)).mean(0)


def _norse(net: Any, x: Tensor) -> Tensor:
    return torch.max(net(x), 0).values


def _norse_lifted(net: Any, x: Tensor) -> Tensor:
    voltages, _ = net(x)
    return voltages[-1]


def _norse_cells(net: Any, x: Tensor) -> Tensor:
    voltages, state = [], None
    for step in x:
        voltage, state = net(step, state)
        voltages.append(voltage)
    return torch.stack(voltages).max(0).values


def _sinabs_squeezed(net: Any, x: Tensor) -> Tensor:
    import sinabs

    sinabs.reset_states(net)
    sinabs.set_batch_size(net, x.shape[1])
    return net(x.transpose(0, 1).flatten(0, 1)).unflatten(0, (x.shape[1], len(x))).sum(1)


def _sinabs(net: Any, x: Tensor) -> Tensor:
    import sinabs

    sinabs.reset_states(net)
    return net(x.transpose(0, 1)).sum(1)


def _sinabs_membranes(net: Any, x: Tensor) -> Tensor:
    import sinabs

    sinabs.reset_states(net)
    return net(x.transpose(0, 1)).transpose(0, 1)


def _sinabs_unflattened(net: Any, x: Tensor) -> Tensor:
    import sinabs

    sinabs.reset_states(net)
    sinabs.set_batch_size(net, x.shape[1])
    net[-1].batch_size = x.shape[1]
    return net(x.transpose(0, 1).flatten(0, 1)).mean(1)


def _rockpool(net: Any, x: Tensor) -> Tensor:
    net.reset_state()
    output, _, _ = net(x.flatten(2).transpose(0, 1))
    return output.sum(1)


def _rockpool_last(net: Any, x: Tensor) -> Tensor:
    net.reset_state()
    output, _, _ = net(x.flatten(2).transpose(0, 1))
    return output[:, -1]


def _rockpool_record(net: Any, x: Tensor) -> Tensor:
    net.reset_state()
    _, _, record = net(x.flatten(2).transpose(0, 1), record=True)
    return record["3_LIFTorch"]["vmem"].amax(1)


def _ann(net: Any, x: Tensor) -> Tensor:
    return net((x - MEAN) / STD)


@dataclass(frozen=True)
class Case:
    """A network, the interface that calls it, and its framework's own answers, ``(B, K)`` or ``(T, B, K)``."""

    framework: str
    interface: Interface
    build: Callable[[], nn.Module]
    answers: Callable[[Any, Tensor], Tensor]
    train: Callable[[Tensor, Tensor], nn.Module] | None = None
    neurons: int = 2


CASES = {
    "snntorch loop": Case(
        "snntorch", Snntorch(), tutorials.snntorch_loop, _snntorch_loop, tutorials.train_snntorch_loop
    ),
    "snntorch loop, membranes": Case(
        "snntorch",
        Snntorch(answer="membranes"),
        tutorials.snntorch_loop,
        _snntorch_loop_membranes,
        tutorials.train_snntorch_loop,
    ),
    "snntorch static": Case("snntorch", Snntorch(layout="image", flatten=True), Static, _snntorch_static),
    "snntorch sequential": Case(
        "snntorch",
        Snntorch(layout="step_by_step"),
        tutorials.snntorch_sequential,
        lambda net, x: _snntorch_sequential(net, x).sum(0),
        tutorials.train_snntorch_sequential,
    ),
    "snntorch sequential, membranes": Case(
        "snntorch",
        Snntorch(layout="step_by_step", answer="membrane_sum"),
        tutorials.snntorch_sequential,
        lambda net, x: _snntorch_sequential(net, x, 1).sum(0),
        tutorials.train_snntorch_sequential,
    ),
    "snntorch synaptic, membranes": Case(
        "snntorch",
        Snntorch(layout="step_by_step", answer="membranes"),
        snntorch_synaptic,
        lambda net, x: _snntorch_sequential(net, x, 2),
    ),
    "spikingjelly m": Case(
        "spikingjelly",
        SpikingJelly(),
        tutorials.spikingjelly_multi_step,
        _spikingjelly,
        tutorials.train_spikingjelly_multi_step,
    ),
    "spikingjelly s": Case(
        "spikingjelly",
        SpikingJelly(layout="step_by_step", answer="spike_rate"),
        tutorials.spikingjelly_single_step,
        _spikingjelly_steps,
    ),
    "spikingjelly membranes": Case(
        "spikingjelly",
        SpikingJelly(answer="membrane_mean"),
        spikingjelly_membranes,
        _spikingjelly_membranes,
        neurons=1,
    ),
    "norse loop": Case(
        "norse", Norse(), tutorials.norse_sequential, _norse, tutorials.train_norse_sequential, neurons=1
    ),
    "norse with time": Case("norse", Norse(answer="membrane_last"), norse_lifted, _norse_lifted, neurons=1),
    "norse cells": Case("norse", Norse(layout="step_by_step"), norse_cells, _norse_cells, neurons=1),
    "sinabs squeezed": Case(
        "sinabs", Sinabs(), tutorials.sinabs_squeezed, _sinabs_squeezed, tutorials.train_sinabs_squeezed
    ),
    "sinabs": Case("sinabs", Sinabs(layout="batch_first"), sinabs_surrogate, _sinabs),
    "sinabs membranes": Case(
        "sinabs", Sinabs(layout="batch_first", answer="membranes"), sinabs_membranes, _sinabs_membranes, neurons=1
    ),
    "sinabs unflattened": Case(
        "sinabs", Sinabs(answer="membrane_mean"), sinabs_unflattened, _sinabs_unflattened, neurons=1
    ),
    "rockpool": Case(
        "rockpool", Rockpool(), tutorials.rockpool_sequential, _rockpool, tutorials.train_rockpool_sequential
    ),
    "rockpool record": Case("rockpool", Rockpool(answer="membrane_max"), rockpool_surrogate, _rockpool_record),
    "rockpool membranes": Case(
        "rockpool", Rockpool(answer="membrane_last"), rockpool_membranes, _rockpool_last, neurons=1
    ),
    "torch": Case(
        "torch",
        NonSpiking(mean=(MEAN,), std=(STD,)),
        tutorials.plain_sequential,
        _ann,
        tutorials.train_plain_sequential,
        neurons=0,
    ),
}
SPIKING = {name: case for name, case in CASES.items() if case.interface.spiking}
STATEFUL = {name: case for name, case in SPIKING.items() if case.framework != "norse"}
all_cases = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
spiking_cases = pytest.mark.parametrize("case", SPIKING.values(), ids=SPIKING.keys())
stateful_cases = pytest.mark.parametrize("case", STATEFUL.values(), ids=STATEFUL.keys())


@pytest.fixture(autouse=True)
def _own_randomness() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


@cache
def _trained(train: Callable[[Tensor, Tensor], nn.Module]) -> nn.Module:
    return train(*pictures(60, seed=0)).eval()


def untrained(build: Callable[[], nn.Module], gain: float = 4.0) -> nn.Module:
    """A network whose weights are the same at every call, and large enough for its neurons to fire."""
    torch.manual_seed(3)
    net = build().eval()
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if weight.ndim > 1 and "recurrent" not in name:
                weight.mul_(gain)
    return net


def network_of(case: Case) -> nn.Module:
    pytest.importorskip(case.framework)
    if not case.train:
        return untrained(case.build)
    weights, net = _trained(case.train).state_dict(), case.build().eval()
    net.load_state_dict({name: value for name, value in weights.items() if not case.interface.transient(name)}, False)
    return net


def inputs_of(case: Case, size: int = FEW) -> Tensor:
    return SPIKES[:, :size] if case.interface.takes_spikes else IMAGES[:size]


def gradient(answers: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """The gradient of the confidence in class 0: the softmax, averaged over time."""
    x = x.clone().requires_grad_()
    said = answers(x)
    tempered = said / said.detach().std().clamp(min=1)
    confidence = F.softmax(tempered, dim=-1)[..., 0].view(-1, x.shape[-4]).mean(0)
    (found,) = torch.autograd.grad(confidence.sum(), x)
    return found


def assert_same_gradient(found: Tensor, expected: Tensor) -> None:
    assert expected.abs().max() > 1e-9
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6 * expected.abs().max().item())


def differs(found: Tensor, other: Tensor) -> bool:
    return bool((found - other).abs().max() > 1e-3 * other.abs().max())


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.train])
def test_tutorial_networks_learn_their_classes(name: str) -> None:
    case = CASES[name]
    answers = case.interface.logits(network_of(case), inputs_of(case, len(IMAGES)))
    assert (answers.softmax(-1).mean(0).argmax(1) == LABELS).float().mean() > 0.9


@all_cases
def test_answers_are_the_frameworks_own(case: Case) -> None:
    net, x = network_of(case), inputs_of(case)
    expected = case.answers(copy.deepcopy(net), x)
    answers = case.interface.logits(net, x)
    assert answers.shape == (expected.shape[0] if expected.ndim == 3 else 1, FEW, CLASSES)
    assert torch.equal(answers, expected if expected.ndim == 3 else expected.unsqueeze(0))
    assert answers.std() > 0


@all_cases
def test_input_gradients_are_the_frameworks_own(case: Case) -> None:
    net, x = network_of(case), inputs_of(case)
    expected = gradient(lambda x: case.answers(copy.deepcopy(net), x), x)
    assert_same_gradient(gradient(lambda x: case.interface.logits(net, x), x), expected)


@all_cases
def test_two_calls_agree_whatever_was_asked_between(case: Case) -> None:
    net, x = network_of(case), inputs_of(case)
    first = case.interface.logits(net, x)
    with torch.inference_mode():
        case.interface.logits(net, inputs_of(case, FEW + 3).flip(-1))
    assert torch.equal(case.interface.logits(net, x), first)
    gradient(lambda x: case.interface.logits(net, x), x)


@all_cases
def test_a_samples_answer_does_not_depend_on_its_batch(case: Case) -> None:
    net, x = network_of(case), inputs_of(case)
    together = case.interface.logits(net, x)
    alone = torch.cat([case.interface.logits(net, x[..., i : i + 1, :, :, :]) for i in range(FEW)], 1)
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-4)


@all_cases
def test_two_answers_can_be_differentiated_together(case: Case) -> None:
    net, x = network_of(case), inputs_of(case)
    twice = gradient(lambda x: (case.interface.logits(net, x) + case.interface.logits(net, x.clone())) / 2, x)
    assert_same_gradient(twice, gradient(lambda x: case.interface.logits(net, x), x))


@stateful_cases
def test_a_network_that_was_called_can_be_copied_stored_and_loaded(case: Case, tmp_path: Path) -> None:
    net, x = network_of(case), inputs_of(case).clone().requires_grad_()
    expected = case.interface.logits(net, x)
    copy.deepcopy(net)
    fresh = case.build().eval()
    fresh.load_state_dict(net.state_dict())  # a checkpoint's way
    assert torch.equal(case.interface.logits(fresh, x), expected)

    case.answers(net, inputs_of(case, FEW + 3))  # leaves its state behind, as the framework's own loops do
    torch.save({name: value.clone() for name, value in net.state_dict().items()}, tmp_path / "net.pt")
    fresh = case.build().eval()
    load_weights(fresh, case.interface, tmp_path / "net.pt")
    assert torch.equal(case.interface.logits(fresh, x), expected)


def test_states_that_other_versions_store_are_no_weights() -> None:
    assert Snntorch().transient("lif1.mem")
    assert Snntorch().transient("block.0.syn")
    assert Sinabs().transient("1.v_mem")
    assert Sinabs().transient("1.i_syn")
    assert Rockpool().transient("1_LIFTorch.vmem")
    for interface in (Snntorch(), SpikingJelly(), Norse(), Sinabs(), Rockpool()):
        for weight in ("fc1.weight", "fc1.bias", "lif1.beta", "lif1.threshold", "0.spike_threshold", "membrane.weight"):
            assert not interface.transient(weight)


@pytest.mark.parametrize("surrogate", [ATan(alpha=3.0), FastSigmoid(slope=7.0), Triangle(width=2.0)], ids=str)
@spiking_cases
def test_an_exchanged_surrogate_changes_the_gradient_alone_and_is_put_back(case: Case, surrogate: Surrogate) -> None:
    net, x, interface = network_of(case), inputs_of(case), case.interface
    assert len(interface.neurons(net)) == case.neurons
    answers, own = interface.logits(net, x), gradient(lambda x: interface.logits(net, x), x)
    names = list(net.state_dict())
    with interface.using_surrogate(net, surrogate):
        assert torch.equal(interface.logits(net, x), answers)
        other = gradient(lambda x: interface.logits(net, x), x)
        assert list(net.state_dict()) == names
    assert other.isfinite().all()
    assert other.abs().max() > 0
    assert differs(other, own)
    assert torch.equal(gradient(lambda x: interface.logits(net, x), x), own)

    with pytest.raises(RuntimeError, match="inside"), interface.using_surrogate(net, surrogate):
        raise RuntimeError("inside")
    with interface.using_surrogate(net, FastSigmoid(2.0)), interface.using_surrogate(net, surrogate):
        assert torch.equal(gradient(lambda x: interface.logits(net, x), x), other)
    assert torch.equal(gradient(lambda x: interface.logits(net, x), x), own)


@dataclass(frozen=True)
class Exponential(Surrogate):
    """sinabs' ``SingleExponential`` at the threshold 1, as a user's own surrogate."""

    def spike_function(self) -> Any:
        raise AssertionError("the derivative is all that is asked for")

    def derivative(self, centred: Tensor) -> Tensor:
        return 2 * torch.exp(-2 * centred.abs())


@dataclass(frozen=True)
class Window(Exponential):
    """rockpool's ``StepPWL`` at the threshold 1 and the window 0.5."""

    def derivative(self, centred: Tensor) -> Tensor:
        return (centred >= -0.5).to(centred.dtype)


@dataclass(frozen=True)
class Tanh(Exponential):
    """norse's method ``tanh`` at alpha 0.5."""

    def derivative(self, centred: Tensor) -> Tensor:
        return 1 - (0.5 * centred).tanh().pow(2)


def _rockpool_step() -> nn.Module:
    from rockpool.nn.modules.torch.lif_torch import StepPWL

    return rockpool_surrogate(StepPWL)


def _rockpool_sigmoid() -> nn.Module:
    def spikes(vmem: Tensor, threshold: Tensor, window: Any, most: Any) -> Tensor:
        return FastSigmoid(3.0).spike_function()(vmem - threshold)

    return rockpool_surrogate(SimpleNamespace(apply=spikes))


def _sinabs_gaussian(spike_fn: Any = None) -> nn.Module:
    from sinabs.activation import Gaussian

    return sinabs_surrogate(Gaussian(), spike_fn)


@pytest.mark.parametrize(
    ("framework", "interface", "built", "exchanged", "surrogate"),
    [
        pytest.param(
            "snntorch",
            Snntorch(layout="step_by_step"),
            lambda: snntorch_synaptic(5),
            snntorch_synaptic,
            FastSigmoid(5.0),
            id="snntorch",
        ),
        pytest.param(
            "spikingjelly",
            SpikingJelly(),
            lambda: spikingjelly_alpha(3.0),
            spikingjelly_alpha,
            ATan(3.0),
            id="spikingjelly",
        ),
        pytest.param("norse", Norse(), lambda: norse_lifted("tanh"), norse_lifted, Tanh(), id="norse"),
        pytest.param(  # norse 1.1 leaves alpha out of superspike's derivative
            "norse", Norse(), norse_lifted, lambda: norse_lifted("tanh"), FastSigmoid(1.0), id="norse's superspike"
        ),
        pytest.param(
            "sinabs", Sinabs(layout="batch_first"), sinabs_surrogate, _sinabs_gaussian, Exponential(), id="sinabs"
        ),
        pytest.param("rockpool", Rockpool(), _rockpool_step, rockpool_surrogate, Window(), id="rockpool"),
        pytest.param(  # far above the threshold, too, it is the one threshold that counts
            "rockpool", Rockpool(), _rockpool_sigmoid, rockpool_surrogate, FastSigmoid(3.0), id="rockpool, one spike"
        ),
    ],
)
def test_an_exchanged_surrogate_equals_a_network_built_with_it(
    framework: str, interface: Interface, built: Any, exchanged: Any, surrogate: Surrogate
) -> None:
    pytest.importorskip(framework)
    native, net, x = untrained(built), untrained(exchanged), SPIKES[:, :FEW]
    expected = gradient(lambda x: interface.logits(native, x), x)
    assert differs(gradient(lambda x: interface.logits(net, x), x), expected)
    with interface.using_surrogate(net, surrogate):
        assert_same_gradient(gradient(lambda x: interface.logits(net, x), x), expected)


def test_several_spikes_per_step_have_a_surrogate_at_each_threshold() -> None:
    sinabs = pytest.importorskip("sinabs")

    def nearest(v_mem: Tensor, threshold: Tensor) -> Tensor:
        return FastSigmoid(3.0).derivative(v_mem - threshold * (v_mem / threshold).round().clamp(min=1))

    many = sinabs.activation.MultiSpike
    native = untrained(lambda: sinabs_surrogate(nearest, many), gain=8)
    net = untrained(lambda: sinabs_surrogate(None, many), gain=8)
    interface, x = Sinabs(layout="batch_first"), SPIKES[:, :FEW]
    assert interface.outputs(net, x).max() > 1
    expected = gradient(lambda x: interface.logits(native, x), x)
    with interface.using_surrogate(net, FastSigmoid(3.0)):
        assert_same_gradient(gradient(lambda x: interface.logits(net, x), x), expected)


@pytest.mark.parametrize("kind", ["LIFCell", "LIFExCell", "LIFAdExCell", "LIFRefracCell"])
def test_norses_neurons_take_a_surrogate(kind: str) -> None:
    norse = pytest.importorskip("norse.torch")
    if kind == "LIFCell" or kind == "LIFRefracCell":
        net = norse_cells(kind)
    else:
        parameters = getattr(norse, f"{kind.removesuffix('Cell')}Parameters")(v_th=torch.as_tensor(0.1))
        net = norse_cells()
        net[2] = getattr(norse, kind)(parameters)
    net = untrained(lambda: net, gain=2)
    interface, x = Norse(layout="step_by_step"), SPIKES[:, :FEW]
    assert len(interface.neurons(net)) == 1
    own = gradient(lambda x: interface.logits(net, x), x)
    with interface.using_surrogate(net, FastSigmoid(1.0)):  # norse's own method
        assert_same_gradient(gradient(lambda x: interface.logits(net, x), x), own)
    with interface.using_surrogate(net, FastSigmoid(9.0)):
        assert differs(gradient(lambda x: interface.logits(net, x), x), own)


def test_norses_neurons_that_cannot_take_a_surrogate_say_which_can() -> None:
    pytest.importorskip("norse")
    net, interface = norse_cells(method="adjoint"), Norse(layout="step_by_step")
    with pytest.raises(ValueError, match=r"LIFCell does not take.*LIFRecurrent.*adjoint"):
        interface.exchange(interface.neurons(net)[0], ATan())


def test_spikingjellys_neurons_fire_at_the_very_threshold_under_any_surrogate() -> None:
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    net, interface = neuron.IFNode(step_mode="m"), SpikingJelly()
    at_threshold = torch.ones(1, 1, 1)
    assert interface.outputs(net, at_threshold).item() == 1
    with interface.using_surrogate(net, FastSigmoid()):
        assert interface.outputs(net, at_threshold).item() == 1


def test_a_module_as_surrogate_is_put_back_as_the_same_module() -> None:
    pytest.importorskip("spikingjelly")
    net, interface = spikingjelly_alpha(), SpikingJelly()
    own = [module.surrogate_function for module in interface.neurons(net)]
    with interface.using_surrogate(net, ATan()):
        assert not any(module.surrogate_function in own for module in interface.neurons(net))
    assert [module.surrogate_function for module in interface.neurons(net)] == own


def test_sinabs_draws_nothing_when_the_batch_changes() -> None:
    pytest.importorskip("sinabs")
    net, interface = untrained(sinabs_surrogate), Sinabs(layout="batch_first")
    interface.logits(net, SPIKES[:, :FEW])
    before = torch.get_rng_state()
    interface.logits(net, SPIKES[:, : FEW + 1])
    assert torch.equal(torch.get_rng_state(), before)


def test_other_networks_are_left_alone_by_a_reset() -> None:
    pytest.importorskip("snntorch")
    net, other = (untrained(tutorials.snntorch_sequential) for _ in range(2))
    other(SPIKES[0, :FEW])
    membranes = other[-1].mem.clone()
    Snntorch(layout="step_by_step").logits(net, SPIKES[:, :FEW])
    assert torch.equal(other[-1].mem, membranes)
    assert membranes.abs().max() > 0


def test_rockpool_reads_what_its_save_has_written(tmp_path: Path) -> None:
    pytest.importorskip("rockpool")
    net: Any = _trained(tutorials.train_rockpool_sequential)
    x, path = SPIKES[:, :FEW], tmp_path / "net.json"
    net.save(path)
    fresh = untrained(tutorials.rockpool_sequential)
    load_weights(fresh, Rockpool(), path)
    torch.testing.assert_close(Rockpool().logits(fresh, x), Rockpool().logits(net, x))


@pytest.mark.parametrize("wrong", ["lacks a layer", "has another shape", "is no file of rockpool"])
def test_rockpool_refuses_what_does_not_fit(wrong: str, tmp_path: Path) -> None:
    import json

    pytest.importorskip("rockpool")
    net: Any = tutorials.rockpool_sequential()
    net.save(tmp_path / "net.json")
    content = json.loads((tmp_path / "net.json").read_text())
    if wrong == "lacks a layer":
        del content["0_LinearTorch"]
    elif wrong == "has another shape":
        content["0_LinearTorch"]["weight"] = json.dumps([[0.0]])
    (tmp_path / "net.json").write_text("[1" if wrong.startswith("is no") else json.dumps(content))
    fresh = untrained(tutorials.rockpool_sequential)
    before = {name: value.clone() for name, value in fresh.state_dict().items()}
    with pytest.raises(ValueError, match=r"net\.json"):
        load_weights(fresh, Rockpool(), tmp_path / "net.json")
    assert all(torch.equal(value, before[name]) for name, value in fresh.state_dict().items())


def test_normalisation_is_the_one_of_training() -> None:
    net = _trained(tutorials.train_plain_sequential)
    scaled = replace(CASES["torch"].interface, scale=1 / 255)
    torch.testing.assert_close(scaled.logits(net, IMAGES * 255), CASES["torch"].interface.logits(net, IMAGES))


def test_frameworks_are_imported_only_where_they_are_used() -> None:
    frameworks = {case.framework for case in CASES.values()} - {"torch"}
    for path in Path(sys.modules[Norse.__module__].__file__ or "").parent.glob("*.py"):
        imported = [line.split()[1].partition(".")[0] for line in path.read_text().splitlines() if IMPORT.match(line)]
        assert not frameworks.intersection(imported), path
