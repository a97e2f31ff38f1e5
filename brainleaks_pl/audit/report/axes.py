"""Axes that fit what a plot shows, and a sentence for plots in which nothing changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_ENDS = (0.1, 0.2, 0.5)
_FLAT = 0.02


def axis_end(values: Iterable[float | None]) -> float:
    """Return where the axis of values in [0, 1] ends: at .1, .2 or .5 if that leaves room above all of them, else 1."""
    most = max((value for value in values if value is not None), default=1.0)
    return next((end for end in _ENDS if most <= 0.9 * end), 1.0)


def end_words(end: float) -> str:
    """Return the remark below a plot whose axis ends early; nothing where it reaches 1."""
    return "" if end == 1 else f" The axis ends at {end:g}."


def flat_words(lines: Sequence[Sequence[float | None]], over: str) -> str:
    """Return the sentence below a plot of lines that are all flat; nothing where one of them changes.

    Args:
        lines: the values of each line, in [0, 1].
        over: what the horizontal axis shows, in the plural.
    """
    known = [[value for value in line if value is not None] for line in lines]
    spans = [max(line) - min(line) for line in known if len(line) > 1]
    return f" The lines are flat: {over} make no difference here." if spans and max(spans) < _FLAT else ""
