"""Files that are written atomically."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; when the block ends well it becomes ``path``, otherwise it vanishes.

    Args:
        path: the file to replace. Its folder is made if need be.

    Raises:
        OSError: when the folder cannot be made or written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically.

    Raises:
        OSError: as :func:`atomic_write`.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically.

    Raises:
        OSError: as :func:`atomic_write`.
    """
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def write_tensors(path: Path, content: Any) -> None:
    """Write tensors atomically, such that equal ones make equal files.

    Raises:
        OSError: as :func:`atomic_write`.
    """
    buffer = io.BytesIO()  # whose name, unlike that of a file, is not stored
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


def check_writable(folder: Path, option: str) -> None:
    """Make a folder, and see that files can be written there, before hours are spent.

    Args:
        folder: where files will go.
        option: the key of the command line that names it.

    Raises:
        OSError: when they cannot.
    """
    try:
        with atomic_write(folder / "trial"):
            raise _OnlyTried
    except _OnlyTried:
        return
    except OSError as error:
        raise OSError(
            f"the {option} folder {folder} cannot be written to ({error}). Name another with --{option}."
        ) from error


class _OnlyTried(Exception):  # noqa: N818 - not an error
    """Leaves no file behind."""
