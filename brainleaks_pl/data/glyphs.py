"""Glyphs: letters, symbols and scribbles in the style of MNIST's digits, but without a digit: public data."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont
from torch import Generator, Tensor

from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset
from brainleaks_pl.encoders.base import Encoder

TYPEFACES = (
    "DejaVuSans", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Oblique", "DejaVuSerif", "DejaVuSerif-Italic",
    "STIXGeneral", "STIXGeneralItalic",
)  # fmt: skip
"""Those that matplotlib ships and whose strokes are about as thick as a pen's."""
LEFT_OUT = frozenset("OoQDОоΟοΘθσIl|!iΙιΪΐίZzΖЗзЭэSs$БбЬьЪъЫыbδдBВвΒ&gq")  # noqa: RUF001
"""Glyphs that may be read as 0, 1, 2, 3, 5, 6, 8 or 9: the prior is not to know what a digit looks like."""
CHARACTERS = tuple(
    chr(code)
    for first, last in ((0x21, 0x2F), (0x3A, 0x7E), (0x391, 0x3C9), (0x410, 0x44F))  # ASCII, Greek, Cyrillic
    for code in range(first, last + 1)
    if chr(code) not in LEFT_OUT and chr(code) not in "\"'`.,:;-_~\u03a2"  # too little of a glyph, or not one
)
SCRIBBLES = 0.4
"""Share of samples that are random strokes; they are the last class."""

_CANVAS = 64  # rows and columns that glyphs are drawn on
_DRAWN = 40  # the longer side of a glyph there
_SIDE, _BOX = 28, 20  # of the images, and of what is drawn in them, as in MNIST
_FINE = 3  # samples of a pixel in each direction
_AT_ONCE = 1000


