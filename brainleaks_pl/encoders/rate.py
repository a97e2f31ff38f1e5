"""Rate code: how often a pixel spikes says how bright it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from brainleaks_pl.encoders.base import Encoder, Uniform, draw_spikes


@dataclass(frozen=True)
class RateEncoder(Encoder):
    """Rate code: at every step a pixel spikes with its intensity as probability (the published static targets).

    The same distribution as :func:`snntorch.spikegen.rate`, drawn from ``generator`` so that it can be repeated.

    Args:
        time_steps: T, at least 1.
        gain: factor on the intensity before it is clamped to [0, 1], > 0.

    Raises:
        ValueError: when a constant is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import RateEncoder
        >>> encoder = RateEncoder(time_steps=1000)
        >>> spikes = encoder.encode(torch.tensor([[[[0.0, 0.25, 1.0]]]]), torch.Generator().manual_seed(0))
        >>> spikes.shape
        torch.Size([1000, 1, 1, 1, 3])
        >>> encoder.decode(spikes).squeeze()
        tensor([0.0000, 0.2400, 1.0000])
    """

    gain: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.gain < math.inf:
            raise ValueError(f"gain must be positive and finite, got {self.gain}.")

    def encode(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw spikes in {0, 1}, ``(T, B, C, H, W)``, from pixels ``(B, C, H, W)``."""
        uniform = torch.rand((self.time_steps, *images.shape), generator=generator, device=images.device)
        return self.spikes(images, uniform)

    def spikes(self, images: Tensor, uniform: Tensor) -> Tensor:
        """Return the spikes in {0, 1} that uniform numbers in [0, 1) make of pixels; the two are broadcast."""
        return (uniform < images * self.gain).to(images.dtype)

    def decode(self, inputs: Tensor) -> Tensor:
        """Return the rate images: the mean over time, divided by the gain."""
        return (inputs.mean(0) / self.gain).clamp(0, 1)

    def sample(self, images: Tensor, uniform: Uniform) -> Tensor:
        """Draw spikes; their gradient is that of their probabilities, straight through the draw."""
        return draw_spikes((images * self.gain).expand(self.time_steps, *images.shape), uniform())
