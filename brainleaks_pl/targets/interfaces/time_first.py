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

    Examples:
        The membranes of every step, as in the paper, or their mean:

        >>> import torch
        >>> from brainleaks_pl import SpikingMLP, TimeFirst, wrap
        >>> net, spikes = SpikingMLP(hidden=20), torch.ones(5, 2, 1, 28, 28)
        >>> wrap(net, time_steps=5).logits(spikes).shape
        torch.Size([5, 2, 10])
        >>> wrap(net, interface=TimeFirst(answer="membrane_mean"), time_steps=5).logits(spikes).shape
        torch.Size([1, 2, 10])
    """

    def neurons(self, network: nn.Module) -> list[nn.Module]:
        """Return the modules that hold a surrogate of ours."""
        modules = nn.Module.modules(network)
        return [module for module in modules if isinstance(getattr(module, "surrogate", None), Surrogate)]

    def exchange(self, neuron: nn.Module, surrogate: Surrogate) -> Undo:
        """Replace the attribute ``surrogate``."""
        return replace_attribute(neuron, "surrogate", surrogate)
