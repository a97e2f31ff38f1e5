"""Networks of spikingjelly."""

from __future__ import annotations

from dataclasses import dataclass

from brainleaks_pl.targets.interfaces.base import SpikingInterface


@dataclass(frozen=True)
class SpikingJelly(SpikingInterface):
    """Networks of spikingjelly."""
