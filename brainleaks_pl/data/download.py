"""Downloads that either complete or leave nothing behind."""

from __future__ import annotations

from pathlib import Path

import pooch

from brainleaks_pl.system.storage import temporary_folder


def check_root(root: Path, missing: str) -> None:
    """See that the folder of a data set is there before anything is downloaded into it: it may be misspelt.

    Args:
        root: the folder that was given; ``data``, the default, is made.
        missing: says what is missing and where it was looked for.

    Raises:
        FileNotFoundError: when it is not there.
    """
    if root != Path("data") and not root.exists():
        raise FileNotFoundError(
            f"{missing} There is no folder {root}: correct data.root, or make the folder to have them downloaded to it."
        )


def fetch(url: str, path: Path, known_hash: str | None, missing: str) -> None:
    """Download ``url`` to ``path``; the file appears there whole and checked, or not at all.

    Args:
        url: address of the file.
        path: where it goes; folders are made.
        known_hash: ``"md5:..."``, or None when the content is checked by its reader.
        missing: says what is missing and where it was looked for; opens the error message.

    Raises:
        FileNotFoundError: when the download fails: says what is missing, and the reason on one line.
    """
    try:
        with temporary_folder(path) as temporary:
            pooch.retrieve(url, known_hash, fname=path.name, path=temporary)
            (temporary / path.name).replace(path)
    except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong hash is a ValueError
        # the chain of a network error is a page of urllib3 retries: only its first link says what happened
        raise FileNotFoundError(
            f"{missing} The download of {url} failed: {_reason(error)}. Get the file by hand and put it there."
        ) from None


def _reason(error: BaseException) -> str:
    while (earlier := error.__cause__ or error.__context__) is not None:
        error = earlier
    return f"{type(error).__name__}: {' '.join(str(error).split()).rstrip('.')}"
