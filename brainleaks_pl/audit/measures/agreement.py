"""Whether judges agree about the same reconstructions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import StatisticsError, correlation, mean
from typing import Any

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.measures.base import Document, Findings, Measure
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Group, Plot, Section, Strip, Table
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.plots import Curve, scatter_plot

WIDEST = 5
"""How many of the reconstructions on which two judges differ most are listed."""
_LITTLE = 0.8
_MOST_APART = 12
_PLOTTED = 3  # pairs of judges, those that agree least


@dataclass(frozen=True)
class Agreement(Measure):
    """How far each pair of judges agrees about the same reconstructions.

    Examples:
        Two judges who agree on three of four reconstructions:

        >>> from brainleaks_pl.audit import Agreement
        >>> from brainleaks_pl.audit.measures.agreement import judges_agree
        >>> def said(*ranks):
        ...     rows = [{"class": k, "rank": rank, "confidence": 1 / rank} for k, rank in enumerate(ranks)]
        ...     return {"per_class": rows}
        >>> cell = {"seed": 0, "judges": {"cnn": said(1, 1, 2, 1), "mlp": said(1, 4, 3, 1)}}
        >>> judges_agree([cell], "cnn", "mlp")["same_verdict"]
        0.75
        >>> Agreement().warnings([], {"judges": {}})
        []
    """

    def summarise(self, found: Findings) -> list[dict[str, Any]]:
        """Return :func:`judges_agree` for each target, attack and pair of judges."""
        return [
            {"target": target, "attack": attack, **row}
            for (target, attack), own in grouped(done(found.cells), "target", "attack")
            for first, second in combinations(found.judges, 2)
            if (row := judges_agree(own, first, second)) is not None
        ]

    def warnings(self, summary: list[dict[str, Any]], audit: Document) -> list[str]:
        """Say how many pairs of judges disagree about many of an attack's reconstructions, and which do so most."""
        counting = [name for name, judge in audit["judges"].items() if judge["counts"]]
        pairs = _pairs([row for row in summary if {row["first"], row["second"]} <= set(counting)])
        worst = [min(rows, key=lambda row: float(row["same_verdict"])) for _, rows in pairs]
        apart = [row for row in worst if row["same_verdict"] < _LITTLE]
        if not apart:
            return []
        row = min(apart, key=lambda row: float(row["same_verdict"]))
        return [
            f"{len(apart)} of {len(pairs)} pairs of judges disagree about more than {1 - _LITTLE:.0%} of an attack's "
            f"reconstructions. {row['first']} and {row['second']} do so most: about {1 - row['same_verdict']:.0%} of "
            f"those of {row['attack']} on {row['target']}."
        ]

    def section(self, summary: list[dict[str, Any]], audit: Document, looks: Looks, gallery: Gallery) -> Section:
        """Show how far the judges agree about the same reconstructions."""
        lead = (
            "Every judge saw the same reconstructions. Where judges agree, points lie near the diagonal, and the score "
            "says something about the picture. Where only one of them sees the class, the picture may merely suit that "
            "judge."
        )
        if not summary:
            finding = "There is only one judge, so there is no agreement to measure."
            return Section("agreement", "Do the judges agree?", lead, finding=finding)
        header = ("target", "attack", "first judge", "second judge", "same verdict", "correlation")
        keys = ("target", "attack", "first", "second", "same_verdict", "correlation")
        table = Table("Agreement of judges", header, tuple(tuple(row[key] for key in keys) for row in summary))
        least = sorted(_pairs(summary), key=lambda pair: mean(row["same_verdict"] for row in pair[1]))[:_PLOTTED]
        plots = [_scatter(audit, looks, first, second) for (first, second), _ in least]
        return Section(
            "agreement",
            "Do the judges agree?",
            lead,
            groups=(
                Group(
                    text=f"The plots show the pairs of judges that agree least, {_PLOTTED} at most.",
                    plots=tuple(plots),
                    tables=(table,),
                ),
                Group(
                    "Where they differ most",
                    f"The reconstructions with the largest gap between two judges' confidences, {_MOST_APART} at most.",
                    strips=tuple(_widest_apart(audit, summary, gallery)),
                ),
            ),
            finding=_finding(summary),
        )


