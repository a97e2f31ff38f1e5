"""Files of tensors: written atomically and reproducibly, read without running code, and bounded when unpacked."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, cast

import torch

from brainleaks_pl.system.storage import atomic_write, room_for

_DAMAGED = (RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError, struct.error, OSError)
"""What :func:`torch.load` has raised on damaged files, beside :class:`pickle.UnpicklingError`."""
_SLACK = 2**20


class UnreadableError(ValueError):
    """A file is no file of tensors, or damaged.

    Args:
        path: the file.
        reason: what is wrong with it.
        unsafe: whether it holds more than tensors and plain values, so that loading it could run code.
    """

    def __init__(self, path: Path, reason: str, unsafe: bool = False) -> None:
        super().__init__(f"{path} {reason}.")
        self.unsafe = unsafe


def read_tensors(path: Path, device: torch.device | str = "cpu", checked: bool = True) -> Any:
    """Read a file that :func:`torch.save` has written: tensors and plain values alone.

    Args:
        path: the file.
        device: where the tensors go.
        checked: whether the file has checksums, as ours do; torch can be told to write none.

    Raises:
        FileNotFoundError: when there is no such file.
        UnreadableError: when it is damaged, which its checksums tell, holds anything else, or would take far more
            memory than disk.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}.")
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                unpacked = sum(member.file_size for member in archive.infolist())
                size = path.stat().st_size
                if unpacked > 2 * size + _SLACK:  # torch does not compress
                    raise UnreadableError(path, f"claims to hold {unpacked} bytes, and is {size} bytes long")
                if checked and archive.testzip() is not None:  # torch does not look at its checksums
                    raise UnreadableError(path, "is damaged: its content is not what was written")
        return torch.load(path, map_location=device, weights_only=True)
    except UnreadableError:
        raise
    except pickle.UnpicklingError as error:
        raise UnreadableError(path, "holds more than tensors, or is damaged, and was not loaded", True) from error
    except (*_DAMAGED, zipfile.BadZipFile, zlib.error) as error:
        raise UnreadableError(path, "is damaged, or was not written by torch.save, and cannot be read") from error


def write_tensors(path: Path, content: Any) -> None:
    """Write what :func:`torch.save` takes, atomically; equal contents give equal bytes.

    Raises:
        OSError: when it cannot be written; where the disk is full, it names the folder and the room that it takes.
    """
    with atomic_write(path) as temporary, temporary.open("wb", buffering=0) as file:
        writer = _Writer(file)
        with room_for(path, lambda: writer.size):
            torch.save(content, cast(IO[bytes], writer))
            writer.raise_if_failed()


class _Writer(io.RawIOBase):
    """A file that :func:`torch.save` can write to: an error waits until all that there is to write has been seen."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.size = 0
        self._file = file
        self._error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write, unless that has failed before."""
        rest = memoryview(data).cast("B")
        count = len(rest)
        self.size += count
        try:
            while self._error is None and len(rest):
                rest = rest[self._file.write(rest) :]
        except OSError as error:
            self._error = error
        return count

    def raise_if_failed(self) -> None:
        """Raise what a write has raised."""
        if self._error is not None:
            raise self._error
