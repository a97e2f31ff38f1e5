"""Does a reconstruction reveal training data, or only the class?"""

from __future__ import annotations

from typing import Any

from brainleaks_pl.audit.grouping import done, grouped, mean
from brainleaks_pl.audit.report.intervals import READINGS, interval_plot
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.parts import Audit, Group, Section, Table
from brainleaks_pl.audit.report.scores import METRICS, metric_row
from brainleaks_pl.reporting.text import listed

_METRIC = "member_nearer"
_EVEN = 0.5
_SIDES = (
    (
        "nearer",
        "reconstructions are nearer to training images than to test images of their class, so some of what leaks is "
        "the training data themselves",
    ),
    (
        "even",
        "reconstructions are not shown to be nearer to training images than to test images of their class, so there is "
        "no sign that more than the class leaks",
    ),
    (
        "farther",
        "reconstructions are farther from training images than from test images of their class, so there is no sign "
        "that training data leak",
    ),
    (
        "alike",
        "the chance differs from a half, but not shown to be by more than for nulls without training data (real test "
        "images, noise, the same attack where the class was never seen). Training and test images may differ for "
        "another reason, and nothing shows that training data leak",
    ),
    (
        "unknown",
        "whether training data leak cannot be told, because that takes two seeds, two classes and real test images to "
        "compare with",
    ),
)


def members(audit: Audit, looks: Looks) -> Section:
    """Show whether reconstructions are nearer to training images than to test images of the same class."""
    rows = [row for row in audit["summary"] if row["metric"] == _METRIC]
    title, meaning = METRICS[_METRIC]
    lead = (
        "A reconstruction may show what all images of a class have in common, or what only the training images show. "
        "Test images of the class, which the network never saw, tell the two apart. All seeds share one division into "
        "training and test images, which may put either nearer by chance. The finding below therefore rests on the "
        "interval for other classes like these, and on the scores of nulls without training data."
    )
    if not rows:
        return Section(
            "members", "Training data or class?", lead, finding="The distance to test images was not measured."
        )
    plot = interval_plot(
        [metric_row(row, looks) for row in rows],
        title=title,
        label="chance that a training image is the nearest",
        alt=f"{title}: mean and both 95% intervals of each target and attack around a half, with the nulls",
        caption=f"Dashed: a half, where a training and a test image are equally likely to be the nearest. {READINGS}",
        reference=_EVEN,
    )
    nulls = list(dict.fromkeys(name for row in rows for name in row["nulls"]))
    keys = ("target", "attack", "mean", "low", "high", "sampled_low", "sampled_high", "seeds")
    table = Table(
        "Nearness to training images and test images of the class. The two distances are to the nearest of all images, "
        "and can be compared only if there are equally many of both",
        (*(key.replace("_", " ") for key in keys), "distance to training images", "distance to test images", 
         *(f"null: {name.replace('_', ' ')}" for name in nulls)),
        tuple(
            (*(row[key] for key in keys), *_distances(audit, row), *(row["nulls"].get(name) for name in nulls))
            for row in rows
        ),
    )  # fmt: skip
    return Section(
        "members",
        "Training data or class?",
        lead,
        groups=(Group(text=meaning, plots=(plot,), tables=(table,)),),
        finding=_finding(rows),
    )


def _distances(audit: Audit, row: dict[str, Any]) -> tuple[float | None, float | None]:
    """Return the mean distances of reconstructions to training and to test images of their class."""
    cells = done(audit["cells"], target=row["target"], attack=row["attack"])
    near = [entry for cell in cells for entry in cell["similarity"]]
    return (
        mean([entry["distance_member"] for entry in near]),
        mean([entry["distance_non_member"] for entry in near]),
    )


def _finding(rows: list[dict[str, Any]]) -> str:
    groups = {side: those for (side,), those in grouped([{**row, "side": _side(row)} for row in rows], "side")}
    words = []
    for side, meaning in _SIDES:
        if side in groups:
            whose = listed(f"{row['attack']} on {row['target']}" for row in groups[side])
            words.append(f"{whose}: {meaning}{_widest(groups[side])}.")
    return " ".join(words)


def _side(row: dict[str, Any]) -> str:
    """Return which of the sentences holds for a row."""
    low, high = row["sampled_low"], row["sampled_high"]
    if low is None or "real" not in row["nulls"]:
        return "unknown"
    if low <= _EVEN <= high:
        return "even"
    without = [value for null, value in row["nulls"].items() if null != "class_mean"]  # which is made of training data
    if low > max(_EVEN, *without):
        return "nearer"
    return "farther" if high < min(_EVEN, *without) else "alike"


def _widest(rows: list[dict[str, Any]]) -> str:
    """Return the ends of what the intervals of rows leave possible."""
    ends = [(row["sampled_low"], row["sampled_high"]) for row in rows if row["sampled_low"] is not None]
    if not ends:
        return ""
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return f" (95% interval{'s within' if len(ends) > 1 else ''} {low:.2f} to {high:.2f})"
