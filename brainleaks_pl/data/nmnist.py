"""N-MNIST: the MNIST digits seen by an event camera during three saccades (Orchard et al. 2015)."""

from __future__ import annotations

from pathlib import Path

import torch
from lightning.pytorch.utilities import rank_zero_warn
from tonic.datasets import NMNIST as TonicNMNIST  # noqa: N811 - not a constant
from torch import Tensor

from brainleaks_pl.data.base import LabelledDataset
from brainleaks_pl.data.event_archives import Archive
from brainleaks_pl.data.recorded_base import RecordedDataModule
from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.events.frames import NMNIST_FRAMES, FrameTransform


class NMNIST(RecordedDataModule):
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
        in_memory: also keep frames in memory once they were used, 14 kB per recording at the published settings.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        The folders as published, here with two recordings of one event for each digit:

        >>> from pathlib import Path
        >>> from brainleaks_pl import NMNIST, FrameTransform
        >>> for part in ("Train", "Test"):
        ...     for digit in range(10):
        ...         folder = Path("data", "NMNIST", part, str(digit))
        ...         folder.mkdir(parents=True)
        ...         for name in ("00001.bin", "00002.bin"):
        ...             _ = (folder / name).write_bytes(bytes([17, 20, 0, 39, 16]))  # x, y, polarity and time
        >>> frames = FrameTransform(frame_time=3000, polarity="both", time_steps=100)
        >>> digits = NMNIST("data", frames, download=False, cache=None)
        >>> spikes, label = digits.split("train")[0]
        >>> spikes.shape
        torch.Size([100, 2, 34, 34])
        >>> spikes.nonzero().tolist()  # step, channel, row and column of the event
        [[0, 0, 20, 17]]
    """

    sensor_size = (TonicNMNIST.sensor_size[0], TonicNMNIST.sensor_size[1])
    num_classes = 10
    class_names = tuple("0123456789")
    title = "N-MNIST"
    tonic_folder = TonicNMNIST.__name__
    train_archive = Archive(
        TonicNMNIST.train_url, TonicNMNIST.train_filename, TonicNMNIST.train_md5, TonicNMNIST.train_folder
    )
    test_archive = Archive(
        TonicNMNIST.test_url, TonicNMNIST.test_filename, TonicNMNIST.test_md5, TonicNMNIST.test_folder
    )

    def __init__(
        self,
        root: str | Path = "data",
        frames: FrameTransform = NMNIST_FRAMES,
        batch_size: int = 100,
        eval_batch_size: int = 100,
        num_workers: int = 0,
        references: int = 500,
        val_share: float = 0.1,
        download: bool = True,
        cache: str | Path | None = "data/cache",
        in_memory: bool = True,
    ) -> None:
        super().__init__(root, frames, batch_size, eval_batch_size, num_workers, references, download, cache, in_memory)
        if not 0 < val_share < 1:
            raise ValueError(f"val_share must lie in (0, 1), got {val_share}.")
        self.val_share = val_share

    def load(self) -> dict[str, LabelledDataset]:
        """Find the recordings; they are read when they are used.

        Raises:
            FileNotFoundError: when a folder is missing, or the training recordings of a digit, or all test recordings.
            ValueError: when a digit has a single training recording: none is left to validate.
        """
        train_paths, train_labels = self._recordings(self.train_archive)
        train, val = hold_out(train_labels, self.val_share)
        test_paths, test_labels = self._recordings(self.test_archive, some=True)
        return {
            "train": self.dataset([train_paths[i] for i in train], train_labels[train], read_nmnist),
            "val": self.dataset([train_paths[i] for i in val], train_labels[val], read_nmnist),
            "test": self.dataset(test_paths, test_labels, read_nmnist),
        }

    def _recordings(self, archive: Archive, some: bool = False) -> tuple[list[Path], Tensor]:
        """Return the recordings of all digits, or of ``some``, with which parts of the set are told and used."""
        folder = self.folder(archive)
        paths: list[Path] = []
        labels: list[int] = []
        for digit in range(self.num_classes):
            found = sorted(path for path in (folder / str(digit)).glob("*.bin") if not path.name.startswith("."))
            if not found and some and any((folder / str(other)).is_dir() for other in range(self.num_classes)):
                rank_zero_warn(f"{self.title}: there are no test recordings of {digit} in {folder / str(digit)}.")
            elif not found:
                raise FileNotFoundError(f"{self.title} is incomplete: no recordings (*.bin) in {folder / str(digit)}.")
            paths += found
            labels += [digit] * len(found)
        return paths, torch.tensor(labels)


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
