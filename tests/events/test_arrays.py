"""Structured arrays of events, as people store them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from recordings import npy_bytes, random_recording, rows_of

from brainleaks_pl.events.arrays import check_time_unit, read_event_array
from brainleaks_pl.export.tonic_array import write_tonic

SENSOR = (30, 20)


def write(path: Path, *columns: tuple[str, str, list[float]]) -> Path:
    array = np.empty(len(columns[0][2]), [(name, kind) for name, kind, _ in columns])
    for name, _, values in columns:
        array[name] = values
    np.save(path, array)
    return path


def test_reads_what_is_exported_for_tonic(tmp_path: Path) -> None:
    events = random_recording(200, SENSOR, 90_000)
    write_tonic(tmp_path / "a.npy", events)
    assert np.array_equal(rows_of(read_event_array(tmp_path / "a.npy", SENSOR, "us")), rows_of(events))


@pytest.mark.parametrize(
    ("unit", "kind", "times"),
    [
        ("s", "<f8", [0.0, 0.29, 1.000001]),
        ("ms", "<f4", [0.0, 290.0, 1000.001]),
        ("us", "<u8", [0, 290_000, 1_000_001]),
        ("ns", "<i8", [0, 290_000_000, 1_000_001_000]),
    ],
)
def test_units_names_and_polarities(tmp_path: Path, unit, kind: str, times: list[float]) -> None:
    path = write(
        tmp_path / "a.npy",
        ("camera", "u1", [7, 7, 7]),
        ("polarity", "i1", [-1, 1, -1]),
        ("timestamp", kind, times),
        ("y", "<u2", [0, 1, 19]),
        ("x", "<f4", [29, 3, 0]),
    )
    assert rows_of(read_event_array(path, SENSOR, unit)).tolist() == [
        [29, 0, 0, 0],
        [3, 1, 290_000, 1],
        [0, 19, 1_000_001, 0],
    ]


@pytest.mark.parametrize(
    ("field", "kind", "value", "message"),
    [
        ("x", "<i8", 30, "event 1 lies at x = 30, y = 1, outside of the sensor of 30x20 pixels"),
        ("x", "<f8", 1.5, "event 1 has x = 1.5, expected whole x, y and p and a time"),
        ("t", "<f8", np.nan, "event 1 has t = nan, expected whole x, y and p and a time"),
        ("t", "<i8", -4, "event 1 has a negative time"),
        ("t", "<i8", 10**10, "event 1 has the time 10000000000 us, more than 71 minutes: time_unit may be wrong"),
        ("p", "<i8", 2, "the polarities are [0, 2], expected 0 and 1, or -1 and 1"),
        ("y", "<c8", 1, "the field y holds complex64, expected plain numbers"),
        ("p", "(2,)<i8", 1, "the field p holds ('<i8', (2,)), expected plain numbers"),
    ],
)
def test_events_that_are_none(tmp_path: Path, field: str, kind: str, value: float, message: str) -> None:
    plain = {"x": 1, "y": 1, "t": 1, "p": 0}
    array = np.zeros(2, [(name, kind if name == field else "<i8") for name in plain])
    for name, other in plain.items():
        array[name] = other
    array[field][1] = value
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(ValueError, match=re.escape(f"a.npy: {message}")):
        read_event_array(tmp_path / "a.npy", SENSOR, "us")


def test_arrays_that_are_no_recordings(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.zeros((5, 4), np.int64))
    with pytest.raises(ValueError, match=r"dtype int64 and shape \(5, 4\), expected a structured array \(N,\)"):
        read_event_array(path, SENSOR, "us")
    write(path, ("x", "<i8", [1]), ("time", "<i8", [1]), ("p", "<i8", [1]))
    with pytest.raises(ValueError, match=r"a\.npy: no field y, t among x, time, p\."):
        read_event_array(path, SENSOR, "us")
    np.save(path, np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"dtype object and shape \(1,\), expected a structured array"):
        read_event_array(path, SENSOR, "us")
    path.write_bytes(npy_bytes("[('x', '<i2'), ('y', '<i2'), ('t', '<i8'), ('p', '|b1')]", "(1000000000000,)"))
    with pytest.raises(ValueError, match=r"truncated, got \d+ bytes, expected 13000000000\d+ for the shape"):
        read_event_array(path, SENSOR, "us")


def test_unknown_time_units() -> None:
    with pytest.raises(ValueError, match="time_unit must be one of s, ms, us, ns, got 'sec'"):
        check_time_unit("sec")
