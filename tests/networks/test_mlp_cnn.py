"""The package's own networks: the ordinary ones against their layers applied one after the other, the spiking ones
against plain snntorch ones with the same weights, stepped through time."""

from __future__ import annotations

from typing import Any

import pytest
import snntorch
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from toys import mlp, spiking_mlp

from brainleaks_pl import CNN, LIF, MLP, ATan, FastSigmoid, Network, SpikingCNN, SpikingMLP, StraightThrough
from brainleaks_pl.networks.base import convolution_features, convolved_size


def spikes(*shape: int) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.4).float()


def neurons_of(network: Network) -> list[LIF]:
    """The layers of neurons, in the order in which they are computed."""
    if isinstance(network, SpikingMLP):
        return [network.neurons, network.output_neurons]
    return [network.first_neurons, network.second_neurons, network.output_neurons]


def step_through_time(layers: list[list[nn.Module]], network: Network, x: Tensor) -> Tensor:
    """Run blocks of layers, each followed by snntorch.Leaky, one step at a time; the last membranes."""
    neurons = [
        snntorch.Leaky(
            beta=own.beta,
            threshold=own.threshold,
            spike_grad=own.surrogate.spike_function(),
            reset_mechanism=own.reset,
        )
        for own in neurons_of(network)
    ]
    membranes: list[Tensor | None] = [None] * len(layers)
    outputs = []
    for step in x:
        signal = step
        for index, (block, neuron) in enumerate(zip(layers, neurons, strict=True)):
            current = nn.Sequential(*block)(signal)
            before = membranes[index]
            signal, membranes[index] = neuron(current, torch.zeros_like(current) if before is None else before)
        outputs.append(membranes[-1])
    return torch.stack(outputs)


def assert_equal(network: Network, layers: list[list[nn.Module]], x: Tensor) -> None:
    """Equal membranes, and equal gradients of input and weights."""
    x = x.requires_grad_()
    ours, theirs = network(x), step_through_time(layers, network, x)
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)
    wanted = [x, *network.parameters()]
    weight = torch.randn(ours.shape, generator=torch.Generator().manual_seed(1))
    for mine, their in zip(
        torch.autograd.grad((ours * weight).sum(), wanted),
        torch.autograd.grad((theirs * weight).sum(), wanted),
        strict=True,
    ):
        torch.testing.assert_close(mine, their, rtol=1e-4, atol=1e-5 * float(their.abs().max()))


@pytest.mark.parametrize(
    "network",
    [
        spiking_mlp().network,
        spiking_mlp(beta=0.0).network,
        spiking_mlp(beta=1.0, threshold=0.4, surrogate=ATan(1.5)).network,
        spiking_mlp(surrogate=StraightThrough()).network,
        spiking_mlp(beta=0.9, threshold=0.6, reset="zero").network,
    ],
)
def test_spiking_mlp_equals_snntorch(network: SpikingMLP) -> None:
    x = spikes(7, 5, 1, 6, 6)
    fired, _ = network.neurons(network.hidden(x.flatten(2)))
    assert 0.05 < fired.mean() < 0.95, "a silent network would show nothing"
    assert_equal(network, [[nn.Flatten(), network.hidden], [network.output]], x)


@pytest.mark.parametrize(("beta", "surrogate", "reset"), [(0.7, None, "subtract"), (0.8, ATan(1.5), "zero")])
def test_spiking_cnn_equals_snntorch(beta: float, surrogate: ATan | None, reset: Any) -> None:
    torch.manual_seed(2)
    network = SpikingCNN((2, 10, 12), 4, channels=(3, 5), kernel=3, beta=beta, surrogate=surrogate, reset=reset)
    with torch.no_grad():
        network.first.weight.mul_(5)
        network.second.weight.mul_(4)
    pool = nn.MaxPool2d(2)
    x = spikes(6, 3, 2, 10, 12)
    assert network(x).std(1).max() > 0.01, "the output depends on the input"
    layers = [[network.first, pool], [network.second, pool], [nn.Flatten(), network.output]]
    assert_equal(network, layers, x)


