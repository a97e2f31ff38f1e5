"""What people saw in an audit's pictures: files of answers, and the shares computed from them."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import norm

from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.rating import FEW, RATINGS, Sheet, rating_sheet
from brainleaks_pl.reporting.text import one_line, short

MOST_BYTES = 2**20
"""Largest file of answers: those that the page saves have a few kilobytes."""
_MOST_NAME = 100  # characters of a rater's name


@dataclass(frozen=True)
class Answer:
    """What a rater said of a picture: its class, or None where they could not tell, and whether it is real."""

    label: int | None
    real: bool


@dataclass(frozen=True)
class Ratings:
    """The answers of one rater.

    Args:
        path: the file.
        audit: digest of the audit that was rated.
        rater: their name; the file's where they gave none.
        answers: by key of the picture.
    """

    path: Path
    audit: str
    rater: str
    answers: Mapping[str, Answer]


def read_ratings(paths: Sequence[str]) -> list[Ratings]:
    """Read files of answers that a report has saved; a rater has one file.

    Args:
        paths: the files.

    Raises:
        ValueError: when one is missing, too large, of another format, or damaged, or a rater comes twice; it names the
            file.
    """
    found: dict[str, Ratings] = {}
    for name in paths:
        own = _read(Path(name))
        before = found.setdefault(own.rater, own)
        if before is not own:
            raise ValueError(
                f"the ratings {before.path} and {own.path} are both by {own.rater!r}, whose answers would count twice: "
                "give the later file only, or, if these are two people, change `rater` in one file."
            )
    return list(found.values())


def people_rows(audit: Mapping[str, Any], folder: Path, ratings: Sequence[Ratings]) -> dict[str, Any] | None:
    """Return what people recognised in an audit's pictures, and what they took for real.

    A picture counts once, by the mean of its answers, however many people rated it. The 95% intervals are Wilson's, for
    as many trials as there are different pictures: they speak of other pictures like these, as seen by these raters. As
    answers of several people to one picture are no further pictures, more raters do not narrow them; nor do they say
    how much other raters would differ, which takes many raters to know. Pictures of one class or one network may be
    alike, so that the true uncertainty may be larger. Where attacks drew the very same picture, its answers count for
    each of them; where an attack drew it for several classes, naming one of these is right for its share of them.

    Args:
        audit: the content of ``audit.json``.
        folder: its folder.
        ratings: the answers; with none there is nothing to return.

    Returns:
        ``raters`` and ``answers``, their numbers; ``chance``, the share of classes that guesses get right; ``rows``,
        one for each target and attack with answers, with ``answers``, the shares ``recognised`` (class right) and
        ``taken_for_real`` and their ``low`` and ``high``; ``real``, the same of the real pictures; ``at_chance``, the
        raters who recognised real pictures no better than chance; ``too_few``, those of whom this cannot be told, as
        they rated fewer than :data:`~brainleaks_pl.audit.report.rating.FEW` of them.

    Raises:
        ValueError: when answers belong to another audit, or to no picture or class of this one; it names the file.
    """
    if not ratings:
        return None
    sheet = rating_sheet(dict(audit), Gallery(dict(audit), folder))
    for own in ratings:
        _check_fits(own, sheet)
    pairs = dict.fromkeys(
        (cell["target"], cell["attack"]) for cell in audit["cells"] if cell["kind"] == "main"
    )  # in the audit's order
    rows = [_row(sheet, ratings, target, attack) for target, attack in pairs]
    doubts = {own.rater: _doubt(sheet, own) for own in ratings}
    return {
        "raters": len(ratings),
        "answers": sum(len(own.answers) for own in ratings),
        "chance": 1 / len(sheet.choices),
        "rows": [row for row in rows if row["answers"]],
        "real": _row(sheet, ratings, None, None),
        **{kind: [rater for rater, doubt in doubts.items() if doubt == kind] for kind in ("at_chance", "too_few")},
    }


def wilson(share: float, count: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval of a share.

    Args:
        share: the share found, in [0, 1].
        count: trials that it rests on, at least 1.
        level: coverage, in (0, 1).
    """
    z2 = float(norm.ppf((1 + level) / 2)) ** 2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = math.sqrt(z2 * (share * (1 - share) / count + z2 / (4 * count**2))) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def _row(sheet: Sheet, ratings: Sequence[Ratings], target: str | None, attack: str | None) -> dict[str, Any]:
    right: defaultdict[str, list[float]] = defaultdict(list)
    real: defaultdict[str, list[float]] = defaultdict(list)
    for item in sheet.items:
        labels = [source.label for source in item.sources if (source.target, source.attack) == (target, attack)]
        for answer in (own.answers[item.key] for own in ratings if labels and item.key in own.answers):
            right[item.key].append((answer.label in labels) / len(labels))
            real[item.key].append(float(answer.real))
    return {
        "target": target,
        "attack": attack,
        "answers": sum(map(len, right.values())),
        **_share("recognised", "recognised", right),
        **_share("taken_for_real", "taken", real),
    }


