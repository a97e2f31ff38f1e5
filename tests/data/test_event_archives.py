from __future__ import annotations

import hashlib
import io
import re
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import pytest

from brainleaks_pl.data.event_archives import Archive, find_folder, missing_message, provide

URL = "https://example.org/some/file"


def zip_bytes() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("Train/3/00001.bin", b"events")
    return stream.getvalue()


def tar_bytes() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo("Train/3/00001.bin")
        member.size = 6
        archive.addfile(member, io.BytesIO(b"events"))
    return stream.getvalue()


def archive_of(content: bytes, name: str = "train.zip") -> Archive:
    return Archive(URL, name, hashlib.md5(content).hexdigest(), "Train")


class Response(io.BytesIO):
    """What urllib returns."""

    url = URL

    @property
    def length(self) -> int:
        return len(self.getvalue())


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes, error: Exception | None = None) -> list[str]:
    asked = []

    def urlopen(request: urllib.request.Request) -> Response:
        asked.append(request.full_url)
        if error is not None:
            raise error
        return Response(content)

    monkeypatch.setattr(urllib.request, "urlopen", urlopen)
    return asked


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("name", "content"), [("train.zip", zip_bytes()), ("train.tar.gz", tar_bytes())])
def test_an_archive_is_unpacked_where_it_lies(tmp_path: Path, place: int, name: str, content: bytes) -> None:
    places = (tmp_path / "NMNIST", tmp_path)
    places[0].mkdir()
    (places[place] / name).write_bytes(content)
    provide(archive_of(content, name), places, download=False)
    assert (places[place] / "Train" / "3" / "00001.bin").read_bytes() == b"events"
    assert sorted(path.name for path in places[place].iterdir() if path.name != "NMNIST") == ["Train", name]


def test_a_folder_is_used_whatever_the_archive(tmp_path: Path) -> None:
    (tmp_path / "Train").mkdir()
    (tmp_path / "Train" / "own").write_text("mine")
    for content in (None, b"broken"):
        if content is not None:
            (tmp_path / "train.zip").write_bytes(content)
        provide(archive_of(b"other"), (tmp_path / "NMNIST", tmp_path), download=True)
    assert (tmp_path / "Train" / "own").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", zip_bytes()[:-5], zip_bytes() + b"x", b"<html>moved</html>"])
def test_a_wrong_archive_is_named_and_nothing_is_unpacked(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "train.zip").write_bytes(content)
    archive = archive_of(zip_bytes())
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared as a whole
        provide(archive, (tmp_path / "NMNIST", tmp_path), download=True)
    assert str(caught.value) == (
        f"{tmp_path / 'train.zip'}: truncated or altered, its md5 is not {archive.md5}. Delete it and get it again "
        f"(from {URL})."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["train.zip"]


def test_a_missing_archive_is_downloaded_by_tonic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = zip_bytes()
    asked = serve(monkeypatch, content)
    places = (tmp_path / "NMNIST", tmp_path)
    (places[0] / "Train").mkdir(parents=True)  # an empty folder is none
    provide(archive_of(content), places, download=True)
    assert set(asked) == {URL}
    assert sorted(path.name for path in places[0].iterdir()) == ["Train", "train.zip"]
    assert (places[0] / "Train" / "3" / "00001.bin").read_bytes() == b"events"
    asked.clear()
    provide(archive_of(content), places, download=True)
    assert asked == []


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (zip_bytes()[:-1], None, "RuntimeError: File not found or corrupted."),
        (b"", OSError(28, "No space left on device"), "FullDiskError: no room for train.zip in "),
    ],
)
def test_a_failed_download_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, error: Exception | None, reason: str
) -> None:
    serve(monkeypatch, content, error)
    places = (tmp_path / "NMNIST", tmp_path)
    with pytest.raises(FileNotFoundError) as caught:
        provide(archive_of(zip_bytes()), places, download=True)
    assert str(caught.value).startswith(
        f"no recordings in {tmp_path / 'NMNIST' / 'Train'} or {tmp_path / 'Train'}. The download of {URL} failed "
        f"({reason}"
    )
    assert str(caught.value).endswith(f"). Get it by hand, as {tmp_path / 'NMNIST' / 'train.zip'}.")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("offline")
def test_offline_names_the_cause(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"failed \(URLError: .*Temporary failure in name resolution"):
        provide(archive_of(zip_bytes()), (tmp_path,), download=True)


def test_without_download_the_network_is_never_asked(tmp_path: Path) -> None:
    provide(archive_of(zip_bytes()), (tmp_path,), download=False)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_unpacking_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(path: str, target: str) -> None:
        (Path(target) / "Train").mkdir()
        raise KeyboardInterrupt

    (tmp_path / "train.zip").write_bytes(zip_bytes())
    monkeypatch.setattr("brainleaks_pl.data.event_archives.extract_archive", break_off)
    with pytest.raises(KeyboardInterrupt):
        provide(archive_of(zip_bytes()), (tmp_path,), download=False)
    assert [path.name for path in tmp_path.iterdir()] == ["train.zip"]


def test_find_folder_prefers_the_first_place_that_holds_anything(tmp_path: Path) -> None:
    places = (tmp_path / "a", tmp_path / "b")
    archive = archive_of(b"")
    assert find_folder("Train", places) is None
    (places[0] / "Train").mkdir(parents=True)
    (places[1] / "Train" / "x").mkdir(parents=True)
    assert find_folder("Train", places) == places[1] / "Train"
    (places[0] / "Train" / "x").mkdir()
    assert find_folder("Train", places) == places[0] / "Train"
    assert re.fullmatch(r"no recordings in .*a/Train or .*b/Train\.", missing_message(archive, places))
