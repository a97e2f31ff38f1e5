"""Networks of snntorch."""

from __future__ import annotations

from dataclasses import dataclass

from brainleaks_pl.targets.interfaces.base import SpikingInterface


@dataclass(frozen=True)
class Snntorch(SpikingInterface):
    """Networks of snntorch."""
