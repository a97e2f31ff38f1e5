"""What the terminal shows: tables of scores and of trained networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.table import Column, Table
from rich.text import Text

from brainleaks_pl.evaluation.report import METRICS
from brainleaks_pl.reporting.text import judged
from brainleaks_pl.targets.checks import CheckReport

_HEADINGS = ("attack accuracy", "top-3 accuracy", "confidence", "DAA")  # of METRICS


def score_tables(scores: Mapping[str, Any], attack: str | None = None) -> list[Table]:
    """Return one table per judge: scores of the attack and of the nulls, and a sentence that compares them.

    Args:
        scores: as in ``scores.json``.
        attack: what the attack is called; None takes the name of its class.
    """
    attack = attack or scores["attack"]["class_path"].rpartition(".")[2]
    origin = _origin(scores["data"]["simulated"])
    tables = []
    for name, judge in scores["judges"].items():
        accuracy = judge.get("test_accuracy")
        known = "" if accuracy is None else f" (test accuracy {accuracy:.3f}{_on(judge)})"
        title = f"{origin}judge {name}{known}" + (
            "" if judge["counts"] is not False else f"\ndoes not count: {judge['why_not']}"
        )
        table = Table(
            Column(no_wrap=True), *_HEADINGS, title=Text(title), box=SIMPLE,
            caption=Text(judged(name, judge)), caption_justify="left",
        )  # fmt: skip
        for row, values in {attack: judge, **judge["nulls"]}.items():
            shown = (values[metric] for metric in METRICS)
            table.add_row(
                Text(row if row == attack else f"null: {row}"),
                *(f"{score['mean']:.3f}" + (f"±{score['std']:.3f}" if score["std"] else "") for score in shown),
                style="bold" if row == attack else None,
                end_section=row == attack,
            )
        tables.append(table)
    return tables


def check_table(report: CheckReport) -> Table:
    """Return what the checks of a network found, and which keys correct it."""
    styles = {"ok": "green", "warning": "yellow", "failed": "bold red"}
    columns = (Column(no_wrap=True), Column(no_wrap=True), "")
    title = f"{report.network}: {len(report.failed)} of {len(report.findings)} checks failed"
    table = Table(*columns, title=Text(title), box=SIMPLE, show_header=False)
    for finding in report.findings:
        found = Text(finding.detail + (f" {finding.mend}" if finding.mend else ""))
        table.add_row(Text(finding.status, style=styles[finding.status]), Text(finding.check), found)
    return table


def _on(network: Mapping[str, Any]) -> str:
    samples = network.get("test_samples")
    return f" on {samples} samples" if samples else ""


def fit_table(rows: Mapping[str, tuple[float, Path | str]], simulated: bool) -> Table:
    """Return the test accuracies and files of the networks that ``fit`` trained, by name.

    Args:
        rows: accuracy and file by name.
        simulated: whether the data are, which the title then says.
    """
    table = Table("network", "test accuracy", "checkpoint", title=f"{_origin(simulated)}networks", box=SIMPLE)
    for name, (accuracy, path) in rows.items():
        table.add_row(Text(name), f"{accuracy:.3f}", Text(str(path)))
    return table


def _origin(simulated: bool) -> str:
    return "simulated data: " if simulated else ""
