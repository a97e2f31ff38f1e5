"""Constant current: the image itself drives the network, step after step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from torch import Generator, Tensor

from brainleaks_pl.encoders.base import Encoder, Uniform


@dataclass(frozen=True)
class ConstantCurrentEncoder(Encoder):
    """Constant current: the image itself is the input of every step (no spikes at the input).

    Args:
        time_steps: T, at least 1.
        gain: factor on the intensity, not 0.

    Raises:
        ValueError: when a constant is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import ConstantCurrentEncoder
        >>> encoder = ConstantCurrentEncoder(time_steps=3, gain=2.0)
        >>> current = encoder.encode(torch.tensor([[[[0.1, 0.4]]]]))
        >>> current.squeeze()
        tensor([[0.2000, 0.8000],
                [0.2000, 0.8000],
                [0.2000, 0.8000]])
        >>> encoder.decode(current).squeeze()
        tensor([0.1000, 0.4000])
    """

    gain: float = 1.0
    draws: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gain == 0 or not math.isfinite(self.gain):
            raise ValueError(f"gain must be finite and not 0, got {self.gain}.")

    def encode(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Return the image repeated over time, ``(T, B, C, H, W)``; ``generator`` is not used."""
        return (images * self.gain).expand(self.time_steps, *images.shape)

    def decode(self, inputs: Tensor) -> Tensor:
        """Return the mean over time, divided by the gain."""
        return (inputs.mean(0) / self.gain).clamp(0, 1)

    def sample(self, images: Tensor, uniform: Uniform) -> Tensor:
        """Return the image repeated over time, which is differentiable as it is."""
        return self.encode(images)
