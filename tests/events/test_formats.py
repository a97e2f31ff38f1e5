from __future__ import annotations

import re
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import tonic
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import npy_bytes, random_recording, recording, rows_of
from tonic.io import events_struct, read_mnist_file

from brainleaks_pl.events.checked import MAX_TIME, Events
from brainleaks_pl.events.formats import read_dvsgesture, read_nmnist, write_dvsgesture, write_nmnist

SHORT = settings(max_examples=60, deadline=None, derandomize=True)
SOME = recording((1, 2, 1000, 1), (3, 4, 2000, 0))


@st.composite
def streams(draw: st.DrawFn, width: int, height: int, last_time: int) -> Events:
    events = draw(
        st.lists(
            st.tuples(
                st.integers(0, width - 1), st.integers(0, height - 1), st.integers(0, last_time), st.integers(0, 1)
            ),
            min_size=1,
            max_size=30,
        )
    )
    return recording(*sorted(events, key=lambda event: event[2]))


# N-MNIST


def test_nmnist_reads_bits_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "digit.bin"
    path.write_bytes(bytes([7, 33, 0x80, 0, 5, 0, 9, 0x01, 0x02, 0x03, 33, 0, 0xFF, 0xFF, 0xFF]))
    events = read_nmnist(path)
    assert events.dtype == events_struct
    assert rows_of(events).tolist() == [[7, 33, 5, 1], [0, 9, 0x010203, 0], [33, 0, 2**23 - 1, 1]]


def test_nmnist_writes_the_bits(tmp_path: Path) -> None:
    path = tmp_path / "digit.bin"
    write_nmnist(path, recording((7, 33, 5, 1), (0, 9, 0x010203, 0), (255, 254, 2**23 - 1, 1)))
    assert path.read_bytes() == bytes([7, 33, 0x80, 0, 5, 0, 9, 0x01, 0x02, 0x03, 255, 254, 0xFF, 0xFF, 0xFF])


def test_nmnist_overflows_delay_all_that_follows_as_in_tonic(tmp_path: Path) -> None:
    path = tmp_path / "digit.bin"
    overflow = bytes([9, 240, 0x80, 1, 1])
    path.write_bytes(
        bytes([1, 2, 0, 0, 9]) + overflow + bytes([3, 4, 0x80, 0, 1]) + overflow * 2 + bytes([5, 6, 0, 0, 0])
    )
    found = read_nmnist(path)
    assert rows_of(found).tolist() == [[1, 2, 9, 0], [3, 4, 2**13 + 1, 1], [5, 6, 3 * 2**13, 0]]
    assert np.array_equal(found, read_mnist_file(str(path), events_struct))


@SHORT
@given(events=streams(256, 240, 2**23 - 1))
def test_nmnist_round_trip_through_tonic(events: Events) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digit.bin"
        write_nmnist(path, events)
        assert np.array_equal(read_mnist_file(str(path), events_struct), events)
        assert np.array_equal(read_nmnist(path, (256, 256)), events)


