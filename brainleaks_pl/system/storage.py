"""Writes files atomically, and explains what keeps them from being written."""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

_MARK = "tmp"
_HOST = re.sub(r"\W", "_", platform.node()) or "host"
_TEMPORARY = re.compile(rf"\..*-{_MARK}-(?P<host>\w+)-(?P<process>\d+)-\w+(\.\w+)?")


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; when the block ends well it becomes ``path``, otherwise it vanishes.

    What earlier processes left in the folder when they were killed is removed.

    Args:
        path: the file to replace. Its folder is made if need be.

    Raises:
        OSError: when the folder cannot be made or written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    temporary = temporary_path(path)
    temporary.touch(exist_ok=False)
    try:
        with room_for(path, lambda: temporary.stat().st_size):
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically.

    Raises:
        OSError: when it cannot be written; where the disk is full, it names the folder and the room that it takes.
    """
    with atomic_write(path) as temporary, room_for(path, lambda: len(data)):
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file, in UTF-8, atomically.

    Raises:
        OSError: as :func:`write_bytes`.
    """
    write_bytes(path, text.encode())


def file_digest(path: Path) -> str:
    """Return the sha256 of a file's content.

    Raises:
        OSError: when it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


@contextmanager
def room_for(path: Path, size: Callable[[], int]) -> Iterator[None]:
    """Say where the disk is full, and how much room a file takes, where the block runs out of it.

    Args:
        path: the file.
        size: returns the bytes that it takes at least.

    Raises:
        FullDiskError: in place of the error that says no more than that there is no space left.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or isinstance(error, FullDiskError):
            raise
        raise FullDiskError(path, size()) from error


class FullDiskError(OSError):
    """There is no room for a file.

    Args:
        path: the file.
        size: bytes that it takes at least; 0 where that is not known.
    """

    def __init__(self, path: Path, size: int) -> None:
        there = next(folder for folder in path.absolute().parents if folder.exists())
        free = shutil.disk_usage(there).free
        needed = f"at least {in_bytes(size)} are needed, and " if size else ""
        super().__init__(
            f"no room for {path.name} in {path.parent.absolute()}: {needed}{in_bytes(free)} are free. Make room there, "
            "or name another folder."
        )


def in_bytes(size: float) -> str:
    """Return a number of bytes as it is read: ``3.4 MB``."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            break
        size, unit = size / 1000, "TB"
    return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"


def temporary_path(path: Path) -> Path:
    """Return a new hidden path beside one, named so that :func:`sweep` can tell whether its process still runs."""
    random = os.urandom(6).hex()
    return path.with_name(f".{path.stem[:100]}-{_MARK}-{_HOST}-{os.getpid()}-{random}{path.suffix}")


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Give a new folder beside ``path``; it is gone after the block, or swept when its process was killed.

    Raises:
        OSError: when it cannot be made, or the disk gets full in the block.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sweep(path.parent)
    temporary = temporary_path(path)
    temporary.mkdir()
    try:
        with room_for(path, lambda: sum(own.stat().st_size for own in temporary.rglob("*") if own.is_file())):
            yield temporary
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@lru_cache(maxsize=4096)
def sweep(folder: Path) -> None:
    """Remove what processes of this machine that were killed have left half-written in a folder, once per process."""
    for path in folder.iterdir():
        found = _TEMPORARY.fullmatch(path.name)
        if found is None or found["host"] != _HOST or _runs(int(found["process"])):
            continue
        with suppress(OSError):  # another process may sweep as well, or the folder may be read-only
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    """Tell whether a process runs; where that cannot be known, it may."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def check_writable(folder: Path, option: str) -> None:
    """Make a folder, and see that files can be written there, before hours are spent.

    Args:
        folder: where files will go.
        option: the key of the command line that names it.

    Raises:
        OSError: when they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(
            f"the {option} folder {folder} cannot be written to ({error}). Name another with --{option}."
        ) from error
