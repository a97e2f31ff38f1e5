"""Checks that every reader of recordings makes, because files are not trusted."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format
from tonic.io import events_struct

Events = npt.NDArray[Any]
"""A recording: a structured array with the fields x, y, t (microseconds) and p (True is ON), sorted by t."""

MAX_TIME = 2**32 - 1
"""Latest time stamp that is believed, in microseconds (71 minutes): sensors count them in 32 bits."""

MAX_EVENTS = 2**24
"""Most events of a file that is read; the longest of DvsGesture have a million."""

_NPY_HEADER = 128
_HEADER_READERS = {(1, 0): npy_format.read_array_header_1_0, (2, 0): npy_format.read_array_header_2_0}


def file_content(path: Path, limit: int) -> bytes:
    """Return the content of a recording's file.

    Args:
        path: the file.
        limit: the most bytes that are read.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is empty or larger.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no recording at {path}.")
    if path.stat().st_size > limit:
        raise ValueError(f"{path}: {path.stat().st_size} bytes, more than {MAX_EVENTS} events take.")
    data = path.read_bytes()
    if not data:
        raise ValueError(f"{path}: the file is empty. Get it again.")
    return data


def read_npy(path: Path, check: Callable[[Path, np.dtype[Any], tuple[int, ...]], None]) -> npt.NDArray[Any]:
    """Read a ``.npy`` file without unpickling anything, or taking more memory than its size asks for.

    Args:
        path: the file.
        check: raises a ValueError where the dtype or the shape in the header are not what is wanted.

    Returns:
        The array, at least one row long, read-only.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is empty, cut, longer than its header says, refused by ``check``, or too large for
            :data:`MAX_EVENTS`.
    """
    data = file_content(path, MAX_EVENTS * 4 * 8 + _NPY_HEADER)
    stream = io.BytesIO(data)
    try:
        version = npy_format.read_magic(stream)
        shape, fortran_order, dtype = _HEADER_READERS[version](stream)
    except (ValueError, TypeError, LookupError, SyntaxError, TokenError, MemoryError, RecursionError) as error:
        # all that damaged headers have raised: numpy evaluates them as Python literals
        raise ValueError(f"{path}: not a readable .npy file (damaged header). Get it again.") from error
    check(path, dtype, shape)
    if shape[0] < 1:
        raise ValueError(f"{path}: no events in it.")
    size = stream.tell() + math.prod(shape) * dtype.itemsize
    if len(data) != size:
        problem = "truncated" if len(data) < size else "too long"
        raise ValueError(f"{path}: {problem}, got {len(data)} bytes, expected {size} for the shape {shape}.")
    return np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran_order else "C")


def checked_events(
    path: Path,
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    t: npt.NDArray[np.int64],
    p: npt.NDArray[Any],
    sensor_size: tuple[int, int],
) -> Events:
    """Make a recording of its columns, each ``(N,)``; ``p`` holds 0 and 1, or their like.

    Args:
        path: the file that messages name.
        x: columns of the sensor.
        y: rows of the sensor.
        t: microseconds.
        p: polarities, true for ON.
        sensor_size: (W, H) that the events must lie in.

    Returns:
        At least one event, sorted by time.

    Raises:
        ValueError: when there is no event, or one outside of the sensor, or of [0, :data:`MAX_TIME`].
    """
    if len(t) == 0:
        raise ValueError(f"{path}: no events in it.")
    width, height = sensor_size
    outside = (x < 0) | (x >= width) | (y < 0) | (y >= height)
    if outside.any():
        at = outside.argmax()
        raise ValueError(
            f"{path}: event {at} lies at x = {x[at]}, y = {y[at]}, outside of the sensor of {width}x{height} pixels."
        )
    unbelievable = (t < 0) | (t > MAX_TIME)
    if unbelievable.any():
        at = unbelievable.argmax()
        problem = "a negative time" if t[at] < 0 else f"a time beyond {MAX_TIME} us"
        raise ValueError(f"{path}: event {at} has {problem}.")
    events = np.empty(len(t), events_struct)
    events["x"], events["y"], events["t"], events["p"] = x, y, t, p
    early = np.count_nonzero(np.diff(t) < 0)
    if early:
        warnings.warn(f"{path}: {early} events are out of order, sorted by time.", stacklevel=3)
        events = events[t.argsort(kind="stable")]
    return events
