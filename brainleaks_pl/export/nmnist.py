"""The files and folders of N-MNIST."""

from __future__ import annotations

from pathlib import Path

from tonic.datasets import NMNIST

from brainleaks_pl.events.formats import NMNIST_CLOCK, write_nmnist
from brainleaks_pl.export.base import FileFormat, file_name
from brainleaks_pl.export.results import Reconstruction, SpikingResults


class NMNISTFiles(FileFormat):
    """One ``.bin`` a reconstruction, in the training folder of its digit."""

    max_sensor_size = (NMNIST.sensor_size[0], NMNIST.sensor_size[1])
    max_label = 9

    def check(self, results: SpikingResults) -> None:
        """Refuse recordings that outlast the clock of the format."""
        super().check(results)
        duration = results.time_steps * results.frame_time
        if duration > NMNIST_CLOCK:
            raise ValueError(
                f"N-MNIST files hold recordings of up to {NMNIST_CLOCK / 1e6:.1f} s, got {duration / 1e6:.1f} s: "
                "choose another format, such as tonic."
            )

    def path(self, results: SpikingResults, reconstruction: Reconstruction) -> Path:
        """Return ``NMNIST/Train/<k>/<name>_class<k>_restart<r>.bin``."""
        folder = Path(NMNIST.__name__, NMNIST.train_folder, str(reconstruction.label))
        return folder / file_name(results, reconstruction, ".bin")

    def write(self, path: Path, results: SpikingResults, reconstruction: Reconstruction) -> None:
        """Write the events."""
        write_nmnist(path, results.events(reconstruction))
