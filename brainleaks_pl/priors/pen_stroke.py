"""One stroke of a pen as a prior: handwriting, with nothing to learn from pictures."""

from __future__ import annotations

import math
from typing import Any, NoReturn

import torch
from torch import Tensor, nn

from brainleaks_pl.priors.latents import LatentPrior
from brainleaks_pl.targets.training import Training

_PERSISTENCE = 0.6
"""Correlation of the pen's velocity between two neighbouring control points."""
_WIDTH_SPREAD, _WIDTH_LIMIT = 0.2, 2.0
"""Standard deviation of the logarithm of the line's width, and how many of them it may be away from its mean."""
_SEGMENTS = 4
"""Straight segments of the curve per control point."""


class PenStroke(LatentPrior):
    """A pen that is put down once, moves smoothly and is lifted: all that is assumed is that the picture was written.

    The latents are the pen's velocities between control points, each correlated with the one before (.6), and the
    width of its line; the path is the uniform cubic B-spline of the control points. As in MNIST's format, the path is
    scaled until its longer side fills the picture but for the margin, and the middle of the line lies in the middle
    of the picture. A pixel's brightness falls with its distance from the path. So every picture is one connected line
    of even width: the target may choose where it runs, and can get neither speckle nor blots.

    It has nothing to learn, and no weights: give it to an attack as it is. Few of its pictures look like a class, so
    draw many (``starts`` of :class:`~brainleaks_pl.attacks.brainleaks_v3.BrainLeaksV3`), and run several restarts.

    Args:
        size: (H, W) of the pictures, in pixels.
        margin: pixels on every side of the square that the path fills, >= 0.
        points: control points of the path, at least 2.
        width: mean width of the line, in pixels, > 0 (MNIST: about 2.4).
        softness: width of the line's edge, in pixels, > 0.
        lr: step size of the latents, whose standard deviation is 1, > 0.
        alone: pictures drawn for the null, at least 1.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import BrainLeaksV3, PenStroke
        >>> prior = PenStroke()
        >>> prior.sample(4, torch.Generator().manual_seed(0)).shape
        torch.Size([4, 1, 28, 28])
        >>> attack = BrainLeaksV3(ann, prior=prior, starts=200, classes=[3, 8], seed=0)
        >>> attack.candidates.shape  # sixteen velocities, and the width
        torch.Size([2, 17, 1, 1])
    """

    network: _Pen

    def __init__(
        self,
        size: tuple[int, int] = (28, 28),
        margin: int = 4,
        points: int = 9,
        width: float = 2.4,
        softness: float = 0.45,
        lr: float = 0.05,
        alone: int = 500,
    ) -> None:
        if points < 2:
            raise ValueError(f"points must be at least 2, got {points}.")
        for name, value in (("width", width), ("softness", softness)):
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {value}.")
        thickest = width * math.exp(_WIDTH_SPREAD * _WIDTH_LIMIT)
        if margin < 0 or min(size) - 2 * margin <= thickest:
            raise ValueError(
                f"margin must not be negative, and leave more than the {thickest:.1f} pixels of the widest line in "
                f"pictures of {size[0]}x{size[1]}, got {margin}."
            )
        pen = {"points": points, "margin": margin, "width": width, "softness": softness}
        super().__init__(None, lr, alone, Training(epochs=1), latents=2 * points - 1, **pen)
        self.fit_to((1, *size))

    def build(self, input_shape: tuple[int, int, int], *, latents: int, **pen: Any) -> _Pen:  # type: ignore[override]
        """Return the pen."""
        return _Pen(input_shape[1:], **pen)

    def loss(self, images: Tensor) -> NoReturn:
        """Refuse: nothing is trained.

        Raises:
            ValueError: always.
        """
        raise ValueError("PenStroke has nothing to learn from pictures: give it to an attack as it is.")

    def memorise(self, images: Tensor) -> NoReturn:
        """Refuse, as :meth:`loss` does."""
        self.loss(images)

    def decoded(self, latents: Tensor) -> Tensor:
        """Return the pictures of latents ``(N, L)``, ``(N, 1, H, W)`` in [0, 1]."""
        pictures: Tensor = self.network(latents)
        return pictures


