"""Neurons of NIR graphs in discrete time, over all time steps of a layer at once.

NIR describes neurons by differential equations. A step of length dt is one step of forward Euler, in which the input
of the step takes effect at once; the membrane is then compared with the threshold, and reset where it fired:

========  ==================================================================================================
IF        ``v += dt * r * I``
LIF       ``v += dt/tau * (v_leak - v + r * I)``
LI        as LIF, without spikes: the membrane is the output
CubaLIF   ``i += dt/tau_syn * (w_in * I - i)``, then ``v += dt/tau_mem * (v_leak - v + r * i)`` with the new i
Threshold ``z = [I > threshold]``, without a state
========  ==================================================================================================

A spike resets the membrane of IF, LIF and CubaLIF: NIR sets it to v_reset, and
:data:`~brainleaks_pl.networks.nir.scan.NIRReset` names what simulators do instead. The current of CubaLIF goes on
undisturbed; LI and Threshold have nothing to reset.

All start at rest: the membranes of IF at v_reset, the others at v_leak, currents at 0.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.nir.scan import Discretisation, FiringRule, leaky_scan, spiking_scan
from brainleaks_pl.networks.surrogates import Surrogate

NIROutput = Literal["spikes", "membranes"]
"""What spiking neurons hand on: their spikes, or their membranes before the reset."""


class LeakyIntegrator(nn.Module):
    """Values that decay and add up their input: the membranes of LI, the currents of CubaLIF.

    Args:
        keep: what a step leaves of the value, in [0, 1]; like all that follow, one value or of the neurons' shape.
        gain: what the input is multiplied by.
        drift: what every step adds.
        start: the value before the first step.
    """

    keep: Tensor
    gain: Tensor
    drift: Tensor
    start: Tensor

    def __init__(self, keep: Tensor, gain: Tensor, drift: Tensor, start: Tensor) -> None:
        super().__init__()
        for name, value in {"keep": keep, "gain": gain, "drift": drift, "start": start}.items():
            self.register_buffer(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Return the values, ``(T, ...)``, for an input ``(T, ...)``."""
        return leaky_scan(_current(x, self.gain, self.drift), self.keep, self.start)


class SpikingNeurons(nn.Module):
    """Integrate-and-fire neurons, leaky or not: IF, LIF and the membranes of CubaLIF.

    ``surrogate`` and ``output`` may be replaced at any time: the next forward takes them. With several spikes per step,
    the surrogate counts below the threshold alone; above it the spikes follow the membrane, but for their rounding.

    Args:
        how: reset, several spikes per step, bound of the membranes.
        surrogate: gradient of the spikes with respect to the membranes.
        keep: what a step leaves of the membrane, in [0, 1]; like all tensors, one value or of the neurons' shape.
        gain: what the input is multiplied by.
        drift: what every step adds.
        start: the membrane before the first step.
        threshold: firing threshold.
        v_reset: membrane after a reset to a value.

    Raises:
        ValueError: when a spike would subtract nothing, or less, from the membrane.
    """

    keep: Tensor
    gain: Tensor
    drift: Tensor
    start: Tensor
    threshold: Tensor
    v_reset: Tensor

    def __init__(
        self,
        how: Discretisation,
        surrogate: Surrogate,
        keep: Tensor,
        gain: Tensor,
        drift: Tensor,
        start: Tensor,
        threshold: Tensor,
        v_reset: Tensor,
    ) -> None:
        super().__init__()
        constants = {"keep": keep, "gain": gain, "drift": drift, "start": start}
        for name, value in {**constants, "threshold": threshold, "v_reset": v_reset}.items():
            self.register_buffer(name, value)
        if how.reset != "to_value" and not bool((threshold > v_reset).all()):
            raise ValueError("where spikes are subtracted, v_threshold must be above v_reset.")
        self.how = how
        self.surrogate = surrogate
        self.output: NIROutput = "spikes"

    def forward(self, x: Tensor) -> Tensor:
        """Return what the neurons hand on, ``(T, ...)``, for an input ``(T, ...)``."""
        spikes, membranes = self.run(x)
        return spikes if self.output == "spikes" else membranes

    def run(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return spikes and membranes before the reset, ``(T, ...)``, for an input ``(T, ...)``."""
        keep = None if bool((self.keep == 1).all()) else self.keep
        rule = FiringRule(keep, self.threshold, self.v_reset, self.start, self.how, self.surrogate)
        return spiking_scan(_current(x, self.gain, self.drift), rule)

    def extra_repr(self) -> str:
        """Return how the neurons are run."""
        return f"{self.how}, surrogate={self.surrogate}"


class ThresholdUnits(nn.Module):
    """A Heaviside step at a threshold, with a surrogate gradient, which may be replaced at any time.

    Args:
        threshold: one value or of the units' shape.
        surrogate: gradient of the step.
    """

    threshold: Tensor

    def __init__(self, threshold: Tensor, surrogate: Surrogate) -> None:
        super().__init__()
        self.register_buffer("threshold", threshold)
        self.surrogate = surrogate

    def forward(self, x: Tensor) -> Tensor:
        """Return 1 where the input, ``(T, ...)``, is above the threshold, else 0."""
        return self.surrogate.spike_function()(x - self.threshold)


def _current(x: Tensor, gain: Tensor, drift: Tensor) -> Tensor:
    """Return what the input adds to the neurons in every step, at least float32."""
    if x.dtype in (torch.float16, torch.bfloat16):
        x = x.float()  # a membrane that is a running sum flips spikes in half precision
    scaled = x if bool((gain == 1).all()) else x * gain
    return scaled if bool((drift == 0).all()) else scaled + drift
