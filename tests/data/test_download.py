from __future__ import annotations

import hashlib
from pathlib import Path

import pooch
import pytest
import requests

from brainleaks_pl.data.download import fetch

URL = "https://example.org/some/file.gz"
CONTENT = b"the content"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes, error: Exception | None = None) -> None:
    """Let pooch's HTTP downloader write ``content`` and then, perhaps, break."""

    def download(self: pooch.HTTPDownloader, url: str, output_file: str, *args: object) -> None:
        assert url == URL
        Path(output_file).write_bytes(content)
        if error is not None:
            raise error

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)


def test_makes_the_folder_and_leaves_the_file_alone_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, CONTENT)
    path = tmp_path / "a" / "b" / "file.gz"
    fetch(URL, path, MD5, "It is missing.")
    assert path.read_bytes() == CONTENT
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "error", "reason"),
    [
        (CONTENT[:4], None, f"ValueError: MD5 hash of downloaded file .* expected {MD5} but got "),
        (CONTENT[:4], requests.ConnectionError("cut\noff"), "ConnectionError: cut off"),
        (b"", requests.HTTPError("404 Client Error: Not Found"), "HTTPError: 404 Client Error: Not Found"),
        (b"", OSError(28, "No space left on device"), r"OSError: \[Errno 28\] No space left on device"),
    ],
    ids=["wrong content", "cut off", "not there", "disk full"],
)
def test_a_failure_leaves_nothing_behind_and_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, error: Exception | None, reason: str
) -> None:
    serve(monkeypatch, content, error)
    with pytest.raises(FileNotFoundError, match=f"^It is missing. The download of {URL} failed: {reason}") as caught:
        fetch(URL, tmp_path / "file.gz", MD5, "It is missing.")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("offline")
def test_offline_names_the_cause_without_the_chain_of_retries(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        fetch(URL, tmp_path / "file.gz", MD5, "It is missing.")
    assert str(caught.value) == (
        f"It is missing. The download of {URL} failed: gaierror: [Errno -3] Temporary failure in name resolution. "
        "Get the file by hand and put it there."
    )
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_place_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(FileNotFoundError, match=r"The download of .* failed: (NotADirectory|FileExists)Error"):
        fetch(URL, tmp_path / "file" / "file.gz", MD5, "It is missing.")
