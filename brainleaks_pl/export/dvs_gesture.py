"""The files and folders of DvsGesture, as tonic has them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from tonic.datasets import DVSGesture

from brainleaks_pl.events.formats import write_dvsgesture
from brainleaks_pl.export.base import FileFormat
from brainleaks_pl.export.results import Reconstruction, SpikingResults

_FIRST_USER = 100
"""Restarts are numbered from here on as subjects, of whom the real set has 29: none is taken for a person."""


class DVSGestureFiles(FileFormat):
    """One ``.npy`` a reconstruction, named by its class, in one folder a restart."""

    max_sensor_size = (DVSGesture.sensor_size[0], DVSGesture.sensor_size[1])

    def check(self, results: SpikingResults) -> None:
        """Refuse frames that whole milliseconds, the precision of the format, cannot tell apart."""
        super().check(results)
        steps = np.arange(results.time_steps)
        written = (steps * results.frame_time + results.frame_time // 2) // 1000 * 1000
        if (written // results.frame_time != steps).any():
            raise ValueError(
                f"DvsGesture files hold whole milliseconds, which mix up time steps of {results.frame_time} us: choose "
                "another format, such as tonic."
            )

    def path(self, results: SpikingResults, reconstruction: Reconstruction) -> Path:
        """Return ``DVSGesture/ibmGestureTrain/user<100 + r>_<name>/<k>.npy``."""
        user = f"user{_FIRST_USER + reconstruction.restart}_{re.sub(r'[^0-9A-Za-z]', '_', results.name)}"
        return Path(DVSGesture.__name__, "ibmGestureTrain", user, f"{reconstruction.label}.npy")

    def write(self, path: Path, results: SpikingResults, reconstruction: Reconstruction) -> None:
        """Write the events."""
        write_dvsgesture(path, results.events(reconstruction))
