"""The scene of N-MNIST: a still image in front of a sensor that makes three micro-saccades."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Saccades:
    """Three saccades along a triangle: how an image of 28x28 pixels moves over a sensor of 34x34.

    The method of Orchard et al. (Frontiers in Neuroscience 9:437, 2015), who moved a sensor in front of a monitor. The
    image goes right and down, right and up, and back to the left, through the middle of the sensor; the shape and
    the size of this path are those that :func:`tonic.datasets.nmnist.stabilize` removes from the real recordings. In
    every saccade it speeds up and slows down as in a movement of minimum jerk (Flash and Hogan, Journal of
    Neuroscience 5(7), 1985).

    Args:
        duration: microseconds of one saccade, at least ``steps``.
        amplitude: width and height of the triangle in pixels, > 0.
        steps: steps of one saccade, from one frame of the movie to the next, at least 1.

    Raises:
        ValueError: when a constant is out of range.
    """

    duration: int = 100_000
    amplitude: float = 7.0
    steps: int = 40

    image_size: ClassVar[tuple[int, int]] = (28, 28)
    sensor_size: ClassVar[tuple[int, int]] = (34, 34)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}.")
        if self.duration < self.steps:
            raise ValueError(f"duration must be at least one microsecond a step ({self.steps}), got {self.duration}.")
        if not 0 < self.amplitude < math.inf:
            raise ValueError(f"amplitude must be positive and finite, got {self.amplitude}.")

    def times(self) -> Tensor:
        """Return the times of the frames in microseconds, from 0 to the end of the third saccade, int64 ``(F,)``."""
        return torch.arange(3 * self.steps + 1) * self.duration // self.steps

    def offsets(self) -> Tensor:
        """Return where the image's first pixel lies on the sensor in every frame, ``(x, y)``, float64 ``(F, 2)``."""
        corners = torch.tensor([[0.0, 0.0], [0.5, 1.0], [1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
        u = torch.arange(1, self.steps + 1, dtype=torch.float64) / self.steps
        travelled = u**3 * (10 - 15 * u + 6 * u**2)
        legs = torch.lerp(corners[:-1, None], corners[1:, None], travelled[:, None])
        margin = torch.tensor(self.sensor_size) - torch.tensor(self.image_size)
        return margin / 2 + self.amplitude * (torch.cat([corners[:1], legs.flatten(0, 1)]) - 0.5)

    def watch(self, images: Tensor) -> Tensor:
        """Return what the sensor sees, in a black surrounding, by bilinear interpolation; differentiable.

        Args:
            images: intensities in [0, 1], ``(B, 28, 28)``.

        Returns:
            The movie, ``(F, B, 34, 34)``.

        Raises:
            ValueError: when the images are of another shape.
        """
        if images.ndim != 3 or tuple(images.shape[1:]) != self.image_size:
            raise ValueError(f"images must be (B, 28, 28), got {tuple(images.shape)}.")
        width, height = self.sensor_size
        rows = [(_place(images, x, width), y) for x, y in self.offsets().tolist()]
        return torch.stack([_place(row.mT, y, height).mT for row, y in rows])


def _place(lines: Tensor, offset: float, length: int) -> Tensor:
    """Lay lines ``(..., N)`` on black ones, their first pixel at ``offset``, interpolating linearly."""
    whole = math.floor(offset)
    left, right = (F.pad(lines, (at, length - lines.shape[-1] - at)) for at in (whole, whole + 1))
    # in this form nothing leaves the range of the pixels by rounding
    return left + (offset - whole) * (right - left)
