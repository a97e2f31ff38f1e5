"""By how much one target leaks more than another: the same seeds, judges and classes, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from brainleaks_pl.audit.grouping import done
from brainleaks_pl.audit.scores import ALL_JUDGES, Cells, common_judges, mean_matrix
from brainleaks_pl.audit.statistics import Matrix, difference_intervals, without_one_class

STRONGEST = "strongest"
"""What the comparison of each target's strongest attack is called."""
_COMPARED = ("confidence", "attack_accuracy")


def compared_targets(spiking: Mapping[str, bool]) -> list[tuple[str, str]]:
    """Return which targets are compared: each spiking one with each non-spiking one, or all pairs of a single kind."""
    kinds = [[name for name, is_spiking in spiking.items() if is_spiking is kind] for kind in (True, False)]
    if all(kinds):
        return [(first, second) for first in kinds[0] for second in kinds[1]]
    return list(combinations(spiking, 2))


def differences(cells: Cells, spiking: Mapping[str, bool], judges: Sequence[str]) -> list[dict[str, Any]]:
    """Return the differences of the leak between targets, by attack, judge and metric, with 95% intervals.

    Attacks that fit both targets are compared with themselves; ``strongest`` compares the attack that serves each
    target best. Both targets of a seed meet the same judges and classes, so they are compared seed by seed, over the
    seeds, judges and classes that both have.

    Args:
        cells: all cells.
        spiking: the targets, and whether they spike.
        judges: names of the judges; without one there is nothing to compare.

    Raises:
        ValueError: when a score is not finite.
    """
    rows: list[dict[str, Any]] = []
    for first, second in compared_targets(spiking) if judges else ():
        sides = [_Side(cells, target) for target in (first, second)]
        seeds = [seed for seed in sides[0].seeds if seed in sides[1].seeds]
        both = [cell for side in sides for cell in side.cells_of(seeds)]
        names = [name for name in judges if name in common_judges(both)] if both else []
        if not names or not all(side.attacks for side in sides):
            continue
        shared = [attack for attack in sides[0].attacks if attack in sides[1].attacks]
        for attack in (*shared, STRONGEST):
            attacks = [side.attacks if attack == STRONGEST else [attack] for side in sides]
            classes = _shared_classes([*sides[0].cells_of(seeds, attacks[0]), *sides[1].cells_of(seeds, attacks[1])])
            if not classes:
                continue
            for judge in (ALL_JUDGES, *names) if len(names) > 1 else names:
                for metric in _COMPARED:
                    own = names if judge == ALL_JUDGES else [judge]
                    one, other = (side.scores(attack, own, metric, _Basis(seeds, names, classes)) for side in sides)
                    row = {"attack": attack, "first": first, "second": second, "judge": judge, "metric": metric}
                    rows.append({**row, "judges": own, "seeds": seeds, **_difference(one, other, classes)})
    return rows


class _Basis(NamedTuple):
    """What both targets have: the seeds, the judges, and the classes that are attacked."""

    seeds: list[int]
    judges: list[str]
    classes: list[int]


class _Scores(NamedTuple):
    """Scores of one target, ``(S, K)``, and by which attacks."""

    values: Matrix
    attacks: list[str]


class _Side:
    """One target: the cells of the attacks that were run with all of its seeds, by attack and seed.

    Args:
        cells: all cells.
        target: its name.
    """

    def __init__(self, cells: Cells, target: str) -> None:
        own = done(cells, target=target)
        self.seeds = list(dict.fromkeys(cell["seed"] for cell in own))
        by_attack = {attack: done(own, attack=attack) for attack in dict.fromkeys(cell["attack"] for cell in own)}
        self.cells: dict[str, dict[int, Mapping[str, Any]]] = {
            attack: {cell["seed"]: cell for cell in those}
            for attack, those in by_attack.items()
            if len(those) == len(self.seeds)
        }
        self.attacks = list(self.cells)

    def cells_of(self, seeds: Sequence[int], attacks: Sequence[str] | None = None) -> list[Mapping[str, Any]]:
        """Return the cells of some seeds, of some attacks or of all."""
        chosen = self.attacks if attacks is None else attacks
        return [self.cells[attack][seed] for attack in chosen for seed in seeds]

    def scores(self, attack: str, judges: Sequence[str], metric: str, basis: _Basis) -> _Scores:
        """Return the scores of an attack by some judges, or those of the strongest attack.

        The strongest is never chosen on the scores that are returned: for each judge it is chosen by the others; where
        there is one judge alone, for each seed by the other seeds. One judge of one seed has nothing else to choose by
        than what it says.
        """
        if attack != STRONGEST:
            return _Scores(self._mean(attack, basis.seeds, judges, metric, basis), [attack])
        if len(basis.judges) > 1:
            chosen = [
                self._best([other for other in basis.judges if other != judge], basis.seeds, basis) for judge in judges
            ]
            parts = [
                self._mean(best, basis.seeds, [judge], metric, basis)
                for best, judge in zip(chosen, judges, strict=True)
            ]
            return _Scores(np.asarray(np.mean(parts, axis=0)), list(dict.fromkeys(chosen)))
        chosen = [
            self._best(judges, [other for other in basis.seeds if other != seed] or [seed], basis)
            for seed in basis.seeds
        ]
        rows = [self._mean(best, [seed], judges, metric, basis) for best, seed in zip(chosen, basis.seeds, strict=True)]
        return _Scores(np.concatenate(rows), list(dict.fromkeys(chosen)))

    def _best(self, judges: Sequence[str], seeds: Sequence[int], basis: _Basis) -> str:
        leaks = {
            attack: float(self._mean(attack, seeds, judges, "confidence", basis).mean()) for attack in self.attacks
        }
        return max(self.attacks, key=leaks.__getitem__)

    def _mean(self, attack: str, seeds: Sequence[int], judges: Sequence[str], metric: str, basis: _Basis) -> Matrix:
        """Return what judges say on the average of an attack's reconstructions of the shared classes, ``(S, K)``."""
        cells = self.cells_of(seeds, [attack])
        columns = [cells[0]["classes"].index(label) for label in basis.classes]
        return mean_matrix(cells, judges, metric)[:, columns]


def _shared_classes(cells: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the classes that were attacked in all of some cells, in the order of the first."""
    return [label for label in cells[0]["classes"] if all(label in cell["classes"] for cell in cells)]


def _difference(one: _Scores, other: _Scores, classes: Sequence[int]) -> dict[str, Any]:
    found = difference_intervals(one.values, other.values)
    without = without_one_class(one.values, other.values)
    apart = one.values - other.values
    by_class = zip(classes, apart.mean(0).tolist(), strict=True)
    return {
        "first_attack": "/".join(one.attacks),
        "second_attack": "/".join(other.attacks),
        "difference": found.mean,
        "low": found.fixed.low,
        "high": found.fixed.high,
        "shown": found.fixed.excludes_zero,
        "sampled_low": found.sampled.low,
        "sampled_high": found.sampled.high,
        "sampled_shown": found.sampled.excludes_zero,
        "by_seed": apart.mean(1).tolist(),
        "by_class": [{"class": label, "difference": value} for label, value in by_class],
        "without": None
        if without is None
        else {
            "class": classes[without.class_index],
            "difference": without.mean,
            "low": without.low,
            "high": without.high,
        },
    }
