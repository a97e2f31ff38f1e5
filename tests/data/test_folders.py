"""What is found in a folder of one's own, and what is said where it is not as it should be."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from brainleaks_pl.data.folders import FolderContent, scan


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def look(root: Path) -> FolderContent:
    return scan(root, (".png", ".pgm"), "pictures")


def names(content: FolderContent, part: str = "") -> list[tuple[str, int]]:
    return [(file.name, file.label) for file in content.parts[part]]


def test_classes_are_folders_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    found = look(touch(tmp_path, "s10/1.png", "s2/b/2.PGM", "s2/a.png", "s2/.hidden", "README.txt", "s10/Thumbs.db"))
    assert found.class_names == ("s2", "s10")
    assert names(found) == [("s2/a.png", 0), ("s2/b/2.PGM", 0), ("s10/1.png", 1)]
    assert found.parts[""][1].path == tmp_path / "s2" / "b" / "2.PGM"


def test_parts_are_folders_in_any_case(tmp_path: Path) -> None:
    found = look(touch(tmp_path, "Train/a/1.png", "Train/b/1.png", "Test/a/2.png", "Test/b/2.png"))
    assert list(found.parts) == ["train", "test"]
    assert names(found, "train") == [("a/1.png", 0), ("b/1.png", 1)]
    assert names(found, "test") == [("a/2.png", 0), ("b/2.png", 1)]
    touch(tmp_path, "val/a/3.png", "val/b/3.png")
    assert names(look(tmp_path), "val") == [("a/3.png", 0), ("b/3.png", 1)]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["readme.txt"], "holds no folders: put the pictures of each class in one of its own"),
        (["a/1.png"], "must hold a folder of pictures for each of at least two classes, but there is only 'a'"),
        (["a/1.png", "b/.keep"], "b is empty: every class needs pictures"),
        (
            ["a/1.png", "b/1.gif", "b/2.gif"],
            "1.gif (like 1 more) is none of the pictures that can be read (.png",
        ),
        (["a/1.png", "b/1.png", "2.png"], "2.png lies in no class: put the pictures of each class in a folder"),
        (["train/a/1.png", "train/b/1.png"], "holds train: give {root}/train as root, to have its pictures divided"),
        (["train/a/1.png", "test/a/1.png", "b/1.png"], "holds b, test, train: there must be both train and test"),
        (["train/a/1.png", "val/a/1.png"], "holds train, val: there must be both train and test"),
        (
            ["train/a/1.png", "train/b/1.png", "test/a/1.png"],
            "test has no folder of the class 'b', which another part of {root} has: every class needs samples in each",
        ),
        (["train/a/1.png", "train/1.png", "test/a/1.png"], "train/1.png lies in no class"),
    ],
)
def test_folders_that_are_not_as_they_should_be(tmp_path: Path, files: list[str], message: str) -> None:
    touch(tmp_path, *files)
    with pytest.raises((ValueError, FileNotFoundError), match=re.escape(message.format(root=tmp_path))):
        look(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder at .*nowhere\. Give one that holds a folder of pictures"):
        look(tmp_path / "nowhere")
