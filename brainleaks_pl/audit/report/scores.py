"""Sections about scores: the differences between targets, the scores themselves, and how far judges agree."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Audit, Group, Plot, Section, Strip, Table
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.plots import NULLS, Curve, Row, interval_plot, scatter_plot
from brainleaks_pl.reporting.text import short

METRICS = {
    "attack_accuracy": ("Attack accuracy", "Share of reconstructions that the judge takes for the attacked class."),
    "top3_accuracy": ("Top-3 accuracy", "Share of reconstructions whose attacked class is among the judge's first 3."),
    "confidence": ("Confidence", "How sure the judge is of the attacked class: 1 is certain."),
    "daa": (
        "DAA",
        "Share of classes whose own reconstruction, of all, resembles the class most. Noise passes it well above "
        "chance: read it beside the nulls.",
    ),
    "ssim_class_mean": (
        "Likeness to the class mean (SSIM)",
        "Structural similarity to the mean training image of the class: 1 is equal. No judge takes part.",
    ),
    "ssim_nearest": (
        "Likeness to the nearest training image (SSIM)",
        "Structural similarity to the training image of the class that lies nearest: 1 is equal.",
    ),
}
"""Title and meaning of each metric."""

_MOST_APART = 12


def blind_networks(audit: Audit, role: str) -> list[str]:
    """Return the ``targets`` or ``judges`` that recognise test data no better than chance, with one seed at least."""
    return [name for name, network in audit[role].items() if any(network.get("at_chance", ()))]


def metric_title(metric: str) -> str:
    """Return a metric in words."""
    return METRICS.get(metric, (metric.replace("_", " "), ""))[0]


def differences(audit: Audit, looks: Looks) -> Group:
    """Show by how much one target gives away more than another."""
    rows = audit["differences"]
    plots = []
    for (first, second, metric), those in grouped(rows, "first", "second", "metric"):
        lines = [
            Row(
                label(row["attack"], row["judge"]),
                row["difference"],
                row["low"],
                row["high"],
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
                alt=f"{title}, one line an attack and judge, with 95% intervals around 0",
                caption=f"Right of 0 {first} gives away more, left of it {second}. Bars: 95% intervals. "
                "Filled: a difference is shown; hollow: none is.",
                difference=True,
            )
        )
    header = ("attack", "first", "second", "judge", "metric", "difference", "low", "high", "shown")
    table = Table(
        "Differences between targets, with 95% intervals",
        header,
        tuple((_attack_words(row), *(row[key] for key in header[1:])) for row in rows),
    )
    return Group(plots=tuple(plots), tables=(table,) if rows else ())


def scores(audit: Audit, looks: Looks) -> Section:
    """Show every metric of every target, attack and judge beside the nulls."""
    summary = audit["summary"]
    groups = []
    for (metric,), rows in grouped(summary, "metric"):
        title, meaning = METRICS.get(metric, (metric_title(metric), ""))
        plots = []
        for (judge,), those in grouped(rows, "judge"):
            lines = [
                Row(
                    label(row["target"], row["attack"]),
                    row["mean"],
                    row["low"],
                    row["high"],
                    looks.colour(row["attack"]),
                    looks.marker(row["target"]),
                    nulls=row["nulls"],
                )
                for row in those
            ]
            whose = f"judge {judge}" if judge is not None else "no judge"
            plots.append(
                interval_plot(
                    lines,
                    title=short(whose, 40),
                    label=title,
                    alt=f"{title}, {whose}: mean and 95% interval of each target and attack, beside the nulls",
                    caption=f"{title}, {whose}",
                )
            )
        groups.append(Group(title, meaning, plots=tuple(plots)))
    names = list(dict.fromkeys(name for row in summary for name in row["nulls"]))
    keys = ("target", "attack", "judge", "metric", "mean", "low", "high", "seeds")
    blind = [(key, name) for key in ("target", "judge") for name in blind_networks(audit, f"{key}s")]
    table = Table(
        "All scores",
        (*keys, *(_null_words(name) for name in names), *(("remark",) if blind else ())),
        tuple(
            (
                *(row[key] for key in keys),
                *(row["nulls"].get(name) for name in names),
                *((", ".join(f"{key} at chance" for key, name in blind if row[key] == name),) if blind else ()),
            )
            for row in summary
        ),
    )
    notes = []
    if blind:
        words = ", ".join(f"the {key} {name}" for key, name in blind)
        notes.append(f"No better than chance on test data, so that scores of it, or by it, say nothing: {words}.")
    if any(row["low"] is None for row in summary):
        notes.append("Where no interval is drawn, none could be computed: one seed says nothing of chance.")
    return Section(
        "scores",
        "Scores",
        "One line is one attack on one target: the marker is the mean over seeds and classes, the bar its 95% "
        "interval. Grey marks are what inputs without any attack score (noise, an empty input, the plain class mean, "
        "real samples): an attack has learnt something where it lies well above noise.",
        tuple(notes),
        (*groups, Group("All scores in one table", tables=(table,))) if summary else (),
    )


def agreement(audit: Audit, looks: Looks, gallery: Gallery) -> Section:
    """Show how far the judges see the same in the same reconstructions."""
    rows = audit["agreement"]
    lead = (
        "Every judge looked at the same reconstructions. Where they agree, points lie near the diagonal, and the "
        "score says something of the picture; where only one of them sees the class, the picture may merely please "
        "that judge."
    )
    if not rows:
        return Section("agreement", "Do the judges agree?", lead, ("One judge alone has nobody to agree with.",))
    header = ("target", "attack", "first judge", "second judge", "same verdict", "correlation")
    keys = ("target", "attack", "first", "second", "same_verdict", "correlation")
    table = Table("Agreement of judges", header, tuple(tuple(row[key] for key in keys) for row in rows))
    plots = [_scatter(audit, looks, first, second) for (first, second), _ in grouped(rows, "first", "second")]
    return Section(
        "agreement",
        "Do the judges agree?",
        lead,
        tuple(_agreement_words(rows)),
        (
            Group(plots=tuple(plots), tables=(table,)),
            Group(
                "Where they are widest apart",
                f"At most {_MOST_APART} reconstructions, those with the largest gap between two judges' confidences.",
                strips=tuple(_widest_apart(audit, rows, gallery)),
            ),
        ),
    )


def _scatter(audit: Audit, looks: Looks, first: str, second: str) -> Plot:
    curves = []
    for (target, attack), cells in grouped(done(audit["cells"]), "target", "attack"):
        both = [cell["judges"] for cell in cells if {first, second} <= cell["judges"].keys()]
        x, y = ([row["confidence"] for judges in both for row in judges[name]["per_class"]] for name in (first, second))
        curves.append(Curve(label(target, attack), x, y, looks.colour(attack), looks.marker(target), ""))
    return scatter_plot(
        curves,
        first,
        second,
        alt=f"Confidence of the judge {second} against that of {first}, one point a reconstruction",
        caption=f"{second} against {first}: one point is one class of one seed",
    )


def _agreement_words(rows: Sequence[dict[str, Any]]) -> list[str]:
    words = []
    for (first, second), those in grouped(rows, "first", "second"):
        worst = min(those, key=lambda row: row["same_verdict"])
        mean = sum(row["same_verdict"] for row in those) / len(those)
        share = f"{first} and {second} give the same verdict on {mean:.0%} of the reconstructions"
        if worst["same_verdict"] >= 0.9:
            words.append(f"{share}, and on no less than {worst['same_verdict']:.0%} for any target and attack.")
        else:
            words.append(
                f"{share}. They differ most on {worst['target']} under {worst['attack']}: on "
                f"{1 - worst['same_verdict']:.0%} of these, only one of the two puts the class first."
            )
    return words


def _widest_apart(audit: Audit, rows: Sequence[dict[str, Any]], gallery: Gallery) -> Iterable[Strip]:
    cells = {(cell["target"], cell["attack"], cell["seed"]): cell for cell in done(audit["cells"])}
    cases = [(row, case) for row in rows for case in row["disagree"]]
    cases.sort(key=lambda pair: -abs(pair[1]["confidence"][0] - pair[1]["confidence"][1]))
    for row, case in cases[:_MOST_APART]:
        cell = cells.get((row["target"], row["attack"], case["seed"]))
        first, second = case["confidence"]
        yield Strip(
            f"{row['attack']} on {row['target']}: {gallery.class_name(case['class'])}",
            f"seed {case['seed']} · {row['first']} {first:.2f}, {row['second']} {second:.2f}",
            gallery.pictures(cell, case["class"], moving=False) if cell else (),
        )


def _attack_words(row: dict[str, Any]) -> str:
    if row["attack"] != "strongest" or row.get("first_attack") is None:
        return str(row["attack"])
    return f"strongest ({row['first_attack']}, {row['second_attack']})"


def _null_words(name: str) -> str:
    return f"null: {NULLS.get(name, (name,))[0]}"
