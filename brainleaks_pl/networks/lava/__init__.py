"""Networks that Lava-DL exported, run in Loihi's integer arithmetic."""

from brainleaks_pl.networks.lava.network import LavaNetwork

__all__ = ["LavaNetwork"]
