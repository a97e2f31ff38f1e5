"""What a setting of the network changes for the attacker and for its owner."""

from __future__ import annotations

from typing import Any

from brainleaks_pl.audit.grouping import grouped, mean
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Audit, Group, Plot, Section, Table, Value
from brainleaks_pl.audit.report.plots import Curve, stacked_plot
from brainleaks_pl.audit.report.words import share_of_seeds
from brainleaks_pl.reporting.text import short


def sweep(audit: Audit, looks: Looks) -> Section:
    """Show what a setting of the network changes for the attacker and for its owner."""
    rows = audit["sweep"]
    plots = tuple(
        _price(those, looks, target, parameter) for (parameter, target), those in grouped(rows, "parameter", "target")
    )
    header = (
        "target",
        "parameter",
        "value",
        "attack",
        "judge",
        "attack_accuracy",
        "confidence",
        "test_accuracy",
        "seeds",
    )
    table = Table(
        "The sweep",
        tuple(key.replace("_", " ") for key in header),
        tuple(tuple(_plain(row[key]) for key in header) for row in rows),
    )
    return Section(
        "sweep",
        "The price of privacy",
        "One setting of the network at a time was changed, the network trained anew and attacked again. A setting is "
        "worth having where the upper panels fall, so that attacks find less, and the lowest, the network's own test "
        "accuracy, does not.",
        groups=(Group(plots=plots, tables=(table,)),) if rows else (),
        finding=_finding(audit) if rows else "No sweep was run.",
    )


def _finding(audit: Audit) -> str:
    seeds = [row["seeds"] for row in audit["sweep"]]
    words = f"Each row rests on {share_of_seeds(audit, seeds)}."
    if min(seeds) == 1:
        words += " With one seed, a difference between two values of a setting may be chance."
    return words


def _price(rows: list[dict[str, Any]], looks: Looks, target: str, parameter: str) -> Plot:
    values = list(dict.fromkeys(_plain(row["value"]) for row in rows))
    if all(isinstance(value, int | float) for value in values):
        values.sort(key=lambda value: float(value or 0))
    panels: dict[str, list[Curve]] = {"attack accuracy": [], "confidence": [], "test accuracy": []}
    for (attack, judge), those in grouped(rows, "attack", "judge"):
        for metric in ("attack_accuracy", "confidence"):
            panels[metric.replace("_", " ")].append(
                Curve(
                    label(attack, judge),
                    range(len(values)),
                    [mean([row[metric] for row in those if _plain(row["value"]) == value]) for value in values],
                    looks.colour(attack),
                    looks.marker(target),
                    looks.judge_line(judge),
                )
            )
    accuracies = [mean([row["test_accuracy"] for row in rows if _plain(row["value"]) == value]) for value in values]
    panels["test accuracy"].append(Curve("test accuracy", range(len(values)), accuracies, marker=looks.marker(target)))
    return stacked_plot(
        panels,
        [f"{value:g}" if isinstance(value, float) else str(value) for value in values],
        title=f"{short(target)}: {short(parameter)}",
        x_label=short(parameter),
        alt=f"Attack accuracy, confidence and test accuracy of {target} against {parameter}",
        caption=f"{parameter} of {target}; values are evenly spaced",
    )


def _plain(value: Any) -> Value:
    return value if value is None or isinstance(value, str | int | float) else str(value)
