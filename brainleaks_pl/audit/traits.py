"""What an attack is run with, in plain values: what tells it from others, and what published settings speak of."""

from __future__ import annotations

from typing import Any

from brainleaks_pl.attacks.base import InversionModule


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
