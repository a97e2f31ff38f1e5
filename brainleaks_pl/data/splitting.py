"""How the samples of a folder are divided into those that train, validate and test."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from lightning.pytorch.utilities import rank_zero_warn

from brainleaks_pl.data.folders import FolderContent, FolderFile

Duplicates = Literal["refuse", "warn"]
"""What is done about samples of equal content in more than one split."""

TEST_SHARE, VAL_SHARE = 0.2, 0.1
"""Of each class, where nothing else is said."""

Files = dict[str, list[FolderFile]]
"""The files of ``train``, ``val`` and ``test``."""


@dataclass(frozen=True)
class FolderSplits:
    """Says which samples of a folder train, validate and test.

    A folder that holds ``train`` and ``test`` (and ``val``) is divided by these. What has no folder of its own is
    drawn: files, or groups of them, are put in an order that depends on nothing but ``seed`` and their names; the first
    of each class test, the next validate, and the others train. Groups are taken whole, until every class has its
    share. So a file that is added to a class leaves other classes as they are; in its own, boundaries move by one file.

    Args:
        test_share: share of each class that tests, in (0, 1), at least one sample; None takes 0.2. Not to be given
            where there is a folder ``test``.
        val_share: share of each class that validates (of what lies in ``train`` where there is such a folder), in
            (0, 1), at least one sample; None takes 0.1. Not to be given where there is a folder ``val``.
        seed: of the order.
        group: regular expression that is searched for in names ``<class>/<...>/<file>``; what its parenthesis matches
            (all of it where there is none) names a group, such as a person, whose samples are all in one split.
        group_level: the folder that names the group instead: 1 is the one within the class, 2 the one within that.
        duplicates: ``refuse`` samples of equal content that are in more than one split, or ``warn``.

    Raises:
        ValueError: when a value is out of range, when ``group`` is no regular expression or has several parentheses, or
            when both ``group`` and ``group_level`` are given.

    Examples:
        Five people made four pictures each; every person is in one split only:

        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from brainleaks_pl import FolderSplits, ImageFolder
        >>> for n in range(20):
        ...     path = Path("smiles", ("no", "yes")[n % 2], f"person{n % 5}_{n}.png")
        ...     path.parent.mkdir(parents=True, exist_ok=True)
        ...     Image.new("L", (8, 8), 12 * n).save(path)
        >>> smiles = ImageFolder("smiles", splits=FolderSplits(group=r"person[0-9]+"))
        >>> for part, files in smiles.files.items():
        ...     print(part, sorted({file.path.name.split("_")[0] for file in files}))
        train ['person0', 'person3', 'person4']
        val ['person1']
        test ['person2']
    """

    test_share: float | None = None
    val_share: float | None = None
    seed: int = 0
    group: str | None = None
    group_level: int | None = None
    duplicates: Duplicates = "refuse"

    def __post_init__(self) -> None:
        for name in ("test_share", "val_share"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise ValueError(f"{name} must lie in (0, 1), got {value}.")
        if sum(self.shares.values()) >= 1:
            raise ValueError(f"test_share and val_share must leave something to train, got {self.shares}.")
        if self.duplicates not in get_args(Duplicates):
            raise ValueError(f"duplicates must be {' or '.join(get_args(Duplicates))}, got {self.duplicates!r}.")
        if self.group is not None and self.group_level is not None:
            raise ValueError("give either group, a regular expression, or group_level, not both.")
        if self.group_level is not None and self.group_level < 1:
            raise ValueError(f"group_level must be at least 1, got {self.group_level}.")
        if self.group is not None:
            try:
                parentheses = re.compile(self.group).groups
            except re.error as error:
                raise ValueError(f"group must be a regular expression, got {self.group!r} ({error}).") from error
            if parentheses > 1:
                raise ValueError(
                    f"group must have at most one pair of parentheses, got {self.group!r}: "
                    "write (?:...) for the others."
                )

    @property
    def shares(self) -> dict[str, float]:
        """Shares of the samples that test and validate, where they are drawn."""
        return {
            "test": TEST_SHARE if self.test_share is None else self.test_share,
            "val": VAL_SHARE if self.val_share is None else self.val_share,
        }

    @property
    def grouped(self) -> bool:
        """Whether samples belong to groups."""
        return self.group is not None or self.group_level is not None

    def describe(self) -> dict[str, Any]:
        """Return the values that decide which sample is where."""
        return {name: value for name, value in asdict(self).items() if name != "duplicates"}

    def divide(self, content: FolderContent, what: str) -> Files:
        """Divide the files of a folder.

        Args:
            content: the files.
            what: what messages call them.

        Returns:
            The files of ``train``, ``val`` and ``test``, each in their order.

        Raises:
            ValueError: when a share is given of what has a folder, when files have no group, when a group is in the
                folders of several splits, or when a class has too few files or groups for all splits.
        """
        for part in ("val", "test"):
            if part in content.parts and getattr(self, f"{part}_share") is not None:
                raise ValueError(f"{content.root} holds a folder {part}: leave {part}_share out.")
        groups = self._groups(content, what)
        self._check_apart(content, groups)
        drawn = [part for part in ("test", "val") if part not in content.parts]
        pool = content.parts.get("", content.parts.get("train", []))
        parts = {**content.parts, **_draw(pool, groups, {part: self.shares[part] for part in drawn}, self.seed)}
        found = {part: parts.get(part, []) for part in ("train", "val", "test")}
        self._check_complete(found, content, pool, groups, what)
        return found

    def _groups(self, content: FolderContent, what: str) -> dict[str, str]:
        """Return the group of every name: the name itself where there are no groups."""
        names = [file.name for files in content.parts.values() for file in files]
        if not self.grouped:
            return {name: name for name in names}
        groups = {name: self._group(name) for name in names}
        without = [name for name, group in groups.items() if group is None]
        if without:
            how = f"folder {self.group_level} within the class" if self.group is None else f"match of {self.group!r}"
            raise ValueError(
                f"{len(without)} of {len(names)} {what} in {content.root} have no {how}, such as {without[0]!r}: all "
                "of them must belong to a group."
            )
        return {name: group for name, group in groups.items() if group is not None}

    def _group(self, name: str) -> str | None:
        if self.group is None:
            assert self.group_level is not None
            folders = name.split("/")[1:-1]
            return folders[self.group_level - 1] if len(folders) >= self.group_level else None
        found = re.search(self.group, name)
        return None if found is None else found[found.re.groups]

    def _check_apart(self, content: FolderContent, groups: Mapping[str, str]) -> None:
        """See that no group is in the folders of several splits."""
        if not self.grouped:
            return
        where: dict[str, set[str]] = defaultdict(set)
        for part, files in content.parts.items():
            for file in files:
                where[groups[file.name]].add(part)
        torn = sorted(group for group, own in where.items() if len(own) > 1)
        if torn:
            raise ValueError(
                f"groups ({len(torn)} of them, such as {torn[0]!r}) are in more than one of the folders "
                f"{', '.join(content.parts)} of {content.root}: move their files to one of these, or leave group and "
                "group_level out."
            )

    def _check_complete(
        self, found: Files, content: FolderContent, pool: Sequence[FolderFile], groups: Mapping[str, str], what: str
    ) -> None:
        """See that every class has samples in every split."""
        there = {part: {file.label for file in files} for part, files in found.items()}
        for label, name in enumerate(content.class_names):
            for part, labels in there.items():
                if label in labels:
                    continue
                own = [file for file in pool if file.label == label]
                kind = f" of {len({groups[file.name] for file in own})} groups" if self.grouped else ""
                places = len(found) - len(content.parts.keys() - {"", "train"})
                raise ValueError(
                    f"the class {name!r} in {content.root} has {len(own)} {what}{kind} to be divided into {places} "
                    f"splits, and none is left for {part}: it needs {places} {'groups' if kind else 'of them'} at "
                    "least" + (", and groups that share their classes; another seed may divide them." if kind else ".")
                )


def check_duplicates(
    contents: Mapping[str, Iterable[tuple[FolderFile, bytes]]], duplicates: Duplicates, what: str, equal: str
) -> None:
    """Report samples of equal content that are in more than one split.

    Args:
        contents: by split, the files and what stands for their content.
        duplicates: what is done about them.
        what: what messages call the samples.
        equal: what is equal.

    Raises:
        ValueError: when there are some, and they are refused.
    """
    where: dict[bytes, dict[str, str]] = defaultdict(dict)
    for part, files in contents.items():
        for file, content in files:
            where[content].setdefault(part, file.name)
    torn = [parts for parts in where.values() if len(parts) > 1]
    if not torn:
        return
    first, second = list(torn[0].items())[:2]
    message = (
        f"{what} with {equal} are in more than one split ({len(torn)} of them), such as {first[1]} ({first[0]}) and "
        f"{second[1]} ({second[0]}): what is found on samples that were trained on says little of others."
    )
    if duplicates == "refuse":
        raise ValueError(f"{message} Delete the copies, or set splits.duplicates to warn.")
    rank_zero_warn(message)


def _draw(pool: Sequence[FolderFile], groups: Mapping[str, str], shares: Mapping[str, float], seed: int) -> Files:
    """Draw the splits that ``shares`` name, and leave ``train`` the rest."""
    members: dict[str, list[FolderFile]] = defaultdict(list)
    for file in pool:
        members[groups[file.name]].append(file)
    sizes = Counter(file.label for file in pool)
    left = Counter(label for own in members.values() for label in {file.label for file in own})  # groups of each class
    order = sorted(members, key=lambda group: (_place(group, seed), group))
    of: dict[str, str] = {}
    for position, (part, share) in enumerate(shares.items()):
        missing = Counter({label: max(1, round(share * size)) for label, size in sizes.items()})
        later = len(shares) - position  # splits that need a group of every class as well
        for group in (own for own in order if own not in of):
            counts = Counter(file.label for file in members[group])
            if any(missing[label] > 0 for label in counts) and all(left[label] > later for label in counts):
                of[group] = part
                missing.subtract(counts)
                left.subtract(counts.keys())
    return {part: [file for file in pool if of.get(groups[file.name], "train") == part] for part in ("train", *shares)}


def _place(group: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}:{group}".encode(), digest_size=8).digest()
