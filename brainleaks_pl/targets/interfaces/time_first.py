"""Networks on neurons of this package, or written like them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.interfaces.base import SpikingInterface
from brainleaks_pl.targets.interfaces.exchange import Undo, replace_attribute


@dataclass(frozen=True)
class TimeFirst(SpikingInterface):
    """Networks that take ``(T, B, C, H, W)``, start at rest in every forward, and return ``(T, B, K)``.

    Their neurons are the modules with an attribute ``surrogate`` that is one of ours: :class:`LIF`, the neurons of
    :class:`NIRNetwork` and :class:`LavaNetwork`, and your own. The answer is by default the output membranes, each step
    an answer of its own, as in the paper.
    """

    def neurons(self, network: nn.Module) -> list[nn.Module]:
        """Return the modules that hold a surrogate of ours."""
        modules = nn.Module.modules(network)
        return [module for module in modules if isinstance(getattr(module, "surrogate", None), Surrogate)]

    def exchange(self, neuron: nn.Module, surrogate: Surrogate) -> Undo:
        """Replace the attribute ``surrogate``."""
        return replace_attribute(neuron, "surrogate", surrogate)
