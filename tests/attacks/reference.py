"""The attacks written plainly: one class, one restart, one member at a time; neurons stepped by snntorch.

Nothing of the package's attacks is used but the source of their random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import snntorch
import torch
import torch.nn.functional as F
from torch import Tensor

from brainleaks_pl import MLP, SpikingMLP
from brainleaks_pl.attacks.functional import unit_uniform


@dataclass
class Trace:
    """The candidate after each step, and the best one."""

    history: list[Tensor] = field(default_factory=list)
    best: Tensor = field(default_factory=lambda: torch.empty(0))
    best_cost: float = math.inf

    def judge(self, candidate: Tensor, cost: float) -> bool:
        """Keep a candidate that costs less than all before; say whether it does."""
        better = cost < self.best_cost
        if better:
            self.best, self.best_cost = candidate.detach().clone(), cost
        return better


def draws(
    shape: Sequence[int], label: int, restart: int, seed: int, step: int, stream: int = 0, group: int | None = None
) -> Tensor:
    """The random numbers of one unit, or of one group of its members."""
    unit = (label, restart) if group is None else (group, label, restart)
    return unit_uniform(shape, [unit], (seed, stream, step)).squeeze(-4)


def spiking_outputs(network: SpikingMLP, spikes: Tensor) -> Tensor:
    """Output membranes (T, K) of one input (T, C, H, W)."""
    first, last = (
        snntorch.Leaky(beta=own.beta, threshold=own.threshold, spike_grad=own.surrogate.spike_function())
        for own in (network.neurons, network.output_neurons)
    )
    first_membrane, last_membrane = torch.zeros(network.hidden.out_features), torch.zeros(network.num_classes)
    outputs = []
    for frame in spikes:
        current = F.linear(frame.flatten(), network.hidden.weight, network.hidden.bias)
        fired, first_membrane = first(current, first_membrane)
        current = F.linear(fired, network.output.weight, network.output.bias)
        _, last_membrane = last(current, last_membrane)
        outputs.append(last_membrane)
    return torch.stack(outputs)


def confidence(outputs: Tensor, label: int) -> Tensor:
    """s_k: mean over t of softmax(u_t)[k]."""
    return sum(torch.exp(u)[label] / torch.exp(u).sum() for u in outputs) / len(outputs)


def mean_nll(outputs: Tensor, label: int) -> Tensor:
    """-mean_t log softmax(u_t)[k]."""
    return sum(torch.log(torch.exp(u).sum()) - u[label] for u in outputs) / len(outputs)


def ordinary_confidence(network: MLP, image: Tensor, label: int) -> Tensor:
    """softmax(f(x))[k]."""
    hidden = 1 / (1 + torch.exp(-(network.hidden.weight @ image.flatten() + network.hidden.bias)))
    return confidence((network.output.weight @ hidden + network.output.bias).unsqueeze(0), label)


def mi_face(
    network: MLP,
    label: int,
    *,
    steps: int,
    lr: float = 0.1,
    clamp: bool = True,
    stop_at: float | None = 0.01,
    patience: int | None = 100,
    penalty: Callable[[Tensor], Tensor] | None = None,
    shift: Callable[[int], tuple[int, int]] | None = None,
) -> Trace:
    """Fredrikson's algorithm 1, with a penalty and shifts on request."""
    trace, x, since_best = Trace(), torch.zeros(network.input_shape), 0
    for step in range(steps + 1):
        x = x.detach().requires_grad_()
        last = step == steps
        seen = x if shift is None or last else torch.roll(x, shift(step), (-2, -1))
        confident = ordinary_confidence(network, seen, label)
        cost = 1 - confident + (0 if penalty is None else penalty(seen))
        since_best = 0 if trace.judge(x, cost.item()) else since_best + 1
        stop = stop_at is not None and 1 - confident.item() <= stop_at
        if last or stop or (patience is not None and since_best >= patience):
            break
        (gradient,) = torch.autograd.grad(cost, x)
        x = x.detach() - lr * gradient
        if clamp:
            x = x.clamp(0, 1)
        trace.history.append(x)
    return trace


def brainleaks_v1(network: SpikingMLP, label: int, restart: int, *, steps: int, seed: int, time_steps: int) -> Trace:
    """Gradient binarisation, directional fusion, overflow thresholding."""
    trace, x = Trace(), torch.zeros(time_steps, *network.input_shape)
    for step in range(steps + 1):
        x = x.detach().requires_grad_()
        s = confidence(spiking_outputs(network, x), label)
        trace.judge(x, 1 - s.item())
        if step < steps:
            (g,) = torch.autograd.grad(s, x)
            p = (g.abs() - g.abs().min()) / (g.abs().max() - g.abs().min())
            m = (draws(x.shape, label, restart, seed, step) < p).float()
            d = torch.sign(g) * m
            x = (x.detach() + d > 0).float()
            trace.history.append(x)
    return trace


def brainleaks_v2(
    network: SpikingMLP,
    label: int,
    restart: int,
    *,
    steps: int,
    seed: int,
    time_steps: int,
    population: int = 7,
    eta: float = 1.0,
    momentum: float = 0.9,
    decay: float = 0.1,
    eps: float = 1e-10,
    sparsity: float = 0.01,
    accumulated: bool = True,
    weighting: str = "cost",
    nll: bool = False,
    logit: bool = False,
    start: float = 0.0,
    shared: bool = False,
) -> Trace:
    """Bernoulli parameters by RMSProp; the trace holds the parameters (probabilities or logits)."""
    trace = Trace()
    spikes_shape = (time_steps, *network.input_shape)
    own_shape = (1 if shared else time_steps, *network.input_shape)
    theta = torch.full(own_shape, math.log(start / (1 - start)) if logit else float(start))
    S, M = torch.zeros(own_shape), torch.zeros(own_shape)  # noqa: N806 (the method's symbols)
    for step in range(steps + 1):
        probability = 1 / (1 + torch.exp(-theta)) if logit else theta
        uniform = draws((population, *spikes_shape), label, restart, seed, step)
        costs, gradients = [], []
        for member in range(population):
            x = (uniform[member] < probability).float().requires_grad_()
            outputs = spiking_outputs(network, x)
            loss = mean_nll(outputs, label) if nll else 1 - confidence(outputs, label)
            cost = loss + sparsity * x.mean()
            costs.append(cost.item())
            gradients.append(torch.autograd.grad(cost, x)[0])
        trace.judge(theta, sum(costs) / population)
        if step == steps:
            break
        score = {"cost": costs, "fitness": [math.exp(-c) for c in costs], "uniform": [1.0] * population}[weighting]
        g = sum(w / sum(score) * gradient for w, gradient in zip(score, gradients, strict=True))
        if shared:
            g = g.sum(0, keepdim=True)
        if logit:
            g = g * probability * (1 - probability)
        S = (S if accumulated else 0) + decay * S + (1 - decay) * g**2  # noqa: N806
        M = momentum * M + g  # noqa: N806
        theta = theta - eta * M / (S.sqrt() + eps)
        if not logit:
            theta = theta.clamp(min=0)
            if theta.max() > 1:
                theta = theta / theta.max()
        trace.history.append(theta)
    return trace
