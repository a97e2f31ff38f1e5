"""DvsGesture: gestures of the arms, by 29 people in several lightings (Amir et al. 2017), as tonic cuts them."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from tonic.datasets import DVSGesture as TonicDVSGesture

from brainleaks_pl.data.base import LabelledDataset
from brainleaks_pl.data.cached_frames import CachedFrames
from brainleaks_pl.data.event_archives import Archive
from brainleaks_pl.data.recorded_base import RecordedDataModule
from brainleaks_pl.events.formats import read_dvsgesture
from brainleaks_pl.events.frames import FrameTransform

PUBLISHED_FRAMES = FrameTransform(frame_time=50_000, denoise=100_000, polarity="merged")

_SUBJECT_FOLDER = re.compile(r"user(\d+)_\w+")


class DVSGesture(RecordedDataModule):
    """Ten gestures, 128x128, some seconds each; subjects 1 to 23 train, 24 to 29 test, the class "other" is dropped.

    The published split has no validation set: whole subjects of the training set are held out as one, since a person's
    recordings resemble each other.

    The recordings, ``ibmGestureTrain/user01_fluorescent/0.npy`` and the like, or the archives
    ``ibmGestureTrain.tar.gz`` and ``ibmGestureTest.tar.gz``, are looked for in ``root/DVSGesture``, where tonic keeps
    them, and in ``root``. Folders are used as they are found, whether or not their archive is there.

    Args:
        root: folder of the files.
        frames: how events become frames; published are frames of 50 ms after a denoise of 100 ms, polarities merged.
        batch_size: recordings in a training batch, at least 1.
        eval_batch_size: recordings in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load.
        references: recordings of each gesture that rates and mean images are taken from, at least 1.
        val_users: subjects of the training set that validate, at least one.
        download: let :meth:`prepare_data` download missing archives, by tonic.
        cache: folder that frames are kept in; None makes them at every access.
        in_memory: also keep frames in memory once they were used, 0.2 MB per recording at the published settings.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        The folders as published, here with three subjects and two events per recording:

        >>> from pathlib import Path
        >>> import numpy as np
        >>> from brainleaks_pl import DVSGesture, FrameTransform
        >>> for person in ("ibmGestureTrain/user01_led", "ibmGestureTrain/user23_led", "ibmGestureTest/user24_led"):
        ...     Path("data", "DVSGesture", person).mkdir(parents=True)
        ...     for gesture in range(10):
        ...         events = [[64, 30, 1, 0], [65, 30, 1, 250]]  # x, y, polarity and milliseconds
        ...         np.save(Path("data", "DVSGesture", person, f"{gesture}.npy"), np.array(events))
        >>> frames = FrameTransform(frame_time=50_000)
        >>> gestures = DVSGesture("data", frames, val_users=(23,), download=False, cache=None)
        >>> {name: len(gestures.split(name)) for name in ("train", "val", "test")}
        {'train': 10, 'val': 10, 'test': 10}
        >>> spikes, label = gestures.split("test")[8]
        >>> spikes.shape, gestures.class_names[label]
        (torch.Size([5, 1, 128, 128]), 'Air drums')
    """

    sensor_size = (TonicDVSGesture.sensor_size[0], TonicDVSGesture.sensor_size[1])
    num_classes = 10
    class_names = tuple(TonicDVSGesture.classes[:10])
    title = "DvsGesture"
    tonic_folder = TonicDVSGesture.__name__
    train_archive = Archive(
        TonicDVSGesture.train_url, TonicDVSGesture.train_filename, TonicDVSGesture.train_md5, "ibmGestureTrain"
    )
    test_archive = Archive(
        TonicDVSGesture.test_url, TonicDVSGesture.test_filename, TonicDVSGesture.test_md5, "ibmGestureTest"
    )

    def __init__(
        self,
        root: str | Path = "data",
        frames: FrameTransform = PUBLISHED_FRAMES,
        batch_size: int = 6,
        eval_batch_size: int = 6,
        num_workers: int = 0,
        references: int = 500,
        val_users: tuple[int, ...] = (21, 22, 23),
        download: bool = True,
        cache: str | Path | None = "data/cache",
        in_memory: bool = True,
    ) -> None:
        super().__init__(root, frames, batch_size, eval_batch_size, num_workers, references, download, cache, in_memory)
        if not val_users:
            raise ValueError("val_users must name at least one subject of the training set.")
        self.val_users = tuple(val_users)

    def load(self) -> dict[str, LabelledDataset]:
        """Find the recordings; they are read when they are used.

        Raises:
            FileNotFoundError: when a folder is missing, or holds no recordings.
            ValueError: when ``val_users`` leave nothing to train or to validate on.
        """
        recordings = self._recordings(self.train_archive)
        train = [recording for recording in recordings if recording[0] not in self.val_users]
        val = [recording for recording in recordings if recording[0] in self.val_users]
        if not train or not val:
            users = sorted({user for user, _, _ in recordings})
            raise ValueError(
                f"val_users {list(self.val_users)} leave {len(train)} recordings to train and {len(val)} to validate: "
                f"the subjects of the training set are {users}."
            )
        return {
            "train": self._dataset(train),
            "val": self._dataset(val),
            "test": self._dataset(self._recordings(self.test_archive)),
        }

    def _recordings(self, archive: Archive) -> list[tuple[int, int, Path]]:
        """Return subject, class and file of every recording, by subject and lighting."""
        folder = self.folder(archive)
        found = [
            (int(subject[1]), label, path)
            for place in sorted(folder.iterdir())
            if (subject := _SUBJECT_FOLDER.fullmatch(place.name))
            for label in range(self.num_classes)
            if (path := place / f"{label}.npy").is_file()
        ]
        if not found:
            raise FileNotFoundError(
                f"{self.title} is incomplete: no recordings (user01_fluorescent/0.npy and the like) in {folder}."
            )
        return found

    def _dataset(self, recordings: list[tuple[int, int, Path]]) -> CachedFrames:
        labels = torch.tensor([label for _, label, _ in recordings])
        return self.dataset([path for _, _, path in recordings], labels, read_dvsgesture)
