"""Plain values: what identifies them, and whether they can be written to a file."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any


def digest(*facts: Any) -> str:
    """Return a digest of plain values."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def plain(value: Any, key: str) -> Any:
    """Return plain values as they are once they have been written and read.

    Raises:
        TypeError: when they are not plain.
        ValueError: when a number is not finite.
    """
    try:
        check_finite(value, key)
        return json.loads(json.dumps(value))
    except TypeError as error:
        raise TypeError(f"{key} must be plain values, as JSON has them: {error}.") from error


def check_finite(value: Any, key: str = "cell") -> None:
    """See that all numbers in plain values are finite.

    Args:
        value: the plain values.
        key: what they are called.

    Raises:
        ValueError: when one is not; it names the first.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} is {value}, which is no result: what was measured has diverged.")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            check_finite(inner, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            check_finite(inner, f"{key}[{place}]")