def test_mlp_is_two_linear_layers_with_a_sigmoid_between() -> None:
    network, x = mlp().network, torch.rand(5, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    for image, logits in zip(x, network(x), strict=True):
        hidden = 1 / (1 + torch.exp(-(network.hidden.weight @ image.flatten() + network.hidden.bias)))
        torch.testing.assert_close(logits, network.output.weight @ hidden + network.output.bias)


def test_cnn_is_two_rounds_of_convolution_relu_and_pool() -> None:
    torch.manual_seed(0)
    network, x = CNN((2, 10, 12), 4, channels=(3, 5), kernel=3), torch.rand(5, 2, 10, 12)
    features = x
    for layer in (network.first, network.second):
        features = F.max_pool2d(F.relu(F.conv2d(features, layer.weight, layer.bias)), 2)
    expected = F.linear(features.flatten(1), network.output.weight, network.output.bias)
    torch.testing.assert_close(network(x), expected)
    assert expected.std(0).max() > 1e-3, "the output depends on the input"


def test_published_sizes() -> None:
    network = MLP()
    assert tuple(network.hidden.weight.shape) == (3000, 784)
    assert tuple(network.output.weight.shape) == (10, 3000)
    judge = CNN()
    assert tuple(judge.first.weight.shape) == (12, 1, 5, 5)
    assert tuple(judge.second.weight.shape) == (24, 12, 5, 5)
    assert tuple(judge.output.weight.shape) == (10, 384)


def test_published_sizes_and_constants_of_the_spiking_networks() -> None:
    mlp, cnn = SpikingMLP(), SpikingCNN()
    assert tuple(mlp.hidden.weight.shape) == (3000, 784)
    assert tuple(mlp.output.weight.shape) == (10, 3000)
    for neurons in (*neurons_of(mlp), *neurons_of(cnn)):
        assert (neurons.beta, neurons.threshold, neurons.surrogate) == (0.7, 1.0, FastSigmoid(40.0))
        assert neurons.reset == "subtract"
    assert tuple(cnn.first.weight.shape) == (12, 1, 5, 5)
    assert tuple(cnn.second.weight.shape) == (24, 12, 5, 5)
    assert tuple(cnn.output.weight.shape) == (10, 384)
    assert cnn(torch.zeros(2, 1, 1, 28, 28)).shape == (2, 1, 10)


@pytest.mark.parametrize("kind", [SpikingMLP, SpikingCNN])
def test_every_layer_of_neurons_has_the_constants_that_were_given(kind: type[SpikingMLP] | type[SpikingCNN]) -> None:
    network = kind((1, 16, 16), 3, beta=0.4, threshold=0.3, surrogate=ATan(), reset="zero")
    neurons = neurons_of(network)
    assert neurons == [module for module in network.modules() if isinstance(module, LIF)]
    for own in neurons:
        assert (own.beta, own.threshold, own.surrogate, own.reset) == (0.4, 0.3, ATan(), "zero")


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        (MLP, ["hidden", "output"]),
        (SpikingMLP, ["hidden", "output"]),
        (CNN, ["first", "second", "output"]),
        (SpikingCNN, ["first", "second", "output"]),
    ],
)
def test_the_names_of_the_weights_are_those_of_checkpoints(kind: type[Network], names: list[str]) -> None:
    expected = [f"{name}.{part}" for name in names for part in ("weight", "bias")]
    assert list(kind((1, 16, 16), 3).state_dict()) == expected


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_number_of_features_is_what_the_layers_leave(kernel: int) -> None:
    for size in range(1, 40):
        one_round = max((size - kernel + 1) // 2, 0)
        expected = max((one_round - kernel + 1) // 2, 0)
        assert max(convolved_size(size, kernel), 0) == expected
        if expected:
            network = CNN((1, size, 39), 2, channels=(1, 2), kernel=kernel)
            assert network(torch.zeros(1, 1, size, 39)).shape == (1, 2)
        else:
            with pytest.raises(ValueError, match=rf"shape \(1, {size}, 39\) is too small for two {kernel}x{kernel}"):
                convolution_features((1, size, 39), 2, kernel)


def test_every_forward_starts_at_rest() -> None:
    network, x = spiking_mlp().network, spikes(5, 2, 1, 6, 6)
    first = network(x)
    assert torch.equal(network(x), first)
    assert torch.equal(network(x[:2]), first[:2])


def test_networks_say_what_they_take() -> None:
    assert SpikingMLP.takes_spikes
    assert SpikingCNN.takes_spikes
    assert not MLP.takes_spikes
    assert not CNN.takes_spikes


@pytest.mark.parametrize("network", [SpikingMLP, SpikingCNN])
def test_neuron_constants_out_of_range(network: type[SpikingMLP] | type[SpikingCNN]) -> None:
    for beta in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=rf"beta must lie in \[0, 1\], got {beta}"):
            network(beta=beta)
    for threshold in (0.0, -1.0):
        with pytest.raises(ValueError, match=f"threshold must be positive and finite, got {threshold}"):
            network(threshold=threshold)
    with pytest.raises(ValueError, match="reset must be 'subtract' or 'zero', got 'none'"):
        network(reset="none")  # type: ignore[arg-type]


@pytest.mark.parametrize("network", [MLP, CNN, SpikingMLP, SpikingCNN])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (1, 28)}, r"three positive numbers \(C, H, W\), got \(1, 28\)"),
        ({"input_shape": (0, 28, 28)}, r"three positive numbers \(C, H, W\), got \(0, 28, 28\)"),
        ({"num_classes": 1}, "num_classes must be at least 2, got 1"),
    ],
)
def test_arguments_out_of_range(network: type[Any], arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        network(**arguments)


def test_sizes_out_of_range() -> None:
    for kind in (MLP, SpikingMLP):
        with pytest.raises(ValueError, match="hidden must be at least 1, got 0"):
            kind(hidden=0)
    for kind in (CNN, SpikingCNN):
        with pytest.raises(ValueError, match=r"shape \(1, 28, 12\) is too small for two 5x5 convolutions"):
            kind(input_shape=(1, 28, 12))


def test_neurons_of_a_subclass_are_used() -> None:
    class Silent(LIF):
        def forward(self, current: Tensor) -> tuple[Tensor, Tensor]:
            return torch.zeros_like(current), current

    network = SpikingMLP((1, 6, 6), 3, hidden=12)
    network.neurons = network.output_neurons = Silent()
    assert torch.equal(network(spikes(7, 5, 1, 6, 6)), network.output.bias.expand(7, 5, 3))


def test_networks_know_neither_lightning_nor_attacks() -> None:
    for kind in (MLP, CNN, SpikingMLP, SpikingCNN):
        assert {base.__module__.partition(".")[0] for base in kind.__mro__} <= {"brainleaks_pl", "torch", "builtins"}