class _Pen(nn.Module):
    """Turns velocities and a width into a picture."""

    def __init__(self, size: tuple[int, int], points: int, margin: int, width: float, softness: float) -> None:
        super().__init__()
        self.size, self.width, self.softness = size, width, softness
        self.side = min(size) - 2 * margin
        rows, columns = (torch.arange(side) + 0.5 for side in size)
        self.basis: Tensor
        self.pixels: Tensor
        self.middle: Tensor
        self.register_buffer("basis", _spline(points) @ _walk(points), persistent=False)
        self.register_buffer("pixels", torch.cartesian_prod(rows, columns), persistent=False)
        self.register_buffer("middle", torch.tensor(size) / 2, persistent=False)

    def forward(self, latents: Tensor) -> Tensor:
        path, widths = self.path(latents)
        begin, along = path[:, :-1], path.diff(dim=1)
        length = along.square().sum(2).clamp(min=1e-6)
        # how far along each segment the point nearest to each pixel lies, (N, pixels, segments)
        part = (self.pixels @ along.mT - (begin * along).sum(2)[:, None]) / length[:, None]
        part = part.clamp(0, 1)
        squares = torch.zeros_like(part)
        for axis in range(2):
            nearest = begin[:, None, :, axis] + part * along[:, None, :, axis]
            squares = squares + (self.pixels[:, axis, None] - nearest).square()
        distances = squares.amin(2).clamp(min=1e-8).sqrt()
        return torch.sigmoid((widths[:, None] / 2 - distances) / self.softness).view(-1, 1, *self.size)

    def path(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Return the ends of the path's segments, row and column in pixels, ``(N, S + 1, 2)``, and its widths."""
        widths = self.width * torch.exp(_WIDTH_SPREAD * latents[:, -1].clamp(-_WIDTH_LIMIT, _WIDTH_LIMIT))
        path = self.basis @ latents[:, :-1].unflatten(1, (-1, 2))
        sides = path.amax(1) - path.amin(1)
        path = path * ((self.side - widths) / sides.amax(1).clamp(min=1e-3)).view(-1, 1, 1)
        lengths = torch.linalg.vector_norm(path.diff(dim=1), dim=2, keepdim=True) + 1e-6
        halfway = (path[:, 1:] + path[:, :-1]) / 2
        centre = (halfway * lengths).sum(1, keepdim=True) / lengths.sum(1, keepdim=True)
        return path - centre + self.middle, widths


def _walk(points: int) -> Tensor:
    """Return what turns independent numbers into control points, ``(points, points - 1)``: sums of velocities."""
    order = torch.arange(points - 1)
    velocities = (_PERSISTENCE ** (order[:, None] - order).clamp(min=0)).tril()
    velocities[:, 1:] *= math.sqrt(1 - _PERSISTENCE**2)
    return torch.cat([torch.zeros(1, points - 1), velocities.cumsum(0)])


def _spline(points: int) -> Tensor:
    """Return the weights of the control points in the ends of the segments, ``(S + 1, points)``.

    The first and the last point count three times, so that the curve begins and ends there.
    """
    control = torch.eye(points)
    control = torch.cat([control[:1], control[:1], control, control[-1:], control[-1:]])
    pieces = len(control) - 3
    along = torch.linspace(0, pieces, _SEGMENTS * (points - 1) + 1)
    piece = along.long().clamp(max=pieces - 1)
    rest = (along - piece)[:, None]
    weights = ((1 - rest) ** 3, 3 * rest**3 - 6 * rest**2 + 4, -3 * rest**3 + 3 * rest**2 + 3 * rest + 1, rest**3)
    return torch.stack([own * control[piece + k] for k, own in enumerate(weights)]).sum(0) / 6