@SHORT
@given(chunks=st.lists(st.tuples(*[st.integers(0, 239)] * 2, *[st.integers(0, 255)] * 3, st.booleans()), min_size=1))
def test_nmnist_agrees_with_tonic_on_any_whole_events(chunks: list[tuple[int, ...]]) -> None:
    data = b"".join(
        bytes([0, 240, 0, 0, 0]) * overflow + bytes([x, y, high, middle, low])
        for x, y, high, middle, low, overflow in chunks
    )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "digit.bin"
        path.write_bytes(data)
        theirs = read_mnist_file(str(path), events_struct)
        ours = read_nmnist(path, (256, 256))
    assert np.array_equal(ours, theirs[np.argsort(theirs["t"], kind="stable")])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (bytes(1), "cut in the middle of an event, 1 bytes are no multiple of 5"),
        (bytes(14), "cut in the middle of an event, 14 bytes are no multiple of 5"),
        (bytes([0, 240, 0, 0, 0]), "no events in it"),
        (bytes(5) + bytes([34, 0, 0, 0, 0]), r"event 1 lies at x = 34, y = 0, outside of the sensor of 34x30 pixels"),
        (bytes([0, 30, 0, 0, 0]), r"event 0 lies at x = 0, y = 30, outside of the sensor of 34x30 pixels"),
        (bytes([0, 240, 0, 0, 0]) * 2**19 + bytes(5), f"event 0 has a time beyond {MAX_TIME} us"),
    ],
)
def test_nmnist_says_what_is_wrong(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "digit.bin"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"digit\.bin: {message}"):
        read_nmnist(path, (34, 30))


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ((256, 0, 0, 0), "hold an event's x up to 255, got 256"),
        ((0, 256, 0, 0), "hold an event's y up to 255, got 256"),
        ((0, 240, 0, 0), "have no row 240"),
        ((0, 0, 2**23, 0), "hold an event's time up to 8388607, got 8388608"),
        ((-1, 0, 0, 0), "event 1 has a negative x, -1"),
        ((0, -2, 0, 0), "event 1 has a negative y, -2"),
        ((0, 0, -3, 0), "event 1 has a negative time, -3"),
    ],
)
def test_nmnist_refuses_what_it_cannot_hold(tmp_path: Path, event: tuple[int, int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=rf"digit\.bin: .*{message}"):
        write_nmnist(tmp_path / "digit.bin", recording((1, 1, 0, 0), event))
    assert list(tmp_path.iterdir()) == []


# DvsGesture


def test_dvsgesture_is_read_as_tonic_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = random_recording(500, (128, 128), 900_000, time_unit=1000)
    folder = tmp_path / "DVSGesture" / "ibmGestureTrain" / "user01_led"
    folder.mkdir(parents=True)
    write_dvsgesture(folder / "7.npy", events)
    monkeypatch.setattr(tonic.datasets.DVSGesture, "_check_exists", lambda self: True)
    ((theirs, label),) = list(tonic.datasets.DVSGesture(str(tmp_path), train=True))
    assert label == 7
    assert np.array_equal(rows_of(theirs), rows_of(events))
    assert np.array_equal(read_dvsgesture(folder / "7.npy"), events)


@SHORT
@given(events=streams(128, 128, MAX_TIME))
def test_dvsgesture_round_trip_loses_the_fractions_of_milliseconds(events: Events) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gesture"
        write_dvsgesture(path, events)
        found = read_dvsgesture(path)
    expected = rows_of(events)
    expected[:, 2] -= expected[:, 2] % 1000
    assert found.dtype == events_struct
    assert np.array_equal(rows_of(found), expected)


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i2", ">i2", "<u4", ">i8", "<u8", "<f2", "<f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_dvsgesture_reads_every_kind_of_number(tmp_path: Path, dtype: str, order: str) -> None:
    rows = np.array([[0, 127, 1, 0], [5, 6, 0, 100], [127, 0, 1, 120]], dtype, order=order)
    np.save(tmp_path / "0.npy", rows)
    # 120000 us do not fit into the small types, in which tonic multiplies
    assert rows_of(read_dvsgesture(tmp_path / "0.npy")).tolist() == [
        [0, 127, 0, 1],
        [5, 6, 100_000, 0],
        [127, 0, 120_000, 1],
    ]


def test_dvsgesture_keeps_fractional_milliseconds_as_tonic_does(tmp_path: Path) -> None:
    np.save(tmp_path / "0.npy", np.array([[1, 2, 1, 0.0005], [1, 2, 1, 1.25], [1, 2, 0, 7.9999]]))
    assert read_dvsgesture(tmp_path / "0.npy")["t"].tolist() == [0, 1250, 7999]


def test_dvsgesture_reads_header_version_2(tmp_path: Path) -> None:
    body = np.array([[1, 2, 1, 3]], "<i8").tobytes()
    (tmp_path / "0.npy").write_bytes(npy_bytes("'<i8'", "(1, 4)", body, version=2))
    assert rows_of(read_dvsgesture(tmp_path / "0.npy")).tolist() == [[1, 2, 3000, 1]]


INT = "'<i8'"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"\x93NUM", "not a readable .npy file"),
        (b"PK\x03\x04 an archive", "not a readable .npy file"),
        (b"\x93NUMPY\x01\x00", "not a readable .npy file"),
        (npy_bytes(INT, "(1, 4)")[:40], "not a readable .npy file"),
        (npy_bytes(INT, "(1, 4)", version=9), "not a readable .npy file"),
        (npy_bytes(INT, "(1, 4"), "not a readable .npy file"),
        (npy_bytes("'<i99'", "(1, 4)"), "not a readable .npy file"),
        (npy_bytes(INT, "(" * 3000), "not a readable .npy file"),
        (npy_bytes("'|O'", "(1, 4)", b"\x80\x04N."), r"an array of dtype object, expected plain numbers"),
        (npy_bytes("'<U8'", "(1, 4)", bytes(128)), "an array of dtype <U8, expected plain numbers"),
        (npy_bytes("'<M8[s]'", "(1, 4)", bytes(32)), r"an array of dtype datetime64\[s\], expected plain numbers"),
        (npy_bytes("[('x', '<i8')]", "(1, 4)", bytes(32)), "an array of dtype .* expected plain numbers"),
        (npy_bytes(INT, "(4,)", bytes(32)), r"an array of shape \(4,\), expected \(N, 4\)"),
        (npy_bytes(INT, "(1, 5)", bytes(40)), r"an array of shape \(1, 5\), expected \(N, 4\)"),
        (npy_bytes(INT, "(1, 1, 4)", bytes(32)), r"an array of shape \(1, 1, 4\), expected \(N, 4\)"),
        (npy_bytes(INT, "(0, 4)"), "no events in it"),
        (npy_bytes(INT, "(-1, 4)", bytes(32)), "no events in it"),
        (npy_bytes(INT, "(2, 4)", bytes(63)), r"truncated, got \d+ bytes, expected \d+ for the shape \(2, 4\)"),
        (npy_bytes(INT, f"({10**12}, 4)", bytes(64)), "truncated, got"),
        (npy_bytes(INT, f"({10**30}, 4)", bytes(64)), "truncated, got"),
        (npy_bytes(INT, "(1, 4)", bytes(33)), "too long, got"),
    ],
)
def test_dvsgesture_says_what_is_wrong_with_the_file(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "3.npy"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"3\.npy: {message}"):
        read_dvsgesture(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([128, 0, 1, 0], "event 1 lies at x = 128(.0)?, y = 0(.0)?, outside of the sensor of 128x128 pixels"),
        ([0, -1, 1, 0], "event 1 lies at x = 0(.0)?, y = -1(.0)?, outside of the sensor"),
        ([0, 0, 2, 0], r"event 1 has the polarity 2(.0)?, expected 0 or 1"),
        ([0, 0, -1, 0], r"event 1 has the polarity -1(.0)?, expected 0 or 1"),
        ([0, 0, 0, -1], "event 1 has a negative time"),
        ([0, 0, 0, -(2**62)], "event 1 has a negative time"),
        ([0, 0, 0, 2**32 // 1000 + 1], f"event 1 has a time beyond {MAX_TIME} us"),
        ([0, 0, 0, 2**62], f"event 1 has a time beyond {MAX_TIME} us"),
    ],
)
@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_dvsgesture_says_which_event_is_wrong(tmp_path: Path, row: list[int], message: str, dtype: type) -> None:
    np.save(tmp_path / "3.npy", np.array([[0, 0, 1, 0], row], dtype))
    with pytest.raises(ValueError, match=rf"3\.npy: {message}"):
        read_dvsgesture(tmp_path / "3.npy")


@pytest.mark.parametrize("row", [[0.5, 0, 1, 0], [0, 1.5, 1, 0], [0, 0, 0.1, 0], [np.nan, 0, 1, 0], [0, 0, 1, np.inf]])
def test_dvsgesture_refuses_what_are_no_numbers(tmp_path: Path, row: list[float]) -> None:
    np.save(tmp_path / "3.npy", np.array([[0, 0, 1, 0], row]))
    with pytest.raises(ValueError, match=re.escape(f"event 1 is {np.array(row).tolist()}, expected whole x, y and p")):
        read_dvsgesture(tmp_path / "3.npy")


def test_dvsgesture_huge_unsigned_numbers_do_not_wrap_round(tmp_path: Path) -> None:
    for column, message in ((0, "outside of the sensor"), (2, "polarity"), (3, "a time beyond")):
        row = np.zeros((1, 4), np.uint64)
        row[0, column] = 2**64 - 1
        np.save(tmp_path / "3.npy", row)
        with pytest.raises(ValueError, match=message):
            read_dvsgesture(tmp_path / "3.npy")


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "3.npy", np.array([[{"a": 1}] * 4], object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"3\.npy: an array of dtype object, .*objects are never unpickled"):
        read_dvsgesture(tmp_path / "3.npy")


# both


@pytest.mark.parametrize("read", [read_nmnist, read_dvsgesture])
def test_huge_files_are_refused_unread(tmp_path: Path, read) -> None:
    path = tmp_path / "some.recording"
    with path.open("wb") as file:
        file.truncate(2**40)  # takes no space
    with pytest.raises(ValueError, match=r"some\.recording: 1099511627776 bytes, more than 16777216 events take"):
        read(path)


@pytest.mark.parametrize("read", [read_nmnist, read_dvsgesture])
def test_a_missing_file_is_named(tmp_path: Path, read) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(FileNotFoundError, match=re.escape(f"no recording at {path}.")):
            read(path)


@pytest.mark.parametrize(
    ("read", "data"),
    [
        (read_nmnist, bytes([1, 1, 0, 0, 9, 2, 2, 0, 0, 3, 3, 3, 0, 0, 9, 4, 4, 0, 0, 3])),
        (
            read_dvsgesture,
            npy_bytes(INT, "(4, 4)", np.array([[1, 1, 0, 9], [2, 2, 0, 3], [3, 3, 0, 9], [4, 4, 0, 3]]).tobytes()),
        ),
    ],
)
def test_events_out_of_order_are_sorted_with_a_warning(tmp_path: Path, read, data: bytes) -> None:
    path = tmp_path / "disorder"
    path.write_bytes(data)
    with pytest.warns(
        UserWarning, match=rf"{re.escape(str(path))}: 2 events are out of order, sorted by time"
    ) as caught:
        events = read(path)
    assert events["x"].tolist() == [2, 4, 1, 3]
    assert caught[0].filename == __file__


@pytest.mark.parametrize("write", [write_nmnist, write_dvsgesture])
def test_writers_refuse_what_is_no_recording(tmp_path: Path, write) -> None:
    path = tmp_path / "file"
    with pytest.raises(ValueError, match="file: a recording without events is not written"):
        write(path, SOME[:0])
    with pytest.raises(ValueError, match="file: the events are not sorted by time"):
        write(path, SOME[::-1])
    with pytest.raises(ValueError, match="file: events must have the whole-numbered fields x, y, t and p"):
        write(path, np.zeros((3, 4)))
    with pytest.raises(ValueError, match="file: events must have the whole-numbered fields x, y, t and p"):
        write(path, SOME.astype([("x", int), ("y", int), ("t", float), ("p", bool)]))
    with pytest.raises(ValueError, match="polarities must be 0 or 1"):
        write(path, np.array([(1, 1, 0, 2)], [("x", int), ("y", int), ("t", int), ("p", int)]))
    with pytest.raises(ValueError, match=r"(up to 8388607|event 0 has a time beyond 4294967295 us)"):
        write(path, recording((0, 0, 2**32, 0)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_nmnist, write_dvsgesture])
def test_writers_take_any_order_and_width_of_fields(tmp_path: Path, write) -> None:
    other = np.empty(2, [("t", np.uint32), ("p", int), ("x", np.uint8), ("y", int)])
    for name in "xytp":
        other[name] = SOME[name]
    write(tmp_path / "a", SOME)
    write(tmp_path / "b", other)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
