"""By how much one target leaks more than another: overall, by seed and by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from brainleaks_pl.audit.differences import STRONGEST
from brainleaks_pl.audit.grouping import grouped
from brainleaks_pl.audit.report.intervals import READINGS, Row, Spread, interval_plot, spread_plot
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Audit, Group, Plot, Section, Table, Value
from brainleaks_pl.audit.report.scores import metric_title
from brainleaks_pl.audit.report.words import counted
from brainleaks_pl.audit.scores import ALL_JUDGES
from brainleaks_pl.reporting.text import short

_WHOSE = ("attack", "first", "second", "judge", "metric")


def differences(audit: Audit, looks: Looks, class_name: Callable[[int], str]) -> Section:
    """Show by how much one target leaks more than another.

    Args:
        audit: the content of ``audit.json``.
        looks: colours and markers.
        class_name: returns a class in words.
    """
    rows = audit["differences"]
    if not rows:
        return Section(
            "differences",
            "Differences",
            "The plots show by how much one target leaks more than another.",
            finding="There are no two targets that can be compared, so no differences are shown.",
        )
    leading = leading_rows(rows)
    spread = tuple(
        plot
        for (first, second, metric), those in grouped(leading, "first", "second", "metric")
        for plot in (_by_seed(those, looks, first, second, metric), _by_class(those, looks, first, second, class_name))
    )
    return Section(
        "differences",
        "Differences",
        "The plots show by how much one target leaks more than another. The thick bar is the 95% interval over seeds, "
        "for exactly these classes: if it contains 0, no difference is shown. The thin line is the interval for other "
        "classes like these, which is wider if a few classes account for the difference.",
        groups=(
            Group(plots=tuple(_intervals(rows, looks)), tables=(_table(rows),)),
            Group(
                "By seed and by class",
                "The same differences in detail: one dot per seed, then one dot per class. The upright stroke is their "
                "mean. A difference shared by all seeds and most classes says more than one that comes from a single "
                "class. The class without which the mean changes most is ringed and named.",
                plots=spread,
                tables=(_seed_table(rows), _class_table(rows, class_name)),
            ),
        ),
        finding=" ".join(
            _sentence(row, class_name)
            for row in leading
            if row["attack"] == STRONGEST and row["metric"] == "confidence"
        )
        or "No attack on one target can be compared with one on another in confidence.",
    )


def leading_rows(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the differences that the verdict rests on: by all judges together, or by the only one."""
    together = [row for row in rows if row["judge"] == ALL_JUDGES]
    return together or list(rows)


def _intervals(rows: Sequence[dict[str, Any]], looks: Looks) -> list[Plot]:
    plots = []
    for (first, second, metric), those in grouped(rows, "first", "second", "metric"):
        lines = [
            Row(
                label(row["attack"], row["judge"]),
                row["difference"],
                row["low"],
                row["high"],
                row["sampled_low"],
                row["sampled_high"],
                looks.colour(row["attack"]),
                filled=bool(row["shown"]),
            )
            for row in those
        ]
        title = f"{metric_title(metric)}: {short(first, 14)} minus {short(second, 14)}"
        plots.append(
            interval_plot(
                lines,
                title=title,
                label="difference",
                alt=f"{title}, one line per attack and judge, with both 95% intervals around 0",
                caption=f"Right of 0, {first} leaks more; left of it, {second}. {READINGS} Filled markers: a "
                "difference is shown for these classes; hollow markers: none is.",
                difference=True,
            )
        )
    return plots


def _by_seed(rows: Sequence[dict[str, Any]], looks: Looks, first: str, second: str, metric: str) -> Plot:
    title = f"{metric_title(metric)} by seed: {short(first, 12)} minus {short(second, 12)}"
    return spread_plot(
        [Spread(label(row["attack"]), row["by_seed"], looks.colour(row["attack"])) for row in rows],
        title=title,
        label="difference",
        alt=f"{title}, one dot per seed, one line per attack",
        caption=f"One dot per seed, judge: {rows[0]['judge']}. The stroke is the mean.",
    )