def judges_agree(cells: Sequence[Mapping[str, Any]], first: str, second: str) -> dict[str, Any] | None:
    """Return how far two judges agree on the reconstructions of one attack on one target.

    Args:
        cells: the finished cells of the attack, one per seed.
        first: name of a judge.
        second: name of another.

    Returns:
        ``same_verdict``, the share of reconstructions whose class both judges, or neither, see first; ``correlation``,
        Pearson's, of their confidences (None where one of them says the same of all); ``disagree``, up to five
        reconstructions, the widest apart first. None where no cell was scored by both.
    """
    pairs = [
        (cell["seed"], one, other)
        for cell in cells
        if first in cell["judges"] and second in cell["judges"]
        for one, other in zip(cell["judges"][first]["per_class"], cell["judges"][second]["per_class"], strict=True)
    ]
    if not pairs:
        return None
    confidences = [(one["confidence"], other["confidence"]) for _, one, other in pairs]
    try:
        linear = correlation(*zip(*confidences, strict=True))
    except StatisticsError:
        linear = None
    apart = sorted(pairs, key=lambda pair: abs(pair[1]["confidence"] - pair[2]["confidence"]), reverse=True)
    return {
        "first": first,
        "second": second,
        "same_verdict": sum((one["rank"] == 1) == (other["rank"] == 1) for _, one, other in pairs) / len(pairs),
        "correlation": linear,
        "disagree": [
            {"seed": seed, "class": one["class"], "confidence": [one["confidence"], other["confidence"]]}
            for seed, one, other in apart[:WIDEST]
        ],
    }


def _scatter(audit: Document, looks: Looks, first: str, second: str) -> Plot:
    curves = []
    for (target, attack), cells in grouped(done(audit["cells"]), "target", "attack"):
        both = [cell["judges"] for cell in cells if {first, second} <= cell["judges"].keys()]
        x, y = ([row["confidence"] for judges in both for row in judges[name]["per_class"]] for name in (first, second))
        curves.append(Curve(label(target, attack), x, y, looks.colour(attack), looks.marker(target), ""))
    return scatter_plot(
        curves,
        first,
        second,
        alt=f"Confidence of the judge {second} against that of {first}, one point per reconstruction",
        caption=f"{second} against {first}: one point is one class of one seed.",
    )


def _finding(rows: Sequence[dict[str, Any]]) -> str:
    """Return how far judges agree on average, which two agree least, and where these differ most."""
    shares = {pair: sum(row["same_verdict"] for row in own) / len(own) for pair, own in _pairs(rows)}
    first, second = least = min(shares, key=lambda pair: shares[pair])
    worst = min(dict(_pairs(rows))[least], key=lambda row: row["same_verdict"])
    words = f"{first} and {second} give the same verdict on {shares[least]:.0%} of the reconstructions"
    if len(shares) > 1:
        average = sum(shares.values()) / len(shares)
        words = (
            f"On average, two judges give the same verdict on {average:.0%} of the reconstructions. The pair that "
            f"does so least often is {first} and {second}, on {shares[least]:.0%}"
        )
    if worst["same_verdict"] >= 0.9:
        return f"{words}, and on no less than {worst['same_verdict']:.0%} for any target and attack."
    return (
        f"{words}. They differ most for {worst['attack']} on {worst['target']}: for {1 - worst['same_verdict']:.0%} of "
        "these, only one of the two puts the class first."
    )


def _pairs(rows: Sequence[dict[str, Any]]) -> list[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    return grouped(rows, "first", "second")


def _widest_apart(audit: Document, rows: Sequence[dict[str, Any]], gallery: Gallery) -> Iterable[Strip]:
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
