"""Structured numpy arrays, as tonic's transforms take them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from brainleaks_pl.events.checked import Events
from brainleaks_pl.export.base import FileFormat, file_name
from brainleaks_pl.export.results import Reconstruction, SpikingResults


class TonicArray(FileFormat):
    """One ``.npy`` a reconstruction, which ``numpy.load`` reads."""

    def path(self, results: SpikingResults, reconstruction: Reconstruction) -> Path:
        """Return ``<name>_class<k>_restart<r>.npy``."""
        return Path(file_name(results, reconstruction, ".npy"))

    def write(self, path: Path, results: SpikingResults, reconstruction: Reconstruction) -> None:
        """Write the events."""
        write_tonic(path, results.events(reconstruction))


def write_tonic(path: Path, events: Events) -> None:
    """Write events as an array of dtype ``tonic.io.events_struct``: x, y, t in microseconds, p.

    ``numpy.load(path)`` reads it, and every transform of tonic's takes what it returns.

    Args:
        path: the ``.npy`` file. Not written atomically.
        events: sorted by time.
    """
    with path.open("wb") as file:  # numpy.save would add a suffix to a path without one
        np.save(file, events, allow_pickle=False)
