"""Finds the samples in your own folder: a folder per class, in ``train`` and ``test`` or in neither."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple
from unicodedata import normalize

PARTS = ("train", "val", "test")
"""Folders that hold the classes of one split, in any case of their letters."""

_IGNORED = {"__macosx", "thumbs.db", "desktop.ini"}


class FolderFile(NamedTuple):
    """A sample: its file, its name ``<class>/<...>/<file>``, whatever the system, and its class."""

    path: Path
    name: str
    label: int


class FolderContent(NamedTuple):
    """What a folder holds.

    ``parts`` are the files by ``train``, ``val`` and ``test``, or, where classes lie in the folder itself, all of them
    by the name ``""``; each in the order of classes and names.
    """

    root: Path
    class_names: tuple[str, ...]
    parts: dict[str, list[FolderFile]]


def scan(root: Path, suffixes: Collection[str], what: str) -> FolderContent:
    """Find the files of all classes; none is opened.

    Classes are the folders in ``root``, or those in ``root/train``, ``root/test`` and, if it is there, ``root/val``.
    They are numbered in the order of their names, numbers in names counting as numbers (``s2`` before ``s10``). Files
    may lie in folders within a class. Hidden files are ignored, as is what lies beside the folders of the classes.

    Args:
        root: the folder.
        suffixes: endings of the files that are samples, in lower case.
        what: what messages call them.

    Raises:
        FileNotFoundError: when the folder is missing, or holds no folders.
        ValueError: when there are fewer than two classes, a class without files in one of the parts, another file
            among those of a class, a sample beside the folders, or only some of the parts.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"no folder at {root}. Give one that holds a folder of {what} for each class.")
    places = _places(root, suffixes, what)
    classes = {part: _entries(place, suffixes, what) for part, place in places.items()}
    names = sorted({name for own in classes.values() for name in own}, key=_natural)
    if len(names) < 2:
        found = f"only {names[0]!r}" if names else "none"
        raise ValueError(f"{root} must hold a folder of {what} for each of at least two classes, but there is {found}.")
    parts = {}
    for part, place in places.items():
        missing = [name for name in names if name not in classes[part]]
        if missing:
            raise ValueError(
                f"{place} has no folder of the class {missing[0]!r}{_others(missing)}, which another part of {root} "
                "has: every class needs samples in each."
            )
        parts[part] = [
            file for label, name in enumerate(names) for file in _files(classes[part][name], label, suffixes, what)
        ]
    return FolderContent(root, tuple(normalize("NFC", name) for name in names), parts)


def _places(root: Path, suffixes: Collection[str], what: str) -> dict[str, Path]:
    """Return the folders that hold classes, by part."""
    folders = _entries(root, suffixes, what)
    if not folders:
        raise FileNotFoundError(f"{root} holds no folders: put the {what} of each class in one of its own.")
    parts = {name.lower(): path for name, path in folders.items() if name.lower() in PARTS}
    if not parts:
        return {"": root}
    beside = [name for name, path in folders.items() if path not in parts.values()]
    if beside or not {"train", "test"} <= parts.keys():
        remedy = (
            f"give {next(iter(parts.values()))} as root, to have its {what} divided"
            if len(parts) == len(folders) == 1
            else "there must be both train and test (and val, if you like), and no other folder, or none of them"
        )
        raise ValueError(f"{root} holds {', '.join(folders)}: {remedy}.")
    return {part: parts[part] for part in PARTS if part in parts}


def _entries(folder: Path, suffixes: Collection[str], what: str) -> dict[str, Path]:
    """Return the folders in one, by name; a sample beside them has no class."""
    own = sorted((path for path in folder.iterdir() if not _ignored(path.name)), key=lambda path: path.name)
    stray = [path for path in own if path.suffix.lower() in suffixes and path.is_file()]
    if stray:
        raise ValueError(
            f"{stray[0]}{_others(stray)} lies in no class: put the {what} of each class in a folder of its own."
        )
    return {path.name: path for path in own if path.is_dir()}


def _files(folder: Path, label: int, suffixes: Collection[str], what: str) -> list[FolderFile]:
    found: list[FolderFile] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _ignored(name)]
        for path in (Path(place, name) for name in names if not _ignored(name)):
            name = normalize("NFC", path.relative_to(folder.parent).as_posix())
            found.append(FolderFile(path, name, label))
    strange = sorted(file.path for file in found if file.path.suffix.lower() not in suffixes)
    if strange:
        raise ValueError(
            f"{strange[0]}{_others(strange)} is none of the {what} that can be read ({', '.join(suffixes)}). Convert "
            "or remove it."
        )
    if not found:
        raise ValueError(f"{folder} is empty: every class needs {what}.")
    return sorted(found, key=lambda file: file.name)


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name) if part]


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in _IGNORED


def _others(found: Collection[object]) -> str:
    return f" (like {len(found) - 1} more)" if len(found) > 1 else ""
