from __future__ import annotations

import gzip
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from brainleaks_pl.data.idx import read_idx

ARRAYS = hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5))
ZEROS = gzip.compress(b"\0\0\x08\x01\0\0\0\x2a" + bytes(42), mtime=0)
CHECKED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(data: bytes, ndim: int) -> torch.Tensor:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "some.idx"
        path.write_bytes(data)
        return read_idx(path, ndim)


def test_reads_a_file_written_by_hand() -> None:
    data = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255])
    array = read(data, ndim=2)
    assert array.dtype == torch.uint8
    assert array.tolist() == [[1, 2, 3], [4, 5, 255]]


@CHECKED
@given(array=ARRAYS, packed=st.booleans())
def test_reads_back_what_was_written(idx_bytes, array: np.ndarray, packed: bool) -> None:
    data = idx_bytes(array)
    result = read(gzip.compress(data) if packed else data, array.ndim)
    assert tuple(result.shape) == array.shape
    np.testing.assert_array_equal(result.numpy(), array)


@CHECKED
@given(array=ARRAYS, packed=st.booleans(), share=st.floats(0, 1, exclude_max=True))
def test_every_shortened_file_is_refused(idx_bytes, array: np.ndarray, packed: bool, share: float) -> None:
    data = gzip.compress(idx_bytes(array)) if packed else idx_bytes(array)
    with pytest.raises(ValueError, match=r"some\.idx: "):
        read(data[: int(share * len(data))], array.ndim)


@CHECKED
@given(data=st.binary(max_size=64), prefix=st.sampled_from([b"", b"\x1f\x8b", b"\x1f\x8b\x08\x00", b"\0\0\x08\x01"]))
def test_garbage_raises_nothing_but_a_value_error_that_names_the_file(data: bytes, prefix: bytes) -> None:
    problem = None
    try:
        read(prefix + data, 1)
    except ValueError as error:
        problem = str(error)
    assert problem is None or "some.idx: " in problem


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (gzip.compress(b"", mtime=0), "the file is empty"),
        (b"\0\0\x08", "truncated, got 3 bytes, expected a header of 8"),
        (b"\0\0\x08\x03" + bytes(4), r"wrong magic number, got 2051, expected 2049 \(1-d bytes\)"),
        (b"\0\0\x0d\x01" + bytes(4), "wrong magic number, got 3329, expected 2049"),
        (b"\0\0\x08\x01\0\0\0\x05abc", r"truncated, got 11 bytes, expected 13 for the shape \(5,\)"),
        (b"\0\0\x08\x01\0\0\0\x02abc", r"too long, got more than 10 bytes, expected 10 for the shape \(2,\)"),
        (b"\0\0\x08\x01\xff\xff\xff\xffabc", r"the header promises 4294967303 bytes for the shape \(4294967295,\), mo"),
        (ZEROS[:-9], "corrupted gzip data"),
        (ZEROS[:-8] + bytes(8), "corrupted gzip data"),
        (b"\x1f\x8bnot gzip at all", "corrupted gzip data"),
    ],
)
def test_says_what_is_wrong(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "labels.idx"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=rf"labels\.idx: {message}"):
        read_idx(path, 1)


def test_a_bomb_is_unpacked_no_further_than_its_header_promises(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "labels.idx"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x03" + bytes(2**25)))
    read, unpacked = gzip.GzipFile.read, []

    def counted(self: gzip.GzipFile, size: int = -1) -> bytes:
        data = read(self, size)
        unpacked.append(len(data))
        return data

    monkeypatch.setattr(gzip.GzipFile, "read", counted)
    with pytest.raises(ValueError, match=r"labels\.idx: too long, got more than 11 bytes, expected 11"):
        read_idx(path, 1)
    assert sum(unpacked) == 12


@pytest.mark.parametrize("packed", [False, True])
def test_what_is_read_may_be_written_to(idx_bytes, packed: bool) -> None:
    data = idx_bytes(np.arange(3))
    values = read(gzip.compress(data) if packed else data, 1)
    values += 1
    assert values.tolist() == [1, 2, 3]
