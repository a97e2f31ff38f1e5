"""Simulated N-MNIST: digits of ours in front of an event camera that makes three saccades."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tonic.datasets import NMNIST as TonicNMNIST  # noqa: N811 - not a constant
from torch import Tensor

from brainleaks_pl.data.base import LabelledDataset
from brainleaks_pl.data.digests import digest
from brainleaks_pl.data.generated import find_generated, generate_once, progress_bar, write_note
from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset, to_pixels
from brainleaks_pl.data.mnist5k import MNIST5k
from brainleaks_pl.data.nmnist import NMNIST
from brainleaks_pl.encoders.event_camera import EventCameraEncoder
from brainleaks_pl.events.camera import ATIS, EventCamera
from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.formats import write_nmnist
from brainleaks_pl.events.frames import NMNIST_FRAMES, FrameTransform
from brainleaks_pl.events.saccades import Saccades

VERSION = 2
"""Of the generator: to be raised when the same settings would give other events."""

BATCH = 50


class SimulatedNMNIST(NMNIST):
    """Still digits, recorded by a simulated event camera as Orchard et al. (2015) recorded MNIST by a real one.

    The default camera and saccades were fitted to real recordings, and are compared with others of them in
    ``docs/event_camera.md``. :meth:`prepare_data` writes them once, in the layout and the format of the real set, to
    ``root/simulated_nmnist/<source>-<digest>/NMNIST``, where :class:`tonic.datasets.NMNIST` can read them too. The
    digest stands for all that decides the events: every image and label of the source, the constants, the seed and the
    version of the simulator; other settings never meet these recordings.

    The source's training images and those that it validates on make the training recordings, in this order, of which
    the last of each digit validate; its test images make the test recordings.

    Args:
        root: folder of the generated files.
        source: the digits, images of 28x28 of ten classes, without an encoder; None takes :class:`MNIST5k`.
        camera: the event camera.
        saccades: its movement.
        seed: of the pixels' thresholds and the noise, drawn for each recording on its own; at least 0.
        frames: how events become frames; published are frames of 3 ms after a denoise of 40 ms, one polarity.
        batch_size: recordings in a training batch, at least 1.
        eval_batch_size: recordings in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load.
        references: recordings of each digit that rates and mean images are taken from, at least 1.
        val_share: share of each digit's training recordings that validate, in (0, 1); at least one.
        cache: folder that frames are kept in; None makes them at every access.
        in_memory: also keep frames in memory once they were used.

    Raises:
        ValueError: when an argument is out of range, or the source has other images.

    Examples:
        Ten digits for each split; without a ``source``, all of MNIST5k is recorded, which takes half a minute.

        >>> from brainleaks_pl import Saccades, SimulatedNMNIST
        >>> from brainleaks_pl.data import ImageDataset
        >>> digits = data.for_network(takes_spikes=False)
        >>> few = {name: ImageDataset(*digits.split(name)[:10]) for name in ("train", "val", "test")}
        >>> source, saccades = digits.with_splits(few), Saccades(steps=6)
        >>> recordings = SimulatedNMNIST("data", source, saccades=saccades, cache=None)
        >>> recordings.prepare_data()
        >>> frames, label = recordings.split("train")[0]
        >>> frames.shape
        torch.Size([103, 1, 34, 34])
        >>> recordings.simulated
        True
    """

    simulated = True

    def __init__(
        self,
        root: str | Path = "data",
        source: ImageDataModule | None = None,
        camera: EventCamera = ATIS,
        saccades: Saccades = Saccades(),
        seed: int = 0,
        frames: FrameTransform = NMNIST_FRAMES,
        batch_size: int = 100,
        eval_batch_size: int = 100,
        num_workers: int = 0,
        references: int = 500,
        val_share: float = 0.1,
        cache: str | Path | None = "data/cache",
        in_memory: bool = True,
    ) -> None:
        super().__init__(
            root, frames, batch_size, eval_batch_size, num_workers, references, val_share, False, cache, in_memory
        )
        self.source = self.scenes = MNIST5k() if source is None else source
        name = type(self.source).__name__
        shape, classes = (1, *Saccades.image_size), self.num_classes
        if tuple(self.source.input_shape) != shape or self.source.num_classes != classes:
            raise ValueError(
                f"source must have images {shape} of {classes} classes, {name} has {tuple(self.source.input_shape)} of "
                f"{self.source.num_classes}."
            )
        if self.source.encoder is not None:
            raise ValueError(f"source must have no encoder: the camera makes the events of {name}'s images.")
        if seed < 0:
            raise ValueError(f"seed must be at least 0, got {seed}.")
        self.root = Path(root).expanduser() / "simulated_nmnist"
        self.camera = camera
        self.saccades = saccades
        self.seed = seed
        if frames.time_steps is not None and frames.binary:
            self.encoder = EventCameraEncoder(frames.time_steps, camera, saccades, frames)

    def prepare_data(self) -> None:
        """Get the source, and generate the recordings unless they are there (Lightning calls this once per node).

        They appear atomically: an interrupted run leaves nothing, and processes may generate at once.

        Raises:
            FileNotFoundError: when the source is missing and its download fails.
            OSError: when the files cannot be written.
            ValueError: when ``saccades`` last longer than the format's 8.3 s, or a recording has no event at all.
        """
        self.source.prepare_data()
        parts = self._parts()

        def write(place: Path) -> None:
            generate_recordings(place, parts, self.camera, self.saccades, self.seed)

        generate_once(self._folder(parts), self.tonic_folder, self._settings(), write)

    def load(self) -> dict[str, LabelledDataset]:
        """Find the recordings; they are read when they are used.

        Raises:
            FileNotFoundError: when the source is missing, or the recordings have not been generated.
            ValueError: when a digit has a single training recording: none is left to validate.
        """
        self.folders = (find_generated(self._folder(self._parts())) / self.tonic_folder,)
        return super().load()

    def describe(self) -> dict[str, Any]:
        """Return the data set's class, how events become frames, and what the simulator was told."""
        return {**super().describe(), **self._settings()}

    def _settings(self) -> dict[str, Any]:
        return {
            "simulator": VERSION,
            "source": type(self.source).__qualname__,
            "camera": asdict(self.camera),
            "saccades": asdict(self.saccades),
            "seed": self.seed,
        }

    def _parts(self) -> dict[str, ImageDataset]:
        train, val, test = (self.source.split(name) for name in ("train", "val", "test"))
        if not self.source.validates_on_test:
            train = ImageDataset(torch.cat([train.images, val.images]), torch.cat([train.labels, val.labels]))
        return {TonicNMNIST.train_folder: train, TonicNMNIST.test_folder: test}

    def _folder(self, parts: Mapping[str, ImageDataset]) -> Path:
        content = digest(self._settings(), (values for part in parts.values() for values in (part.images, part.labels)))
        return self.root / f"{type(self.source).__name__.lower()}-{content}"


