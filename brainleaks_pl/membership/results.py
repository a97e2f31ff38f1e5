"""Results of membership attacks: areas, rates and their intervals, differences, and the most exposed samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from brainleaks_pl.membership.curves import Curve, Ranking, non_members_for, precision
from brainleaks_pl.membership.halves import Members
from brainleaks_pl.membership.intervals import REPLICATES, Over, Resampling, Statistic
from brainleaks_pl.membership.scores import Array

Row = dict[str, Any]
_ALONE: tuple[Over, Over] = ("networks", "samples")


@dataclass
class Scored:
    """The scores of one attack on the networks of one kind, and the replicates of its figures.

    Args:
        scores: of each network attacked, ``(S, N)``.
        ranking: the same, sorted.
        replicates: by figure, under the draws of a :class:`Resampling`.
    """

    scores: Array
    ranking: Ranking
    replicates: dict[str, Array] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What is read from curves.

    Args:
        rates: false positive rates at which true positive rates are read, in (0, 1).
        priors: shares of members among all samples for which precision is given, in (0, 1).

    Raises:
        ValueError: when a value is out of range.
    """

    rates: tuple[float, ...] = (0.01, 0.001)
    priors: tuple[float, ...] = (0.5, 0.1, 0.01)

    def __post_init__(self) -> None:
        if not self.rates:
            raise ValueError("rates must hold at least one false positive rate.")
        for rate in self.rates:
            non_members_for(rate)
        if not all(0 < prior < 1 for prior in self.priors):
            raise ValueError(f"priors must lie in (0, 1), got {list(self.priors)}.")


def attack_row(scored: Scored, resampling: Resampling, reading: Reading) -> Row:
    """Return what one attack comes to on all networks of a kind, under one threshold for all of them.

    Returns:
        ``auc`` and, by false positive rate, ``tpr``: their ``value``, and the ends of the 95% interval over networks
        and samples, ``low`` and ``high``; of ``auc`` also those over either alone. A rate that would rest on too few
        non-members has ``needed`` and ``there`` in place of them. ``precision`` by rate and prior; ``roc``, points of
        the curve.
    """
    curve = scored.ranking.curve()
    rates = {f"{rate:g}": rate for rate in reading.rates if curve.non_members >= non_members_for(rate)}
    statistics: dict[str, Statistic] = {"auc": _auc, **{name: partial(_found_at, rate) for name, rate in rates.items()}}
    scored.replicates = resampling.replicates(scored.ranking, statistics)
    figures = {
        name: resampling.interval(statistic(curve), scored.replicates[name])._asdict()
        for name, statistic in statistics.items()
    }
    for over in _ALONE:
        alone = resampling.replicates(scored.ranking, {"auc": _auc}, over, REPLICATES // 2)["auc"]
        _, low, high = resampling.interval(curve.auc, alone, over)
        figures["auc"] |= {f"low_over_{over}": low, f"high_over_{over}": high}
    few = {f"{rate:g}": {"needed": non_members_for(rate), "there": curve.non_members} for rate in reading.rates}
    return {
        "networks": len(scored.scores),
        "non_members": curve.non_members,
        "auc": figures["auc"],
        "tpr": {name: figures.get(name, refused) for name, refused in few.items()},
        "precision": {
            name: {f"{prior:g}": precision(*curve.at(rate)[::-1], prior) for prior in reading.priors}
            for name, rate in rates.items()
        },
        "roc": [list(point) for point in curve.points()],
    }


def _auc(curve: Curve) -> float:
    return curve.auc


def _found_at(rate: float, curve: Curve) -> float:
    return curve.at(rate)[1]


def difference_rows(
    scored: Mapping[str, Mapping[str, Scored]],
    rows: Mapping[str, Mapping[str, Row]],
    resampling: Callable[[int], Resampling],
) -> list[Row]:
    """Return how each two kinds of networks differ under each attack, first less second, with paired intervals.

    The two share halves, so that every draw of networks and samples is one of both.

    Args:
        scored: by kind and attack.
        rows: likewise, as of :func:`attack_row`.
        resampling: returns the draws that the replicates of so many networks are of.
    """
    found = []
    for first, second in combinations(scored, 2):
        for attack in scored[first]:
            if attack not in scored[second]:
                continue
            one, other = scored[first][attack], scored[second][attack]
            row: Row = {"first": first, "second": second, "attack": attack}
            for figure in one.replicates:
                if figure not in other.replicates:
                    continue
                values = [
                    own["auc"]["value"] if figure == "auc" else own["tpr"][figure]["value"]
                    for own in (rows[first][attack], rows[second][attack])
                ]
                drawn = one.replicates[figure] - other.replicates[figure]
                row[figure] = resampling(len(one.scores)).difference(values[0] - values[1], drawn)._asdict()
            found.append(row)
    return found


def exposed(scores: Array, members: Members, rate: float, most: int = 10) -> Row:
    """Return how exposed single samples are to one attack.

    Args:
        scores: of the attack, ``(S, N)``.
        members: which network was trained on which sample, ``(S, N)``.
        rate: false positives that the threshold allows, over all networks and samples.
        most: samples to be named at most.

    Returns:
        ``rate``; ``by_most``, the share of samples that more than half of the networks trained on them give away; and
        ``samples``, those most at risk, the worst first. Of each, ``place`` among the N; ``found``, the share of the
        networks trained on it that give it away; ``false``, the share of the others that would; ``auc``, the
        probability that a network with it scores higher than one without.
    """
    outside = np.sort(scores[~members])[::-1]
    called = scores > outside[min(len(outside) - 1, int(rate * len(outside)))]
    found = (called & members).sum(0) / members.sum(0)
    false = (called & ~members).sum(0) / (~members).sum(0)
    areas = np.array([Ranking(scores[:, [n]], members[:, [n]]).curve().auc for n in range(scores.shape[1])])
    gap = np.array([own[held].mean() - own[~held].mean() for own, held in zip(scores.T, members.T, strict=True)])
    rows = [
        {"place": int(n), "found": float(found[n]), "false": float(false[n]), "auc": float(areas[n])}
        for n in np.lexsort((-gap, -areas, -found))[:most]
    ]
    return {"rate": rate, "by_most": float((found > 0.5).mean()), "samples": rows}


def accuracies(answers: Sequence[Mapping[str, Any]], members: Members) -> Row:
    """Return mean and standard deviation over networks of the accuracy on their own half, the other, and test data."""
    correct = np.stack([own["correct"].numpy() for own in answers])
    train = np.array([own[held].mean() for own, held in zip(correct, members, strict=True)])
    other = np.array([own[~held].mean() for own, held in zip(correct, members, strict=True)])
    test = np.array([own["correct_population"].double().mean().item() for own in answers])
    return {
        name: {"mean": float(values.mean()), "std": float(values.std(ddof=1))}
        for name, values in (("train", train), ("other_half", other), ("test", test), ("gap", train - other))
    }
