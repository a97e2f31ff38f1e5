"""The base class of the published event data sets: archives of recordings, whose frames are made once and kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from brainleaks_pl.data.cached_frames import CachedFrames, Reader
from brainleaks_pl.data.event_archives import Archive, find_folder, missing_message, provide
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.data.generated import MARKER
from brainleaks_pl.events.frames import FrameTransform


class RecordedDataModule(EventDataModule):
    """Base of the event data sets that come as one archive of training recordings and one of test recordings.

    A subclass states the class attributes below beside those of :class:`EventDataModule`, and implements :meth:`load`
    with :meth:`folder` and :meth:`dataset`.

    Args:
        root: folder of the files.
        frames: how events become frames.
        batch_size: recordings in a training batch, at least 1.
        eval_batch_size: recordings in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load.
        references: recordings of each class that rates and mean images are taken from, at least 1.
        download: let :meth:`prepare_data` download missing archives, by tonic.
        cache: folder that frames are kept in; None makes them at every access.
        in_memory: also keep frames in memory once they were used.

    Raises:
        ValueError: when a size is out of range.
    """

    title: ClassVar[str]
    """What messages call the data set."""
    tonic_folder: ClassVar[str]
    """The folder in which tonic keeps it."""
    train_archive: ClassVar[Archive]
    test_archive: ClassVar[Archive]

    def __init__(
        self,
        root: str | Path,
        frames: FrameTransform,
        batch_size: int,
        eval_batch_size: int,
        num_workers: int,
        references: int,
        download: bool,
        cache: str | Path | None,
        in_memory: bool,
    ) -> None:
        super().__init__(frames, batch_size, eval_batch_size, num_workers, references)
        place = Path(root).expanduser()
        self.folders: tuple[Path, ...] = (place / self.tonic_folder, place)
        self.download = download
        self.cache = None if cache is None else Path(cache).expanduser()
        self.in_memory = in_memory

    def prepare_data(self) -> None:
        """Unpack the archives, downloading those that are missing (Lightning calls this once per node).

        Raises:
            FileNotFoundError: when a download fails.
            ValueError: when an archive is truncated or altered; names it.
        """
        for archive in (self.train_archive, self.test_archive):
            provide(archive, self.folders, self.download)

    def folder(self, archive: Archive) -> Path:
        """Return where an archive is unpacked.

        Raises:
            FileNotFoundError: when it is not; says where it was looked for and what to do.
            ValueError: when it holds simulated recordings and this is the data set of the real ones.
        """
        folder = find_folder(archive.folder, self.folders)
        if folder is None:
            raise FileNotFoundError(
                f"{self.title} is incomplete: {missing_message(archive, self.folders)} Call prepare_data() with "
                f"download=True, or unpack {archive.name} there by hand (from {archive.url})."
            )
        if (folder.parent / MARKER).exists() and not self.simulated:
            raise ValueError(
                f"the recordings in {folder.parent} are simulated ({MARKER} says how), not those of {self.title}. Give "
                f"the folder of the real ones as root, or use Simulated{type(self).__name__}."
            )
        return folder

    def dataset(self, paths: Sequence[Path], labels: Tensor, read: Reader) -> CachedFrames:
        """Return the recordings in ``paths``, which ``read`` reads, as frames, with their classes, ``(N,)``."""
        return CachedFrames(paths, labels, read, self.frames, self.sensor_size, self.cache, self.in_memory)
