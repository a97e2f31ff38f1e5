"""Names that people give to networks and attacks, which become names of files and folders."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from unicodedata import normalize

MOST_BYTES = 240
"""Longest name of a file or folder: file systems take 255 bytes, of which temporary files need some."""
_MOST_CHARACTERS = 100
_ALLOWED = re.compile(r"[\w.+-]+")
_OTHER = re.compile(r"[^\w.+-]+")


def check_names(key: str, names: Iterable[str]) -> None:
    """See that names may become names of files.

    Args:
        key: of the config, which holds the names.
        names: what the config gives.

    Raises:
        ValueError: when a name is empty, too long, has other characters than letters, digits and ``_ . + -``, is ``.``
            or ``..``, or equals another one but for the case of its letters.
    """
    seen: dict[str, str] = {}
    for name in names:
        plain = isinstance(name, str) and _ALLOWED.fullmatch(name) and name not in (".", "..")
        if not plain or len(name) > _MOST_CHARACTERS or len(name.encode()) > 2 * _MOST_CHARACTERS:
            raise ValueError(
                f"{key} has a name that no file can have, {name!r}: use letters, digits and any of _ . + -, at most "
                f"{_MOST_CHARACTERS} of them, and neither '.' nor '..'."
            )
        before = seen.setdefault(caseless(name), name)
        if before is not name:
            raise ValueError(
                f"{key} has the names {before!r} and {name!r}, which many file systems take for the same: rename one."
            )


def name_of_config(path: object) -> str:
    """Return the name of a config file, without its ending, of which folders are made.

    Raises:
        ValueError: when no folder should have that name.
    """
    name = Path(str(path)).stem
    if name in (".", "..") or not name.isprintable():
        raise ValueError(f"the config {str(path)!r} would make folders called {name!r}: rename it.")
    return name


def caseless(name: str) -> str:
    """Return what two names have in common that are one to a file system which ignores the case of letters."""
    return normalize("NFKC", name).casefold()


def file_part(value: object) -> str:
    """Return a value in words that may be part of the name of a file: runs of other characters become ``_``."""
    return _OTHER.sub("_", str(value))
