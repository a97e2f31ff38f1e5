"""The spiking networks against plain snntorch ones with the same weights, stepped through time."""

from __future__ import annotations

import pytest
import snntorch
import torch
from torch import Tensor, nn
from toys import spiking_mlp

from brainleaks_pl import ATan, FastSigmoid, SpikingClassifier, SpikingCNN, SpikingMLP, StraightThrough


def spikes(*shape: int) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(0)) < 0.4).float()


def step_through_time(layers: list[list[nn.Module]], network: SpikingClassifier, x: Tensor) -> Tensor:
    """Run blocks of layers, each followed by snntorch.Leaky, one step at a time; the last membranes."""
    surrogate = network.surrogate.spike_function()
    neurons = [snntorch.Leaky(beta=network.beta, threshold=network.threshold, spike_grad=surrogate) for _ in layers]
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


def assert_equal(network: SpikingClassifier, layers: list[list[nn.Module]], x: Tensor) -> None:
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
        spiking_mlp(),
        spiking_mlp(beta=0.0),
        spiking_mlp(beta=1.0, threshold=0.4, surrogate=ATan(1.5)),
        spiking_mlp(surrogate=StraightThrough()),
    ],
)
def test_mlp_equals_snntorch(network: SpikingMLP) -> None:
    x = spikes(7, 5, 1, 6, 6)
    fired, _ = network.neurons(network.hidden(x.flatten(2)))
    assert 0.05 < fired.mean() < 0.95, "a silent network would show nothing"
    assert_equal(network, [[nn.Flatten(), network.hidden], [network.output]], x)


@pytest.mark.parametrize(("beta", "surrogate"), [(0.7, None), (0.8, ATan(1.5))])
def test_cnn_equals_snntorch(beta: float, surrogate: ATan | None) -> None:
    torch.manual_seed(2)
    network = SpikingCNN((2, 10, 12), 4, channels=(3, 5), kernel=3, beta=beta, surrogate=surrogate)
    with torch.no_grad():
        network.first.weight.mul_(5)
        network.second.weight.mul_(4)
    pool = nn.MaxPool2d(2)
    x = spikes(6, 3, 2, 10, 12)
    assert network(x).std(1).max() > 0.01, "the output depends on the input"
    layers = [[network.first, pool], [network.second, pool], [nn.Flatten(), network.output]]
    assert_equal(network, layers, x)


def test_published_sizes() -> None:
    mlp = SpikingMLP()
    assert tuple(mlp.hidden.weight.shape) == (3000, 784)
    assert tuple(mlp.output.weight.shape) == (10, 3000)
    assert (mlp.beta, mlp.threshold, mlp.surrogate) == (0.7, 1.0, FastSigmoid(40.0))
    assert (mlp.training_recipe.lr, mlp.training_recipe.batch_size, mlp.training_recipe.epochs) == (5e-5, 100, 10)
    assert mlp.training_recipe.gradient_clip_norm == 1.0
    cnn = SpikingCNN()
    assert tuple(cnn.first.weight.shape) == (12, 1, 5, 5)
    assert tuple(cnn.second.weight.shape) == (24, 12, 5, 5)
    assert tuple(cnn.output.weight.shape) == (10, 384)
    assert cnn(torch.zeros(2, 1, 1, 28, 28)).shape == (2, 1, 10)


def test_every_forward_starts_at_rest() -> None:
    network, x = spiking_mlp(), spikes(5, 2, 1, 6, 6)
    first = network(x)
    assert torch.equal(network(x), first)
    assert torch.equal(network(x[:2]), first[:2])


def test_time_steps_are_unknown_until_trained() -> None:
    assert SpikingMLP((1, 6, 6), 3, 4).time_steps is None


