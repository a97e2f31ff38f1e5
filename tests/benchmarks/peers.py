"""What the package is compared with: the published loop, other libraries, and the limit."""

from __future__ import annotations

import snntorch
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from brainleaks_pl import LIF, MLP, SpikingCNN, SpikingMLP


def _stepped(neurons: LIF) -> snntorch.Leaky:
    """Return snntorch's neurons with the same constants."""
    surrogate = neurons.surrogate.spike_function()
    return snntorch.Leaky(beta=neurons.beta, threshold=neurons.threshold, spike_grad=surrogate)


class SteppedMLP(nn.Module):
    """A target as the published notebooks have it: snntorch neurons stepped through time."""

    def __init__(self, target: SpikingMLP, frozen: bool = False) -> None:
        super().__init__()
        self.first, self.last = nn.Linear(*target.hidden.weight.T.shape), nn.Linear(*target.output.weight.T.shape)
        self.first.load_state_dict(target.hidden.state_dict())
        self.last.load_state_dict(target.output.state_dict())
        self.neurons, self.outputs = _stepped(target.neurons), _stepped(target.output_neurons)
        self.requires_grad_(not frozen)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output membranes ``(T, B, K)`` of spikes ``(T, B, C, H, W)``."""
        hidden, output = self.neurons.init_leaky(), self.outputs.init_leaky()
        membranes = []
        for step in x.flatten(2):
            spikes, hidden = self.neurons(self.first(step), hidden)
            _, output = self.outputs(self.last(spikes), output)
            membranes.append(output)
        return torch.stack(membranes)


class SteppedCNN(nn.Module):
    """The published SNN judge: snntorch neurons stepped through time."""

    def __init__(self, judge: SpikingCNN) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(c.in_channels, c.out_channels, 5) for c in (judge.first, judge.second))
        self.last = nn.Linear(*judge.output.weight.T.shape)
        layers = (judge.first_neurons, judge.second_neurons, judge.output_neurons)
        self.neurons = nn.ModuleList(_stepped(neurons) for neurons in layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output membranes ``(T, B, K)`` of spikes ``(T, B, C, H, W)``."""
        first, second, last = (neurons.init_leaky() for neurons in self.neurons)
        membranes = []
        for step in x:
            spikes, first = self.neurons[0](F.max_pool2d(self.first(step), 2), first)
            spikes, second = self.neurons[1](F.max_pool2d(self.second(spikes), 2), second)
            _, last = self.neurons[2](self.last(spikes.flatten(1)), last)
            membranes.append(last)
        return torch.stack(membranes)


class PlainMLP(SpikingMLP):
    """Our network as anyone would write it with the package's scan: a subclass takes this path."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the output membranes ``(T, B, K)`` of spikes ``(T, B, C, H, W)``."""
        spikes, _ = self.neurons(self.hidden(x.flatten(2)))
        return self.output_neurons(self.output(spikes))[1]


def spikingjelly_mlp(target: SpikingMLP) -> nn.Module | None:
    """Return a target of spikingjelly's multi-step neurons, with frozen weights; None where it is not installed.

    Its surrogate differs: it is compared in cost alone.
    """
    try:
        from spikingjelly.activation_based import functional, neuron, surrogate
    except ImportError:
        return None

    class MultiStepMLP(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = target.hidden, target.output
            self.neurons, self.outputs = (
                neuron.LIFNode(
                    tau=1 / (1 - own.beta),
                    decay_input=False,
                    v_threshold=own.threshold,
                    v_reset=None,
                    surrogate_function=surrogate.ATan(),
                    detach_reset=True,
                    step_mode="m",
                    store_v_seq=stored,
                )
                for own, stored in ((target.neurons, False), (target.output_neurons, True))
            )

        def forward(self, x: Tensor) -> Tensor:
            functional.reset_net(self)
            self.outputs(self.last(self.neurons(self.first(x.flatten(2)))))
            membranes: Tensor = self.outputs.v_seq
            return membranes

    return MultiStepMLP()


def cost_of(outputs: Tensor, labels: Tensor) -> Tensor:
    """Return ``1 - s_k`` of outputs ``(T, B, K)``, ``(B,)``."""
    return 1 - outputs.softmax(-1).mean(0).gather(1, labels.unsqueeze(1)).squeeze(1)


def batched_gradient(network: nn.Module, x: Tensor, labels: Tensor) -> Tensor:
    """Return the gradient of all samples at once, of a network with frozen weights."""
    x = x.detach().requires_grad_()
    return torch.autograd.grad(cost_of(network(x), labels).sum(), x)[0]


def published_gradient(network: nn.Module, x: Tensor, label: Tensor) -> tuple[Tensor, Tensor]:
    """Return the cost and the gradient of one sample, ``(T, 1, C, H, W)``, through the weights' gradients as well."""
    x = x.detach().requires_grad_()
    network.zero_grad()
    cost = cost_of(network(x), label)
    cost.sum().backward()
    return cost.detach(), x.grad


def published_v1(network: nn.Module, shape: tuple[int, ...], label: int, steps: int) -> Tensor:
    """BrainLeaks-v1 on one class; ``shape`` is (T, 1, C, H, W)."""
    x, wanted = torch.zeros(shape), torch.tensor([label])
    for _ in range(steps):
        _, gradient = published_gradient(network, x, wanted)
        size = gradient.abs()
        probability = (size - size.min()) / (size.max() - size.min()).clamp(min=1e-30)
        x = (x - gradient.sign() * torch.bernoulli(probability) > 0).float()
    return x


def published_v2(network: nn.Module, shape: tuple[int, ...], label: int, steps: int, population: int = 7) -> Tensor:
    """BrainLeaks-v2 on one class, with the published constants for MNIST; ``shape`` is (T, 1, C, H, W)."""
    probability, second, momentum = torch.zeros(shape), torch.zeros(shape), torch.zeros(shape)
    wanted = torch.tensor([label])
    for _ in range(steps):
        costs, gradients = [], []
        for _ in range(population):
            member = torch.bernoulli(probability)
            cost, gradient = published_gradient(network, member, wanted)
            costs.append(cost + 0.01 * member.mean())
            gradients.append(gradient + 0.01 / member.numel())
        total = sum(costs)
        estimate = sum(cost / total * gradient for cost, gradient in zip(costs, gradients, strict=True))
        second = second + 0.1 * second + 0.9 * estimate**2
        momentum = 0.9 * momentum + estimate
        probability = (probability - momentum / (second.sqrt() + 1e-10)).clamp(min=0)
        probability = probability / probability.max().clamp(min=1)
    return probability


def published_mi_face(network: MLP, label: int, steps: int) -> Tensor:
    """MI-FACE on one class."""
    x, wanted = torch.zeros(1, *network.input_shape), torch.tensor([label])
    for _ in range(steps):
        x = x.detach().requires_grad_()
        network.zero_grad()
        cost_of(network(x).unsqueeze(0), wanted).sum().backward()
        x = (x - 0.1 * x.grad).clamp(0, 1)
    return x


class Limit:
    """The two products of the input layer, forward and backward, into memory of their own."""

    def __init__(self, target: SpikingMLP, x: Tensor) -> None:
        self.weight, self.x = target.hidden.weight.detach(), x.flatten(2).flatten(0, 1).contiguous()
        self.current = self.x @ self.weight.T
        self.gradient = torch.empty_like(self.x)

    def __call__(self) -> None:
        """Multiply."""
        torch.mm(self.x, self.weight.T, out=self.current)
        torch.mm(self.current, self.weight, out=self.gradient)
