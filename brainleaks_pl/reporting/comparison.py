"""Spikes of reconstructions next to those of a training recording, as rasters and animations."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.reporting.animation import Pictures, animation_frames
from brainleaks_pl.reporting.pictures import spike_raster

SIZE = 170
"""Pixels of the longer side of an animated recording."""


def compare_rasters(spikes: Tensor, classes: Sequence[int], data: BaseDataModule, title: str) -> Figure:
    """Show the spikes of the first class's reconstruction, where there are recordings beside a training recording.

    Args:
        spikes: in {0, 1}, ``(T, M, C, H, W)``.
        classes: the M attacked classes.
        data: the private data set.
        title: beginning of the heading.
    """
    trains = {"reconstruction": spikes[:, 0]}
    if isinstance(data, EventDataModule):
        trains["training recording"] = data.recording(classes[0])
    return spike_raster(trains, f"{title}: spikes of class {data.class_name(classes[0])}")


def compare_recordings(
    spikes: Tensor, classes: Sequence[int], data: EventDataModule, title: str
) -> dict[str, Pictures]:
    """Return one animation a class, ``recordings/<class>``: its reconstruction above one of its training recordings.

    Args:
        spikes: in {0, 1}, ``(T, M, C, H, W)``.
        classes: the M attacked classes.
        data: the private data set.
        title: beginning of the heading.
    """
    return {
        f"recordings/{data.class_name(label)}": animation_frames(
            {"reconstruction": spikes[:, index], "training recording": data.recording(label)},
            heading=f"{title}: class {data.class_name(label)}",
            polarity=data.frames.polarity,
            frame_time=data.frames.frame_time,
            size=SIZE,
        )
        for index, label in enumerate(classes)
    }
