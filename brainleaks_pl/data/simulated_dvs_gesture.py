"""Simulated DvsGesture: animated people making its ten gestures in front of an event camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from brainleaks_pl.data.base import LabelledDataset
from brainleaks_pl.data.digests import digest
from brainleaks_pl.data.dvs_gesture import PUBLISHED_FRAMES, DVSGesture
from brainleaks_pl.data.generated import find_generated, generate_once, progress_bar, write_note
from brainleaks_pl.events.camera import EventCamera
from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.filming import LIGHTINGS, render
from brainleaks_pl.events.formats import write_dvsgesture
from brainleaks_pl.events.frames import FrameTransform
from brainleaks_pl.events.gestures import Subject

VERSION = 2
"""Of the generator: to be raised when the same settings would give other events."""

CAMERA = EventCamera(threshold_on=0.11, threshold_off=0.11, mismatch=0.021, refractory=500, noise_rate=0.5, floor=0.05)
"""Records some 50000 events per second; the real set's training recordings have 56000 on average."""

LAST_TRAINING_SUBJECT = 23
"""The published split: subjects 1 to 23 train, 24 to 29 test."""


class Take(NamedTuple):
    """What one recording shows."""

    subject: int
    lighting: str
    gesture: int

    @property
    def path(self) -> Path:
        """Its file within the folder of the data set, as the real set has it."""
        part = "ibmGestureTrain" if self.subject <= LAST_TRAINING_SUBJECT else "ibmGestureTest"
        return Path(part) / f"user{self.subject:02}_{self.lighting}" / f"{self.gesture}.npy"


