"""Rows of an audit, brought together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from brainleaks_pl.audit.report.parts import Audit


def grouped(rows: Iterable[dict[str, Any]], *keys: str) -> list[tuple[tuple[Any, ...], list[dict[str, Any]]]]:
    """Return rows by the values of keys, in the order in which these first come."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return list(groups.items())


def main_cells(audit: Audit) -> list[dict[str, Any]]:
    """Return the cells of the attacks themselves that came to an end."""
    return [cell for cell in audit["cells"] if cell["kind"] == "main" and cell["status"] == "done"]


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of the values that are there; None where none is."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
