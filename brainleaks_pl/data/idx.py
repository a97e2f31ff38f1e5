"""Reader of IDX files, the format of MNIST: a big-endian header, then bytes."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

_UNSIGNED_BYTE = 0x08
_GZIP_SIGNATURE = b"\x1f\x8b"


def read_idx(path: Path, ndim: int) -> Tensor:
    """Read the unsigned bytes of an IDX file, packed with gzip or not (told by its content, not by its name).

    Args:
        path: the file.
        ndim: dimensions that it must have: 3 for images, 1 for labels.

    Returns:
        uint8, with the shape that the header states.

    Raises:
        ValueError: when the file is empty, not such an IDX file, truncated, too long or badly packed; names the file.
    """
    data = _unpacked(path)
    header_size = 4 * (1 + ndim)
    if not data:
        raise ValueError(f"{path}: the file is empty.")
    if len(data) < header_size:
        raise ValueError(f"{path}: truncated, got {len(data)} bytes, expected a header of {header_size}.")
    magic, *shape = struct.unpack_from(f">{1 + ndim}I", data)
    expected_magic = _UNSIGNED_BYTE << 8 | ndim
    if magic != expected_magic:
        raise ValueError(f"{path}: wrong magic number, got {magic}, expected {expected_magic} ({ndim}-d bytes).")
    size = header_size + math.prod(shape)
    if len(data) != size:
        problem = "truncated" if len(data) < size else "too long"
        raise ValueError(f"{path}: {problem}, got {len(data)} bytes, expected {size} for the shape {tuple(shape)}.")
    pixels = np.frombuffer(data, np.uint8, offset=header_size).reshape(shape)
    return torch.from_numpy(pixels.copy())  # the copy may be written to, the file's buffer may not


def _unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if not data.startswith(_GZIP_SIGNATURE):
        return data
    try:
        return gzip.decompress(data)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path}: corrupted gzip data ({error}); delete the file and get it again.") from error
