"""How soon the judges recognise the class."""

from __future__ import annotations

from collections.abc import Sequence

from brainleaks_pl.audit.grouping import done, grouped, mean
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Audit, Group, Section
from brainleaks_pl.audit.report.plots import Curve, curve_plot
from brainleaks_pl.audit.report.words import counting_judges
from brainleaks_pl.reporting.text import short


def over_time(audit: Audit, looks: Looks) -> Section:
    """Show how soon judges recognise the class."""
    curves: dict[str, list[Curve]] = {}
    for (target, attack), cells in grouped(done(audit["cells"]), "target", "attack"):
        for judge in audit["judges"]:
            there = [cell["judges"][judge]["over_time"] for cell in cells if judge in cell["judges"]]
            values = [mean(step) for step in zip(*(line for line in there if line), strict=False)]
            if values:
                steps = range(1, len(values) + 1)
                curves.setdefault(judge, []).append(
                    Curve(
                        label(target, attack),
                        steps,
                        values,
                        looks.colour(attack),
                        looks.marker(target),
                        looks.line(target),
                    )
                )
    plots = tuple(
        curve_plot(
            lines,
            title=f"judge {short(judge)}",
            label="confidence",
            x_label="first time steps shown to the judge",
            alt=f"Confidence of the judge {judge} against the time steps it has seen, one line a target and attack",
            caption=f"Judge {judge}, mean over seeds and classes",
        )
        for judge, lines in curves.items()
    )
    return Section(
        "time",
        "Leakage over time",
        "A judge that sees only the first t steps of a reconstruction is as sure of the class as the line says. A line "
        "that rises early says that a few steps give the class away.",
        groups=(Group(plots=plots),) if plots else (),
        finding=_finding([line.y for judge in counting_judges(audit) for line in curves.get(judge, ())])
        if plots
        else "The judges' inputs have no time here, so there is nothing to show.",
    )


def _finding(lines: Sequence[Sequence[float | None]]) -> str:
    levels = [mean(step) or 0.0 for step in zip(*lines, strict=False)]
    if not levels:
        return "No judge that counts sees the reconstructions step by step."
    half = next(step for step, level in enumerate(levels, 1) if level >= levels[-1] / 2)
    return (
        f"On average over targets, attacks and judges, the confidence is {levels[0]:.2f} after the first step and "
        f"{levels[-1]:.2f} after {len(levels)}; it reaches half of that at step {half}."
    )
