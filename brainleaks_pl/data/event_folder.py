"""Your own recordings: a folder per class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_warn

from brainleaks_pl.data.base import LabelledDataset
from brainleaks_pl.data.cached_frames import CachedFrames
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.data.folders import FolderFile, scan
from brainleaks_pl.data.generated import MARKER
from brainleaks_pl.data.splitting import FolderSplits, check_duplicates
from brainleaks_pl.events.aedat4 import aedat4_sensor_size, read_aedat4
from brainleaks_pl.events.arrays import TimeUnit, check_time_unit, read_event_array
from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.events.frames import FrameTransform

EVENT_SUFFIXES = (".npy", ".aedat4", ".bin")
"""Endings of the files that are read."""


@dataclass(frozen=True)
class EventFile:
    """Reads a recording as the ending of its file says.

    Args:
        time_unit: what the times in ``.npy`` files count; None where there are none.
    """

    time_unit: TimeUnit | None

    def __call__(self, path: Path, sensor_size: tuple[int, int]) -> Events:
        """Return the events of a file, in a sensor of (W, H)."""
        match path.suffix.lower():
            case ".bin":
                return read_nmnist(path, sensor_size)
            case ".aedat4":
                return read_aedat4(path, sensor_size)
        assert self.time_unit is not None
        return read_event_array(path, sensor_size, self.time_unit)


class EventFolder(EventDataModule):
    """The recordings in a folder: ``root/<class>/*``, or ``root/train/<class>/*``, in any of three formats.

    - ``.npy``: structured arrays with the fields x, y, t and p, as tonic's transforms take them;
    - ``.aedat4``: iniVation's, with the package ``dv-processing`` (``pip install 'brainleaks_pl[aedat4]'``);
    - ``.bin``: those of N-MNIST and N-Caltech101.

    Where ``root`` holds the folders ``train`` and ``test`` (and ``val``), these are the splits; what has no folder of
    its own is drawn from the rest, by file or by group, as ``splits`` says. :attr:`class_names` are the names of the
    folders, in order, numbers in them counting as numbers. Files may lie in folders within a class. The folder is
    looked at when the module is made; :meth:`setup` reads every recording once, so that a damaged one is known before
    anything is trained.

    Args:
        root: the folder.
        frames: how events become frames.
        sensor_size: (W, H) of the sensor. None takes what AEDAT4 files state, which must be the same for all; the
            other formats do not say.
        time_unit: what the times in ``.npy`` files count: ``s``, ``ms``, ``us`` or ``ns``; to be given for these files,
            which do not say, and for them alone.
        splits: which files train, validate and test.
        batch_size: recordings in a training batch, at least 1.
        eval_batch_size: recordings in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load.
        references: recordings of each class that rates and mean images are taken from (the first ones), at least 1.
        cache: folder that frames are kept in; None makes them at every access.
        in_memory: also keep frames in memory once they were used.

    Raises:
        FileNotFoundError: when the folder is missing or empty.
        ValueError: when an argument is missing or out of range, or the folder is not as described; says what to do.

    Examples:
        Structured arrays of x, y, t and p, in microseconds:

        >>> from pathlib import Path
        >>> import numpy as np
        >>> from brainleaks_pl import EventFolder, FrameTransform
        >>> fields = [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")]
        >>> for n in range(20):
        ...     path = Path("recordings", ("left", "right")[n % 2], f"{n}.npy")
        ...     path.parent.mkdir(parents=True, exist_ok=True)
        ...     np.save(path, np.array([(n, 5, 0, 1), (n + 1, 5, 9000, 1)], fields))
        >>> frames = FrameTransform(frame_time=1000, time_steps=10)
        >>> recordings = EventFolder("recordings", frames, sensor_size=(32, 24), time_unit="us", cache=None)
        >>> recordings.class_names, recordings.input_shape
        (('left', 'right'), (1, 24, 32))
        >>> spikes, label = recordings.split("train")[0]
        >>> spikes.shape, spikes.sum()
        (torch.Size([10, 1, 24, 32]), tensor(2))
    """

    def __init__(
        self,
        root: str | Path,
        frames: FrameTransform,
        sensor_size: tuple[int, int] | None = None,
        time_unit: TimeUnit | None = None,
        splits: FolderSplits = FolderSplits(),
        batch_size: int = 100,
        eval_batch_size: int = 100,
        num_workers: int = 0,
        references: int = 500,
        cache: str | Path | None = "data/cache",
        in_memory: bool = True,
    ) -> None:
        self.content = scan(Path(root).expanduser(), EVENT_SUFFIXES, "recordings")
        self.files = splits.divide(self.content, "recordings")
        self.class_names = self.content.class_names
        self.num_classes = len(self.class_names)
        self.splits = splits
        self.reader = EventFile(self._checked_unit(time_unit))
        self.sensor_size = self._stated_size() if sensor_size is None else (sensor_size[0], sensor_size[1])
        if min(self.sensor_size) < 1:
            raise ValueError(f"sensor_size must be (W, H), both at least 1, got {self.sensor_size}.")
        place = self.content.root
        self.simulated = any((folder / MARKER).exists() for folder in (place, place.resolve().parent))
        self.cache = None if cache is None else Path(cache).expanduser()
        self.in_memory = in_memory
        super().__init__(frames, batch_size, eval_batch_size, num_workers, references)

    def load(self) -> dict[str, LabelledDataset]:
        """Read every recording once, and find those that are in several splits.

        Raises:
            FileNotFoundError: when a file has gone.
            ValueError: when a file is damaged, or of another sensor; or when recordings of equal events are in more
                than one split and ``splits`` refuses them.
        """
        longest = 0
        contents: dict[str, list[tuple[FolderFile, bytes]]] = {}
        for part, files in self.files.items():
            contents[part] = []
            for file in files:
                events = self.reader(file.path, self.sensor_size)
                longest = max(longest, int(events["t"][-1] - events["t"][0]))
                contents[part].append((file, hashlib.blake2b(events.tobytes(), digest_size=16).digest()))
        check_duplicates(contents, self.splits.duplicates, "recordings", "equal events")
        if longest < self.frames.frame_time:
            rank_zero_warn(
                f"the longest recording in {self.content.root} lasts {longest} us, less than a frame of "
                f"{self.frames.frame_time} us: time_unit or frames.frame_time may be wrong."
            )
        return {part: self._dataset(files) for part, files in self.files.items()}

    def describe(self) -> dict[str, Any]:
        """Return the data set's class, how events become frames, the time unit, the classes and the splits."""
        return {
            **super().describe(),
            "time_unit": self.reader.time_unit,
            "classes": list(self.class_names or ()),
            "splits": self.splits.describe(),
        }

    def _dataset(self, files: Sequence[FolderFile]) -> CachedFrames:
        labels = torch.tensor([file.label for file in files])
        paths = [file.path for file in files]
        return CachedFrames(paths, labels, self.reader, self.frames, self.sensor_size, self.cache, self.in_memory)

    def _first(self, *suffixes: str) -> Path | None:
        """Return the first file with one of the endings, or None."""
        paths = (file.path for files in self.files.values() for file in files)
        return next((path for path in paths if path.suffix.lower() in suffixes), None)

    def _checked_unit(self, time_unit: TimeUnit | None) -> TimeUnit | None:
        array = self._first(".npy")
        if time_unit is not None:
            check_time_unit(time_unit)
        if array is not None and time_unit is None:
            raise ValueError(
                f"time_unit must be given: nothing in {array} says whether its times are seconds, milliseconds or "
                "microseconds (s, ms, us; most are in us)."
            )
        if array is None and time_unit is not None:
            raise ValueError(f"time_unit is for .npy files, and {self.content.root} has none: leave it out.")
        return time_unit

    def _stated_size(self) -> tuple[int, int]:
        silent = self._first(".npy", ".bin")
        if silent is not None:
            raise ValueError(f"sensor_size, (W, H), must be given: nothing in {silent} says how large the sensor was.")
        stated = self._first(".aedat4")
        assert stated is not None
        return aedat4_sensor_size(stated)
