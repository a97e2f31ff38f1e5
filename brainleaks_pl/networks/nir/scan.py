"""The time loops of a NIR graph's neurons: leaky integration, and integrate-and-fire with its kinds of reset."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from brainleaks_pl.networks.surrogates import Surrogate

NIRReset = Literal["to_value", "subtract", "subtract_late"]
"""What a spike does to the membrane: it is set to v_reset (NIR's own), or ``v_threshold - v_reset`` is taken from it,
in the same step or, as snntorch has it, in the next one after decay and input."""


@dataclass(frozen=True)
class Discretisation:
    """How the equations of a graph become steps. The defaults are what NIR specifies.

    Args:
        dt: length of a step, in the unit of the graph's time constants, > 0.
        reset: what a spike does to the membrane.
        multi_spike: a neuron fires ``floor((v - v_reset) / (v_threshold - v_reset))`` times per step, 0 below v_reset,
            rather than once where ``v > v_threshold``; every spike is subtracted.
        min_v: membranes are held at or above it, before they are compared with the threshold.

    Raises:
        ValueError: when a value is out of range, or several spikes per step meet a reset to a value.
    """

    dt: float
    reset: NIRReset = "to_value"
    multi_spike: bool = False
    min_v: float = -math.inf

    def __post_init__(self) -> None:
        if not 0 < self.dt < math.inf:
            raise ValueError(f"dt must be positive and finite, got {self.dt}.")
        if self.reset not in get_args(NIRReset):
            raise ValueError(f"reset must be one of {', '.join(get_args(NIRReset))}, got {self.reset!r}.")
        if not isinstance(self.multi_spike, bool):
            raise ValueError(f"multi_spike must be true or false, got {self.multi_spike!r}.")
        if math.isnan(self.min_v) or self.min_v == math.inf:
            raise ValueError(f"min_v must be a number or minus infinity, got {self.min_v}.")
        if self.multi_spike and self.reset == "to_value":
            raise ValueError("multi_spike subtracts every spike from the membrane: set reset to 'subtract'.")


@dataclass(frozen=True)
class FiringRule:
    """How a layer of neurons integrates and fires; its tensors are of one value or of the neurons' shape.

    Args:
        keep: what a step leaves of the membrane, in [0, 1]; None is all of it.
        threshold: firing threshold.
        v_reset: membrane after a reset to a value.
        start: membrane before the first step.
        how: reset, several spikes per step, bound of the membranes.
        surrogate: gradient of the spikes with respect to the membranes.
    """

    keep: Tensor | None
    threshold: Tensor
    v_reset: Tensor
    start: Tensor
    how: Discretisation
    surrogate: Surrogate


class _SpikingScan(torch.autograd.Function):
    """The time loop of one layer as one node of the graph; its gradient is that of :func:`spiking_scan`."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, rule: FiringRule) -> tuple[Tensor, Tensor]:
        membranes, spikes = torch.empty_like(current), torch.empty_like(current)
        per_spike = rule.threshold - rule.v_reset
        before = rule.start.expand(current.shape[1:]).clone()
        fired: Tensor | None = None
        for own_current, membrane, spike in zip(current, membranes, spikes, strict=True):
            if rule.keep is None:
                torch.add(before, own_current, out=membrane)
            else:  # decay and input are rounded separately, in the order of our own neurons
                torch.mul(before, rule.keep, out=membrane)
                membrane.add_(own_current)
            if rule.how.reset == "subtract_late" and fired is not None:
                membrane.addcmul_(fired, per_spike, value=-1)
            if rule.how.min_v > -math.inf:
                membrane.clamp_(min=rule.how.min_v)
            if rule.how.multi_spike:
                torch.sub(membrane, rule.v_reset, out=spike)
                spike.div_(per_spike).floor_().clamp_(min=0)
            else:
                torch.gt(membrane, rule.threshold, out=spike)
            fired = spike
            match rule.how.reset:
                case "to_value":
                    before = torch.where(spike > 0, rule.v_reset, membrane)
                case "subtract":
                    torch.addcmul(membrane, spike, per_spike, value=-1, out=before)
                case "subtract_late":
                    before = membrane
        ctx.save_for_backward(membranes)
        ctx.rule = rule
        ctx.set_materialize_grads(False)
        return spikes, membranes

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_spikes: Tensor | None, grad_membranes: Tensor | None) -> tuple[Tensor | None, None]:
        (membranes,) = ctx.saved_tensors
        rule: FiringRule = ctx.rule
        grad = torch.zeros_like(membranes) if grad_membranes is None else grad_membranes.clone()
        later: Tensor | None = None
        for step in reversed(range(len(membranes))):  # one at a time, which stays in the cache
            own_grad, membrane = grad[step], membranes[step]
            slope = None
            if grad_spikes is not None:
                slope = _slope(membrane, rule)
                own_grad.addcmul_(slope, grad_spikes[step])
            if later is not None:
                carried = later if rule.keep is None else later * rule.keep
                if rule.how.reset == "to_value":  # what fired is forgotten
                    carried = carried * (membrane <= rule.threshold)
                elif rule.how.multi_spike:  # what becomes a spike is taken from the membrane
                    taken = _slope(membrane, rule) if slope is None else slope
                    kept = carried if rule.how.reset == "subtract" else later
                    carried = carried - kept * taken * (rule.threshold - rule.v_reset)
                own_grad.add_(carried)
            if rule.how.min_v > -math.inf:
                own_grad.mul_(membrane > rule.how.min_v)
            later = own_grad
        return grad, None


