"""Damaged files: the readers return what a plain decoder returns, or say in one ValueError what is wrong."""

from __future__ import annotations

import io
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import npy_bytes, random_recording, rows_of

from brainleaks_pl.events.checked import MAX_TIME, Events
from brainleaks_pl.events.formats import read_dvsgesture, read_nmnist, write_dvsgesture, write_nmnist

DAMAGED = settings(max_examples=1200, deadline=None, derandomize=True, database=None)
Rows = list[list[int]]

SENSOR = (34, 34)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def sorted_by_time(rows: Rows) -> Rows | None:
    """The rows x, y, t, p in the order of a reader, or None where one of them is refused."""
    inside = all(0 <= x < SENSOR[0] and 0 <= y < SENSOR[1] and 0 <= t <= MAX_TIME for x, y, t, _ in rows)
    return sorted(rows, key=lambda row: row[2]) if rows and inside else None


def plain_nmnist(data: bytes) -> Rows | None:
    rows, late = [], 0
    if len(data) % 5:
        return None
    for i in range(0, len(data), 5):
        x, y, high, middle, low = data[i : i + 5]
        if y == 240:
            late += 2**13
        else:
            rows.append([x, y, (high % 128) * 2**16 + middle * 2**8 + low + late, high // 128])
    return sorted_by_time(rows)


def plain_dvsgesture(data: bytes) -> Rows | None:
    """Through numpy, which takes damaged headers at their word: only for files that are believed to be sound."""
    stream = io.BytesIO(data)
    array = np.load(stream, allow_pickle=False)
    if stream.read() or array.ndim != 2 or array.shape[1] != 4:
        return None
    rows = []
    for x, y, p, t in array.tolist():
        if int(x) != x or int(y) != y or p not in (0, 1):
            return None
        rows.append([int(x), int(y), int(t * 1000), int(p)])
    return sorted_by_time(rows)


def check(
    path: Path, data: bytes, read: Callable[[Path, tuple[int, int]], Events], plain: Callable[[bytes], Rows | None]
) -> bool:
    """Return whether the file was read; it was read right, or refused by an error that names it."""
    path.write_bytes(data)
    problem = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of events out of order, and numpy's of odd headers
            events = read(path, SENSOR)
    except ValueError as error:
        problem = str(error)
    if problem is None:
        assert rows_of(events).tolist() == plain(data)
        return True
    assert problem.startswith(f"{path}: ")
    assert "\n" not in problem
    return False


@st.composite
def damage(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes changed, cut off, put in, taken out or doubled, up to three times."""
    damaged = bytearray(data)
    for kind in draw(st.lists(st.sampled_from(["flip", "set", "cut", "insert", "remove", "double"]), max_size=3)):
        at = draw(st.integers(0, max(0, len(damaged) - 1)))
        if kind in ("flip", "set") and damaged:
            damaged[at] = damaged[at] ^ 1 << draw(st.integers(0, 7)) if kind == "flip" else draw(st.integers(0, 255))
        elif kind == "cut":
            del damaged[at:]
        elif kind == "insert":
            damaged[at:at] = draw(st.binary(min_size=1, max_size=12))
        elif kind == "remove":
            del damaged[at : at + draw(st.integers(1, 9))]
        else:
            damaged += damaged[at:]
    return bytes(damaged)


def written(write: Callable[[Path, Events], None], path: Path, number: int, seed: int) -> bytes:
    write(path, random_recording(number, SENSOR, 300_000, seed))
    return path.read_bytes()


@DAMAGED
@given(data=st.data(), number=st.integers(1, 12), seed=st.integers(0, 99))
def test_damaged_nmnist_files(folder: Path, data: st.DataObject, number: int, seed: int) -> None:
    whole = written(write_nmnist, folder / "digit.bin", number, seed)
    damaged = data.draw(damage(whole))
    was_read = check(folder / "digit.bin", damaged, read_nmnist, plain_nmnist)
    assert was_read == (plain_nmnist(damaged) is not None)


@DAMAGED
@given(data=st.data(), number=st.integers(1, 12), seed=st.integers(0, 99))
def test_damaged_dvsgesture_files(folder: Path, data: st.DataObject, number: int, seed: int) -> None:
    whole = written(write_dvsgesture, folder / "3.npy", number, seed)
    # half of the damage goes to the header's meaning, which would drown in the padding
    end = whole.index(b"}") + 1 if data.draw(st.booleans()) else len(whole)
    damaged = data.draw(damage(whole[:end])) + whole[end:]
    was_read = check(folder / "3.npy", damaged, read_dvsgesture, plain_dvsgesture)
    assert was_read or damaged != whole


@settings(DAMAGED, max_examples=600)
@given(
    descr=st.sampled_from(
        ["'<i8'", "'>i4'", "'<f8'", "'<f2'", "'|u1'", "'|O'", "'<c16'", "'<f16'", "'S3'", "[]", "'?'", "x"]
    ),
    shape=st.one_of(
        st.tuples(st.integers(-3, 10**20), st.integers(-1, 5)).map(str),
        st.tuples(st.integers(0, 6), st.just(4)).map(str),
        st.sampled_from(
            ["4", "(4,)", "()", "(1, 1, 4)", "(True, 4)", "(2.0, 4)", "(3, 4", "((" * 200, "-" * 300 + "1"]
        ),
    ),
    fortran=st.sampled_from(["True", "False", "None", "3"]),
    body=st.one_of(st.binary(max_size=200), st.integers(0, 200).map(bytes)),
    version=st.sampled_from([1, 2, 3, 77]),
)
def test_dvsgesture_headers_that_lie(
    folder: Path, descr: str, shape: str, fortran: str, body: bytes, version: int
) -> None:
    check(folder / "3.npy", npy_bytes(descr, shape, body, version, fortran), read_dvsgesture, plain_dvsgesture)
