"""Whether an audit makes sense: it has all it needs, names mean something, and no two things share a path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch

from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.plan import ADVERSARIAL, Cell, Variant
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.reporting.text import short
from brainleaks_pl.system.names import MOST_BYTES, caseless, check_names


def check_plan(audit: Audit) -> None:
    """See that an audit has all it needs and that names mean something.

    Raises:
        ValueError: when there is no seed, target, judge or attack, when a name or seed is not known or stands twice, or
            when a name cannot be that of a file.
    """
    seeds, targets, judges, attacks = audit.seeds, audit.targets, audit.judges, audit.attacks
    probe, sweep, controls = audit.surrogates, audit.sweep, audit.controls
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise ValueError(f"seeds must be distinct numbers from 0 on, one at least, got {list(seeds)}.")
    for key, things in (("targets", targets), ("judges", judges), ("attacks", attacks)):
        if not things:
            raise ValueError(f"an audit needs {key}: the config names none.")
        check_names(key, things)
    check_names("surrogates.surrogates", probe.surrogates)
    if ADVERSARIAL in attacks:
        raise ValueError(f"the attack {ADVERSARIAL!r} has the name of a control: rename it.")
    both = sorted(set(targets) & set(judges))
    if both:
        raise ValueError(f"targets and judges need names of their own, but {', '.join(both)} is both: rename one.")
    if sweep.values and sweep.target is None:
        raise ValueError("sweep.values without sweep.target: name the target whose variants are to be attacked.")
    named: list[tuple[str, Sequence[Any], Sequence[Any]]] = [
        ("surrogates.attacks", probe.attacks, list(attacks)),
        ("surrogates.seeds", probe.seeds or [], list(seeds)),
        ("sweep.target", [] if sweep.target is None else [sweep.target], list(targets)),
        ("sweep.attacks", sweep.attacks, list(attacks)),
        ("sweep.seeds", sweep.seeds or [], list(seeds)),
        ("controls.attacks", controls.attacks or [], list(attacks)),
        ("controls.seeds", controls.seeds or [], list(seeds)),
    ]
    for key, names, known in named:
        for name in names:
            if name not in known:
                raise ValueError(f"{key} names {name!r}, which is not among {', '.join(map(str, known))}.")
    for parameter, values in sweep.values.items():
        if len({repr(value) for value in values}) < len(values) or any(
            value in values[:place] for place, value in enumerate(values)
        ):
            raise ValueError(f"sweep.values gives {parameter} a value twice: {values}.")
        for value in values:
            parts = value if isinstance(value, list) else [value]
            if any(isinstance(part, list | dict) for part in parts):
                raise ValueError(f"sweep.values takes numbers, names and lists of them, got {value} for {parameter}.")


def check_classes(data: BaseDataModule) -> None:
    """See that there are classes to tell apart, each with training samples.

    Raises:
        ValueError: when there are not.
    """
    if data.num_classes < 2:
        raise ValueError(f"an audit needs two classes at least, and {type(data).__name__} has {data.num_classes}.")
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
                raise ValueError(f"the names of {short(words, 80)} are too long for that of a file: shorten one.")
            if caseless(name) in seen:
                raise ValueError(
                    f"two {what} would be stored as {name!r}: {seen[caseless(name)]}; and {words}. Rename one, or "
                    "change its value in sweep.values."
                )
            seen[caseless(name)] = words
