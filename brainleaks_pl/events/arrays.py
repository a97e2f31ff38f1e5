"""Reads recordings stored as structured numpy arrays, as tonic's transforms take them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from brainleaks_pl.events.checked import MAX_TIME, Events, checked_events, read_npy

TimeUnit = Literal["s", "ms", "us", "ns"]
"""What the time stamps of a recording count."""

MICROSECONDS: dict[str, float] = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
"""In each :data:`TimeUnit`."""

_FIELDS = {
    "x": ("x",),
    "y": ("y",),
    "t": ("t", "timestamp", "ts"),
    "p": ("p", "polarity", "on"),
}


def read_event_array(path: Path, sensor_size: tuple[int, int], time_unit: TimeUnit) -> Events:
    """Read a ``.npy`` file that holds a structured array of numbers, ``(N,)``, in any order of its fields.

    The fields are x, y, t (or ``timestamp``, ``ts``) and p (or ``polarity``, ``on``), whatever else there is. Times are
    rounded to the microsecond. Polarities are 0 and 1, false and true, or -1 and 1. Nothing is unpickled.

    Args:
        path: the file.
        sensor_size: (W, H) that the events must lie in.
        time_unit: what t counts.

    Returns:
        At least one event, sorted by time.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file is empty, cut, no such array, or too large, or holds an event that is not made of
            numbers, or lies outside of the sensor, of the polarities, or of the first 71 minutes.
    """
    values = read_npy(path, _check_fields)
    columns = {role: values[_field(values.dtype, role)] for role in _FIELDS}
    for role, column in columns.items():
        whole = np.isfinite(column) if role == "t" else column == np.floor(column)
        if not whole.all() or not np.isfinite(column).all():
            at = int((~(whole & np.isfinite(column))).argmax())
            raise ValueError(f"{path}: event {at} has {role} = {column[at]}, expected whole x, y and p and a time.")
    x, y, t, p = columns.values()
    if not (np.isin(p, (0, 1)).all() or np.isin(p, (-1, 1)).all()):
        found = np.unique(p)[:5].tolist()
        raise ValueError(f"{path}: the polarities are {found}, expected 0 and 1, or -1 and 1.")
    microseconds = t.astype(np.float64) * MICROSECONDS[time_unit]
    if microseconds.max() > MAX_TIME:
        raise ValueError(
            f"{path}: event {microseconds.argmax()} has the time {t[microseconds.argmax()]} {time_unit}, more than 71 "
            "minutes: time_unit may be wrong, or the times do not start near 0 (subtract the first one)."
        )
    # a time that cannot be believed need not stay exact
    return checked_events(path, x, y, np.rint(microseconds.clip(min=-1)).astype(np.int64), p > 0, sensor_size)


def check_time_unit(time_unit: str) -> None:
    """See that a time unit is one.

    Raises:
        ValueError: when it is not.
    """
    if time_unit not in get_args(TimeUnit):
        raise ValueError(f"time_unit must be one of {', '.join(get_args(TimeUnit))}, got {time_unit!r}.")


def _field(dtype: np.dtype[Any], role: str) -> str | None:
    return next((name for name in _FIELDS[role] if name in (dtype.names or ())), None)


def _check_fields(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    if dtype.names is None or len(shape) != 1:
        raise ValueError(
            f"{path}: an array of dtype {dtype} and shape {shape}, expected a structured array (N,) with the fields x, "
            "y, t and p: nothing in a plain one says which column is which."
        )
    missing = [role for role in _FIELDS if _field(dtype, role) is None]
    if missing:
        raise ValueError(f"{path}: no field {', '.join(missing)} among {', '.join(dtype.names)}.")
    for role in _FIELDS:
        own = dtype[_field(dtype, role) or role]
        if own.kind not in "iufb" or own.itemsize > 8:
            raise ValueError(f"{path}: the field {role} holds {own}, expected plain numbers.")
