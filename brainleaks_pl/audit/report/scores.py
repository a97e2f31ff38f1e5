"""The scores of every target, attack and judge, with the nulls to compare them with."""

from __future__ import annotations

from typing import Any

from brainleaks_pl.audit.grouping import grouped, mean
from brainleaks_pl.audit.report.intervals import NULLS, READINGS, Row, interval_plot
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Audit, Group, Plot, Section, Table, Value
from brainleaks_pl.audit.report.words import counting_judges, null_confidence
from brainleaks_pl.reporting.text import listed, short

METRICS = {
    "attack_accuracy": ("Attack accuracy", "Share of reconstructions that the judge takes for the attacked class."),
    "top3_accuracy": ("Top-3 accuracy", "Share of reconstructions whose attacked class is among the judge's first 3."),
    "confidence": ("Confidence", "How sure the judge is of the attacked class: 1 is certain."),
    "daa": (
        "DAA",
        "Share of classes for which, of all reconstructions, their own resembles the class most. Noise scores well "
        "above chance, so compare with the nulls.",
    ),
    "ssim_class_mean": (
        "Likeness to the class mean (SSIM)",
        "Structural similarity to the mean training image of the class: 1 is equal. No judge takes part.",
    ),
    "ssim_nearest": (
        "Likeness to the nearest training image (SSIM)",
        "Structural similarity to the training image of the class that lies nearest: 1 is equal.",
    ),
    "identified": (
        "Identified (rank 1)",
        "Share of reconstructions that are nearer to images of the attacked class than to those of any other class. No "
        "network takes part.",
    ),
    "verified": (
        "Verified at a false acceptance rate of 1%",
        "Share of reconstructions accepted as images of the attacked class where 1% of the images of other classes "
        "would be. No network takes part.",
    ),
    "member_nearer": (
        "Nearer to training images than to test images",
        "The chance that, of equally many training and test images of its class drawn at random, a training image is "
        "the nearest to a reconstruction: .5 says nothing about the training data. No network takes part.",
    ),
}
"""Title and meaning of each metric."""

_IN_THE_TABLE = ("top3_accuracy", "daa", "member_nearer")
"""Metrics without a plot here: the first two add little to the others, the last has a section of its own."""


def blind_networks(audit: Audit, role: str) -> list[str]:
    """Return the ``targets`` or ``judges`` that recognise test data no better than chance, on at least one seed."""
    return [name for name, network in audit[role].items() if any(network.get("at_chance", ()))]


def metric_title(metric: str) -> str:
    """Return a metric in words."""
    return METRICS.get(metric, (metric.replace("_", " "), ""))[0]


def metric_row(row: dict[str, Any], looks: Looks) -> Row:
    """Return a row of the audit's summary as a line of a plot."""
    return Row(
        label(row["target"], row["attack"]),
        row["mean"],
        row["low"],
        row["high"],
        row["sampled_low"],
        row["sampled_high"],
        looks.colour(row["attack"]),
        looks.marker(row["target"]),
        nulls=row["nulls"],
    )


def scores(audit: Audit, looks: Looks) -> Section:
    """Show every metric of every target, attack and judge, with the nulls."""
    summary = audit["summary"]
    groups = []
    for (metric,), rows in grouped(summary, "metric"):
        if metric not in _IN_THE_TABLE:
            title, meaning = METRICS.get(metric, (metric_title(metric), ""))
            plots = tuple(_plot(those, looks, title, judge) for (judge,), those in grouped(rows, "judge"))
            groups.append(Group(title, meaning, plots=plots))
    return Section(
        "scores",
        "Scores",
        f"One line is one attack on one target; the marker is the mean over seeds and classes. {READINGS} Below each "
        "line are the nulls: what is scored in the same way although no attack found it in the network. Grey marks "
        "are inputs without any attack: noise, an empty input, the class mean, real samples, and for attacks with a "
        "prior the prior alone. Dark marks (a triangle, a plus sign) may look like a leak and are none: the same "
        "attack on a network that never saw the class, and adversarial examples, which are images of another class "
        "changed a little until the target takes them for this one. An attack has found something if it lies well "
        "above noise, above the prior alone, and above the dark marks.",
        tuple(_notes(audit)),
        (*groups, Group("All scores in one table", "Top-3 accuracy and DAA as well.", tables=(_table(audit),)))
        if summary
        else (),
        _finding(audit),
    )


