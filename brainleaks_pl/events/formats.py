"""Readers and writers of the two recording formats: N-MNIST's ``.bin`` and DvsGesture's ``.npy``, as tonic has them.

Recordings are structured arrays of dtype ``tonic.io.events_struct``: x, y, t in microseconds, p (True is ON), sorted by
time. A file is never trusted: whatever is wrong with it is one ValueError that names it. The one repair: events out of
order, which tonic's own readers let pass, are sorted by time (those of equal time keep their order), with a warning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brainleaks_pl.events.checked import MAX_EVENTS, MAX_TIME, Events, checked_events, file_content, read_npy

NMNIST_CLOCK = 2**23
"""Microseconds that the 23 bits of a time stamp in an N-MNIST file count."""

_EVENT_SIZE = 5
_OVERFLOW_ROW = 240
_OVERFLOW_TIME = 2**13


def read_nmnist(path: Path, sensor_size: tuple[int, int] = (34, 34)) -> Events:
    """Read an N-MNIST recording: 40 bits an event, x (8), y (8), polarity (1) and microseconds (23), big endian.

    A row of 240 marks an overflow of the clock: it is no event, and all that follow are 2^13 microseconds later.

    Args:
        path: the ``.bin`` file.
        sensor_size: (W, H) that the events must lie in.

    Returns:
        At least one event, sorted by time.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is empty, ends within an event, may hold more than :data:`MAX_EVENTS`, or holds an
            event outside of the sensor or of :data:`MAX_TIME`.
    """
    data = file_content(path, MAX_EVENTS * _EVENT_SIZE)
    if len(data) % _EVENT_SIZE:
        raise ValueError(
            f"{path}: cut in the middle of an event, {len(data)} bytes are no multiple of {_EVENT_SIZE}. Get it again."
        )
    rows = np.frombuffer(data, np.uint8).reshape(-1, _EVENT_SIZE).astype(np.int64)
    x, y, high, middle, low = rows.T
    overflow = y == _OVERFLOW_ROW
    t = ((high & 127) << 16 | middle << 8 | low) + _OVERFLOW_TIME * np.cumsum(overflow)
    x, y, t, p = (column[~overflow] for column in (x, y, t, high >> 7))
    return checked_events(path, x, y, t, p, sensor_size)


def write_nmnist(path: Path, events: Events) -> None:
    """Write a recording as N-MNIST has it; tonic reads it back event for event.

    Args:
        path: the ``.bin`` file. Not written atomically.
        events: at least one event, sorted by time, with x and y of at most 255 and times below 2^23 microseconds
            (8.4 s). The row 240 cannot be written: it stands for an overflow of the clock.

    Raises:
        ValueError: when the format cannot hold the events.
    """
    x, y, t, p = _columns(path, events)
    if (y == _OVERFLOW_ROW).any():
        raise ValueError(f"{path}: N-MNIST files have no row {_OVERFLOW_ROW}, it marks an overflow of the clock.")
    for name, column, limit in (("x", x, 255), ("y", y, 255), ("time", t, NMNIST_CLOCK - 1)):
        if column.max() > limit:
            raise ValueError(
                f"{path}: N-MNIST files hold an event's {name} up to {limit}, got {column.max()}. Crop the recording, "
                "or write it in another format."
            )
    path.write_bytes(np.stack([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255], 1).astype(np.uint8).tobytes())


def read_dvsgesture(path: Path, sensor_size: tuple[int, int] = (128, 128)) -> Events:
    """Read a DvsGesture recording of tonic's: a plain numeric array ``(N, 4)`` of x, y, p and t in milliseconds.

    Fractions of a millisecond are kept down to the microsecond. Nothing is unpickled, and no more memory is taken than
    the file's size asks for, whatever its header says.

    Args:
        path: the ``.npy`` file.
        sensor_size: (W, H) that the events must lie in.

    Returns:
        At least one event, sorted by time.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is empty, cut, longer than its header says, no such array or too large for
            :data:`MAX_EVENTS`, or holds an event that is not made of numbers or lies outside of the sensor, of the
            polarities 0 and 1, or of :data:`MAX_TIME`.
    """
    values = read_npy(path, _check_columns)
    if values.dtype.kind == "f":
        broken = ~np.isfinite(values).all(1) | (values[:, :3] != np.floor(values[:, :3])).any(1)
        if broken.any():
            at = broken.argmax()
            raise ValueError(f"{path}: event {at} is {values[at].tolist()}, expected whole x, y and p and a time.")
    x, y, p, milliseconds = values.T
    if not np.isin(p, (0, 1)).all():
        at = (~np.isin(p, (0, 1))).argmax()
        raise ValueError(f"{path}: event {at} has the polarity {p[at]}, expected 0 or 1.")
    # not in the file's own type, which may overflow; what cannot be believed need not stay exact
    t = np.floor(milliseconds.astype(np.float64).clip(-1, MAX_TIME) * 1000).astype(np.int64)
    return checked_events(path, x, y, t, p, sensor_size)


def write_dvsgesture(path: Path, events: Events) -> None:
    """Write a recording as tonic has DvsGesture: an int64 array ``(N, 4)`` of x, y, p and t in milliseconds.

    Times are cut to whole milliseconds, the precision of the real set; the rest is lost. An event thereby never leaves
    a frame that spans whole milliseconds.

    Args:
        path: the ``.npy`` file. Not written atomically.
        events: at least one event, sorted by time.

    Raises:
        ValueError: when the events are none, not sorted, negative or later than :data:`MAX_TIME`.
    """
    x, y, t, p = _columns(path, events)
    with path.open("wb") as file:  # np.save would add a suffix to a path without one
        np.save(file, np.stack([x, y, p, t // 1000], 1), allow_pickle=False)


def _check_columns(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise ValueError(f"{path}: an array of dtype {dtype}, expected plain numbers (objects are never unpickled).")
    if len(shape) != 2 or shape[1] != 4:
        raise ValueError(f"{path}: an array of shape {shape}, expected (N, 4): x, y, p and t in milliseconds.")


def _columns(path: Path, events: Events) -> tuple[npt.NDArray[np.int64], ...]:
    names = events.dtype.names or ()
    if not {"x", "y", "t", "p"} <= set(names) or any(events.dtype[name].kind not in "iub" for name in "xytp"):
        raise ValueError(f"{path}: events must have the whole-numbered fields x, y, t and p, got {events.dtype}.")
    if len(events) == 0:
        raise ValueError(f"{path}: a recording without events is not written: its reader would refuse it.")
    x, y, t, p = (events[name].astype(np.int64) for name in "xytp")
    for name, column in (("x", x), ("y", y), ("time", t)):
        if column.min() < 0:
            raise ValueError(f"{path}: event {column.argmin()} has a negative {name}, {column.min()}.")
    if t.max() > MAX_TIME:
        raise ValueError(f"{path}: event {t.argmax()} has a time beyond {MAX_TIME} us.")
    if (np.diff(t) < 0).any():
        raise ValueError(f"{path}: the events are not sorted by time.")
    if not np.isin(p, (0, 1)).all():
        raise ValueError(f"{path}: polarities must be 0 or 1.")
    return x, y, t, p
