"""BrainLeaks-v2: spikes as Bernoulli variables whose parameters are estimated."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from torch import Tensor

from brainleaks_pl.attacks.functional import normalise_probabilities, population_weights
from brainleaks_pl.attacks.spiking import SpikingInversion
from brainleaks_pl.targets.classifier import Classifier


class BernoulliRMSprop(torch.optim.Optimizer):
    """RMSProp whose momentum gathers the raw gradient (arXiv 2402.00906, BrainLeaks-v2).

    ``S <- a*S + (1 - a)*g^2``, ``M <- mu*M + g``, ``P <- P - eta * M / (sqrt(S) + eps)``. The published MNIST code adds
    the second moment to itself, ``S <- S + a*S + (1 - a)*g^2``, so that it grows geometrically.

    Args:
        parameters: what to optimise.
        lr: eta, > 0.
        momentum: mu, in [0, 1).
        decay: a, in [0, 1).
        eps: added to the root of the second moment, > 0.
        accumulate: use the published MNIST form of the second moment.

    Raises:
        ValueError: when a value is out of range.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float,
        decay: float,
        eps: float,
        accumulate: bool = False,
    ) -> None:
        if not 0 < lr < math.inf:
            raise ValueError(f"eta must be positive and finite, got {lr}.")
        for name, value in (("momentum", momentum), ("decay", decay)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must lie in [0, 1), got {value}.")
        if not 0 < eps < math.inf:
            raise ValueError(f"eps must be positive and finite, got {eps}.")
        defaults = {"lr": lr, "momentum": momentum, "decay": decay, "eps": eps, "accumulate": accumulate}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one step along the parameters' gradients."""
        result = None if closure is None else closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["second"] = torch.zeros_like(parameter)
                    state["momentum"] = torch.zeros_like(parameter)
                gradient, second, momentum = parameter.grad, state["second"], state["momentum"]
                second.mul_(group["decay"] + float(group["accumulate"]))
                second.addcmul_(gradient, gradient, value=1 - group["decay"])
                momentum.mul_(group["momentum"]).add_(gradient)
                parameter.addcdiv_(momentum, second.sqrt().add_(group["eps"]), value=-group["lr"])
        return result


class BrainLeaksV2(SpikingInversion):
    """Model inversion by estimating spike probabilities (arXiv 2402.00906, BrainLeaks-v2).

    In each step every unit draws a population of n spike inputs from its probabilities; their costs are the loss plus
    ``sparsity`` times their spike rate; the members' gradients, weighted by ``weighting``, are the gradient of the
    probabilities. The defaults are the published ones for MNIST.

    Args:
        target: the trained classifier, a spiking network.
        steps: iterations (published: 10).
        population: n, members drawn in each step, at least 1.
        eta: step size, > 0.
        momentum: mu, in [0, 1).
        decay: a, decay of the second moment, in [0, 1).
        eps: added to the root of the second moment, > 0.
        sparsity: lambda, weight of the spike rate in the cost, >= 0.
        second_moment: ``accumulated`` (published for MNIST: it is added to itself) or ``averaged`` (corrected, and
            published for event data).
        weighting: ``cost`` (published: the worst members weigh most), ``fitness`` (corrected: the best do) or
            ``uniform``.
        parametrisation: ``probability`` (published: clamped at 0, divided by the largest value above 1) or ``logit``.
        start: first probability of every spike, in [0, 1] (published: 0), strictly inside with ``logit``.
        kwargs: those of :class:`SpikingInversion`.

    Raises:
        ValueError: when the target is not spiking or an argument is out of range.

    Examples:
        >>> from brainleaks_pl import BrainLeaksV2, run_attack
        >>> attack = BrainLeaksV2(network, steps=10, population=7, classes=[3, 8], seed=0)
        >>> result = run_attack(attack, {}, data)
        >>> probabilities = attack.reconstructions()
        >>> probabilities.shape
        torch.Size([5, 2, 1, 28, 28])
        >>> network.confidences(probabilities.bernoulli()).argmax(1)
        tensor([3, 8])
    """

    def __init__(
        self,
        target: Classifier,
        steps: int = 10,
        population: int = 7,
        eta: float = 1.0,
        momentum: float = 0.9,
        decay: float = 0.1,
        eps: float = 1e-10,
        sparsity: float = 0.01,
        second_moment: Literal["accumulated", "averaged"] = "accumulated",
        weighting: Literal["cost", "fitness", "uniform"] = "cost",
        parametrisation: Literal["probability", "logit"] = "probability",
        start: float = 0.0,
        **kwargs: Any,
    ) -> None:
        logits = parametrisation == "logit"
        if logits and not 0 < start < 1:
            raise ValueError(f"start must lie strictly between 0 and 1 with parametrisation 'logit', got {start}.")
        if not 0 <= start <= 1:
            raise ValueError(f"start must lie in [0, 1], got {start}.")
        if population < 1:
            raise ValueError(f"population must be at least 1, got {population}.")
        if not 0 <= sparsity < math.inf:
            raise ValueError(f"sparsity must be finite and not negative, got {sparsity}.")
        for name, value, choices in (
            ("second_moment", second_moment, ("accumulated", "averaged")),
            ("weighting", weighting, ("cost", "fitness", "uniform")),
            ("parametrisation", parametrisation, ("probability", "logit")),
        ):
            if value not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")
        super().__init__(target, steps=steps, start=math.log(start / (1 - start)) if logits else start, **kwargs)
        self.logits = logits
        self.population = population
        self.sparsity = sparsity
        self.weighting = weighting
        self.rmsprop = (eta, momentum, decay, eps, second_moment == "accumulated")
        self.configure_optimizers()  # a wrong constant is said now, not when the attack starts

    @property
    def midpoint(self) -> float:
        """The candidate's value for probability one half."""
        return 0.0 if self.logits else 0.5

    def reconstruction(self, candidates: Tensor) -> Tensor:
        """Return the spike probabilities, ``(T, N, C, H, W)`` in [0, 1]."""
        probabilities = candidates.sigmoid() if self.logits else candidates
        return probabilities.expand(self.time_steps, *probabilities.shape[1:])

    def sample(self, step: int) -> Tensor:
        """Draw each unit's population of spikes, ``(T, N * n, C, H, W)``."""
        shape = (self.population, self.time_steps, *self.target.input_shape)
        spikes = self.uniform(step, shape) < self.reconstruction(self.candidates.detach())
        return spikes.float().movedim(0, 2).flatten(1, 2)

    def regulariser(self, inputs: Tensor) -> Tensor | float:
        """Return the weighted spike rate, ``(N * n,)``."""
        return self.sparsity * inputs.mean((0, 2, 3, 4)) if self.sparsity else 0.0

    def candidate_gradient(self, costs: Tensor, sample_gradient: Tensor, step: int) -> Tensor:
        """Return the weighted mean of the members' gradients (straight through the draw)."""
        weights = population_weights(costs, self.weighting)
        members = sample_gradient.unflatten(1, (len(self.units), self.population))
        estimate = torch.einsum("nm,tnmchw->tnchw", weights, members)
        if self.candidates.shape[0] == 1:
            estimate = estimate.sum(0, keepdim=True)
        if self.logits:
            probabilities = self.candidates.detach().sigmoid()
            estimate = estimate * probabilities * (1 - probabilities)
        return estimate

    def project(self) -> None:
        """Keep probabilities in [0, 1] as published; logits need nothing."""
        if not self.logits:
            self.candidates.copy_(normalise_probabilities(self.candidates))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the published optimizer."""
        eta, momentum, decay, eps, accumulate = self.rmsprop
        return BernoulliRMSprop([self.candidates], eta, momentum, decay, eps, accumulate)
