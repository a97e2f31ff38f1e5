"""Writes AEDAT4, the files of iniVation's cameras and their viewer DV, with iniVation's own library."""

from __future__ import annotations

import shutil
from pathlib import Path

from brainleaks_pl.events.aedat4 import aedat4_library
from brainleaks_pl.events.checked import Events
from brainleaks_pl.export.base import FileFormat, file_name
from brainleaks_pl.export.results import Reconstruction, SpikingResults


class AEDAT4Files(FileFormat):
    """One ``.aedat4`` a reconstruction, which ``tonic.io.read_aedat4`` reads."""

    def check(self, results: SpikingResults) -> None:
        """Look for the library, which is not installed unless asked for."""
        super().check(results)
        aedat4_library()

    def path(self, results: SpikingResults, reconstruction: Reconstruction) -> Path:
        """Return ``<name>_class<k>_restart<r>.aedat4``."""
        return Path(file_name(results, reconstruction, ".aedat4"))

    def write(self, path: Path, results: SpikingResults, reconstruction: Reconstruction) -> None:
        """Write the events."""
        write_aedat4(path, results.events(reconstruction), results.sensor_size)


def write_aedat4(path: Path, events: Events, sensor_size: tuple[int, int]) -> None:
    """Write events as a recording of one stream.

    ``tonic.io.read_aedat4(path)`` reads it (with the package ``aedat``), as an array with the fields t, x, y and
    ``on``, in this order.

    Args:
        path: the ``.aedat4`` file. Not written atomically.
        events: at least one event, sorted by time.
        sensor_size: (W, H), which the file states.

    Raises:
        ValueError: when ``dv-processing`` is not installed, or when there are no events: tonic cannot read such a file.
        OSError: when the file cannot be written.
    """
    library = aedat4_library()
    if len(events) == 0:
        raise ValueError(f"{path}: a recording without events is not written: tonic could not read it.")
    # the library writes from a thread of its own, which ends the process when the disk is full
    needed, free = 2**20 + 32 * len(events), shutil.disk_usage(path.parent).free
    if free < needed:
        raise OSError(f"{path.parent} has no room for a recording: {needed} bytes may be needed, {free} are free.")
    store = library.EventStore()
    for x, y, t, p in events[["x", "y", "t", "p"]].tolist():
        store.push_back(t, x, y, p)
    camera = library.io.MonoCameraWriter.EventOnlyConfig("brainleaks_pl", sensor_size)
    try:
        writer = library.io.MonoCameraWriter(str(path), camera)
    except RuntimeError as error:
        raise OSError(f"{path.parent} cannot be written to.") from error
    writer.writeEvents(store)
    del writer  # closes the file
