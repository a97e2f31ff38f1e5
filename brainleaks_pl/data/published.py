"""Whether files are those that a data set's authors have published."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lightning.pytorch.utilities import rank_zero_warn

_CHECKED: set[tuple[str, int, int]] = set()
"""Files that have been checked in this process: path, size and time of change."""


def is_published(content: bytes | bytearray, known: str) -> bool:
    """Return whether content has a hash.

    Args:
        content: what is hashed.
        known: ``"md5:..."`` or ``"sha256:..."``.
    """
    return _hash(content, known) == known


def warn_unless_published(path: Path, content: bytes | bytearray, known: str) -> None:
    """Warn when what has been read is not the published content; a file is hashed once in a process.

    Args:
        path: the file or folder that it comes from.
        content: what is hashed.
        known: hash of the published content, ``"md5:..."`` or ``"sha256:..."``.
    """
    status = path.stat()
    key = (str(path.absolute()), status.st_size, status.st_mtime_ns)
    if key in _CHECKED:
        return
    _CHECKED.add(key)
    found = _hash(content, known)
    if found != known:
        rank_zero_warn(
            f"{path} is not the published one: its content has the hash {found}, expected {known}. It is used as it is."
        )


def _hash(content: bytes | bytearray, known: str) -> str:
    algorithm = known.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()}"
