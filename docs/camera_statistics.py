"""What a set of N-MNIST recordings looks like: statistics that docs/calibrate_camera.py fits, tabulates and draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from brainleaks_pl.data.idx import read_idx
from brainleaks_pl.data.simulated_nmnist import simulate
from brainleaks_pl.events.camera import EventCamera
from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.events.saccades import Saccades

Floats = npt.NDArray[np.float64]

SACCADE = 105_000
"""Microseconds of a saccade of the real recordings."""

SAME_EDGES = np.r_[np.arange(0, 10_000, 300), 10_000, 13_000, 17_000, 25_000, 40_000, 100_000, 400_000]
OPPOSITE_EDGES = np.r_[np.arange(0, 60_000, 2000), 400_000]
TIME_EDGES = np.arange(0, 315_001, 5000)
MOST = 14


class Recorded(NamedTuple):
    """Digits and their recordings."""

    images: Tensor
    """Of MNIST, in [0, 1], ``(N, 28, 28)``."""
    labels: Tensor
    recordings: list[Events]


class Statistics(NamedTuple):
    """Of N recordings; histograms are in events (or pixels) a recording."""

    counts: Floats
    """Events, ``(N,)``."""
    maps: Floats
    """Events by saccade, polarity (OFF first) and pixel, ``(N, 3, 2, 34, 34)``."""
    on: float
    """Share of ON events."""
    centre: tuple[float, float]
    """Mean x and y of the events."""
    times: Floats
    """Events in every 5 ms."""
    same: Floats
    """Intervals between successive events of a pixel, of equal polarity, by :data:`SAME_EDGES`."""
    opposite: Floats
    """The same of opposite polarity, by :data:`OPPOSITE_EDGES`."""
    per_pixel: Floats
    """Pixels by how many events they fire in a saccade, OFF and ON, ``(2, MOST)``; the last holds all above."""


def load(data: Path, part: str) -> Recorded:
    """Read ``data/NMNIST/<part>`` (Train or Test) with the digits of ``data/mnist``: recording k shows image k - 1."""
    prefix = {"Train": "train", "Test": "t10k"}[part]
    images, labels = (_idx(data / "mnist", f"{prefix}-{kind}", ndim) for kind, ndim in (("images", 3), ("labels", 1)))
    paths = sorted((data / "NMNIST" / part).glob("*/*.bin"), key=lambda path: path.stem)
    numbers = torch.tensor([int(path.stem) - 1 for path in paths])
    assert labels[numbers].tolist() == [int(path.parent.name) for path in paths], "these are not the digits recorded"
    return Recorded(images[numbers].float() / 255, labels[numbers], [read_nmnist(path) for path in paths])


def _idx(folder: Path, name: str, ndim: int) -> Tensor:
    (path,) = folder.glob(f"{name}-idx{ndim}-ubyte*")
    return read_idx(path, ndim)


def pick(recorded: Recorded, which: slice) -> Recorded:
    """Return some of the digits."""
    return Recorded(recorded.images[which], recorded.labels[which], recorded.recordings[which])


def simulated(recorded: Recorded, camera: EventCamera, saccades: Saccades, seed: int = 0) -> Recorded:
    """Return the same digits, recorded by the simulator."""
    return recorded._replace(recordings=list(simulate(recorded.images, camera, saccades, (seed, 0))))


def measure(recordings: Sequence[Events]) -> Statistics:
    """Measure recordings."""
    number = len(recordings)
    maps = np.zeros((number, 3, 2, 34, 34))
    same, opposite = np.zeros(len(SAME_EDGES) - 1), np.zeros(len(OPPOSITE_EDGES) - 1)
    for index, events in enumerate(recordings):
        x, y, t = (events[name].astype(np.int64) for name in "xyt")
        p = events["p"].astype(np.int64)
        np.add.at(maps[index], ((t // SACCADE).clip(max=2), p, y, x), 1)
        pixel = y * 34 + x
        order = np.lexsort((t, pixel))
        intervals, within = np.diff(t[order]), np.diff(pixel[order]) == 0
        equal = np.diff(p[order]) == 0
        same += np.histogram(intervals[within & equal], SAME_EDGES)[0]
        opposite += np.histogram(intervals[within & ~equal], OPPOSITE_EDGES)[0]
    everything = np.concatenate(list(recordings))
    fired = maps.astype(np.int64).clip(max=MOST - 1)
    return Statistics(
        counts=maps.sum((1, 2, 3, 4)),
        maps=maps,
        on=float(everything["p"].mean()),
        centre=(float(everything["x"].mean()), float(everything["y"].mean())),
        times=np.histogram(everything["t"], TIME_EDGES)[0] / number,
        same=same / number,
        opposite=opposite / number,
        per_pixel=np.stack([np.bincount(fired[:, :, p].ravel(), minlength=MOST) for p in (0, 1)]) / (3 * number),
    )


def correlations(first: Floats, second: Floats) -> Floats:
    """Return the correlation over the pixels of every two maps, ``(N, 3, 2)``."""
    a, b = (maps.reshape(*maps.shape[:3], -1) for maps in (first, second))
    a, b = (maps - maps.mean(-1, keepdims=True) for maps in (a, b))
    return np.asarray((a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1)))


def distance(real: Floats, other: Floats) -> float:
    """Return the summed difference of two histograms, as a share of the first one's sum."""
    return float(abs(real - other).sum() / real.sum())


def nearest_of_class(images: Tensor, labels: Tensor) -> Tensor:
    """Return for every digit the index of the one of its class that has the most similar image."""
    flat = images.flatten(1)
    far = torch.cdist(flat, flat)
    far[labels[:, None] != labels] = torch.inf
    return far.fill_diagonal_(torch.inf).argmin(1)
