"""Words and numbers that several sections share."""

from __future__ import annotations

from collections.abc import Iterable

from brainleaks_pl.audit.grouping import mean
from brainleaks_pl.audit.report.parts import Audit, Value


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1."""
    return f"{number} {_plural(number, noun)}"


def spanned(values: Iterable[int], noun: str = "") -> str:
    """Return the least and the most of at least one whole number, as ``2`` or ``1 to 3``, with a noun if any."""
    least, *_, most = sorted([*values] * 2)
    words = str(most) if least == most else f"{least} to {most}"
    return f"{words} {_plural(most, noun)}" if noun else words


def share_of_seeds(audit: Audit, counts: Iterable[int]) -> str:
    """Return how many of an audit's seeds something rests on, from at least one number of seeds."""
    total = len(audit["seeds"])
    return "this audit's only seed" if total == 1 else f"{spanned(counts)} of this audit's {total} seeds"


def number(value: Value) -> str:
    """Return a plain value as tables show it."""
    if value is None:
        return "–"  # noqa: RUF001 - a dash where there is no value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and 0 < abs(value) < 0.001:
        return f"{value:.2g}"
    if isinstance(value, float) and abs(value) < 1000:
        return f"{value:.3f}"
    return f"{value:,.0f}" if isinstance(value, float) else str(value)


def _plural(number: int, noun: str) -> str:
    return noun if number == 1 else f"{noun}es" if noun.endswith("s") else f"{noun}s"


def counting_judges(audit: Audit) -> list[str]:
    """Return the judges that count; all of them if none does."""
    return [name for name, judge in audit["judges"].items() if judge["counts"]] or list(audit["judges"])


def null_confidence(audit: Audit, target: str, attack: str, null: str) -> float | None:
    """Return a null's mean confidence by the judges that count, for one attack on one target; None if there is none."""
    names = counting_judges(audit)
    return mean(
        [
            row["nulls"].get(null)
            for row in audit["summary"]
            if (row["target"], row["attack"], row["metric"]) == (target, attack, "confidence") and row["judge"] in names
        ]
    )
