"""The scene of N-MNIST: a still image in front of a sensor that makes three micro-saccades."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from brainleaks_pl.events.measured_path import MEASURED_PATH

Path = Literal["measured", "triangle"]
"""Shape of the movement and its course in time."""

Screen = Literal["white", "black"]
"""What surrounds the image: a white screen shows it as a negative, dark strokes on bright paper."""


@dataclass(frozen=True)
class Saccades:
    """Three saccades: how an image of 28x28 pixels moves over a sensor of 34x34.

    Orchard et al. (Frontiers in Neuroscience 9:437, 2015) moved a sensor in front of a monitor. The defaults were
    fitted to 500 real recordings (``docs/event_camera.md``): the digit is black on white, its pixels are as large as
    the sensor's, and it goes down, then up to the right, and back to the left.

    The ``triangle`` is an idealised path: right and down, right and up, and back to the left, with the shape that
    :func:`tonic.datasets.nmnist.stabilize` removes from the real recordings. In every saccade it speeds up and slows
    down as in a movement of minimum jerk (Flash and Hogan, Journal of Neuroscience 5(7), 1985).

    Args:
        duration: microseconds of one saccade, at least ``steps``.
        amplitude: width and height of the path in pixels, > 0.
        steps: steps of one saccade, from one frame of the movie to the next, at least 1.
        path: ``measured`` or ``triangle``.
        offset_x: how far right of the sensor's middle the path's middle lies, in pixels, finite.
        offset_y: how far below it, in pixels, finite.
        blur: standard deviation of the lens's point spread, a Gaussian, in pixels, in [0, 10]; 0 is a sharp image.
        screen: ``white`` or ``black``.

    Raises:
        ValueError: when a constant is out of range.

    Examples:
        A stroke on a white screen, while the sensor moves:

        >>> import torch
        >>> from brainleaks_pl import Saccades
        >>> saccades = Saccades(steps=10)
        >>> image = torch.zeros(1, 28, 28)
        >>> image[:, 6:22, 13:16] = 1
        >>> movie = saccades.watch(image)
        >>> movie.shape
        torch.Size([31, 1, 34, 34])
        >>> saccades.times()[-1]  # microseconds
        tensor(315000)
        >>> saccades.offsets()[[0, 10, 20, 30]].round()
        tensor([[1., 1.],
                [2., 7.],
                [6., 1.],
                [0., 1.]], dtype=torch.float64)
    """

    duration: int = 105_000
    amplitude: float = 5.42
    steps: int = 42
    path: Path = "measured"
    offset_x: float = 0.08
    offset_y: float = 0.9
    blur: float = 0.64
    screen: Screen = "white"

    image_size: ClassVar[tuple[int, int]] = (28, 28)
    sensor_size: ClassVar[tuple[int, int]] = (34, 34)

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}.")
        if self.duration < self.steps:
            raise ValueError(f"duration must be at least one microsecond per step ({self.steps}), got {self.duration}.")
        if not 0 < self.amplitude < math.inf:
            raise ValueError(f"amplitude must be positive and finite, got {self.amplitude}.")
        if not 0 <= self.blur <= 10:
            raise ValueError(f"blur must lie in [0, 10] pixels, got {self.blur}.")
        for name in ("offset_x", "offset_y"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}.")
        for name, choices in (("path", get_args(Path)), ("screen", get_args(Screen))):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} must be one of {', '.join(choices)}, got {getattr(self, name)!r}.")

    def times(self) -> Tensor:
        """Return the times of the frames in microseconds, from 0 to the end of the third saccade, int64 ``(F,)``."""
        return torch.arange(3 * self.steps + 1) * self.duration // self.steps

    def offsets(self) -> Tensor:
        """Return where the image's first pixel lies on the sensor in every frame, ``(x, y)``, float64 ``(F, 2)``."""
        margin = torch.tensor(self.sensor_size) - torch.tensor(self.image_size)
        middle = margin / 2 + torch.tensor([self.offset_x, self.offset_y], dtype=torch.float64)
        return middle + self.amplitude * (self._measured() if self.path == "measured" else self._triangle())

    def _triangle(self) -> Tensor:
        corners = torch.tensor([[0.0, 0.0], [0.5, 1.0], [1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
        u = torch.arange(1, self.steps + 1, dtype=torch.float64) / self.steps
        travelled = u**3 * (10 - 15 * u + 6 * u**2)
        legs = torch.lerp(corners[:-1, None], corners[1:, None], travelled[:, None])
        return torch.cat([corners[:1], legs.flatten(0, 1)]) - 0.5

    def _measured(self) -> Tensor:
        knots = torch.tensor(MEASURED_PATH, dtype=torch.float64)
        at = torch.linspace(0, len(knots) - 1, 3 * self.steps + 1, dtype=torch.float64)
        left = at.long().clamp(max=len(knots) - 2)
        return torch.lerp(knots[left], knots[left + 1], (at - left)[:, None])

    def watch(self, images: Tensor) -> Tensor:
        """Return what the sensor sees, the screen around the image, by bilinear interpolation; differentiable.

        Args:
            images: in [0, 1], ``(B, 28, 28)``; 0 has the screen's brightness.

        Returns:
            The movie, intensities in [0, 1], ``(F, B, 34, 34)``.

        Raises:
            ValueError: when the images are of another shape.
        """
        if images.ndim != 3 or tuple(images.shape[1:]) != self.image_size:
            raise ValueError(f"images must be (B, 28, 28), got {tuple(images.shape)}.")
        width, height = self.sensor_size
        seen, margin = self._through_the_lens(images)
        rows = [(_place(seen, x - margin, width), y - margin) for x, y in self.offsets().tolist()]
        movie = torch.stack([_place(row.mT, y, height).mT for row, y in rows])
        return 1 - movie if self.screen == "white" else movie

    def _through_the_lens(self, images: Tensor) -> tuple[Tensor, int]:
        """Return blurred images and by how many pixels they have grown on every side."""
        radius = math.ceil(3 * self.blur)
        if not radius:
            return images, 0
        kernel = torch.exp(-(torch.arange(-radius, radius + 1.0, dtype=torch.float64) ** 2) / (2 * self.blur**2))
        # a little less than 1 in sum: rounding never leaves [0, 1]
        kernel = (kernel / kernel.sum() * (1 - 2**-20)).to(images)
        rows = F.conv1d(images.flatten(0, 1).unsqueeze(1), kernel.view(1, 1, -1), padding=2 * radius)
        rows = rows.view(*images.shape[:2], -1).mT
        columns = F.conv1d(rows.flatten(0, 1).unsqueeze(1), kernel.view(1, 1, -1), padding=2 * radius)
        return columns.view(*rows.shape[:2], -1).mT, radius


def _place(lines: Tensor, offset: float, length: int) -> Tensor:
    """Lay lines ``(..., N)`` on black ones, their first pixel at ``offset``, interpolating linearly."""
    whole = math.floor(offset)
    left, right = (F.pad(lines, (at, length - lines.shape[-1] - at)) for at in (whole, whole + 1))
    # in this form nothing leaves the range of the pixels by rounding
    return left + (offset - whole) * (right - left)
