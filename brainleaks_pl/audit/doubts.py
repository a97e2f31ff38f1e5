"""What makes an audit's figures doubtful: failures, missing gradients, other code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.scores import Cells
from brainleaks_pl.evaluation.provenance import provenance

MANY_ZERO_GRADIENTS = 0.1
"""Share of steps without any gradient from which the report warns."""
_FOOLED = 0.5


def attack_doubts(cells: Cells) -> list[str]:
    """Return what makes the figures of attacks doubtful.

    Args:
        cells: all cells.
    """
    found = []
    failed = sum(cell["status"] == "failed" for cell in cells)
    if failed:
        found.append(f"{failed} of {len(cells)} attacks failed; their errors are listed at the end.")
    for (target, attack), own in grouped(done(cells), "target", "attack"):
        shares = [cell["zero_gradients"] or 0.0 for cell in own]
        if max(shares) > MANY_ZERO_GRADIENTS:
            found.append(
                f"{attack} on {target} had no gradient at all in as many as {max(shares):.0%} of its steps: a low "
                "score may mean a masked gradient."
            )
    return [*found, *_unmoved(cells)]


def measure_doubts(cells: Cells, runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return which measures failed, and the first error of each.

    Args:
        cells: all cells.
        runs: ``runs`` of ``audit.json``.
    """
    errors = [(name, words) for cell in cells for name, words in cell["measure_errors"].items()]
    said = [
        f"The measure {name} failed on {len(own)} of {len(cells)} attacks: {own[0]['error']}"
        for (name,), own in grouped([{"name": name, "error": words} for name, words in errors], "name")
    ]
    for (name,), own in grouped(runs, "measure"):
        failed = [run for run in own if run["status"] == "failed"]
        if failed:
            seeds = [str(run["seed"]) for run in failed if run["seed"] is not None]
            where = f" (seed {', '.join(seeds)})" if seeds else ""
            said.append(f"The measure {name} failed{where}: {failed[0]['error']}")
    return said


def _unmoved(cells: Cells) -> list[str]:
    """Say whose adversarial examples do not even fool the target, so that they test no judge."""
    found = []
    for (target,), own in grouped(done(cells, "adversarial"), "target"):
        values = [value for cell in own for value in cell["target_confidence"]]
        if mean(values) < _FOOLED:
            found.append(
                f"The adversarial examples of {target} hardly fool it itself (mean confidence {mean(values):.2f}), so "
                "they say little about the judges. Raise controls.eps."
            )
    return found


def other_code(cells: Cells, runs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which results other code, or another torch, computed than this report's.

    Args:
        cells: all cells.
        runs: ``runs`` of ``audit.json``.
    """
    return [*_made_otherwise("Attacks", "cells", cells), *_made_otherwise("Measures", "measures", runs)]


def _made_otherwise(what: str, folder: str, results: Sequence[Mapping[str, Any]]) -> list[str]:
    now = provenance()
    made: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for result in results:
        if result["provenance"]:
            made.setdefault((result["provenance"]["code"], result["provenance"]["torch"]), []).append(result)
    made.pop((now["code"], now["torch"]), None)
    if not made:
        return []
    groups = []
    for (code, torch), those in made.items():
        facts = those[0]["provenance"]
        commit = (facts["commit"] or "unknown")[:7]
        groups.append(f"{len(those)} by {facts['version']} (commit {commit}, code {code[:7]}, torch {torch})")
    return [
        f"{what} were run by other code than this report's: {'; '.join(groups)}. To run them again, remove the "
        f"folder {folder}/ of the results."
    ]