class Glyphs(ImageDataModule):
    """Letters and symbols of Latin, Greek and Cyrillic, and random strokes, 28x28, in the format of MNIST.

    They are rendered from :data:`TYPEFACES`, then turned, sheared, stretched, bent and drawn with a pen of another
    width, scaled into 20x20 pixels, and centred by their mass. There is no digit among them, nor any of
    :data:`LEFT_OUT`. They are made in memory, from the seed alone, in seconds.

    Args:
        encoder: turns images into spike trains for spiking networks; None leaves images for non-spiking ones.
        batch_size: images in a training batch, at least 1.
        eval_batch_size: images in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load; 0 is fastest for data held in memory.
        samples: training images, at least one of each class; validation and test have an eighth as many, and as least.
        seed: seed of all randomness.

    Raises:
        ValueError: when a size is out of range.

    Examples:
        Public data for a prior, with no digit among them:

        >>> from brainleaks_pl import Glyphs
        >>> public = Glyphs(samples=2000, seed=1)
        >>> public.num_classes, public.class_names[-1]
        (147, 'strokes')
        >>> any(name.isdigit() for name in public.class_names)
        False
    """

    input_shape = (1, _SIDE, _SIDE)
    num_classes = len(CHARACTERS) + 1
    class_names = (*CHARACTERS, "strokes")

    def __init__(
        self,
        encoder: Encoder | None = None,
        batch_size: int = 100,
        eval_batch_size: int = 250,
        num_workers: int = 0,
        samples: int = 20_000,
        seed: int = 0,
    ) -> None:
        super().__init__(encoder, batch_size, eval_batch_size, num_workers)
        if samples < self.num_classes:
            raise ValueError(f"samples must be at least {self.num_classes}, one of each class, got {samples}.")
        if seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}.")
        self.samples = samples
        self.seed = seed

    def load(self) -> dict[str, ImageDataset]:
        """Draw the glyphs."""
        held_out = max(self.samples // 8, self.num_classes)
        sizes = {"train": self.samples, "val": held_out, "test": held_out}
        generator = torch.Generator().manual_seed(self.seed)
        return {name: ImageDataset(*_drawn(size, generator)) for name, size in sizes.items()}

    def describe(self) -> dict[str, object]:
        """Add the number of samples and the seed."""
        return {**super().describe(), "samples": self.samples, "seed": self.seed}


def _drawn(count: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Return images, uint8 ``(N, 1, 28, 28)``, and their classes, ``(N,)``: first each once, then any."""
    classes = len(CHARACTERS) + 1
    labels = torch.randint(classes - 1, (count,), generator=generator)
    labels[torch.rand(count, generator=generator) < SCRIBBLES] = classes - 1
    labels[:classes] = torch.arange(classes)
    faces = torch.randint(len(TYPEFACES), (count,), generator=generator)
    strokes = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    parts = []
    for own in torch.arange(count).split(_AT_ONCE):
        drawn = [
            _scribble(strokes) if label == classes - 1 else _glyph(CHARACTERS[label], TYPEFACES[face])
            for label, face in zip(labels[own].tolist(), faces[own].tolist(), strict=True)
        ]
        canvas = torch.from_numpy(np.stack(drawn)).unsqueeze(1).float() / 255
        parts.append((_as_mnist(_with_pen(_bent(canvas, generator), generator)) * 255).round().to(torch.uint8))
    return torch.cat(parts), labels


@cache
def _glyph(character: str, typeface: str) -> np.ndarray:
    """Return a glyph in the middle of the canvas, uint8."""
    font = ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / f"{typeface}.ttf"), _DRAWN)
    left, top, right, bottom = font.getbbox(character)
    picture = Image.new("L", (int(right - left) + 2, int(bottom - top) + 2))
    ImageDraw.Draw(picture).text((1 - left, 1 - top), character, fill=255, font=font)
    scale = _DRAWN / max(picture.size)
    size = tuple(max(1, round(scale * side)) for side in picture.size)
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    canvas.paste(
        picture.resize((size[0], size[1]), Image.Resampling.BILINEAR),
        ((_CANVAS - size[0]) // 2, (_CANVAS - size[1]) // 2),
    )
    return np.asarray(canvas)


def _scribble(random: np.random.Generator) -> np.ndarray:
    """Return one to three random curves on the canvas, uint8."""
    canvas = Image.new("L", (_CANVAS, _CANVAS))
    pen = ImageDraw.Draw(canvas)
    low, high = (_CANVAS - _DRAWN) / 2, (_CANVAS + _DRAWN) / 2
    along = np.linspace(0, 1, 24)[:, None]
    end = random.uniform(low, high, 2)
    for _ in range(random.integers(1, 4)):
        points = np.stack([end, *random.uniform(low - 8, high + 8, (3, 2))])
        if random.random() < 0.5:  # a stroke begins where the last one ended, or anywhere
            points[0] = random.uniform(low, high, 2)
        weights = [(1 - along) ** 3, 3 * along * (1 - along) ** 2, 3 * along**2 * (1 - along), along**3]
        curve = sum(weight * point for weight, point in zip(weights, points, strict=True))
        pen.line([tuple(own) for own in np.asarray(curve).tolist()], fill=255, width=4, joint="curve")
        end = points[3]
    return np.asarray(canvas)


def _uniform(low: float, high: float, count: int, generator: Generator) -> Tensor:
    return low + (high - low) * torch.rand(count, generator=generator)


def _bent(canvas: Tensor, generator: Generator) -> Tensor:
    """Turn, shear, stretch and bend each canvas, ``(N, 1, S, S)``."""
    count = len(canvas)
    angle, shear = _uniform(-0.2, 0.2, count, generator), _uniform(-0.2, 0.4, count, generator)
    stretch = _uniform(-0.15, 0.35, count, generator).exp()
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros(count)
    rows = [torch.stack([cos * stretch, shear - sin, zero], 1), torch.stack([sin, cos / stretch, zero], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(canvas.shape), align_corners=False)
    size = _uniform(0.0, 0.2, count, generator).view(-1, 1, 1, 1)
    coarse = size * torch.randn(count, 2, 3, 3, generator=generator)
    bends = F.interpolate(coarse, size=canvas.shape[-2:], mode="bicubic", align_corners=False)
    return F.grid_sample(canvas, grid + bends.movedim(1, -1), align_corners=False)


def _with_pen(canvas: Tensor, generator: Generator) -> Tensor:
    """Draw each canvas with a pen of another width: blurred, then cut off at a level of its own."""
    blurred = F.avg_pool2d(F.avg_pool2d(canvas, 5, 1, 2), 3, 1, 1)
    inside = (blurred * canvas).sum((1, 2, 3), keepdim=True) / canvas.sum((1, 2, 3), keepdim=True).clamp(min=1)
    level = _uniform(0.35, 0.9, len(canvas), generator).view(-1, 1, 1, 1)
    return ((blurred / inside.clamp(min=1e-3) - level) * 8 + 0.5).clamp(0, 1)


def _as_mnist(canvas: Tensor) -> Tensor:
    """Scale what each canvas shows into 20x20 pixels, and centre it by its mass in 28x28."""
    size = canvas.shape[-1]
    places = torch.arange(size).float()
    inked = canvas > 0.5
    sides = []
    for axis in (2, 3):
        there = inked.any(5 - axis).squeeze(1)
        first, last = there.float().argmax(1), size - 1 - there.flip(1).float().argmax(1)
        sides.append(last - first + 1)
    scale = torch.stack(sides).amax(0).clamp(min=4).float() / _BOX  # pixels of the canvas to one of the image
    mass = canvas.sum((1, 2, 3)).clamp(min=1e-3)
    row = (canvas.sum(3).squeeze(1) * places).sum(1) / mass
    column = (canvas.sum(2).squeeze(1) * places).sum(1) / mass
    offsets = (torch.arange(_SIDE * _FINE) + 0.5) / _FINE - _SIDE / 2
    ys, xs = (((c[:, None] + 0.5 + scale[:, None] * offsets) * 2 / size - 1) for c in (row, column))
    side = len(offsets)
    grid = torch.stack([xs[:, None].expand(-1, side, -1), ys[:, :, None].expand(-1, -1, side)], -1)
    return F.avg_pool2d(F.grid_sample(canvas, grid, align_corners=False), _FINE)