class SimulatedDVSGesture(DVSGesture):
    """Animated gestures, recorded by a simulated event camera; split by subject as the real ones.

    Every subject is a person of its own build, looks and ways of moving (:mod:`brainleaks_pl.events.gestures`), filmed
    once per gesture and lighting. :meth:`prepare_data` writes the recordings once, in the layout and the format of the
    real set (times in whole milliseconds), to ``root/simulated_dvs_gesture/<digest>/DVSGesture``, where
    :class:`tonic.datasets.DVSGesture` can read them too. The digest stands for all that decides the events.

    Args:
        root: folder of the generated files.
        subjects: numbers of the people; up to 23 they train (or validate), from 24 they test.
        lightings: names in :data:`brainleaks_pl.events.filming.LIGHTINGS`.
        duration: of a recording in microseconds, at least 1000.
        camera: the event camera; its constants are those of these recordings, not the defaults of the class.
        seed: of the people, the takes, the pixels' thresholds and the noise; at least 0.
        frames: how events become frames; published are frames of 50 ms after a denoise of 100 ms, polarities merged.
        batch_size: recordings in a training batch, at least 1.
        eval_batch_size: recordings in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load.
        references: recordings of each gesture that rates and mean images are taken from, at least 1.
        val_users: subjects of the training set that validate, at least one.
        cache: folder that frames are kept in; None makes them at every access.
        in_memory: also keep frames in memory once they were used.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        One take of a tenth of a second; ``prepare_data`` would film all of them.

        >>> from brainleaks_pl import SimulatedDVSGesture
        >>> gestures = SimulatedDVSGesture("data", subjects=(1, 21, 24), lightings=("led",), duration=100_000)
        >>> takes = list(gestures.takes())
        >>> len(takes), takes[0]
        (30, Take(subject=1, lighting='led', gesture=0))
        >>> events = gestures.film(takes[0])
        >>> events.dtype.names, len(events) > 100
        (('x', 'y', 't', 'p'), True)
    """

    simulated = True

    def __init__(
        self,
        root: str | Path = "data",
        subjects: tuple[int, ...] = tuple(range(1, 30)),
        lightings: tuple[str, ...] = ("fluorescent", "led", "natural"),
        duration: int = 3_000_000,
        camera: EventCamera = CAMERA,
        seed: int = 0,
        frames: FrameTransform = PUBLISHED_FRAMES,
        batch_size: int = 6,
        eval_batch_size: int = 6,
        num_workers: int = 0,
        references: int = 500,
        val_users: tuple[int, ...] = (21, 22, 23),
        cache: str | Path | None = "data/cache",
        in_memory: bool = True,
    ) -> None:
        super().__init__(
            root, frames, batch_size, eval_batch_size, num_workers, references, val_users, False, cache, in_memory
        )
        self.subjects, self.lightings = tuple(subjects), tuple(lightings)
        if min(self.subjects, default=0) < 1 or len(set(self.subjects)) < len(self.subjects):
            raise ValueError(f"subjects must be distinct numbers from 1, got {list(self.subjects)}.")
        if max(self.subjects) <= LAST_TRAINING_SUBJECT:
            raise ValueError(f"subjects {list(self.subjects)} leave none for testing, which takes those from 24 on.")
        unknown = [name for name in self.lightings if name not in LIGHTINGS]
        if unknown or not self.lightings or len(set(self.lightings)) < len(self.lightings):
            raise ValueError(f"lightings must be distinct names of {list(LIGHTINGS)}, got {list(self.lightings)}.")
        if duration < 1000:
            raise ValueError(f"duration is in microseconds and must be at least 1000, got {duration}.")
        if seed < 0:
            raise ValueError(f"seed must be at least 0, got {seed}.")
        self.root = Path(root).expanduser() / "simulated_dvs_gesture"
        self.duration = duration
        self.camera = camera
        self.seed = seed

    def prepare_data(self) -> None:
        """Generate the recordings where they are not there yet (Lightning calls this once per node).

        Raises:
            OSError: when the files cannot be written.
            ValueError: when a recording has no event at all; names it.
        """
        generate_once(self._folder, self.tonic_folder, self._settings(), self._write)

    def load(self) -> dict[str, LabelledDataset]:
        """Find the recordings; they are read when they are used.

        Raises:
            FileNotFoundError: when the recordings have not been generated, or no subject trains.
            ValueError: when ``val_users`` leave nothing to train or to validate on.
        """
        self.folders = (find_generated(self._folder) / self.tonic_folder,)
        return super().load()

    def describe(self) -> dict[str, Any]:
        """Return the data set's class, how events become frames, and what the simulator was told."""
        return {**super().describe(), **self._settings()}

    def takes(self) -> Iterator[Take]:
        """Return every recording, by subject, lighting and gesture."""
        for subject in self.subjects:
            for lighting in self.lightings:
                for gesture in range(self.num_classes):
                    yield Take(subject, lighting, gesture)

    def film(self, take: Take) -> Events:
        """Record one take: what it holds depends on itself and the seed alone."""
        person = Subject.draw(np.random.default_rng((self.seed, take.subject)))
        key = (self.seed, take.subject, tuple(LIGHTINGS).index(take.lighting), take.gesture)
        movement, sensor = np.random.SeedSequence(key).spawn(2)
        movie = render(
            take.gesture,
            person,
            LIGHTINGS[take.lighting],
            self.duration,
            seed=int(movement.generate_state(1)[0]),
        )
        (events,) = self.camera.record(movie.frames.unsqueeze(1), movie.times, [np.random.default_rng(sensor)])
        return events

    @property
    def _folder(self) -> Path:
        return self.root / digest(self._settings())

    def _settings(self) -> dict[str, Any]:
        return {
            "simulator": VERSION,
            "subjects": list(self.subjects),
            "lightings": [{"name": name, **asdict(LIGHTINGS[name])} for name in self.lightings],
            "duration": self.duration,
            "camera": asdict(self.camera),
            "seed": self.seed,
        }

    def _write(self, folder: Path) -> None:
        takes = list(self.takes())
        with progress_bar() as progress:
            for take in progress.track(takes, description="Simulating DvsGesture"):
                path = folder / take.path
                path.parent.mkdir(parents=True, exist_ok=True)
                write_dvsgesture(path, self.film(take))
        for archive in (self.train_archive, self.test_archive):
            write_note(folder / archive.name)