def generate_recordings(
    folder: Path, parts: Mapping[str, ImageDataset], camera: EventCamera, saccades: Saccades, seed: int
) -> None:
    """Write a recording of every image as N-MNIST has them, ``folder/<part>/<label>/<number>.bin``, numbered from 1.

    ``<part>.zip``, which tonic looks for, holds nothing but a note that the recordings are simulated.

    Args:
        folder: where the files go.
        parts: the images, ``(N, 1, 28, 28)``, by name of the folder.
        camera: the event camera.
        saccades: its movement.
        seed: of the thresholds and the noise, at least 0.

    Raises:
        ValueError: when the format cannot hold a recording; names it.
    """
    with progress_bar() as progress:
        for position, (name, part) in enumerate(parts.items()):
            for label in part.labels.unique().tolist():
                (folder / name / str(label)).mkdir(parents=True)
            write_note(folder / f"{name.lower()}.zip")
            recordings = simulate(to_pixels(part.images[:, 0]), camera, saccades, (seed, position))
            pairs = zip(part.labels.tolist(), recordings, strict=True)
            bar = progress.track(pairs, len(part), description=f"Simulating N-MNIST: {name}")
            for number, (label, events) in enumerate(bar, start=1):
                write_nmnist(folder / name / str(label) / f"{number:05}.bin", events)


def simulate(images: Tensor, camera: EventCamera, saccades: Saccades, seed: Sequence[int]) -> Iterator[Events]:
    """Record images one after the other; each takes its randomness from ``seed`` and its own index.

    Args:
        images: intensities in [0, 1], ``(N, 28, 28)``.
        camera: the event camera.
        saccades: its movement.
        seed: numbers of at least 0.
    """
    times = saccades.times()
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        generators = [np.random.default_rng((*seed, start + index)) for index in range(len(batch))]
        yield from camera.record(saccades.watch(batch), times, generators)
