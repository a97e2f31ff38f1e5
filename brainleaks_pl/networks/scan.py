"""Scans of leaky integrate-and-fire neurons over all time steps of a layer, as pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from brainleaks_pl.networks.surrogates import Surrogate

Reset = Literal["subtract", "zero"]
"""What a spike does to the membrane in the next step: the threshold is taken from it, or it is set to zero."""

IN_CACHE = 2**17
"""Membranes of a layer that are worked on together: more fall out of the processor's cache, fewer are all overhead."""


class _LIFScan(torch.autograd.Function):
    """The time loop of one layer as one node of the graph; see :func:`lif_scan`."""

    @staticmethod
    def forward(
        ctx: Any, current: Tensor, beta: float, threshold: float, surrogate: Surrogate, reset: Reset
    ) -> tuple[Tensor, Tensor]:
        membranes = torch.empty_like(current)
        spikes = torch.empty_like(current)
        before: tuple[Tensor, Tensor] | None = None
        for own_current, membrane, spike in zip(current, membranes, spikes, strict=True):
            if before is None:
                membrane.copy_(own_current)
            else:
                # beta*u and +I are rounded separately, in snntorch's order, so that no spike ever differs from it
                torch.mul(before[0], beta, out=membrane)
                if reset == "subtract":
                    membrane.add_(own_current).sub_(before[1], alpha=threshold)
                else:
                    membrane.mul_(1 - before[1]).add_(own_current)
            torch.gt(membrane, threshold, out=spike)
            before = membrane, spike
        ctx.save_for_backward(membranes)
        ctx.constants = (beta, threshold, surrogate, reset)
        ctx.set_materialize_grads(False)
        return spikes, membranes

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, grad_spikes: Tensor | None, grad_membranes: Tensor | None
    ) -> tuple[Tensor | None, None, None, None, None]:
        (membranes,) = ctx.saved_tensors
        beta, threshold, surrogate, reset = ctx.constants
        if grad_spikes is None and grad_membranes is None:
            return None, None, None, None, None
        if grad_spikes is None:
            grad = grad_membranes.clone()  # type: ignore[union-attr]
        else:
            grad = surrogate.derivative(membranes - threshold).mul_(grad_spikes)
            if grad_membranes is not None:
                grad.add_(grad_membranes)
        if reset == "subtract":
            _decay_backwards(grad.unbind(), beta)
        else:  # what a spike wiped out sends no gradient back
            for own, later, membrane in reversed(list(zip(grad, grad[1:], membranes, strict=False))):
                own.addcmul_(later, (membrane <= threshold).to(later.dtype), value=beta)
        return grad, None, None, None, None


def lif_scan(
    current: Tensor, *, beta: float, threshold: float, surrogate: Surrogate, reset: Reset = "subtract"
) -> tuple[Tensor, Tensor]:
    """Run leaky integrate-and-fire neurons over all time steps, starting at rest.

    Equals stepping ``snntorch.Leaky`` (the reset comes one step late and is detached) bit for bit in spikes and
    membranes. With the reset ``subtract``::

        u_t = beta * u_(t-1) + I_t - threshold * [u_(t-1) > threshold],    z_t = [u_t > threshold]

    and with ``zero``::

        u_t = beta * u_(t-1) * [u_(t-1) <= threshold] + I_t

    Args:
        current: input current, ``(T, ...)``, T at least 1. Half precision is computed in float32.
        beta: membrane decay per step, in [0, 1].
        threshold: firing threshold, > 0.
        surrogate: gradient of the spikes with respect to the membranes.
        reset: what a spike does to the membrane in the next step.

    Returns:
        Spikes in {0, 1} and membranes, both ``(T, ...)`` and at least float32.

    Raises:
        ValueError: when ``current`` has no time step, or ``reset`` is not known.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import FastSigmoid, lif_scan
        >>> current = torch.tensor([0.6, 0.6, 0.6, 0.0], requires_grad=True)
        >>> spikes, membranes = lif_scan(current, beta=1.0, threshold=1.0, surrogate=FastSigmoid(slope=10.0))
        >>> spikes.tolist()
        [0.0, 1.0, 0.0, 0.0]
        >>> spikes.sum().backward()
        >>> current.grad
        tensor([0.3733, 0.3333, 0.2222, 0.1111])
    """
    if reset not in get_args(Reset):
        raise ValueError(f"reset must be 'subtract' or 'zero', got {reset!r}.")
    if current.ndim == 0 or current.shape[0] == 0:
        raise ValueError(f"lif_scan needs at least one time step, got a current of shape {tuple(current.shape)}.")
    if current.dtype in (torch.float16, torch.bfloat16):
        current = current.float()  # a membrane that is a running sum flips spikes in half precision
    spikes, membranes = _LIFScan.apply(current, beta, threshold, surrogate, reset)
    return spikes, membranes


