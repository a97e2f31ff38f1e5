"""Key frames as an encoder: spikes whose rates change smoothly from one picture to the next."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from brainleaks_pl.encoders.base import Encoder, Uniform, draw_spikes


@dataclass(frozen=True)
class KeyframeEncoder(Encoder):
    """Draws spikes from a short movie of spike rates, for scenes whose way through the camera is not known.

    The movie is a few key frames, evenly spread over the T steps, the first at the first step and the last at the last;
    between two of them rates change linearly. An "image" holds the channels of the first key frame, then those of the
    second, and so on. All spikes of a sensor come from things that move steadily: this is the prior of an attacker who
    knows no more about the recordings.

    Args:
        time_steps: T, at least 1.
        keyframes: number of key frames, at least 2.
        gain: spike probability that a pixel of 1 stands for, in (0, 1].

    Raises:
        ValueError: when a number is out of range.

    Examples:
        Two key frames, black and white, between which the spike rate rises:

        >>> import torch
        >>> from brainleaks_pl import KeyframeEncoder
        >>> encoder = KeyframeEncoder(time_steps=5, keyframes=2)
        >>> encoder.image_shape((1, 20, 20))
        (2, 20, 20)
        >>> movie = torch.cat([torch.zeros(1, 1, 20, 20), torch.ones(1, 1, 20, 20)], 1)
        >>> encoder.rates(movie).mean((1, 2, 3, 4))
        tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
        >>> encoder.encode(movie).shape
        torch.Size([5, 1, 1, 20, 20])
    """

    time_steps: int = 60
    keyframes: int = 12
    gain: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.keyframes < 2:
            raise ValueError(f"keyframes must be at least 2, got {self.keyframes}.")
        if not 0 < self.gain <= 1:
            raise ValueError(f"gain must lie in (0, 1], got {self.gain}.")

    def image_shape(self, input_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the shape of the stacked key frames, ``(keyframes * C, H, W)``."""
        channels, height, width = input_shape
        return (self.keyframes * channels, height, width)

    def encode(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Draw spikes in {0, 1}, ``(T, B, C, H, W)``, from key frames ``(B, keyframes * C, H, W)``."""
        rates = self.rates(images)
        return (torch.rand(rates.shape, generator=generator, device=rates.device) < rates).to(images.dtype)

    def sample(self, images: Tensor, uniform: Uniform) -> Tensor:
        """Draw spikes; their gradient is that of their probabilities, straight through the draw."""
        return draw_spikes(self.rates(images), uniform())

    def rates(self, images: Tensor) -> Tensor:
        """Return the spike probabilities of every step, ``(T, B, C, H, W)``; differentiable.

        Raises:
            ValueError: when the images' channels are no whole number of key frames.
        """
        if images.shape[1] % self.keyframes:
            raise ValueError(
                f"images must hold {self.keyframes} key frames of C channels each, got {images.shape[1]} channels."
            )
        frames = images.unflatten(1, (self.keyframes, -1)).movedim(1, 0)
        places = torch.linspace(0, self.keyframes - 1, self.time_steps, device=images.device)
        before = places.long().clamp(max=self.keyframes - 2)
        share = (places - before).to(images.dtype).view(-1, 1, 1, 1, 1)
        return self.gain * torch.lerp(frames[before], frames[before + 1], share)
