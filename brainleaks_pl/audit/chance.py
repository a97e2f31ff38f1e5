"""Networks that recognise test data no better than chance: a network that has learnt nothing leaks nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from brainleaks_pl.targets.checks.skill import Skill

Skills = Mapping[tuple[int, str], Skill]
"""By seed and name of the network."""


def at_chance(skills: Skills, names: Collection[str]) -> dict[str, list[tuple[int, Skill]]]:
    """Return, of networks of these names, those at chance: by name the seeds, and what was measured."""
    found: dict[str, list[tuple[int, Skill]]] = {}
    for (seed, name), own in skills.items():
        if own.at_chance and name in names:
            found.setdefault(name, []).append((seed, own))
    return found


def comparable(
    cells: Sequence[Mapping[str, Any]], targets: Collection[str], judges: Collection[str]
) -> list[Mapping[str, Any]]:
    """Return the cells that a verdict may rest on: without some targets, and without what some judges say."""
    kept: list[Mapping[str, Any]] = []
    for cell in cells:
        scored = {name: scores for name, scores in cell["judges"].items() if name not in judges}
        if cell["target"] not in targets and (scored or not cell["judges"]):
            kept.append({**cell, "judges": scored})
    return kept


def chance_sentences(skills: Skills, targets: Collection[str], judges: Collection[str]) -> list[str]:
    """Return what a verdict says of targets at chance, and of judges, where none is left."""
    blind = at_chance(skills, judges)
    if blind and all(name in blind for _, name in skills if name in judges):
        return [f"No verdict: the judges recognise test data no better than chance ({_figures(blind)})."]
    return [
        f"No verdict on {name}: it recognises test data no better than chance ({_figures({name: own})}). A "
        "network that has learnt nothing can give nothing away, which is not privacy."
        for name, own in at_chance(skills, targets).items()
    ]


def chance_warnings(skills: Skills, judges: Collection[str]) -> list[str]:
    """Return a warning on each network at chance; ``judges`` are the names of those that judge."""
    names = list(dict.fromkeys(name for _, name in skills))
    return [
        f"{name} recognises test data no better than chance ({_figures({name: own})}): "
        + (
            "what it says about reconstructions means nothing, and it plays no part in the verdict and the differences."
            if name in judges
            else "finding little in it is no sign of privacy, and it plays no part in the verdict and the differences."
        )
        for name, own in at_chance(skills, names).items()
    ]


def _figures(found: Mapping[str, Sequence[tuple[int, Skill]]]) -> str:
    several = len(found) > 1
    return "; ".join(
        f"{f'{name}, ' if several else ''}seed {seed}: {own}" for name, those in found.items() for seed, own in those
    )
