"""Reader of IDX files, the format of MNIST: a big-endian header, then bytes."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import torch
from torch import Tensor

from brainleaks_pl.data.published import warn_unless_published

MAX_SIZE = 2**30
"""Most bytes that are read of a file, once unpacked; MNIST's largest has 47 million."""

_UNSIGNED_BYTE = 0x08
_GZIP_SIGNATURE = b"\x1f\x8b"
_CHUNK = 2**20


def read_idx(path: Path, ndim: int, published: str | None = None) -> Tensor:
    """Read the unsigned bytes of an IDX file, packed with gzip or not (told by its content, not by its name).

    No more is unpacked than the header promises, and a byte.

    Args:
        path: the file.
        ndim: dimensions that it must have: 3 for images, 1 for labels.
        published: hash of the published file once unpacked, ``"md5:..."``; another content is used with a warning.

    Returns:
        uint8, with the shape that the header states.

    Raises:
        ValueError: when the file is empty, not such an IDX file, truncated, too long, badly packed or promises more
            than :data:`MAX_SIZE` bytes; names the file.
    """
    with path.open("rb") as raw:
        packed = raw.read(2) == _GZIP_SIGNATURE
        raw.seek(0)
        try:
            content, shape = _read(cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw, path, ndim)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ValueError(f"{path}: corrupted gzip data ({error}); delete the file and get it again.") from error
    if published is not None:
        warn_unless_published(path, content, published)
    if math.prod(shape) == 0:
        return torch.empty(shape, dtype=torch.uint8)
    return torch.frombuffer(content, dtype=torch.uint8, offset=4 * (1 + ndim)).view(shape)


def _read(file: BinaryIO, path: Path, ndim: int) -> tuple[bytearray, tuple[int, ...]]:
    """Return the whole content and the shape that its header states."""
    header_size = 4 * (1 + ndim)
    content = bytearray(file.read(header_size))
    if not content:
        raise ValueError(f"{path}: the file is empty.")
    if len(content) < header_size:
        raise ValueError(f"{path}: truncated, got {len(content)} bytes, expected a header of {header_size}.")
    magic, *shape = struct.unpack(f">{1 + ndim}I", content)
    expected_magic = _UNSIGNED_BYTE << 8 | ndim
    if magic != expected_magic:
        raise ValueError(f"{path}: wrong magic number, got {magic}, expected {expected_magic} ({ndim}-d bytes).")
    size = header_size + math.prod(shape)
    if size > MAX_SIZE:
        raise ValueError(
            f"{path}: the header promises {size} bytes for the shape {tuple(shape)}, more than the {MAX_SIZE} that are "
            "read."
        )
    while part := file.read(min(_CHUNK, size + 1 - len(content))):
        content += part
    if len(content) != size:
        problem = f"truncated, got {len(content)}" if len(content) < size else f"too long, got more than {size}"
        raise ValueError(f"{path}: {problem} bytes, expected {size} for the shape {tuple(shape)}.")
    return content, tuple(shape)
