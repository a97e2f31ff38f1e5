"""The measures that every audit has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brainleaks_pl.audit.measures.agreement import Agreement
from brainleaks_pl.audit.measures.base import Measure
from brainleaks_pl.audit.measures.ceiling import EncodingCeiling
from brainleaks_pl.audit.measures.inversion import Inversion
from brainleaks_pl.audit.measures.masking import Masking
from brainleaks_pl.audit.measures.over_time import OverTime
from brainleaks_pl.audit.measures.sweep import Sweep

INVERSION = "inversion"
"""Name of the measure of the attacks themselves; its summary is the top level of ``audit.json``."""
STANDARD: Mapping[str, Callable[[], Measure]] = {
    "agreement": Agreement,
    "ceiling": EncodingCeiling,
    "over_time": OverTime,
    "masking": Masking,
    "sweep": Sweep,
}
"""Measures that cost nothing by default, in the order of the report. :class:`Masking` and :class:`Sweep` run nothing
until they are told what to try, and the report says so."""
_WITHOUT_ATTACKS = ("ceiling",)
NO_ATTACKS: dict[str, Any] = {
    "summary": [],
    "differences": [],
    "verdict": {
        "leaks": [],
        "control": "",
        "sentence": "No attack was run, so nothing is said about reconstructions.",
        "details": [],
        "remarks": [],
    },
    "control": [],
}
"""What ``audit.json`` holds where an audit names no attacks."""


def with_standard(named: Mapping[str, Measure | None], attacks: bool) -> dict[str, Measure]:
    """Return all measures of an audit, in the order of the report.

    Args:
        named: those that its config names; one of the same name replaces a standard one, None leaves it out.
        attacks: whether the audit names attacks.
    """
    made: dict[str, Measure | None] = {INVERSION: Inversion()} if attacks else {}
    made |= {name: make() for name, make in STANDARD.items() if attacks or name in _WITHOUT_ATTACKS}
    return {name: measure for name, measure in {**made, **named}.items() if measure is not None}
