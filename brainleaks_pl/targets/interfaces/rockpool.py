"""Networks of rockpool."""

from __future__ import annotations

from dataclasses import dataclass

from brainleaks_pl.targets.interfaces.base import SpikingInterface


@dataclass(frozen=True)
class Rockpool(SpikingInterface):
    """Networks of rockpool."""
