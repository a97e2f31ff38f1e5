"""Layers of neurons as modules: each with its own constants, against stepping snntorch with the same."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest
import snntorch
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from toys import Triangle

from brainleaks_pl import LIF, ATan, Classifier, FastSigmoid, Sigmoid, StraightThrough, TimeFirst
from brainleaks_pl.networks import lif as lif_module
from brainleaks_pl.networks.lif import neurons_and_linear

GENERATOR = torch.Generator().manual_seed(0)
SPIKES = (torch.rand(9, 4, 2, 3, 3, generator=GENERATOR) < 0.4).float()


class ThreeLayers(nn.Module):
    """A network as a user would write it: every layer of neurons has constants of its own."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.ModuleList([nn.Linear(18, 12), nn.Linear(12, 10), nn.Linear(10, 3)])
        self.neurons = nn.ModuleList(
            [
                LIF(0.9, 0.5, ATan(1.5)),
                LIF(0.3, 0.2, Triangle(0.7), reset="zero"),
                LIF(1.0, 2.0, FastSigmoid(3.0), reset="zero"),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        signal = x.flatten(2)
        for layer, neurons in zip(self.layers, self.neurons, strict=True):
            signal, membranes = neurons(layer(signal))
        return membranes


def stepped(network: ThreeLayers, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    """The last membranes and all spikes, with snntorch's neurons called once a step."""
    leaky = [
        snntorch.Leaky(
            beta=own.beta,
            threshold=own.threshold,
            spike_grad=own.surrogate.spike_function(),
            reset_mechanism=own.reset,
        )
        for own in network.neurons
    ]
    membranes: list[Tensor] = [torch.zeros(4, layer.out_features) for layer in network.layers]
    outputs, fired = [], [[] for _ in leaky]
    for step in x:
        signal = step.flatten(1)
        for index, (layer, neuron) in enumerate(zip(network.layers, leaky, strict=True)):
            signal, membranes[index] = neuron(layer(signal), membranes[index])
            fired[index].append(signal)
        outputs.append(membranes[-1])
    return torch.stack(outputs), [torch.stack(spikes) for spikes in fired]


def test_every_layer_has_its_own_constants() -> None:
    network, x = ThreeLayers(), SPIKES.clone().requires_grad_()
    with torch.no_grad():
        for layer in network.layers:
            layer.weight.mul_(3)
    ours, (theirs, fired) = network(x), stepped(network, x)
    assert all(0.05 < spikes.mean() < 0.95 for spikes in fired), "a silent layer would show nothing"
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    direction = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1))
    wanted = [x, *network.parameters()]
    for mine, their in zip(
        torch.autograd.grad((ours * direction).sum(), wanted),
        torch.autograd.grad((theirs * direction).sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(mine, their, rtol=1e-4, atol=1e-5 * float(their.abs().max()))


def test_a_surrogate_at_attack_time_is_that_of_every_layer_and_each_gets_its_own_back() -> None:
    network = ThreeLayers()
    own = [neurons.surrogate for neurons in network.neurons]
    target = Classifier(network, TimeFirst(), (2, 3, 3), 3)
    assert target.has_surrogates
    with target.using_surrogate(StraightThrough()):
        assert [neurons.surrogate for neurons in network.neurons] == [StraightThrough()] * 3
        x = SPIKES.clone().requires_grad_()
        (inside,) = torch.autograd.grad(target.logits(x).sum(), x)
        (expected,) = torch.autograd.grad(stepped(network, x)[0].sum(), x)
    torch.testing.assert_close(inside, expected, rtol=1e-4, atol=1e-5)
    assert [neurons.surrogate for neurons in network.neurons] == own


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": -0.1}, r"beta must lie in \[0, 1\], got -0.1"),
        ({"beta": 1.1}, r"beta must lie in \[0, 1\], got 1.1"),
        ({"beta": float("nan")}, r"beta must lie in \[0, 1\], got nan"),
        ({"threshold": 0.0}, "threshold must be positive and finite, got 0.0"),
        ({"threshold": float("nan")}, "threshold must be positive and finite, got nan"),
        ({"reset": "none"}, "reset must be 'subtract' or 'zero', got 'none'"),
    ],
)
def test_arguments_out_of_range(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LIF(**arguments)


def test_defaults_are_the_published_constants() -> None:
    neurons = LIF()
    assert (neurons.beta, neurons.threshold, neurons.reset) == (0.7, 1.0, "subtract")
    assert neurons.surrogate == FastSigmoid(40.0)
    assert list(neurons.state_dict()) == []
    assert repr(LIF(0.5, 2.0, ATan(), "zero")) == ("LIF(beta=0.5, threshold=2.0, reset=zero)")


class Silent(LIF):
    """A user's own neurons: they never fire."""

    def forward(self, current: Tensor) -> tuple[Tensor, Tensor]:
        return torch.zeros_like(current), current


def fused(neurons: nn.Module, layer: nn.Linear, current: Tensor) -> tuple[Tensor, Tensor, bool]:
    """The outputs and the current's gradient, and whether the product was the fused one."""
    leaf = current.clone().requires_grad_()
    with patch.object(lif_module, "lif_linear", wraps=lif_module.lif_linear) as product:
        outputs = neurons_and_linear(neurons, leaf.clone(), layer)
    direction = torch.linspace(-1, 1, outputs.numel()).view(outputs.shape)
    return outputs, torch.autograd.grad((outputs * direction).sum(), leaf)[0], product.called


def listened(neurons: LIF) -> LIF:
    neurons.register_forward_hook(lambda module, inputs, output: None)
    return neurons


@pytest.mark.parametrize(
    ("neurons", "taken"),
    [
        (LIF(0.8, 0.5, Sigmoid(4.0)), True),
        (listened(LIF(0.8, 0.5, Sigmoid(4.0))), False),
        (LIF(0.8, 0.5, Sigmoid(4.0), reset="zero"), False),
        (type("Subclass", (LIF,), {})(0.8, 0.5, Sigmoid(4.0)), False),
    ],
    ids=["plain", "hook", "reset to zero", "subclass"],
)
def test_the_fused_product_is_taken_where_nothing_else_is_asked_for(neurons: LIF, taken: bool) -> None:
    layer = nn.Linear(7, 3)
    current = torch.randn(6, 5, 7, generator=torch.Generator().manual_seed(0)) + 0.5
    outputs, gradient, was_fused = fused(neurons, layer, current)
    assert was_fused == taken
    leaf = current.clone().requires_grad_()
    membrane, spike, steps = torch.zeros(5, 7), torch.zeros(5, 7), []
    leaky = snntorch.Leaky(
        beta=0.8, threshold=0.5, spike_grad=Sigmoid(4.0).spike_function(), reset_mechanism=neurons.reset
    )
    for step in leaf:
        spike, membrane = leaky(step, membrane)
        steps.append(F.linear(spike, layer.weight, layer.bias))
    expected = torch.stack(steps)
    torch.testing.assert_close(outputs, expected)
    direction = torch.linspace(-1, 1, outputs.numel()).view(outputs.shape)
    torch.testing.assert_close(gradient, torch.autograd.grad((expected * direction).sum(), leaf)[0])


def test_neurons_of_a_subclass_are_used() -> None:
    layer = nn.Linear(7, 3)
    outputs = neurons_and_linear(Silent(), torch.full((4, 2, 7), 5.0), layer)
    assert torch.equal(outputs, layer.bias.expand(4, 2, 3))


def test_a_hook_may_replace_the_spikes() -> None:
    neurons, layer = LIF(), nn.Linear(7, 3)
    handle = neurons.register_forward_hook(lambda module, inputs, output: (torch.zeros_like(output[0]), output[1]))
    current = torch.full((4, 2, 7), 5.0)
    assert torch.equal(neurons_and_linear(neurons, current.clone(), layer), layer.bias.expand(4, 2, 3))
    handle.remove()
    torch.testing.assert_close(neurons_and_linear(neurons, current, layer), layer(torch.ones(7)).expand(4, 2, 3))


@pytest.mark.parametrize("hooked", ["neurons", "layer"])
def test_hooks_before_and_after_neurons_and_layer_are_honoured(hooked: str) -> None:
    parts = {"neurons": LIF(), "layer": nn.Linear(7, 3)}
    parts[hooked].register_forward_pre_hook(lambda module, inputs: (torch.zeros_like(inputs[0]),))
    outputs = neurons_and_linear(parts["neurons"], torch.full((4, 2, 7), 5.0), parts["layer"])
    assert torch.equal(outputs, parts["layer"].bias.expand(4, 2, 3))


@pytest.mark.parametrize("hooked", ["neurons", "layer"])
def test_hooks_on_the_gradient_are_honoured(hooked: str) -> None:
    parts, seen = {"neurons": LIF(surrogate=ATan()), "layer": nn.Linear(7, 3)}, []
    parts[hooked].register_full_backward_hook(lambda module, to_inputs, to_outputs: seen.append(to_inputs[0].shape))
    current = torch.rand(4, 2, 7).requires_grad_()
    neurons_and_linear(parts["neurons"], current.clone(), parts["layer"]).sum().backward()
    assert seen == [(4, 2, 7)]


def test_a_layer_of_ones_own_is_used_and_one_without_a_bias() -> None:
    class Doubled(nn.Linear):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    neurons, current = LIF(), torch.full((4, 2, 7), 5.0)
    for layer in (Doubled(7, 3), nn.Linear(7, 3, bias=False)):
        expected = layer(torch.ones(7)).expand(4, 2, 3)
        torch.testing.assert_close(neurons_and_linear(neurons, current.clone(), layer), expected)
