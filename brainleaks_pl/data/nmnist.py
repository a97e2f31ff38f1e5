"""N-MNIST: the MNIST digits seen by an event camera during three saccades (Orchard et al. 2015)."""

from __future__ import annotations

from pathlib import Path

import torch
from tonic.datasets import NMNIST as TonicNMNIST  # noqa: N811 - not a constant
from torch import Tensor

from brainleaks_pl.data.base import LabelledDataset
from brainleaks_pl.data.cached_frames import CachedFrames
from brainleaks_pl.data.event_archives import Archive, find_folder, missing_message, provide
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.events.frames import FrameTransform

PUBLISHED_FRAMES = FrameTransform(frame_time=3000, denoise=40_000, polarity="off")

_TRAIN = Archive(TonicNMNIST.train_url, TonicNMNIST.train_filename, TonicNMNIST.train_md5, TonicNMNIST.train_folder)
_TEST = Archive(TonicNMNIST.test_url, TonicNMNIST.test_filename, TonicNMNIST.test_md5, TonicNMNIST.test_folder)


class NMNIST(EventDataModule):
    """60000 + 10000 recordings of handwritten digits, 34x34, about 300 ms each; the last ones of each digit validate.

    The recordings, ``Train/<digit>/*.bin`` and ``Test/<digit>/*.bin``, or the archives ``train.zip`` and ``test.zip``,
    are looked for in ``root/NMNIST``, where tonic keeps them, and in ``root``. Folders are used as they are found,
    whether or not their archive is there.

    Args:
        root: folder of the files.
        frames: how events become frames; published are frames of 3 ms after a denoise of 40 ms, one polarity.
        batch_size: recordings in a training batch, at least 1.
        eval_batch_size: recordings in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load.
        references: recordings of each digit that rates and mean images are taken from, at least 1.
        val_share: share of each digit's training recordings that validate, the last by name, in (0, 1); at least one.
        download: let :meth:`prepare_data` download missing archives, by tonic.
        cache: folder that frames are kept in; None makes them at every access.
        in_memory: also keep frames in memory once they were used, 14 kB a recording at the published settings.

    Raises:
        ValueError: when an argument is out of range.
    """

    sensor_size = (TonicNMNIST.sensor_size[0], TonicNMNIST.sensor_size[1])
    num_classes = 10
    class_names = tuple("0123456789")

    def __init__(
        self,
        root: str | Path = "data",
        frames: FrameTransform = PUBLISHED_FRAMES,
        batch_size: int = 100,
        eval_batch_size: int = 100,
        num_workers: int = 0,
        references: int = 500,
        val_share: float = 0.1,
        download: bool = True,
        cache: str | Path | None = "data/cache",
        in_memory: bool = True,
    ) -> None:
        super().__init__(frames, batch_size, eval_batch_size, num_workers, references)
        if not 0 < val_share < 1:
            raise ValueError(f"val_share must lie in (0, 1), got {val_share}.")
        folder = Path(root).expanduser()
        self.folders: tuple[Path, ...] = (folder / "NMNIST", folder)
        self.val_share = val_share
        self.download = download
        self.cache = None if cache is None else Path(cache).expanduser()
        self.in_memory = in_memory

    def prepare_data(self) -> None:
        """Unpack the archives, downloading those that are missing (Lightning calls this once a node).

        Raises:
            FileNotFoundError: when a download fails.
            ValueError: when an archive is truncated or altered; names it.
        """
        for archive in (_TRAIN, _TEST):
            provide(archive, self.folders, self.download)

    def load(self) -> dict[str, LabelledDataset]:
        """Find the recordings; they are read when they are used.

        Raises:
            FileNotFoundError: when a folder is missing, or the recordings of a digit.
            ValueError: when a digit has a single training recording: none is left to validate.
        """
        train_paths, train_labels = self._recordings(_TRAIN)
        train, val = hold_out(train_labels, self.val_share)
        test_paths, test_labels = self._recordings(_TEST)
        return {
            "train": self._dataset([train_paths[i] for i in train], train_labels[train]),
            "val": self._dataset([train_paths[i] for i in val], train_labels[val]),
            "test": self._dataset(test_paths, test_labels),
        }

    def _recordings(self, archive: Archive) -> tuple[list[Path], Tensor]:
        folder = find_folder(archive.folder, self.folders)
        if folder is None:
            raise FileNotFoundError(
                f"N-MNIST is incomplete: {missing_message(archive, self.folders)} Call prepare_data() with "
                f"download=True, or unpack {archive.name} there by hand (from {archive.url})."
            )
        paths: list[Path] = []
        labels: list[int] = []
        for digit in range(self.num_classes):
            found = sorted(path for path in (folder / str(digit)).glob("*.bin") if not path.name.startswith("."))
            if not found:
                raise FileNotFoundError(f"N-MNIST is incomplete: no recordings (*.bin) in {folder / str(digit)}.")
            paths += found
            labels += [digit] * len(found)
        return paths, torch.tensor(labels)

    def _dataset(self, paths: list[Path], labels: Tensor) -> CachedFrames:
        return CachedFrames(paths, labels, read_nmnist, self.frames, self.sensor_size, self.cache, self.in_memory)


def hold_out(labels: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Split off the last samples of every class.

    Args:
        labels: classes of the samples, ``(N,)``.
        share: of each class, in (0, 1), rounded to whole samples, at least one and all but one at most.

    Returns:
        Indices of those that stay and of those held out, each in order.

    Raises:
        ValueError: when a class has a single sample.
    """
    held = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique():
        own = (labels == label).nonzero().flatten()
        if len(own) == 1:
            raise ValueError(f"class {label} has a single training recording: none is left to validate.")
        number = min(max(1, round(share * len(own))), len(own) - 1)
        held[own[-number:]] = True
    return (~held).nonzero().flatten(), held.nonzero().flatten()
