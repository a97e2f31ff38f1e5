"""Small folders of pictures and of recordings, a folder for each class."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from recordings import class_recording

from brainleaks_pl.events.formats import write_nmnist


def picture(seed: int, size: tuple[int, int] = (6, 5), channels: int = 3, bright: int = 0) -> Image.Image:
    """Noise of (H, W), with one bright channel in colour and one bright row in grey."""
    pixels = np.random.default_rng(seed).integers(0, 90, (*size, channels))
    if channels == 3:
        pixels[..., bright % 3] += 150
    else:
        pixels[bright % size[0]] += 150
    return Image.fromarray(pixels.squeeze().astype(np.uint8))


def write_pictures(
    root: Path,
    names: Iterable[str],
    each: int = 5,
    first: int = 0,
    suffix: str = ".png",
    size: tuple[int, int] = (6, 5),
    channels: int = 3,
    stem: str = "{}",
) -> Path:
    """Write so many pictures of each class, numbered from ``first``."""
    for label, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for i in range(first, first + each):
            picture(100 * label + i, size, channels, label).save(root / name / f"{stem.format(i)}{suffix}")
    return root


def write_recordings(root: Path, names: Iterable[str], each: int = 5, milliseconds: int = 30) -> Path:
    """Write so many N-MNIST files of each class."""
    for label, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for i in range(each):
            write_nmnist(root / name / f"{i}.bin", class_recording(label, (34, 34), 1000 * milliseconds, seed=i))
    return root
