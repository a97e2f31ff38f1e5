"""Selects and groups rows of an audit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

Row = TypeVar("Row", bound=Mapping[str, Any])


def done(cells: Iterable[Row], kind: str = "main", **wanted: Any) -> list[Row]:
    """Return the finished cells of a kind whose entries have the wanted values, in order."""
    return [
        cell
        for cell in cells
        if cell["status"] == "done"
        and cell["kind"] == kind
        and all(cell[key] == value for key, value in wanted.items())
    ]


def grouped(rows: Iterable[Row], *keys: str) -> list[tuple[tuple[Any, ...], list[Row]]]:
    """Return rows by the values of keys, in the order in which these first come."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return list(groups.items())


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of the values that are there; None where none is."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
