"""Reads AEDAT4, the files of iniVation's cameras and their viewer DV, with iniVation's own library."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from brainleaks_pl.events.checked import MAX_EVENTS, Events, checked_events


def aedat4_library() -> ModuleType:
    """Return the package that reads and writes the files.

    Raises:
        ValueError: when it is not installed.
    """
    try:
        return importlib.import_module("dv_processing")
    except ImportError as error:
        raise ValueError(
            "the format aedat4 needs the package dv-processing: pip install 'brainleaks_pl[aedat4]'."
        ) from error


def aedat4_sensor_size(path: Path) -> tuple[int, int]:
    """Return the (W, H) of the sensor that a file states.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is no readable AEDAT4 file, has no events, or when ``dv-processing`` is not installed.
    """
    width, height = _open(path).getEventResolution()
    return int(width), int(height)


def read_aedat4(path: Path, sensor_size: tuple[int, int]) -> Events:
    """Read the first event stream of a file; its times, which count from 1970, count from its first event.

    Args:
        path: the file.
        sensor_size: (W, H), which must be what the file states.

    Returns:
        At least one event, sorted by time.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is no readable AEDAT4 file, is of another sensor, has no events or more than
            :data:`~brainleaks_pl.events.checked.MAX_EVENTS`, or when ``dv-processing`` is not installed.
    """
    recording = _open(path)
    own = tuple(recording.getEventResolution())
    if own != tuple(sensor_size):
        raise ValueError(
            f"{path}: of a sensor of {own[0]}x{own[1]} pixels, expected {sensor_size[0]}x{sensor_size[1]}."
        )
    batches, number = [], 0
    try:
        while (batch := recording.getNextEventBatch()) is not None:
            batches.append(batch.numpy())
            number += len(batches[-1])
            if number > MAX_EVENTS:
                raise ValueError(f"{path}: more than {MAX_EVENTS} events.")
    except RuntimeError as error:
        raise ValueError(f"{path}: damaged AEDAT4 file. Get it again.") from error
    if not number:
        raise ValueError(f"{path}: no events in it.")
    events = np.concatenate(batches)
    t = events["timestamp"].astype(np.int64)
    return checked_events(path, events["x"], events["y"], t - t.min(), events["polarity"], sensor_size)


def _open(path: Path) -> Any:
    library = aedat4_library()
    if not path.is_file():
        raise FileNotFoundError(f"no recording at {path}.")
    try:
        recording = library.io.MonoCameraRecording(str(path))
    except RuntimeError as error:
        raise ValueError(f"{path}: not a readable AEDAT4 file. Get it again.") from error
    if not recording.isEventStreamAvailable():
        raise ValueError(f"{path}: no events in it.")
    return recording
