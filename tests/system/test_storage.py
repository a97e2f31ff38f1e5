"""Files that are written atomically."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from datafiles import names

from brainleaks_pl.system.storage import (
    FullDiskError,
    atomic_write,
    check_writable,
    in_bytes,
    temporary_folder,
    temporary_path,
    write_text,
)


def test_atomic_write_makes_the_folder_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    with atomic_write(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
        temporary.write_text("done")
        assert not path.exists()
    assert path.read_text() == "done"
    assert names(path.parent) == ["a.txt"]


def test_whoever_reads_while_a_file_is_replaced_reads_the_old_or_the_new(tmp_path: Path) -> None:
    """A reader that has the file open goes on with the old content, and nobody ever finds half of the new."""
    path = tmp_path / "a.txt"
    path.write_text("old and longer")
    before = path.stat().st_ino
    with path.open() as reader, atomic_write(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old and longer"
        assert reader.read(3) == "old"
    assert path.read_text() == "new"
    assert path.stat().st_ino != before, "the new file takes the place of the old one, which is not written to"
    with path.open() as reader:
        write_text(path, "newer")
        assert reader.read() == "new"
    assert path.read_text() == "newer"


def test_a_replacement_that_is_cut_short_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    written: list[str] = []

    def dies(source: Path, target: Path) -> None:
        written.append(source.read_text())
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    assert written == ["new"], "all of it is on disk before it takes the place of the old"
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_atomic_write_gives_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    with atomic_write(tmp_path / "ours") as temporary:
        temporary.write_text("")
    usual, ours = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "ours"))
    assert ours == usual


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, "old"])
def test_atomic_write_that_fails_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException], old: str | None
) -> None:
    path = tmp_path / "a.txt"
    if old:
        path.write_text(old)

    def write_half() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("half of it")
            raise error

    with pytest.raises(error):
        write_half()
    assert names(tmp_path) == (["a.txt"] if old else [])
    assert not old or path.read_text() == old


def test_what_killed_processes_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    left = temporary_path(tmp_path / "a.txt")
    dead = left.with_name(left.name.replace(f"-{os.getpid()}-", f"-{done.pid}-"))
    elsewhere = dead.with_name(dead.name.replace("-tmp-", "-tmp-x"))
    for path in (left, dead, elsewhere, tmp_path / ".hidden", tmp_path / ".a-tmp-b"):
        path.write_text("")
    folder = dead.with_name(dead.name.replace(".txt", ""))
    (folder / "inside").mkdir(parents=True)
    with atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("new")
    assert set(names(tmp_path)) == {"a.txt", left.name, elsewhere.name, ".hidden", ".a-tmp-b"}


def test_a_temporary_folder_is_gone_afterwards(tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "new" / "a") as temporary:
        (temporary / "b").write_text("")
        assert temporary.parent == tmp_path / "new"
    assert names(tmp_path / "new") == []


def test_a_full_disk_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "a.txt", "old")

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(
        FullDiskError, match=rf"no room for a\.txt in {tmp_path}: at least 1\.5 kB are needed, and .* are free"
    ):
        write_text(tmp_path / "a.txt", "x" * 1500)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (999, "999 bytes"), (3.4e6, "3.4 MB"), (12e9, "12.0 GB"), (5e15, "5000.0 TB")]
)
def test_bytes_in_words(size: float, words: str) -> None:
    assert in_bytes(size) == words


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"the results folder .*file/sub cannot be written to .* Name another"):
        check_writable(tmp_path / "file" / "sub", "results")
    check_writable(tmp_path / "new", "results")
    assert names(tmp_path / "new") == []
