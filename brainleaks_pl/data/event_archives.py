"""The archives of the event data sets: found, checked, unpacked, or downloaded by tonic."""

from __future__ import annotations

from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple

from tonic.download_utils import check_integrity, download_url, extract_archive

from brainleaks_pl.data.download import check_root
from brainleaks_pl.system.storage import temporary_folder


class Archive(NamedTuple):
    """An archive of one split, and the folder that it unpacks to."""

    url: str
    name: str
    md5: str
    folder: str


def find_folder(folder: str, places: tuple[Path, ...]) -> Path | None:
    """Return the first of ``places / folder`` that holds anything, or None."""
    found = (place / folder for place in places)
    return next((path for path in found if path.is_dir() and any(path.iterdir())), None)


def missing_message(archive: Archive, places: tuple[Path, ...]) -> str:
    """Say which folder is missing and where it was looked for."""
    return f"no recordings in {' or '.join(str(place / archive.folder) for place in places)}."


def provide(archive: Archive, places: tuple[Path, ...], download: bool) -> None:
    """See that an archive is unpacked in one of ``places``: unpack it where it lies, or download it into the first.

    A folder that is there is used as it is. Archive and folder appear whole and checked, or not at all.

    Args:
        archive: what to provide.
        places: folders that it is looked for in.
        download: fetch it when it is not there.

    Raises:
        FileNotFoundError: when the download fails.
        ValueError: when an archive is there that does not have the right content; names it.
    """
    if find_folder(archive.folder, places):
        return
    path = next((place / archive.name for place in places if (place / archive.name).is_file()), None)
    if path is None:
        if not download:
            return
        check_root(places[-1], missing_message(archive, places))
        path = places[0] / archive.name
        _download(archive, path, missing_message(archive, places))
    elif not check_integrity(str(path), archive.md5):
        raise ValueError(
            f"{path}: truncated or altered, its md5 is not {archive.md5}. Delete it and get it again (from "
            f"{archive.url})."
        )
    with temporary_folder(path) as temporary:
        extract_archive(str(path), str(temporary))
        try:
            (temporary / archive.folder).replace(path.parent / archive.folder)
        except OSError:
            if not find_folder(archive.folder, places):  # else another process was faster; what it unpacked is the same
                raise


def _download(archive: Archive, path: Path, missing: str) -> None:
    try:
        with temporary_folder(path) as temporary:
            download_url(archive.url, str(temporary), archive.name, archive.md5)
            (temporary / archive.name).replace(path)
    except (OSError, ValueError, RuntimeError, HTTPException) as error:  # RuntimeError: tonic's word for a wrong md5
        raise FileNotFoundError(
            f"{missing} The download of {archive.url} failed ({type(error).__name__}: {error}). Get it by hand, as "
            f"{path}."
        ) from None
