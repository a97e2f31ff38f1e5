"""Files of tensors: read without running code or unpacking without bound, written alike and whole."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import torch
from datafiles import names

from brainleaks_pl.system.storage import FullDiskError
from brainleaks_pl.system.tensors import UnreadableError, read_tensors, write_tensors

CONTENT = {"a": torch.arange(5000.0), "b": [1, "two", None]}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_tensors(tmp_path / "one.pt", CONTENT)
    write_tensors(tmp_path / "other_name.pt", CONTENT)
    found = read_tensors(tmp_path / "one.pt")
    assert torch.equal(found["a"], CONTENT["a"])
    assert found["b"] == CONTENT["b"]
    assert (tmp_path / "one.pt").read_bytes() == (tmp_path / "other_name.pt").read_bytes()
    assert names(tmp_path) == ["one.pt", "other_name.pt"]


def test_a_full_disk_leaves_the_old_file_and_says_how_much_room_it_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pt"
    write_tensors(path, {"old": torch.zeros(1)})
    before = path.read_bytes()
    whole = io.BytesIO()
    torch.save(CONTENT, whole)

    class Full(io.FileIO):
        def write(self, data: memoryview) -> int:
            if self.tell() + len(data) > 2000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    monkeypatch.setattr(Path, "open", lambda path, mode, buffering=-1: Full(str(path), mode))
    with pytest.raises(FullDiskError) as raised:
        write_tensors(path, CONTENT)
    size = len(whole.getvalue())
    assert f"no room for a.pt in {tmp_path}: at least {size / 1000:.1f} kB are needed, and " in str(raised.value)
    assert path.read_bytes() == before
    assert names(tmp_path) == ["a.pt"]


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(io.FileIO):
        def write(self, data: memoryview) -> int:
            return super().write(data[:1000])

    ordinary = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r", buffering=-1: Slow(path, mode) if mode == "wb" else ordinary(path, mode)
    )
    write_tensors(tmp_path / "a.pt", CONTENT)
    assert torch.equal(read_tensors(tmp_path / "a.pt")["a"], CONTENT["a"])


def test_a_file_that_would_fill_the_memory_is_refused_before_it_does(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.pt", {"a": torch.zeros(1_000_000)})
    with zipfile.ZipFile(tmp_path / "a.pt") as archive, zipfile.ZipFile(tmp_path / "bomb.pt", "w", 8) as bomb:
        for name in archive.namelist():
            bomb.writestr(name, archive.read(name))
    with pytest.raises(UnreadableError, match=r"bomb\.pt claims to hold 40\d+ bytes, and is \d{4} bytes long") as error:
        read_tensors(tmp_path / "bomb.pt")
    assert not error.value.unsafe


def test_a_value_that_is_not_the_written_one_is_told(tmp_path: Path) -> None:
    write_tensors(tmp_path / "a.pt", CONTENT)
    content = bytearray((tmp_path / "a.pt").read_bytes())
    content[content.index(torch.arange(40.0, 60.0).numpy().tobytes())] ^= 1
    (tmp_path / "a.pt").write_bytes(bytes(content))
    with pytest.raises(UnreadableError, match=r"a\.pt is damaged: its content is not what was written"):
        read_tensors(tmp_path / "a.pt")


def test_what_is_missing_damaged_or_code(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file"):
        read_tensors(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("weights")
    torch.save({"code": print}, tmp_path / "code.pt")
    for name in ("text.pt", "code.pt"):
        with pytest.raises(UnreadableError, match=name):
            read_tensors(tmp_path / name)
    with pytest.raises(UnreadableError) as raised:
        read_tensors(tmp_path / "code.pt")
    assert raised.value.unsafe
