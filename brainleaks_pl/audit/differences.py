"""By how much one target leaks more than another: the same seeds, judges and classes, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from brainleaks_pl.audit.grouping import done
from brainleaks_pl.audit.scores import ALL_JUDGES, Cells, common_judges, judge_matrix, mean_matrix
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
    seeds that both have.

    Args:
        cells: all cells.
        spiking: the targets, and whether they spike.
        judges: names of the judges; without one there is nothing to compare.

    Raises:
        ValueError: when a score is not finite.
    """
    rows: list[dict[str, Any]] = []
    for first, second in compared_targets(spiking) if judges else ():
        sides = [_Side(cells, target, judges) for target in (first, second)]
        seeds = [seed for seed in sides[0].seeds if seed in sides[1].seeds]
        if not seeds:
            continue
        shared = [attack for attack in sides[0].attacks if attack in sides[1].attacks]
        for attack in (*shared, STRONGEST):
            for judge in (ALL_JUDGES, *judges) if len(judges) > 1 else judges:
                for metric in _COMPARED:
                    one, other = (side.scores(attack, judge, metric, seeds) for side in sides)
                    if one is not None and other is not None and one.classes == other.classes:
                        names = {"attack": attack, "first": first, "second": second, "judge": judge, "metric": metric}
                        rows.append({**names, "seeds": seeds, **_difference(one, other)})
    return rows


class _Scores(NamedTuple):
    """Scores of one target, ``(S, K)``, of which classes, and by which attacks."""

    values: Matrix
    classes: list[int]
    attacks: list[str]


class _Side:
    """One target: the cells of the attacks that were run with all of its seeds, by attack and seed.

    Args:
        cells: all cells.
        target: its name.
        judges: names of the judges.
    """

    def __init__(self, cells: Cells, target: str, judges: Sequence[str]) -> None:
        own = done(cells, target=target)
        self.seeds = list(dict.fromkeys(cell["seed"] for cell in own))
        cells_of = {attack: done(own, attack=attack) for attack in dict.fromkeys(cell["attack"] for cell in own)}
        self.cells: dict[str, dict[int, Mapping[str, Any]]] = {
            attack: {cell["seed"]: cell for cell in those}
            for attack, those in cells_of.items()
            if len(those) == len(self.seeds)
        }
        self.attacks = list(self.cells)
        self.judges = [name for name in common_judges(own) if name in judges] if own else []

    def scores(self, attack: str, judge: str, metric: str, seeds: Sequence[int]) -> _Scores | None:
        """Return the scores of an attack or of the strongest; None where some are missing."""
        names = self.judges if judge == ALL_JUDGES else [name for name in self.judges if name == judge]
        if not names or not self.attacks:
            return None
        if attack == STRONGEST:
            return self._strongest(names, metric, seeds)
        own = self._of(attack, seeds)
        return _Scores(mean_matrix(own, names, metric), own[0]["classes"], [attack])

    def _strongest(self, names: Sequence[str], metric: str, seeds: Sequence[int]) -> _Scores:
        """Return the scores of the strongest attack, which is never chosen on the scores that are returned.

        For each judge it is chosen by the others; where there is one judge alone, for each seed by the others. One
        judge of one seed has nothing else to choose by than what it says.
        """
        if len(self.judges) > 1:
            chosen = [self._best([other for other in self.judges if other != name], seeds) for name in names]
            parts = [
                judge_matrix(self._of(best, seeds), name, metric) for best, name in zip(chosen, names, strict=True)
            ]
            values = np.asarray(np.mean(parts, axis=0))
        else:
            chosen = [self._best(names, [other for other in seeds if other != seed] or [seed]) for seed in seeds]
            parts = [
                mean_matrix(self._of(best, [seed]), names, metric) for best, seed in zip(chosen, seeds, strict=True)
            ]
            values = np.concatenate(parts)
        return _Scores(values, self._of(chosen[0], seeds)[0]["classes"], list(dict.fromkeys(chosen)))

    def _best(self, judges: Sequence[str], seeds: Sequence[int]) -> str:
        """Return the attack of the highest mean confidence; of those on other classes than the first, none."""
        classes = self._of(self.attacks[0], seeds)[0]["classes"]
        alike = [attack for attack in self.attacks if self._of(attack, seeds)[0]["classes"] == classes]
        leaks = {attack: float(mean_matrix(self._of(attack, seeds), judges, "confidence").mean()) for attack in alike}
        return max(alike, key=leaks.__getitem__)

    def _of(self, attack: str, seeds: Sequence[int]) -> list[Mapping[str, Any]]:
        return [self.cells[attack][seed] for seed in seeds]


def _difference(one: _Scores, other: _Scores) -> dict[str, Any]:
    found = difference_intervals(one.values, other.values)
    without = without_one_class(one.values, other.values)
    apart = one.values - other.values
    by_class = zip(one.classes, apart.mean(0).tolist(), strict=True)
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
            "class": one.classes[without.class_index],
            "difference": without.mean,
            "low": without.low,
            "high": without.high,
        },
    }
