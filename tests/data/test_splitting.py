"""Which samples of a folder train, validate and test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from brainleaks_pl.data.folders import FolderContent, FolderFile
from brainleaks_pl.data.splitting import FolderSplits, check_duplicates


def content(*names: str, **parts: list[str]) -> FolderContent:
    """Files by part; those without one are all of a folder that has none."""
    every = {**({"": list(names)} if names else {}), **parts}
    classes = sorted({name.split("/")[0] for own in every.values() for name in own})
    files = {
        part: [FolderFile(Path(name), name, classes.index(name.split("/")[0])) for name in own]
        for part, own in every.items()
    }
    return FolderContent(Path("root"), tuple(classes), files)


def divide(found: FolderContent, **settings: object) -> dict[str, set[str]]:
    parts = FolderSplits(**settings).divide(found, "pictures")  # type: ignore[arg-type]
    assert list(parts) == ["train", "val", "test"]
    return {part: {file.name for file in files} for part, files in parts.items()}


MANY = [f"{label}/{i}.png" for label in "ab" for i in range(20)]


def test_files_are_drawn_by_seed_in_shares_of_each_class() -> None:
    parts = divide(content(*MANY))
    assert set.union(*parts.values()) == set(MANY)
    for label in "ab":
        sizes = [sum(name.startswith(label) for name in own) for own in parts.values()]
        assert sizes == [14, 2, 4]
    assert divide(content(*MANY)) == parts != divide(content(*MANY), seed=1)
    assert len(divide(content(*MANY), test_share=0.5, val_share=0.25)["train"]) == 10
    assert {part: len(own) for part, own in divide(content("a/1", "a/2", "a/3", "b/1", "b/2", "b/3")).items()} == {
        "train": 2,
        "val": 2,
        "test": 2,
    }


def test_a_file_that_is_added_moves_hardly_any_other() -> None:
    before = divide(content(*MANY))
    for number in range(20, 40):
        after = divide(content(*MANY, f"a/{number}.png"))
        assert {name for name in after["train"] if name[0] == "b"} == {
            name for name in before["train"] if name[0] == "b"
        }
        moved = {name for part in before for name in before[part] - after[part]}
        assert len(moved) <= 2
        assert not before["train"] & after["test"]
        assert not before["test"] & after["train"]


@pytest.mark.parametrize("how", [{"group": r"person(\d+)_"}, {"group": r"(?<=person)\d+"}, {"group_level": 1}])
def test_a_person_is_in_one_split_only(how: dict[str, object]) -> None:
    names = [f"{label}/p{who}/person{who}_{i}.png" for label in "ab" for who in range(10) for i in range(3)]
    parts = divide(content(*names), **how)
    people = {part: {name.split("/")[1] for name in own} for part, own in parts.items()}
    assert {part: len(own) for part, own in people.items()} == {"train": 7, "val": 1, "test": 2}
    assert len(set.union(*people.values())) == 10
    assert set.union(*parts.values()) == set(names)


def test_people_of_one_class_each_are_divided_class_by_class() -> None:
    names = [f"{label}/{label}{who}/{i}.png" for label in "ab" for who in range(3) for i in range(2)]
    for own in divide(content(*names), group_level=1).values():
        assert sorted(name[0] for name in own) == ["a", "a", "b", "b"]


def test_folders_are_splits_and_the_rest_is_drawn() -> None:
    folders = {"train": MANY, "test": ["a/t.png", "b/t.png"]}
    parts = divide(content(**folders))
    assert parts["test"] == {"a/t.png", "b/t.png"}
    assert (len(parts["train"]), len(parts["val"])) == (36, 4)
    whole = divide(content(**folders, val=["a/v.png", "b/v.png"]))
    assert (whole["train"], whole["val"]) == (set(MANY), {"a/v.png", "b/v.png"})


@pytest.mark.parametrize(
    ("found", "settings", "message"),
    [
        (
            content("a/1", "a/2", "b/1", "b/2", "b/3"),
            {},
            "the class 'a' in root has 2 pictures to be divided into 3 splits, and none is left for test: it needs 3 "
            "of them at least.",
        ),
        (
            content(train=["a/1", "b/1", "b/2"], test=["a/9", "b/9"]),
            {},
            "divided into 2 splits, and none is left for val",
        ),
        (
            content(*(f"{label}/p{who}/{i}" for label in "ab" for who in "12" for i in range(9))),
            {"group_level": 1},
            "the class 'a' in root has 18 pictures of 2 groups to be divided into 3 splits, and none is left for test: "
            "it needs 3 groups at least, and groups that share their classes",
        ),
        (
            content("a/p1_x", "b/x"),
            {"group": "p(.)_"},
            "1 of 2 pictures in root have no match of 'p(.)_', such as 'b/x'",
        ),
        (content("a/p/x", "b/x"), {"group_level": 1}, "1 of 2 pictures in root have no folder 1 within the class"),
        (
            content(train=["a/p1", "b/p2"], test=["a/p2", "b/p3"]),
            {"group": "p."},
            "groups (1 of them, such as 'p2') are in more than one of the folders train, test of root",
        ),
        (content(train=MANY, test=MANY), {"test_share": 0.1}, "root holds a folder test: leave test_share out"),
    ],
)
def test_folders_that_cannot_be_divided(found: FolderContent, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        divide(found, **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"test_share": 0.0}, "test_share must lie in (0, 1), got 0.0"),
        ({"val_share": 0.8}, "must leave something to train, got {'test': 0.2, 'val': 0.8}"),
        ({"duplicates": "drop"}, "duplicates must be refuse or warn, got 'drop'"),
        ({"group": "p(", "group_level": None}, "group must be a regular expression, got 'p('"),
        ({"group": "(a)(b)"}, "group must have at most one pair of parentheses, got '(a)(b)'"),
        ({"group": "a", "group_level": 1}, "give either group, a regular expression, or group_level"),
        ({"group_level": 0}, "group_level must be at least 1, got 0"),
    ],
)
def test_values_out_of_range(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        FolderSplits(**settings)  # type: ignore[arg-type]


def test_copies_in_several_splits_are_reported() -> None:
    files = content("a/1", "a/2", "b/1").parts[""]
    apart = {"train": [(files[0], b"1"), (files[1], b"1")], "val": [], "test": [(files[2], b"2")]}
    check_duplicates(apart, "refuse", "pictures", "equal pixels")  # those of one split are nobody's business
    torn = {**apart, "test": [(files[2], b"1")]}
    said = "pictures with equal pixels are in more than one split (1 of them), such as a/1 (train) and b/1 (test)"
    with pytest.raises(ValueError, match=re.escape(said)):
        check_duplicates(torn, "refuse", "pictures", "equal pixels")
    with pytest.warns(UserWarning, match=re.escape(said)):
        check_duplicates(torn, "warn", "pictures", "equal pixels")