def _plot(rows: list[dict[str, Any]], looks: Looks, title: str, judge: str | None) -> Plot:
    whose = "no judge" if judge is None else f"judge {judge}"
    return interval_plot(
        [metric_row(row, looks) for row in rows],
        title=short(whose, 40),
        label=title,
        alt=f"{title}, {whose}: mean and both 95% intervals of each target and attack, with the nulls",
        caption=f"{title}, {whose}.",
    )


def _table(audit: Audit) -> Table:
    summary = audit["summary"]
    names = list(dict.fromkeys(name for row in summary for name in row["nulls"]))
    keys = ("target", "attack", "judge", "metric", "mean", "low", "high", "sampled_low", "sampled_high", "seeds")
    remarks = [_remark(audit, row) for row in summary]
    return Table(
        "All scores",
        (
            *(key.replace("_", " ") for key in keys),
            *(f"null: {NULLS.get(name, (name,))[0]}" for name in names),
            *(("remark",) if any(remarks) else ()),
        ),
        tuple(
            (
                *(row[key] for key in keys),
                *(row["nulls"].get(name) for name in names),
                *((remark,) if any(remarks) else ()),
            )
            for row, remark in zip(summary, remarks, strict=True)
        ),
    )


def _remark(audit: Audit, row: dict[str, Any]) -> Value:
    words = [f"{role} at chance" for role in ("target", "judge") if row[role] in blind_networks(audit, f"{role}s")]
    if row["judge"] in _uncounted(audit):
        words.append("judge does not count")
    return ", ".join(words)


def _uncounted(audit: Audit) -> list[str]:
    """Return the judges that do not count, except those at chance, which have a note of their own."""
    blind = blind_networks(audit, "judges")
    return [name for name, judge in audit["judges"].items() if not judge["counts"] and name not in blind]


def _notes(audit: Audit) -> list[str]:
    notes = []
    blind = [(role, name) for role in ("target", "judge") for name in blind_networks(audit, f"{role}s")]
    if blind:
        words = ", ".join(f"the {role} {name}" for role, name in blind)
        notes.append(f"No better than chance on test data, so that scores of it or by it say nothing: {words}.")
    for name in _uncounted(audit):
        reason = str(audit["judges"][name]["why_not"] or "no reason is given").rstrip(".")
        notes.append(f"The judge {name} does not count in the verdict: {reason}.")
    if any(row["low"] is None for row in audit["summary"]):
        notes.append("Where no interval is drawn, none could be computed: one seed is too few.")
    return notes


def _finding(audit: Audit) -> str:
    """Return the strongest attack on each target, and the nulls to compare its score with."""
    judges = counting_judges(audit)
    rows = [row for row in audit["summary"] if row["metric"] == "confidence" and row["judge"] in judges]
    words = []
    for (target,), those in grouped(rows, "target"):
        reached = {attack: mean([row["mean"] for row in own]) or 0.0 for (attack,), own in grouped(those, "attack")}
        attack = max(reached, key=lambda name: reached[name])
        levels = [
            f"{NULLS[null][0] if null != 'false_positive' else 'the same attack on a network that never saw the class'}"
            f" {level:.2f}"
            for null in ("noise", "prior_alone", "false_positive", "adversarial", "real")
            if (level := null_confidence(audit, target, attack, null)) is not None
        ]
        compared = f"; for comparison, {listed(levels)}" if levels else ""
        words.append(f"In {target}, {attack} finds most: a mean confidence of {reached[attack]:.2f}{compared}.")
    return " ".join(words) or "There are no scores to show."
