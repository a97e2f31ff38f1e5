"""What identifies attacks and measures, in plain values."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.audit.measures.base import Measure


def plain_attributes(attack: InversionModule) -> dict[str, Any]:
    """Return the attributes of an attack that are plain values, and those of its parts, but for its seed."""
    kinds = (bool, int, float, str, tuple, type(None))
    own = {name: value for name, value in vars(attack).items() if not name.startswith("_") and name != "seed"}
    plain = {name: value for name, value in own.items() if isinstance(value, kinds)}
    parts = {name: getattr(attack, name, None) for name in ("encoder", "loss", "surrogate")}
    described = {name: f"{type(part).__qualname__} {getattr(part, '__dict__', '')}" for name, part in parts.items()}
    prior = {} if attack.prior is None else {"prior": attack.prior.describe()}
    return {"class": type(attack).__qualname__, "classes": attack.classes, **plain, **described, **prior}


def attack_settings(attack: InversionModule) -> dict[str, Any]:
    """Return what an attack was run with, as far as the published settings speak of it."""
    names = ("steps", "population", "restarts", "keep", "patience", "stop_at")
    own = {name: getattr(attack, name) for name in names if hasattr(attack, name)}
    return {"class": type(attack).__qualname__, **own}


def measure_traits(measure: Measure) -> dict[str, Any]:
    """Return what tells a measure from others: its class and attributes, and the code of its file.

    The code is left out of the package's own measures, of which ``provenance`` speaks, and where it has no file.
    """
    kind = type(measure)
    own = kind.__module__.startswith("brainleaks_pl.")
    return {
        "class": f"{kind.__module__}.{kind.__qualname__}",
        "attributes": described(vars(measure)),
        "code": None if own else _code(kind),
    }


def described(value: Any, depth: int = 8) -> Any:
    """Return anything as plain values that tell it from others, ``depth`` layers deep."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if depth == 0:
        return type(value).__qualname__
    if isinstance(value, Mapping):
        return {str(name): described(inner, depth - 1) for name, inner in value.items()}
    if isinstance(value, Sequence):
        return [described(inner, depth - 1) for inner in value]
    if hasattr(value, "__qualname__"):
        return value.__qualname__
    return [type(value).__qualname__, described(getattr(value, "__dict__", {}), depth - 1)]


def _code(kind: type) -> str | None:
    try:
        return hashlib.sha256(Path(inspect.getfile(kind)).read_bytes()).hexdigest()
    except (OSError, TypeError):  # of a class that was typed into a console
        return None
