"""Reads your own pictures: PNG, JPEG and the portable formats, 8 bits per channel."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".pgm", ".ppm")
"""Endings of the files that are read."""

_FORMATS = ("PNG", "JPEG", "PPM")
_GREY, _COLOUR, _TRANSPARENT = ("1", "L"), ("RGB", "P"), ("LA", "PA", "RGBA")


def read_image(path: Path, size: tuple[int, int] | None = None, channels: int | None = None) -> Tensor:
    """Read a picture, upright as its EXIF orientation says.

    Args:
        path: the file.
        size: (H, W) that it is scaled to (bilinearly, with antialiasing), so that it fills them; what stands out on
            two sides is cut off equally. None leaves it as it is.
        channels: 1 for grey or 3 for colour; None takes what the picture has (a palette counts as colour).

    Returns:
        uint8, ``(C, H, W)``.

    Raises:
        ValueError: when the file is no such picture, has 16 bits of grey, is transparent somewhere, or of
            colours other than RGB; names the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(path, formats=_FORMATS)
            image.load()
        image = ImageOps.exif_transpose(image)
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: not a PNG, JPEG or PGM picture, whatever its name says.") from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{path}: unreadable picture ({error}).") from error
    image = _opaque(path, image)
    if channels is not None:
        image = image.convert("L" if channels == 1 else "RGB")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("L" if image.mode in _GREY else "RGB")
    if size is not None:
        image = ImageOps.fit(image, (size[1], size[0]), Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(image))
    return pixels.unsqueeze(0) if pixels.ndim == 2 else pixels.permute(2, 0, 1).contiguous()


def _opaque(path: Path, image: Image.Image) -> Image.Image:
    """Return a picture without its transparency, where it is opaque everywhere."""
    if image.mode in _TRANSPARENT or "transparency" in image.info:
        colours = image.convert("RGBA")
        if colours.getchannel("A").getextrema() != (255, 255):
            raise ValueError(f"{path}: transparent in places, where its colours are undefined. Flatten the picture.")
        image = colours.convert("L" if image.mode in ("L", "LA") else "RGB")
    if image.mode not in (*_GREY, *_COLOUR):
        raise ValueError(
            f"{path}: pixels that Pillow calls {image.mode!r}, expected grey or RGB, 8 bits per channel. Convert it."
        )
    return image
