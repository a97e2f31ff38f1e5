"""Animations of the best reconstruction of each class."""

from __future__ import annotations

from pathlib import Path

from brainleaks_pl.export.base import FileFormat
from brainleaks_pl.export.results import Reconstruction, SpikingResults
from brainleaks_pl.reporting.animation import animation_frames, check_fps, encode_gif


class GIFFiles(FileFormat):
    """One ``.gif`` a class: its best restart, with spikes or without.

    Args:
        fps: time steps shown a second, in [0.1, 50].

    Raises:
        ValueError: when ``fps`` is out of range.
    """

    def __init__(self, fps: float) -> None:
        check_fps(fps)
        self.fps = fps

    def exports(self, reconstruction: Reconstruction) -> bool:
        """Return whether it is the best of its class."""
        return reconstruction.best

    def path(self, results: SpikingResults, reconstruction: Reconstruction) -> Path:
        """Return ``<name>_class<k>.gif``."""
        return Path(f"{results.name}_class{reconstruction.label}.gif")

    def write(self, path: Path, results: SpikingResults, reconstruction: Reconstruction) -> None:
        """Write the animation."""
        name = results.class_name(reconstruction.label)
        title = f"{results.folder.resolve().name}: class {reconstruction.label}" + (f", {name}" if name else "")
        frames = animation_frames(
            {"reconstruction": results.spikes[:, reconstruction.index]},
            heading=title,
            polarity=results.polarity,
            frame_time=results.frame_time,
            simulated=results.simulated,
        )
        path.write_bytes(encode_gif(frames, self.fps))
