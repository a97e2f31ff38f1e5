"""Encoders: how a static image becomes a spike train (or a constant current) over T time steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from snntorch import spikegen
from torch import Generator, Tensor

Uniform = Callable[[], Tensor]
"""Gives uniform numbers in [0, 1), one an entry of the network's input, ``(T, B, C, H, W)``."""


@dataclass(frozen=True)
class Encoder(ABC):
    """Base of the encoders.

    A subclass is a dataclass that implements :meth:`encode`; its fields are its constants.

    Args:
        time_steps: T, the number of time steps of the encoded input, at least 1.

    Raises:
        ValueError: when ``time_steps`` is below 1.
    """

    time_steps: int = 25

    def __post_init__(self) -> None:
        if self.time_steps < 1:
            raise ValueError(f"time_steps must be at least 1, got {self.time_steps}.")

    @abstractmethod
    def encode(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Encode ``images (B, C, H, W)`` in [0, 1] as ``(T, B, C, H, W)``.

        Args:
            images: pixels in [0, 1].
            generator: source of the randomness, on the device of ``images``; None draws from torch's global one.
        """

    def decode(self, inputs: Tensor) -> Tensor | None:
        """Return the images ``(B, C, H, W)`` in [0, 1] that inputs ``(T, B, C, H, W)`` stand for.

        None where that is not known, as here.
        """
        return None

    def image_shape(self, input_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the shape of the images, (C, H, W), that become inputs of the shape ``input_shape``; here the same.

        Raises:
            ValueError: when no image does.
        """
        return input_shape

    def variant(self, generator: np.random.Generator) -> Encoder:
        """Return the encoder with the constants that are not known for certain drawn anew; here itself."""
        return self

    def sample(self, images: Tensor, uniform: Uniform) -> Tensor:
        """Encode with a gradient: the same spikes as :meth:`encode` draws, differentiable in the images.

        By default the gradient goes straight through: that of every step's input reaches the pixel as it is.

        Args:
            images: pixels in [0, 1], ``(B, C, H, W)``.
            uniform: gives uniform numbers in [0, 1), ``(T, B, C, H, W)``; called by encoders that draw.

        Returns:
            ``(T, B, C, H, W)``.
        """
        return straight_through(self.encode(images.detach()), images.expand(self.time_steps, *images.shape))


def straight_through(values: Tensor, differentiable: Tensor) -> Tensor:
    """Return ``values`` with the gradient of ``differentiable``, a tensor of the same shape."""
    return _StraightThrough.apply(values, differentiable)  # type: ignore[no-any-return]


def draw_spikes(rates: Tensor, uniform: Tensor) -> Tensor:
    """Draw spikes in {0, 1} of probabilities ``rates``; their gradient is that of the probabilities, straight through.

    Args:
        rates: spike probabilities, of any shape; what lies above 1 spikes always.
        uniform: numbers in [0, 1), of the same shape.
    """
    return straight_through((uniform < rates).to(rates.dtype), rates)


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, differentiable: Tensor) -> Tensor:
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, gradient


@dataclass(frozen=True)
class RateEncoder(Encoder):
    """Rate code: at every step a pixel spikes with its intensity as probability (the published static targets).

    The same distribution as :func:`snntorch.spikegen.rate`, drawn from ``generator`` so that it can be repeated.

    Args:
        time_steps: T, at least 1.
        gain: factor on the intensity before it is clamped to [0, 1].
    """

    gain: float = 1.0

    def encode(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw spikes in {0, 1}, ``(T, B, C, H, W)``, from pixels ``(B, C, H, W)``."""
        uniform = torch.rand((self.time_steps, *images.shape), generator=generator, device=images.device)
        return (uniform < images * self.gain).to(images.dtype)

    def decode(self, inputs: Tensor) -> Tensor:
        """Return the rate images: the mean over time, divided by the gain."""
        return (inputs.mean(0) / self.gain).clamp(0, 1)

    def sample(self, images: Tensor, uniform: Uniform) -> Tensor:
        """Draw spikes; their gradient is that of their probabilities, straight through the draw."""
        return draw_spikes((images * self.gain).expand(self.time_steps, *images.shape), uniform())


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
    """

    tau: float = 5.0
    threshold: float = 0.01
    normalize: bool = True
    linear: bool = False
    clip: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.tau > 0:
            raise ValueError(f"tau must be positive, got {self.tau}.")
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


@dataclass(frozen=True)
class ConstantCurrentEncoder(Encoder):
    """Constant current: the image itself is the input of every step (no spikes at the input).

    Args:
        time_steps: T, at least 1.
        gain: factor on the intensity.
    """

    gain: float = 1.0

    def encode(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Return the image repeated over time, ``(T, B, C, H, W)``; ``generator`` is not used."""
        return (images * self.gain).expand(self.time_steps, *images.shape)

    def decode(self, inputs: Tensor) -> Tensor:
        """Return the mean over time, divided by the gain."""
        return (inputs.mean(0) / self.gain).clamp(0, 1)

    def sample(self, images: Tensor, uniform: Uniform) -> Tensor:
        """Return the image repeated over time, which is differentiable as it is."""
        return self.encode(images)


def describe_encoder(encoder: Encoder | None) -> dict[str, Any] | None:
    """Return an encoder's class and constants as plain values."""
    return None if encoder is None else {"class": type(encoder).__qualname__, **asdict(encoder)}
