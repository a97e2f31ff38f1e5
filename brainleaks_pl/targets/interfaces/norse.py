"""Networks of norse."""

from __future__ import annotations

from dataclasses import dataclass

from brainleaks_pl.targets.interfaces.base import SpikingInterface


@dataclass(frozen=True)
class Norse(SpikingInterface):
    """Networks of norse."""