def _by_class(
    rows: Sequence[dict[str, Any]], looks: Looks, first: str, second: str, class_name: Callable[[int], str]
) -> Plot:
    title = f"{metric_title(rows[0]['metric'])} by class: {short(first, 12)} minus {short(second, 12)}"
    lines = []
    for row in rows:
        by_class = {entry["class"]: entry["difference"] for entry in row["by_class"]}
        marked = None
        if row["without"] is not None:
            left_out = row["without"]["class"]
            marked = by_class[left_out], class_name(left_out)
        lines.append(Spread(label(row["attack"]), list(by_class.values()), looks.colour(row["attack"]), marked))
    return spread_plot(
        lines,
        title=title,
        label="difference",
        alt=f"{title}, one dot per class, one line per attack",
        caption=f"One dot per class, judge: {rows[0]['judge']}. Ringed: the class without which the mean changes most.",
    )


def _table(rows: Sequence[dict[str, Any]]) -> Table:
    keys = ("difference", "low", "high", "shown", "sampled_low", "sampled_high", "sampled_shown")
    return Table(
        "Differences between targets, with 95% intervals for these classes and for others like them (sampled)",
        (*_WHOSE, *(key.replace("_", " ") for key in keys)),
        tuple((*_whose(row), *(row[key] for key in keys)) for row in rows),
    )


def _seed_table(rows: Sequence[dict[str, Any]]) -> Table:
    seeds = sorted({seed for row in rows for seed in row["seeds"]})
    found = [dict(zip(row["seeds"], row["by_seed"], strict=True)) for row in rows]
    return Table(
        "Differences by seed",
        (*_WHOSE, *(f"seed {seed}" for seed in seeds)),
        tuple((*_whose(row), *map(own.get, seeds)) for row, own in zip(rows, found, strict=True)),
    )


def _class_table(rows: Sequence[dict[str, Any]], class_name: Callable[[int], str]) -> Table:
    classes = list(dict.fromkeys(entry["class"] for row in rows for entry in row["by_class"]))
    lines: list[tuple[Value, ...]] = []
    for row in rows:
        own = {entry["class"]: entry["difference"] for entry in row["by_class"]}
        without = row["without"]
        left_out: tuple[Value, ...] = (None,) * 4
        if without is not None:
            left_out = (class_name(without["class"]), *(without[key] for key in ("difference", "low", "high")))
        lines.append((*_whose(row), *left_out, *map(own.get, classes)))
    return Table(
        "Differences by class, and the difference without the class that changes the mean most",
        (*_WHOSE, "left out", "without it", "low", "high", *map(class_name, classes)),
        tuple(lines),
    )


def _sentence(row: dict[str, Any], class_name: Callable[[int], str]) -> str:
    first, second, sign = row["first"], row["second"], -1 if row["difference"] < 0 else 1
    seeds = sum(sign * value > 0 for value in row["by_seed"])
    classes = sum(sign * entry["difference"] > 0 for entry in row["by_class"])
    words = [
        f"Under the strongest attacks, {first} leaks {'more' if sign > 0 else 'less'} than {second} on "
        f"{seeds} of {counted(len(row['by_seed']), 'seed')} and for {classes} of "
        f"{counted(len(row['by_class']), 'class')}: {row['difference']:+.3f} on average, {_shown(row)}."
    ]
    if (without := row["without"]) is not None:
        interval = "" if without["low"] is None else f" (95% interval {without['low']:+.3f} to {without['high']:+.3f})"
        words.append(
            f"Without {class_name(without['class'])}, which changes the mean most, it is "
            f"{without['difference']:+.3f}{interval}."
        )
    return " ".join(words)


def _shown(row: dict[str, Any]) -> str:
    if row["low"] is None:
        return "without an interval, because one seed is too few for one"
    if row["shown"]:
        return "shown for these classes " + ("and for others like them" if row["sampled_shown"] else "only")
    return "which is not shown"


def _whose(row: dict[str, Any]) -> tuple[Value, ...]:
    attack = str(row["attack"])
    if attack == STRONGEST and row.get("first_attack") is not None:
        attack = f"{STRONGEST} ({row['first_attack']}, {row['second_attack']})"
    return (attack, *(row[key] for key in _WHOSE[1:]))
