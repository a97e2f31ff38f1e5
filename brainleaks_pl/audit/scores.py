"""The finished cells of an audit as matrices, seeds by classes, and the scores read from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import mean
from typing import Any

import numpy as np

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.plan import ADVERSARIAL
from brainleaks_pl.audit.statistics import Matrix, Readings, mean_intervals
from brainleaks_pl.evaluation.report import METRICS
from brainleaks_pl.evaluation.similarity import comes_first

LIKENESS = ("ssim_class_mean", "ssim_nearest")
"""How alike reconstructions are to their class, in pixels."""
SIMILARITIES = (*LIKENESS, "identified", "verified", "member_nearer")
ALL_JUDGES = "all judges"
"""What the mean over the judges is called."""
FALSE_POSITIVE = "false_positive"
"""The null that is the same attack on a target that never saw the class."""

Cells = Sequence[Mapping[str, Any]]


def judge_matrix(cells: Cells, judge: str, metric: str) -> Matrix:
    """Return what a judge says of cells: ``(cells, classes)``."""
    return np.array([[row[metric] for row in cell["judges"][judge]["per_class"]] for cell in cells], dtype=np.float64)


def mean_matrix(cells: Cells, judges: Sequence[str], metric: str) -> Matrix:
    """Return what judges, one at least, say of cells on the average: ``(cells, classes)``."""
    return np.asarray(np.mean([judge_matrix(cells, judge, metric) for judge in judges], axis=0))


def common_judges(cells: Cells) -> list[str]:
    """Return the judges that have scored all of some cells."""
    return [name for name in cells[0]["judges"] if all(name in cell["judges"] for cell in cells)]


def similarity_value(row: Mapping[str, Any], metric: str) -> float:
    """Return one measure of a reconstruction's likeness to its class, of :data:`SIMILARITIES`."""
    return comes_first(row["rank"]) if metric == "identified" else min(max(float(row[metric]), -1.0), 1.0)


def similarity_matrix(cells: Cells, metric: str) -> Matrix:
    """Return how alike cells' reconstructions are to their classes: ``(cells, classes)``."""
    return np.array([[similarity_value(row, metric) for row in cell["similarity"]] for cell in cells], dtype=np.float64)


def summary(cells: Cells) -> list[dict[str, Any]]:
    """Return, for each target, attack, judge and metric, the mean over seeds and classes, its intervals, the nulls."""
    rows = []
    for (target, attack), own in grouped(done(cells), "target", "attack"):
        made = {
            FALSE_POSITIVE: done(cells, "blind", target=target, attack=attack),
            ADVERSARIAL: done(cells, "adversarial", target=target),
        }
        for judge in dict.fromkeys(name for cell in own for name in cell["judges"]):
            judged = [cell for cell in own if judge in cell["judges"]]
            for metric in METRICS:
                nulls = {null: mean_null(judged, judge, null, metric) for null in judged[0]["judges"][judge]["nulls"]}
                nulls |= made_nulls(made, own[0]["classes"], partial(judged_values, judge=judge, metric=metric))
                readings = mean_intervals(judge_matrix(judged, judge, metric))
                rows.append({**_row(target, attack, judge, metric, readings), "seeds": len(judged), "nulls": nulls})
        for metric in SIMILARITIES:
            readings = mean_intervals(similarity_matrix(own, metric), least=-1.0 if "ssim" in metric else 0.0)
            nulls = {
                null: mean(cell["similarity_nulls"][null][metric] for cell in own)
                for null, scores in own[0]["similarity_nulls"].items()
                if metric in scores
            }
            nulls |= made_nulls(made, own[0]["classes"], partial(_likenesses, metric=metric))
            rows.append({**_row(target, attack, None, metric, readings), "seeds": len(own), "nulls": nulls})
    return rows


def same_seeds(groups: Sequence[tuple[Any, Cells]]) -> list[tuple[Any, Cells]]:
    """Return groups of cells without the seeds that one of them lacks, so that what differs is not the seeds.

    A group without any cell is left out; where the others share no seed, they stay as they are.
    """
    there = [(name, cells) for name, cells in groups if cells]
    shared = set.intersection(*({cell["seed"] for cell in cells} for _, cells in there)) if there else set()
    return [(name, [cell for cell in cells if cell["seed"] in shared] or cells) for name, cells in there]


def beside(own: Cells, cells: Cells) -> list[Mapping[str, Any]]:
    """Return the main cells of the target, the attack and the seeds of some others."""
    seeds = {cell["seed"] for cell in own}
    plain = done(cells, target=own[0]["target"], attack=own[0]["attack"])
    return [cell for cell in plain if cell["seed"] in seeds]


def _row(target: str, attack: str, judge: str | None, metric: str, readings: Readings) -> dict[str, Any]:
    return {
        "target": target,
        "attack": attack,
        "judge": judge,
        "metric": metric,
        "mean": readings.mean,
        "low": readings.fixed.low,
        "high": readings.fixed.high,
        "sampled_low": readings.sampled.low,
        "sampled_high": readings.sampled.high,
    }


def mean_null(cells: Cells, judge: str, null: str, metric: str) -> float:
    """Return what a judge says of a null beside some cells, on the average."""
    return float(mean(cell["judges"][judge]["nulls"][null][metric]["mean"] for cell in cells))


def made_nulls(
    made: Mapping[str, Cells], classes: Sequence[int], values: Callable[[Mapping[str, Any]], list[float]]
) -> dict[str, float]:
    """Return the means of nulls that were made by attacks, over classes and seeds, of those that have all the classes.

    Args:
        made: by null its cells.
        classes: the attacked classes, all of which a null must have.
        values: returns the scores of a cell's classes; none where it has no such score.
    """
    found = {}
    for null, cells in made.items():
        scored = [
            (label, value)
            for cell in cells
            for label, value in zip(cell["classes"], values(cell), strict=False)
            if label in classes
        ]
        if {label for label, _ in scored} == set(classes):
            found[null] = float(mean(value for _, value in scored))
    return found


def judged_values(cell: Mapping[str, Any], judge: str, metric: str) -> list[float]:
    """Return what a judge says of each class of a cell; DAA compares all classes, which blind targets do not share."""
    if judge not in cell["judges"] or metric == "daa":
        return []
    return [row[metric] for row in cell["judges"][judge]["per_class"]]


def _likenesses(cell: Mapping[str, Any], metric: str) -> list[float]:
    return [similarity_value(row, metric) for row in cell["similarity"]]


def mean_scores(cells: Cells, judge: str) -> dict[str, float]:
    """Return a judge's mean attack accuracy and confidence over some cells and their classes."""
    return {metric: float(judge_matrix(cells, judge, metric).mean()) for metric in ("attack_accuracy", "confidence")}
