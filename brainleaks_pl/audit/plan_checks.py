"""Checks an audit before it runs: nothing is missing, names are known, and no two things share a path."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.measures.base import has_own
from brainleaks_pl.audit.measures.standard import INVERSION, STANDARD
from brainleaks_pl.audit.plan import ADVERSARIAL, Cell, Variant, check_known
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.reporting.text import short
from brainleaks_pl.system.names import MOST_BYTES, caseless, check_names


def check_plan(audit: Audit) -> None:
    """See that an audit has all it needs and that names mean something.

    Raises:
        ValueError: when there is no seed, target or measure, or attacks lack judges, when a name or seed is not known
            or stands twice, when a name cannot be that of a file, or when a measure does not fit.
    """
    seeds, targets, judges, attacks = audit.seeds, audit.targets, audit.judges, audit.attacks
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise ValueError(f"seeds must be at least one number, all distinct and not negative, got {list(seeds)}.")
    if not attacks and not any(has_own(measure, "run") for measure in audit.all_measures().values()):
        raise ValueError("an audit needs attacks: the config names none, nor a measure that runs without them.")
    for key, things, needed in (("targets", targets, True), ("judges", judges, attacks), ("attacks", attacks, False)):
        if needed and not things:
            raise ValueError(f"an audit needs {key}: the config names none.")
        check_names(key, things)
    if ADVERSARIAL in attacks:
        raise ValueError(f"the attack {ADVERSARIAL!r} has the name of a control: rename it.")
    both = sorted(set(targets) & set(judges))
    if both:
        raise ValueError(f"targets and judges need names of their own, but {', '.join(both)} is both: rename one.")
    check_known("controls.attacks", audit.controls.attacks, attacks)
    check_known("controls.seeds", audit.controls.seeds, seeds)
    _check_measures(audit)


def _check_measures(audit: Audit) -> None:
    check_names("measures", audit.measures)
    for name, named in audit.measures.items():
        if name == INVERSION:
            raise ValueError(f"measures.{name} cannot be set: every audit with attacks has it, and no other.")
        if named is None and name not in STANDARD:
            raise ValueError(
                f"measures.{name} is null, which leaves out a standard measure: these are {', '.join(STANDARD)}."
            )
    for name, measure in audit.all_measures().items():
        try:
            measure.check(audit)
        except ValueError as error:
            raise ValueError(f"measures.{name}: {error}") from error


def check_classes(data: BaseDataModule) -> None:
    """See that there are classes to tell apart, each with training samples.

    Raises:
        ValueError: when there are not.
    """
    if data.num_classes < 2:
        raise ValueError(f"an audit needs at least two classes, and {type(data).__name__} has {data.num_classes}.")
    there = set(torch.as_tensor(data.split("train").labels).tolist())
    missing = [data.class_name(label) for label in range(data.num_classes) if label not in there]
    if missing:
        raise ValueError(f"{type(data).__name__} has no training sample of {short(', '.join(missing), 80)}.")


def check_paths(cells: Iterable[Cell], networks: Iterable[str]) -> None:
    """See that no two cells of an audit, and no two of its networks, would share a path.

    Args:
        cells: all cells.
        networks: names of the targets and judges.

    Raises:
        ValueError: when two would, or a path would be too long.
    """
    cells = list(cells)
    variants = dict.fromkeys([*map(Variant, networks), *(cell.variant for cell in cells)])
    paths: tuple[tuple[str, list[tuple[str, str]]], ...] = (
        ("networks", [(variant.name, str(variant)) for variant in variants]),
        ("attacks", [(cell.name, cell.words) for cell in cells]),
    )
    for what, named in paths:
        seen: dict[str, str] = {}
        for name, words in named:
            if len(name.encode()) > MOST_BYTES:
                raise ValueError(f"the names of {short(words, 80)} are too long for a file name: shorten one.")
            if caseless(name) in seen:
                raise ValueError(
                    f"two {what} would be stored as {name!r}: {seen[caseless(name)]}; and {words}. Rename one, or "
                    "change its value in measures.sweep."
                )
            seen[caseless(name)] = words