def _share(name: str, prefix: str, answers: Mapping[str, list[float]]) -> dict[str, float | None]:
    """Return the mean of the pictures' means and its interval."""
    if not answers:
        return {name: None, f"{prefix}_low": None, f"{prefix}_high": None}
    mean = sum(sum(own) / len(own) for own in answers.values()) / len(answers)
    low, high = wilson(mean, len(answers))
    return {name: mean, f"{prefix}_low": low, f"{prefix}_high": high}


def _doubt(sheet: Sheet, own: Ratings) -> str | None:
    """Return ``at_chance`` for what a rater recognised of real pictures, ``too_few`` to tell, or None if it is more."""
    real = _row(sheet, [own], None, None)
    if real["answers"] and real["recognised_low"] > 1 / len(sheet.choices):
        return None
    return "at_chance" if real["answers"] >= FEW else "too_few"


def _check_fits(own: Ratings, sheet: Sheet) -> None:
    if own.audit != sheet.digest:
        raise ValueError(
            f"the ratings {own.path} are of another audit, or of this one before its attacks ran again: rate the "
            "report.html of this audit."
        )
    items, labels = {item.key for item in sheet.items}, {choice.label for choice in sheet.choices}
    for key, answer in own.answers.items():
        if key not in items:
            raise ValueError(f"the ratings {own.path} name a picture, {short(key)!r}, that this audit does not show.")
        if answer.label is not None and answer.label not in labels:
            raise ValueError(
                f"the ratings {own.path} say that {key} is of class {answer.label}: the classes are "
                f"{min(labels)} to {max(labels)}, or null where the rater could not tell."
            )


def _read(path: Path) -> Ratings:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # the latter for names that no file can have
        reason = error.strerror if isinstance(error, OSError) else error
        raise ValueError(f"the ratings {path} cannot be read: {reason}.") from error
    if len(content) > MOST_BYTES:
        raise ValueError(f"the ratings {path} are larger than {MOST_BYTES} bytes: no report saves as many answers.")
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the ratings {path} are not JSON: give the file as report.html saved it.") from error
    kind = found.get("format") if isinstance(found, dict) else None
    if kind != RATINGS:
        raise ValueError(f"the ratings {path} are not of the format {RATINGS!r}, got {short(str(kind))!r}.")
    rater, audit, answers = found.get("rater"), found.get("audit"), found.get("answers")
    if not isinstance(audit, str) or not isinstance(answers, list) or not answers:
        raise ValueError(f"the ratings {path} hold no answers, or do not say of which audit.")
    if rater is not None and (not isinstance(rater, str) or len(rater) > _MOST_NAME):
        raise ValueError(f"the ratings {path} must name the rater in at most {_MOST_NAME} characters, or not at all.")
    given: dict[str, Answer] = {}
    for place, answer in enumerate(answers, 1):
        key, said = _answer(path, place, answer)
        if key in given:
            raise ValueError(f"the ratings {path} answer twice for the picture {short(key)!r}.")
        given[key] = said
    return Ratings(path, audit, one_line(rater or "").strip() or str(path), given)


def _answer(path: Path, place: int, answer: Any) -> tuple[str, Answer]:
    """Return the key of a picture, and what was said of it."""
    if isinstance(answer, dict):
        key, label, real = (answer.get(name, ...) for name in ("item", "class", "real"))
        whole = label is None or (isinstance(label, int) and not isinstance(label, bool))
        if isinstance(key, str) and whole and isinstance(real, bool):
            return key, Answer(label, real)
    raise ValueError(
        f"the ratings {path}: answer {place} must have an item (text), a class (a whole number or null) and real "
        f"(true or false), got {short(str(answer), 80)}."
    )
