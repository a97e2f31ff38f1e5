"""How a setting of the network changes what attackers find, and what it costs in accuracy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import TYPE_CHECKING, Any

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.measures.base import Document, Findings, Measure, Planned
from brainleaks_pl.audit.plan import Cell, Variant, check_known, hashable, is_chosen
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Group, Plot, Section, Table, Value
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.plots import Curve, stacked_plot
from brainleaks_pl.audit.report.words import counting_judges, share_of_seeds
from brainleaks_pl.audit.scores import Cells, beside, common_judges, mean_scores, same_seeds
from brainleaks_pl.reporting.text import short

if TYPE_CHECKING:
    from brainleaks_pl.audit.definition import Audit

KIND = "sweep"
"""What its cells are for."""


@dataclass(frozen=True)
class Sweep(Measure):
    """Variants of one target, each trained again: how the leak changes, and what that costs in accuracy.

    Args:
        target: name of the target.
        attacks: names of the attacks on its variants.
        values: by argument of the target, or ``time_steps`` for the encoder's T, the values it takes one at a time.
        seeds: of the audit's; None takes the first.

    Examples:
        Two other decays of the membrane, and another number of time steps:

        >>> from brainleaks_pl import BrainLeaksV1
        >>> from brainleaks_pl.audit import Audit, Planned, Sweep
        >>> sweep = Sweep(target="snn", attacks=["v1"], values={"beta": [0.5, 0.9], "time_steps": [10]})
        >>> targets, attacks = {"snn": lambda: network}, {"v1": BrainLeaksV1}
        >>> audit = Audit(data, targets, attacks=attacks, measures={"sweep": sweep})
        >>> sweep.check(audit)
        >>> planned = Planned(audit, {"snn": network}, {"snn": ["v1"]})
        >>> [cell.name for cell in sweep.cells(0, planned)]
        ['seed0-snn-beta-0.5-v1', 'seed0-snn-beta-0.9-v1', 'seed0-snn-time_steps-10-v1']
    """

    target: str | None = None
    attacks: list[str] = field(default_factory=list)
    values: dict[str, list[Any]] = field(default_factory=dict)
    seeds: list[int] | None = None

    def check(self, audit: Audit) -> None:
        """See that names are known, and that no value comes twice."""
        if self.values and self.target is None:
            raise ValueError("values without target: name the target whose variants are to be attacked.")
        check_known("target", [] if self.target is None else [self.target], audit.targets)
        check_known("attacks", self.attacks, audit.attacks)
        check_known("seeds", self.seeds, audit.seeds)
        for parameter, values in self.values.items():
            if len({repr(value) for value in values}) < len(values) or any(
                value in values[:place] for place, value in enumerate(values)
            ):
                raise ValueError(f"values gives {parameter} a value twice: {values}.")
            for value in values:
                parts = value if isinstance(value, list) else [value]
                if any(isinstance(part, list | dict) for part in parts):
                    raise ValueError(f"values takes numbers, names and lists of them, got {value} for {parameter}.")

    def cells(self, seed: int, planned: Planned) -> list[Cell]:
        """Return the attacks on the variants."""
        if self.target is None or not is_chosen(seed, self.seeds, planned.audit.seeds):
            return []
        return [
            Cell(seed, Variant(self.target, parameter, hashable(value)), attack, KIND)
            for parameter, values in self.values.items()
            for value in values
            for attack in self.attacks
        ]

    def summarise(self, found: Findings) -> list[dict[str, Any]]:
        """Return :func:`sweep_rows`."""

        def own_value(target: str, parameter: str) -> Any:
            if parameter == "time_steps":
                return found.audit.data.time_steps
            network = found.networks[target]
            return hashable(network.architecture().get(parameter, getattr(network, parameter, None)))

        return sweep_rows(found.cells, own_value)

    def section(self, summary: list[dict[str, Any]], audit: Document, looks: Looks, gallery: Gallery) -> Section:
        """Show how a setting of the network changes what attackers find, and its test accuracy."""
        plots = tuple(
            _price(those, looks, target, parameter)
            for (parameter, target), those in grouped(summary, "parameter", "target")
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
            tuple(tuple(_plain(row[key]) for key in header) for row in summary),
        )
        return Section(
            "sweep",
            "The price of privacy",
            "One setting of the network at a time was changed, and the network was trained and attacked again. A "
            "setting is worth having if the upper panels fall, so that attacks find less, while the lowest one, the "
            "network's own test accuracy, does not.",
            groups=(Group(plots=plots, tables=(table,)),) if summary else (),
            finding=_finding(audit, summary) if summary else "No sweep was run.",
        )


def sweep_rows(cells: Cells, base_value: Callable[[str, str], Any]) -> list[dict[str, Any]]:
    """Return how leak and test accuracy change with one argument of a target; the target as it is among them.

    Args:
        cells: all cells.
        base_value: returns a target's own value of an argument.
    """
    rows = []
    swept: list[Mapping[str, Any]] = [{**cell, **cell["sweep"]} for cell in done(cells, KIND)]
    for (target, parameter, attack), own in grouped(swept, "target", "parameter", "attack"):
        groups = [(base_value(target, parameter), beside(own, cells))]
        groups += [(value, group) for (value,), group in grouped(own, "value")]
        for value, group in sorted(same_seeds(groups), key=lambda pair: _order(pair[0])):
            rows += [
                {
                    "target": target,
                    "parameter": parameter,
                    "value": value,
                    "seeds": len(group),
                    "test_accuracy": mean(cell["test_accuracy"] for cell in group),
                    "attack": attack,
                    "judge": judge,
                    **mean_scores(group, judge),
                }
                for judge in common_judges(group)
            ]
    return rows


def _order(value: Any) -> tuple[int, Any]:
    """Return what values of an argument are sorted by: numbers, then lists of numbers, then words."""
    if isinstance(value, int | float):
        return 0, value
    if isinstance(value, tuple) and all(isinstance(part, int | float) for part in value):
        return 1, value
    return 2, str(value)


def _finding(audit: Document, rows: Sequence[dict[str, Any]]) -> str:
    seeds = [row["seeds"] for row in rows]
    words = [
        _range(own, target, parameter, counting_judges(audit))
        for (target, parameter), own in grouped(rows, "target", "parameter")
    ]
    words.append(f"Each row rests on {share_of_seeds(audit, seeds)}.")
    if min(seeds) == 1:
        words.append("With one seed, a difference between two values of a setting may be chance.")
    return " ".join(words)


def _range(rows: Sequence[dict[str, Any]], target: str, parameter: str, judges: Sequence[str]) -> str:
    """Return the values of a setting at which attacks find least and most, by the judges that count."""
    counting = [row for row in rows if row["judge"] in judges] or rows
    levels = [
        (mean(row["confidence"] for row in own), value, mean(row["test_accuracy"] for row in own))
        for (value,), own in grouped([{**row, "value": str(_plain(row["value"]))} for row in counting], "value")
    ]
    least, most = (
        f"{level:.2f} at {parameter} = {value} (test accuracy {accuracy:.2f})"
        for level, value, accuracy in (min(levels), max(levels))
    )
    return f"For {target}, the judges' mean confidence ranges from {least} to {most}."


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
        caption=f"{parameter} of {target}; values are evenly spaced.",
    )


def _plain(value: Any) -> Value:
    return value if value is None or isinstance(value, str | int | float) else str(value)
