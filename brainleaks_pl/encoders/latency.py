"""Latency code: how early a pixel spikes says how bright it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from snntorch import spikegen
from torch import Generator, Tensor

from brainleaks_pl.encoders.base import Encoder, Uniform, straight_through


@dataclass(frozen=True)
class LatencyEncoder(Encoder):
    """Latency code: every pixel spikes at most once, the brighter the earlier (:func:`snntorch.spikegen.latency`).

    Args:
        time_steps: T, at least 1.
        tau: time constant of the charging neuron, in steps.
        threshold: pixels at or below it fire last (or never, see ``clip``), in (0, 1).
        normalize: spread the spikes over all T steps; otherwise those later than the last step are lost.
        linear: make the spike time linear in the intensity instead of logarithmic.
        clip: drop the spikes of pixels below the threshold.

    Raises:
        ValueError: when a constant is out of range.

    Examples:
        The brighter a pixel, the earlier its spike; black ones stay silent:

        >>> import torch
        >>> from brainleaks_pl import LatencyEncoder
        >>> image = torch.tensor([[[[1.0, 0.5, 0.1, 0.0]]]])
        >>> spikes = LatencyEncoder(time_steps=6, linear=True).encode(image)
        >>> spikes.squeeze()
        tensor([[1., 0., 0., 0.],
                [0., 0., 0., 0.],
                [0., 1., 0., 0.],
                [0., 0., 0., 0.],
                [0., 0., 1., 0.],
                [0., 0., 0., 0.]])
    """

    tau: float = 5.0
    threshold: float = 0.01
    normalize: bool = True
    linear: bool = False
    clip: bool = True
    draws: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.tau < math.inf:
            raise ValueError(f"tau must be positive and finite, got {self.tau}.")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold must lie in (0, 1), got {self.threshold}.")

    def encode(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Return spikes in {0, 1}, ``(T, B, C, H, W)``; deterministic, ``generator`` is not used."""
        spikes: Tensor = spikegen.latency(_beside_black(images), **self._code(), clip=self.clip, bypass=True)
        return torch.unflatten(spikes[:, :-1], 1, images.shape)

    def decode(self, inputs: Tensor) -> Tensor:
        """Return for each pixel the mean of the 256 grey levels that spike when it does (or do not spike, either)."""
        levels = torch.linspace(0, 1, 256, device=inputs.device)
        times = _spike_times(self.encode(levels.view(1, 1, 1, -1))).flatten()
        sums = torch.zeros(self.time_steps + 1, device=inputs.device).index_add(0, times, levels)
        return (sums / times.bincount(minlength=self.time_steps + 1).clamp(min=1))[_spike_times(inputs)]

    def sample(self, images: Tensor, uniform: Uniform) -> Tensor:
        """Return the spikes; the gradient is that of a pulse about the spike's time, a step long on either side."""
        times, silent = spikegen.latency_code(_beside_black(images), **self._code())
        steps = torch.arange(self.time_steps, device=images.device).view(-1, 1)
        pulse = (1 - (steps - times[:-1]).abs()).clamp(min=0)
        if self.clip:
            pulse = pulse * ~silent[:-1]
        return straight_through(self.encode(images.detach()), pulse.unflatten(1, images.shape))

    def _code(self) -> dict[str, Any]:
        """Return snntorch's names of the constants."""
        return {
            "num_steps": self.time_steps,
            "threshold": self.threshold,
            "tau": self.tau,
            "normalize": self.normalize,
            "linear": self.linear,
        }


def _spike_times(spikes: Tensor) -> Tensor:
    """Return the step of the first spike of each pixel, T where there is none, ``(B, C, H, W)``."""
    silent = torch.ones_like(spikes[:1])
    return torch.cat([spikes, silent]).argmax(0)


def _beside_black(images: Tensor) -> Tensor:
    """Flatten images and add a black pixel: snntorch normalises by the latest spike, now the same for all."""
    return torch.cat([images.flatten(), images.new_zeros(1)])