class _LIFLinear(torch.autograd.Function):
    """Neurons and the linear layer behind them, a few steps at a time, whose spikes stay in the cache."""

    @staticmethod
    def forward(
        ctx: Any, current: Tensor, weight: Tensor, bias: Tensor, beta: float, threshold: float, surrogate: Surrogate
    ) -> Tensor:
        membranes = current  # overwritten: one tensor of this size is all that the layer keeps
        outputs = current.new_empty(*current.shape[:-1], weight.shape[0])
        steps = _steps_at_once(current)
        spikes, decayed = torch.empty_like(current[:steps]), torch.empty_like(current[0])
        before: tuple[Tensor, Tensor] | None = None
        for block, output in zip(membranes.split(steps), outputs.split(steps), strict=True):
            for membrane, spike in zip(block, spikes, strict=False):
                if before is not None:
                    torch.mul(before[0], beta, out=decayed)
                    membrane.add_(decayed).sub_(before[1], alpha=threshold)
                torch.gt(membrane, threshold, out=spike)
                before = membrane, spike
            torch.addmm(bias, spikes[: len(block)].flatten(0, 1), weight.T, out=output.flatten(0, 1))
        ctx.save_for_backward(membranes, weight)
        ctx.constants = (beta, threshold, surrogate)
        return outputs

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        membranes, weight = ctx.saved_tensors
        beta, threshold, surrogate = ctx.constants
        needs_current, needs_weight, needs_bias = ctx.needs_input_grad[:3]
        grad_weight = torch.zeros_like(weight) if needs_weight else None
        steps = _steps_at_once(membranes)
        later: list[Tensor] = []
        for block, output in reversed(list(zip(membranes.split(steps), grad.split(steps), strict=True))):
            centred, grad_output = block - threshold, output.flatten(0, 1)
            if grad_weight is not None:
                grad_weight.addmm_(grad_output.T, (centred > 0).to(grad.dtype).flatten(0, 1))
            if needs_current:  # in place of the membranes: new memory takes as long as the arithmetic
                torch.mm(grad_output, weight, out=block.flatten(0, 1))
                block.mul_(surrogate.derivative(centred))
                _decay_backwards([*block, *later], beta)
                later = [block[0]]
        grad_bias = grad.flatten(0, 1).sum(0) if needs_bias else None
        return membranes if needs_current else None, grad_weight, grad_bias, None, None, None


def _steps_at_once(current: Tensor) -> int:
    """Return how many steps of a current, ``(T, B, H)``, stay in the cache together; one at least."""
    return max(1, min(len(current), IN_CACHE // max(1, current[0].numel())))


def _decay_backwards(grads: Sequence[Tensor], beta: float) -> None:
    """Add to each step's gradient what of the next one's comes back through the membrane, in place, last step first."""
    for own, later in reversed(list(pairwise(grads))):
        own.add_(later, alpha=beta)


def lif_linear(
    current: Tensor, weight: Tensor, bias: Tensor, *, beta: float, threshold: float, surrogate: Surrogate
) -> Tensor:
    """Run neurons as :func:`lif_scan` does and return their spikes times a weight, without keeping the spikes.

    It moves half the memory of a scan followed by a linear layer, and equals them but for the order of summation. The
    gradient of the current takes the place of the membranes, so a graph can be differentiated once, even with
    ``retain_graph=True``.

    Args:
        current: input current, ``(T, B, H)``, T at least 1; **overwritten**, so it must be the caller's own.
        weight: of the linear layer, ``(K, H)``.
        bias: of the linear layer, ``(K,)``.
        beta: membrane decay per step, in [0, 1].
        threshold: firing threshold, > 0.
        surrogate: gradient of the spikes with respect to the membranes.

    Returns:
        ``(T, B, K)``.

    Raises:
        ValueError: when ``current`` is not ``(T, B, H)`` or has no time step.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import FastSigmoid, lif_linear, lif_scan
        >>> neurons = {"beta": 0.7, "threshold": 1.0, "surrogate": FastSigmoid()}
        >>> current, layer = 2 * torch.rand(5, 3, 8), torch.nn.Linear(8, 2)
        >>> spikes, _ = lif_scan(current, **neurons)
        >>> fused = lif_linear(current.clone(), layer.weight, layer.bias, **neurons)
        >>> torch.allclose(fused, layer(spikes), atol=1e-6)
        True
    """
    if current.ndim != 3 or current.shape[0] == 0:
        raise ValueError(
            f"lif_linear needs (T, B, H) and at least one time step, got a current of shape {tuple(current.shape)}."
        )
    if current.dtype in (torch.float16, torch.bfloat16):
        current = current.float()
    outputs: Tensor = _LIFLinear.apply(current.contiguous(), weight, bias, beta, threshold, surrogate)
    return outputs