def test_using_surrogate_gives_it_back_even_after_an_error() -> None:
    network = spiking_mlp()
    x = spikes(4, 2, 1, 6, 6).requires_grad_()
    (own_gradient,) = torch.autograd.grad(network(x).sum(), x)
    with network.using_surrogate(ATan()):
        assert network.surrogate == ATan()
        inside = network(x)
    assert network.surrogate == FastSigmoid()
    (gradient,) = torch.autograd.grad(inside.sum(), x)  # the forward decides, not the backward
    (expected,) = torch.autograd.grad(spiking_mlp(surrogate=ATan())(x).sum(), x)
    assert torch.equal(inside, network(x))
    torch.testing.assert_close(gradient, expected)
    assert not torch.allclose(gradient, own_gradient)
    with network.using_surrogate(None):
        assert network.surrogate == FastSigmoid()
    with pytest.raises(RuntimeError, match="inside"), network.using_surrogate(ATan()):
        raise RuntimeError("inside")
    assert network.surrogate == FastSigmoid()


@pytest.mark.parametrize("network", [SpikingMLP, SpikingCNN])
def test_neuron_constants_out_of_range(network: type[SpikingMLP] | type[SpikingCNN]) -> None:
    for beta in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=rf"beta must lie in \[0, 1\], got {beta}"):
            network(beta=beta)
    for threshold in (0.0, -1.0):
        with pytest.raises(ValueError, match=f"threshold must be positive, got {threshold}"):
            network(threshold=threshold)


def test_sizes_out_of_range() -> None:
    with pytest.raises(ValueError, match="hidden must be at least 1, got 0"):
        SpikingMLP(hidden=0)
    with pytest.raises(ValueError, match=r"shape \(1, 28, 12\) is too small for two 5x5 convolutions"):
        SpikingCNN(input_shape=(1, 28, 12))


def test_no_time_step() -> None:
    with pytest.raises(ValueError, match="at least one time step"):
        spiking_mlp().logits(torch.zeros(0, 2, 1, 6, 6))


@pytest.mark.parametrize("network", [spiking_mlp(), SpikingCNN((1, 10, 10), 4, channels=(3, 5), kernel=3)])
def test_mixed_precision_flips_no_spike(network: SpikingClassifier) -> None:
    x = spikes(9, 5, *network.input_shape)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = network.logits(x)
    assert torch.equal(mixed, network.logits(x))


def test_neurons_of_a_subclass_are_used() -> None:
    class Silent(SpikingMLP):
        def neurons(self, current: Tensor) -> tuple[Tensor, Tensor]:
            return torch.zeros_like(current), current

    network = Silent((1, 6, 6), 3, hidden=12)
    assert torch.equal(network(spikes(7, 5, 1, 6, 6)), network.output.bias.expand(7, 5, 3))


@pytest.mark.parametrize(
    "network", [SpikingMLP((1, 6, 6), 3, 12, spike_penalty=2.0), SpikingCNN((1, 16, 16), 3, spike_penalty=2.0)]
)
def test_the_penalty_is_on_the_spikes_of_the_hidden_layers(network: SpikingClassifier) -> None:
    x = torch.rand(4, 5, *network.input_shape).round()
    labels = torch.tensor([0, 1, 2, 0, 1])
    rates = []
    with torch.no_grad():
        for weights in network.parameters():
            weights.mul_(3)
        if isinstance(network, SpikingMLP):
            rates.append(network.neurons(network.hidden(x.flatten(2)))[0].mean())
        else:
            spikes = x
            for layer in (network.first, network.second):
                currents = torch.stack([network.pool(layer(step)) for step in spikes])
                spikes = network.neurons(currents)[0]
                rates.append(spikes.mean())
    expected = network.loss(network.eval().logits(x), labels) + 2.0 * sum(rates)
    assert sum(rates) > 0
    assert network.penalty() == 0.0  # nothing of it outside training
    network.train()
    for _ in range(2):  # the second batch does not pay for the first
        loss = network.loss(network.logits(x), labels) + network.penalty()
        torch.testing.assert_close(loss, expected)
    (gradient,) = torch.autograd.grad(network.penalty(), next(network.parameters()))
    assert gradient.abs().sum() > 0


def test_the_penalty_is_refused_when_negative() -> None:
    with pytest.raises(ValueError, match=r"spike_penalty must not be negative, got -1"):
        SpikingMLP(spike_penalty=-1.0)
