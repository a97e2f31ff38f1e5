"""Whether two judges say the same of the same reconstructions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import StatisticsError, correlation
from typing import Any

WIDEST = 5
"""Most reconstructions that are listed as those on which the judges are the widest apart."""


def agreement(cells: Sequence[Mapping[str, Any]], first: str, second: str) -> dict[str, Any] | None:
    """Return how far two judges agree on the reconstructions of one attack on one target.

    Args:
        cells: the finished cells of the attack, one a seed.
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
