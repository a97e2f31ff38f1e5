"""The base class of the formats in which reconstructions are exported."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from brainleaks_pl.export.results import Reconstruction, SpikingResults


class FileFormat(ABC):
    """Base of the formats; a subclass implements :meth:`path` and :meth:`write` and may extend :meth:`check`.

    A reconstruction without a spike is no recording and gets no file: the readers of these formats refuse it.
    """

    max_sensor_size: ClassVar[tuple[int, int] | None] = None
    """(W, H) of the largest sensor that readers of the format take; None takes any."""
    max_label: ClassVar[int | None] = None
    """Largest class that the format can name; None takes any."""

    def check(self, results: SpikingResults) -> None:
        """Refuse what the format cannot hold, before anything is written.

        Raises:
            ValueError: when a reconstruction cannot be told from the file that would be written.
        """
        if self.max_sensor_size is not None:
            (width, height), (most_x, most_y) = results.sensor_size, self.max_sensor_size
            if width > most_x or height > most_y:
                raise ValueError(
                    f"the format holds recordings of up to {most_x}x{most_y} pixels, got {width}x{height}: choose "
                    "another format, such as tonic."
                )
        largest = max(reconstruction.label for reconstruction in results.reconstructions)
        if self.max_label is not None and largest > self.max_label:
            raise ValueError(
                f"the format names the classes 0 to {self.max_label}, got class {largest}: choose another format, "
                "such as tonic."
            )

    def exports(self, reconstruction: Reconstruction) -> bool:
        """Return whether a reconstruction gets a file."""
        return reconstruction.events > 0

    @abstractmethod
    def path(self, results: SpikingResults, reconstruction: Reconstruction) -> Path:
        """Return a file of its own for a reconstruction, relative to the output folder."""

    @abstractmethod
    def write(self, path: Path, results: SpikingResults, reconstruction: Reconstruction) -> None:
        """Write a reconstruction to ``path``."""


def file_name(results: SpikingResults, reconstruction: Reconstruction, suffix: str) -> str:
    """Return a name that says whose reconstruction of which class it is."""
    return f"{results.name}_class{reconstruction.label}_restart{reconstruction.restart}{suffix}"
