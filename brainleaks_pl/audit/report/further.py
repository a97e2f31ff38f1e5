"""Sections that look behind the scores: pictures, the encoding, time, gradients and the price of privacy."""

from __future__ import annotations

from typing import Any

from brainleaks_pl.audit.grouping import done, grouped, mean
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Audit, Group, Plot, Section, Table, Value
from brainleaks_pl.audit.report.plots import Curve, Row, ceiling_plot, curve_plot, interval_plot, stacked_plot
from brainleaks_pl.reporting.text import short


def ceiling(audit: Audit, looks: Looks) -> Section:
    """Show what the encoding lets through at most."""
    title = "What the encoding lets through"
    found = audit["ceiling"]
    lead = (
        "Pixels become spikes before the network sees them, and that loses detail. The curve shows how like the "
        "originals test images are after encoding and decoding, by number of time steps T: no attack on the spikes can "
        "be expected to recover more. Filled markers are the attacks' likeness to the nearest training image, hollow "
        "ones to the class mean."
    )
    if found is None:
        return Section("ceiling", title, "Pixels that become spikes lose detail, which limits any attack.", (
            "These data are recorded as events, or reach the network as they are: no encoding stands between.",
        ))  # fmt: skip
    points = [
        (
            Curve(
                label(row["target"], row["attack"], length=20),
                [place],
                [row[key]],
                looks.colour(row["attack"]),
                looks.marker(row["target"]),
            ),
            key == "ssim_nearest",
        )
        for place, row in enumerate(found["attacks"])
        for key in ("ssim_class_mean", "ssim_nearest")
        if row.get(key) is not None
    ]
    steps = found["time_steps"]
    plots = (
        ceiling_plot(Curve("encoding", steps, found["ssim"]), points, found["at"], label="SSIM",
                     alt="Structural similarity of encoded test images against time steps, attacks beside it"),
        ceiling_plot(Curve("encoding", steps, found["psnr"]), (), found["at"], label="PSNR (dB)",
                     alt="Signal to noise ratio of encoded test images against time steps"),
    )  # fmt: skip
    measured = list(dict.fromkeys(key for row in found["attacks"] for key in row))
    tables = [
        Table(
            "The ceiling",
            ("time steps", "SSIM", "PSNR (dB)"),
            tuple(zip(steps, found["ssim"], found["psnr"], strict=True)),
        )
    ]
    if measured:
        tables.append(
            Table(
                "Attacks beside the ceiling",
                tuple(key.replace("_", " ").replace("ssim", "SSIM") for key in measured),
                tuple(tuple(row.get(key) for key in measured) for row in found["attacks"]),
            )
        )
    at = (
        f"At T = {found['at']}, the setting of this audit, the ceiling is an SSIM of {found['ssim_at']:.3f} and a PSNR "
        f"of {found['psnr_at']:.1f} dB."
    )
    return Section("ceiling", title, lead, (at,), (Group(plots=plots, tables=tuple(tables)),))


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
        () if plots else ("The judges' inputs have no time here, so there is nothing to show.",),
        (Group(plots=plots),) if plots else (),
    )


def masking(audit: Audit, looks: Looks) -> Section:
    """Show whether an attack that finds little found little to find, or had no gradient to follow."""
    rows = audit["masking"]
    plots = [_surrogates(those, looks, judge) for (judge,), those in grouped(rows, "judge")]
    header = ("target", "attack", "judge", "surrogate", "attack_accuracy", "confidence", "zero_gradients", "seeds")
    words = tuple(key.replace("_", " ") for key in header)
    tables = [
        Table(
            "Share of units and time steps without any gradient",
            ("target", "attack", "seed", "zero gradients"),
            tuple(
                tuple(cell[key] for key in ("target", "attack", "seed", "zero_gradients"))
                for cell in done(audit["cells"])
            ),
        )
    ]
    if rows:
        tables.insert(
            0,
            Table(
                "The same attacks with other surrogates",
                words,
                tuple(tuple(row[key] for key in header) for row in rows),
            ),
        )
    notes = list(audit["warnings"])
    if not rows:
        notes.append("No other surrogates were tried.")
    return Section(
        "masking",
        "Is it the network or the attack?",
        "Spikes have no derivative; attacks follow that of a smooth surrogate instead. Where it is zero almost "
        "everywhere, the attack is blind, and a low score says nothing of privacy. The same attack with other "
        "surrogates tells the two apart: if one of them finds much more, the network was not safe but the attack weak.",
        tuple(notes),
        (Group(plots=tuple(plots), tables=tuple(tables)),),
    )


def _surrogates(rows: list[dict[str, Any]], looks: Looks, judge: str) -> Plot:
    lines = [
        Row(
            label(row["target"], row["attack"], row["surrogate"]),
            row["confidence"],
            colour=looks.colour(row["attack"]),
            marker=looks.marker(row["target"]),
            nulls={} if row["zero_gradients"] is None else {"zero gradients": row["zero_gradients"]},
        )
        for row in rows
    ]
    return interval_plot(
        lines,
        title=f"judge {short(judge)}",
        label="confidence",
        alt=f"Confidence of the judge {judge} in each attack by surrogate, beside the share of zero gradients",
        caption=f"Confidence of {judge}; grey: share of zero gradients",
    )


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
        () if rows else ("No sweep was run.",),
        (Group(plots=plots, tables=(table,)),) if rows else (),
    )


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