def _slope(membranes: Tensor, rule: FiringRule) -> Tensor:
    """Return the derivative of the spikes with respect to the membranes, a surrogate.

    Where a neuron may fire several times per step, every further threshold that is crossed is a further spike: above
    the first one the derivative is that of the number of spikes without its rounding, below it at most that.
    """
    slope = rule.surrogate.derivative(membranes - rule.threshold)
    if not rule.how.multi_spike:
        return slope
    whole = 1 / (rule.threshold - rule.v_reset)
    return torch.where(membranes >= rule.threshold, whole, torch.minimum(slope, whole))


class _LeakyScan(torch.autograd.Function):
    """``v_t = keep * v_(t-1) + current_t`` as one node of the graph."""

    @staticmethod
    def forward(ctx: Any, current: Tensor, keep: Tensor, start: Tensor) -> Tensor:
        values = torch.empty_like(current)
        before = start.expand(current.shape[1:])
        for own_current, value in zip(current, values, strict=True):
            torch.mul(before, keep, out=value)
            before = value.add_(own_current)
        ctx.save_for_backward(keep)
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_values: Tensor) -> tuple[Tensor, None, None]:
        (keep,) = ctx.saved_tensors
        grad = grad_values.clone()
        for own, later in zip(reversed(grad[:-1].unbind()), reversed(grad[1:].unbind()), strict=True):
            own.addcmul_(later, keep)
        return grad, None, None


def spiking_scan(current: Tensor, rule: FiringRule) -> tuple[Tensor, Tensor]:
    """Run integrate-and-fire neurons over all time steps.

    In each step ``v = keep * v + current``; late resets are subtracted, the bound is applied, spikes are fired, the
    others are reset. The gradient takes resets for constants: it passes a subtraction unchanged, but neither a reset to
    a value nor a membrane held at its bound. Where neurons fire several times per step, it passes the subtraction too:
    what has become a spike is no longer in the membrane, and is not counted again in every later step.

    Args:
        current: what each step adds, ``(T, ...)``, T at least 1.
        rule: of the neurons.

    Returns:
        Spikes and membranes before the reset, both ``(T, ...)``.
    """
    spikes, membranes = _SpikingScan.apply(current, rule)
    return spikes, membranes


def leaky_scan(current: Tensor, keep: Tensor, start: Tensor) -> Tensor:
    """Return ``v_t = keep * v_(t-1) + current_t``, ``(T, ...)``.

    Args:
        current: what each step adds, ``(T, ...)``, T at least 1.
        keep: what a step leaves, in [0, 1], one value or of the shape of a step.
        start: value before the first step, likewise.
    """
    values: Tensor = _LeakyScan.apply(current, keep, start)
    return values
