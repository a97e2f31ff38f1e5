"""Neurons of Intel's Loihi in integers: a scan over all time steps of a layer, and the module around it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import ATan, Surrogate

UNITY = 4096
"""What Loihi counts decays in: one of 4096 forgets everything within a step, one of 0 nothing ever."""

MANTISSA = 64
"""What Loihi multiplies thresholds, biases and sums of weights by."""

LOIHI_SURROGATE = ATan(2.0)
"""Default surrogate: broad, for membranes at rest lie a whole threshold below firing."""


class _LoihiScan(torch.autograd.Function):
    """The time loop of one layer as one node of the graph; see :func:`loihi_scan`."""

    @staticmethod
    def forward(
        ctx: Any,
        current: Tensor,
        bias: Tensor | None,
        decays: tuple[int, int],
        threshold: int,
        fires_at: int,
        surrogate: Surrogate,
    ) -> tuple[Tensor, Tensor]:
        current_left, voltage_left = (UNITY - decay for decay in decays)
        spikes, membranes = torch.empty_like(current), torch.empty_like(current)
        # float64 holds every product of a state and a decay exactly; float32 would round from 4096 on
        synaptic = torch.zeros_like(current[0], dtype=torch.float64)
        voltage = torch.zeros_like(synaptic)
        for own_current, membrane, spike in zip(current, membranes, spikes, strict=True):
            synaptic.mul_(current_left).div_(UNITY).trunc_().add_(own_current)
            voltage.mul_(voltage_left).div_(UNITY).trunc_().add_(synaptic)
            if bias is not None:
                voltage.add_(bias)
            membrane.copy_(voltage)
            fired = voltage >= fires_at
            spike.copy_(fired)
            voltage.masked_fill_(fired, 0.0)
        ctx.save_for_backward(membranes, spikes)
        ctx.constants = (current_left, voltage_left, threshold, surrogate)
        ctx.set_materialize_grads(False)
        return spikes, membranes

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, grad_spikes: Tensor | None, grad_membranes: Tensor | None
    ) -> tuple[Tensor | None, None, None, None, None, None]:
        membranes, spikes = ctx.saved_tensors
        current_left, voltage_left, threshold, surrogate = ctx.constants
        if grad_spikes is None and grad_membranes is None:
            return None, None, None, None, None, None
        grad = torch.zeros_like(membranes)
        if grad_spikes is not None:
            slope = surrogate.derivative((membranes - threshold).div_(threshold))
            grad.add_(slope.mul_(grad_spikes).div_(threshold))
        if grad_membranes is not None:
            grad.add_(grad_membranes)
        of_voltage, of_current = torch.zeros_like(grad[0]), torch.zeros_like(grad[0])
        for own, spike in zip(reversed(grad.unbind()), reversed(spikes.unbind()), strict=True):
            # a spike sets the voltage to zero: nothing before it reaches the next step
            of_voltage.mul_(1 - spike).mul_(voltage_left / UNITY).add_(own)
            of_current.mul_(current_left / UNITY).add_(of_voltage)
            own.copy_(of_current)
        return grad, None, None, None, None, None


def loihi_scan(
    current: Tensor,
    *,
    current_decay: int,
    voltage_decay: int,
    threshold: int,
    surrogate: Surrogate,
    bias: Tensor | None = None,
    fires_at_threshold: bool = True,
) -> tuple[Tensor, Tensor]:
    """Run Loihi's current-based neurons (CUBA) over all time steps, starting at rest, in whole numbers.

    In every step::

        u_t = trunc(u_(t-1) * (4096 - current_decay) / 4096) + I_t
        v_t = trunc(v_(t-1) * (4096 - voltage_decay) / 4096) + u_t + bias
        z_t = [v_t >= threshold],    v_t = 0 after a spike

    The gradient takes truncation for the identity, the reset for a constant, and the derivative of a spike for
    ``surrogate.derivative((v_t - threshold) / threshold) / threshold``, so that a slope means what it means to
    neurons whose threshold is 1.

    Args:
        current: input current in whole numbers, ``(T, ...)``, T at least 1. Half precision is computed in float32.
        current_decay: what the current loses in a step, in 4096ths, 0 to 4096.
        voltage_decay: what the voltage loses in a step, in 4096ths, 0 to 4096.
        threshold: firing threshold, > 0.
        surrogate: gradient of the spikes with respect to the membranes.
        bias: added to the voltage in every step, broadcast to ``current[0]``.
        fires_at_threshold: whether a membrane at the threshold fires, or only one above it.

    Returns:
        Spikes in {0, 1} and membranes before their reset, both ``(T, ...)`` and at least float32. Spikes are exact;
        membranes are, up to 2^24, in float32.

    Raises:
        ValueError: when ``current`` has no time step.
    """
    if current.ndim == 0 or current.shape[0] == 0:
        raise ValueError(f"loihi_scan needs at least one time step, got a current of shape {tuple(current.shape)}.")
    if current.dtype in (torch.float16, torch.bfloat16):
        current = current.float()
    fires_at = threshold if fires_at_threshold else threshold + 1
    spikes, membranes = _LoihiScan.apply(current, bias, (current_decay, voltage_decay), threshold, fires_at, surrogate)
    return spikes, membranes


class LoihiNeurons(nn.Module):
    """A layer of Loihi's current-based neurons, at rest at the start of every forward (:func:`loihi_scan`).

    ``surrogate`` may be replaced at any time: the next forward takes it.

    Args:
        threshold: firing threshold, > 0.
        current_decay: what the current loses in a step, in 4096ths, 0 to 4096.
        voltage_decay: what the voltage loses in a step, in 4096ths, 0 to 4096.
        bias: added to the voltage in every step, of a shape that is broadcast to the layer's; None adds nothing.
        surrogate: gradient of a spike with respect to ``(v - threshold) / threshold``; None means
            :data:`LOIHI_SURROGATE`.
        fires_at_threshold: whether a membrane at the threshold fires, or only one above it.

    Raises:
        ValueError: when a number is out of range.
    """

    bias: Tensor | None

    def __init__(
        self,
        threshold: int,
        current_decay: int = UNITY,
        voltage_decay: int = 0,
        bias: Tensor | None = None,
        surrogate: Surrogate | None = None,
        fires_at_threshold: bool = True,
    ) -> None:
        super().__init__()
        if threshold < 1:
            raise ValueError(f"threshold must be at least 1, got {threshold}.")
        for name, decay in (("current_decay", current_decay), ("voltage_decay", voltage_decay)):
            if not 0 <= decay <= UNITY:
                raise ValueError(f"{name} must lie in 0 to {UNITY}, got {decay}.")
        self.threshold = threshold
        self.current_decay = current_decay
        self.voltage_decay = voltage_decay
        self.surrogate: Surrogate = LOIHI_SURROGATE if surrogate is None else surrogate
        self.fires_at_threshold = fires_at_threshold
        self.register_buffer("bias", bias)

    def forward(self, current: Tensor) -> tuple[Tensor, Tensor]:
        """Return spikes and membranes, ``(T, ...)``, of neurons driven by ``current``, ``(T, ...)``."""
        return loihi_scan(
            current,
            current_decay=self.current_decay,
            voltage_decay=self.voltage_decay,
            threshold=self.threshold,
            surrogate=self.surrogate,
            bias=self.bias,
            fires_at_threshold=self.fires_at_threshold,
        )

    def extra_repr(self) -> str:
        """Return the constants."""
        return (
            f"threshold={self.threshold}, current_decay={self.current_decay}, voltage_decay={self.voltage_decay}, "
            f"surrogate={self.surrogate}"
        )
