"""The planted control: targets trained on shuffled labels, in which there is nothing to find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from statistics import mean
from typing import Any

from scipy.stats import combine_pvalues

from brainleaks_pl.audit.association import least_association
from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.scores import (
    FALSE_POSITIVE,
    Cells,
    common_judges,
    judge_matrix,
    judged_values,
    made_nulls,
    mean_null,
)
from brainleaks_pl.audit.statistics import mean_intervals
from brainleaks_pl.reporting.text import listed

_FAMILY = 0.05
"""How often at most a sound audit is to say that its control failed."""


def control_rows(cells: Cells) -> list[dict[str, Any]]:
    """Return what judges see in the targets that were trained on shuffled labels, where there is nothing to find.

    ``association`` says how likely a judge is to tell the classes so well by chance: the seeds' p-values of a
    permutation test, combined by Fisher's method. ``at_null`` says that it is not below .05 divided by the number of
    targets, attacks and judges, so that all of them come out at the nulls in 95 of 100 sound audits; None where so few
    classes were attacked that it could not be.
    """
    rows: list[dict[str, Any]] = []
    groups = grouped(done(cells, "control"), "target", "attack")
    comparisons = sum(len(common_judges(own)) for _, own in groups)
    for (target, attack), own in groups:
        blind = {FALSE_POSITIVE: done(cells, "blind", target=target, attack=attack)}
        threshold = _FAMILY / comparisons
        tellable = _combined([least_association(len(cell["classes"])) for cell in own]) < threshold
        for judge in common_judges(own):
            chance = _combined([cell["judges"][judge]["association"] for cell in own])
            for metric in ("attack_accuracy", "confidence"):
                nulls = own[0]["judges"][judge]["nulls"]
                values = partial(judged_values, judge=judge, metric=metric)
                found = mean_intervals(judge_matrix(own, judge, metric))
                rows.append(
                    {
                        "target": target,
                        "attack": attack,
                        "judge": judge,
                        "metric": metric,
                        "mean": found.mean,
                        "low": found.fixed.low,
                        "high": found.fixed.high,
                        "null": max(
                            mean_null(own, judge, null, metric) for null in nulls if null not in ("class_mean", "real")
                        ),
                        FALSE_POSITIVE: made_nulls(blind, own[0]["classes"], values).get(FALSE_POSITIVE),
                        "association": chance,
                        "test_accuracy": mean(cell["test_accuracy"] for cell in own),
                        "seeds": len(own),
                        "at_null": chance >= threshold if tellable else None,
                    }
                )
    return rows


def control_sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the sentence on the control that comes before any verdict; nothing if none ran.

    Args:
        rows: what :func:`control_rows` returned.
    """
    if not rows:
        return ""
    names, attacks, judges = (list(dict.fromkeys(row[key] for row in rows)) for key in ("target", "attack", "judge"))
    accuracies = [row for row in rows if row["metric"] == "attack_accuracy"]
    what = f"{listed(names)}, trained on shuffled labels (test accuracy {_span(rows, 'test_accuracy')})"
    how = f"under {listed(attacks)}, by {f'all judges ({listed(judges)})' if len(judges) > 1 else judges[0]}"
    lost = [row for row in accuracies if row["at_null"] is False]
    if lost:
        where = "; ".join(
            f"{row['judge']} on {row['attack']} against {row['target']}: {row['mean']:.2f}, "
            f"p = {row['association']:.2g}"
            for row in lost
        )
        return (
            f"The planted control failed: judges recognise classes in {what}, which know none ({where}). Find out "
            "why before you trust what follows."
        )
    silent = [row for row in accuracies if row["at_null"] is None]
    if len(silent) == len(accuracies):
        return (
            f"The planted control says nothing: too few classes of {what}, were attacked to tell chance from a fault."
        )
    but = (
        ""
        if not silent
        else " Too few classes were attacked to tell for "
        + listed(dict.fromkeys(f"{row['attack']} on {row['target']}" for row in silent))
        + "."
    )
    figures = (
        f"attack accuracy {_span(accuracies, 'mean')}, nulls {_span(accuracies, 'null')}; "
        f"{len(accuracies)} comparisons, smallest p = {min(row['association'] for row in accuracies):.2g}"
    )
    return f"Planted control: {what}, came out at the nulls {how} ({figures}).{but}"


def _combined(values: Sequence[float]) -> float:
    """Return the p-value of several that are independent, by Fisher's method."""
    return float(combine_pvalues(values, method="fisher").pvalue) if len(values) > 1 else values[0]


def _span(rows: Sequence[Mapping[str, Any]], key: str) -> str:
    low, high = min(row[key] for row in rows), max(row[key] for row in rows)
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
