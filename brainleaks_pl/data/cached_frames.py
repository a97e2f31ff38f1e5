"""A data set of recordings whose frames are made once and kept on disk, by tonic's cache functions."""

from __future__ import annotations

import hashlib
import io
import json
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tonic
import torch
from tonic.cached_dataset import load_from_disk_cache, save_to_disk_cache
from torch import Tensor
from torch.utils.data import Dataset

from brainleaks_pl.data.digests import digest
from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.frames import FrameTransform
from brainleaks_pl.system.storage import room_for, sweep, temporary_path

VERSION = 1
"""Of the stored frames: to be raised when the same recording and settings would give others."""

Reader = Callable[[Path, tuple[int, int]], Events]
"""Reads a recording whose events lie in a sensor of (W, H)."""


class CachedFrames(Dataset[tuple[Tensor, Tensor]]):
    """Recordings as frames, uint8 ``(T, C, H, W)``, each with its class.

    Frames are kept under a name made of every setting, of tonic's version, and of the recording's path, size and time
    of change: another setting or file never meets stale frames. Files appear atomically, so several processes
    may share the folder; one that is damaged is made anew. The folder may be deleted at any time.

    Args:
        paths: files of the recordings.
        labels: class indices, int64, ``(N,)``.
        read: reads a recording.
        transform: makes its frames.
        sensor_size: (W, H) of the sensor.
        cache: folder of the frames; None makes them at every access.
        in_memory: also keep the frames in memory once they were used, a bit a pixel where they are binary (1 GB for the
            70000 recordings of N-MNIST with 100 frames; each loading process has its own).
    """

    def __init__(
        self,
        paths: Sequence[Path],
        labels: Tensor,
        read: Reader,
        transform: FrameTransform,
        sensor_size: tuple[int, int],
        cache: Path | None,
        in_memory: bool = True,
    ) -> None:
        if len(paths) != labels.shape[0]:
            raise ValueError(f"{len(paths)} recordings but {labels.shape[0]} labels.")
        self.paths, self.labels = paths, labels
        self.read, self.transform, self.sensor_size = read, transform, sensor_size
        self.in_memory = in_memory
        settings = {
            "version": VERSION,
            "tonic": tonic.__version__,
            "reader": _reader_name(read),
            "sensor_size": sensor_size,
            **asdict(transform),
        }
        self.folder = None if cache is None else cache / _name(settings)
        self._memory: dict[int, npt.NDArray[np.uint8]] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return the frames of a recording and its class.

        Raises:
            FileNotFoundError: when the recording has gone.
            ValueError: when the recording is not what it should be; names the file.
            OSError: when the frames cannot be stored.
        """
        stored = self._memory.get(index)
        if stored is None:
            stored = self._load(self.paths[index])
            if self.in_memory:
                self._memory[index] = stored
        return torch.from_numpy(self._unpack(stored)), self.labels[index]

    def digest(self) -> str:
        """Return what stands for the content of all recordings, wherever they lie, their labels, and their frames.

        Every file is read, some 20000 of N-MNIST's in a second.

        Raises:
            OSError: when a recording has gone or cannot be read.
        """
        content = hashlib.blake2b()
        for path in self.paths:
            data = path.read_bytes()
            content.update(len(data).to_bytes(8, "big"))
            content.update(data)
        settings = {
            "recordings": content.hexdigest(),
            "reader": _reader_name(self.read),
            "sensor_size": self.sensor_size,
            **asdict(self.transform),
        }
        return digest(settings, (self.labels,))

    @property
    def _frame_shape(self) -> tuple[int, int, int]:
        width, height = self.sensor_size
        return self.transform.channels, height, width

    def _load(self, recording: Path) -> npt.NDArray[np.uint8]:
        if self.folder is None:
            return self._make(recording)
        status = recording.stat()
        name = _name([str(recording.absolute()), status.st_size, status.st_mtime_ns])
        path = self.folder / f"{name}.hdf5"
        stored = _read_cached(path)
        if stored is None:
            stored = self._make(recording)
            _write_cached(path, stored)
        return stored

    def _make(self, recording: Path) -> npt.NDArray[np.uint8]:
        events = self.read(recording, self.sensor_size)
        try:
            frames = self.transform(events, self.sensor_size)
        except ValueError as error:
            raise ValueError(f"{recording}: {error}") from error
        flat = frames.reshape(len(frames), -1)
        return np.packbits(flat, axis=1) if self.transform.binary else flat

    def _unpack(self, stored: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        pixels = int(np.prod(self._frame_shape))
        # the frames in memory must not change with what the caller does to its own
        flat = np.unpackbits(stored, axis=1, count=pixels) if self.transform.binary else stored.copy()
        return flat.reshape(-1, *self._frame_shape)


def _reader_name(read: Reader) -> str:
    """Return what a function is called, or a reader with settings and their values."""
    return f"{read.__module__}.{getattr(read, '__qualname__', None) or repr(read)}"


def _name(values: Any) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:32]


def _checksum(stored: npt.NDArray[np.uint8]) -> int:
    return zlib.crc32(stored.tobytes(), zlib.crc32(str(stored.shape).encode()))


def _read_cached(path: Path) -> npt.NDArray[np.uint8] | None:
    """Return what was stored, or None where there is nothing that can be trusted."""
    try:
        stored, checksum = load_from_disk_cache(path)
    except (OSError, LookupError, RuntimeError, ValueError, TypeError, AttributeError, MemoryError):
        return None  # missing, or damaged: all that h5py and tonic have raised then
    sound = isinstance(stored, np.ndarray) and stored.dtype == np.uint8 and np.array_equal(checksum, _checksum(stored))
    return stored if sound else None


def _write_cached(path: Path, stored: npt.NDArray[np.uint8]) -> None:
    # in memory first: libhdf5 does not survive a full disk. storage.atomic_write waits for the disk, which takes longer
    # than making the frames; what a power failure damages is told by its checksum
    content = io.BytesIO()
    save_to_disk_cache(stored, _checksum(stored), content, compress=False)
    temporary = temporary_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        try:
            with room_for(path, lambda: content.getbuffer().nbytes):
                temporary.write_bytes(content.getbuffer())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise OSError(
            f"the frames cannot be stored in {path.parent} ({error}). Name another folder as `cache`, or null to make "
            "them at every access."
        ) from error
