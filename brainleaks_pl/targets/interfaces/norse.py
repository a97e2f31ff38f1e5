"""Networks of norse."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.interfaces.base import Answer, SpikingInterface
from brainleaks_pl.targets.interfaces.exchange import Undo, replace_attribute, with_surrogate


@dataclass(frozen=True)
class Norse(SpikingInterface):
    """Networks of norse (1.1), as its tutorials write them; the answer is by default the largest voltage over time.

    They take ``(T, B, ...)``, start from the state None in every forward, and return the voltages of leaky integrators
    over time, ``(T, B, K)``, alone or beside their state, as ``SequentialState`` and ``Lift`` do.

    A surrogate takes the place of the threshold function that a cell's ``activation`` calls, whatever its ``method``
    and ``alpha`` (which norse 1.1 does not read for ``super``: its derivative is ``1 / (1 + |v - threshold|)^2``).
    """

    answer: Answer = "membrane_max"

    def neurons(self, network: nn.Module) -> list[nn.Module]:
        """Return the cells that spike: those whose parameters name a ``method``."""
        return [
            module
            for module in network.modules()
            if hasattr(getattr(module, "p", None), "method") and callable(getattr(module, "activation", None))
        ]

    def exchange(self, neuron: nn.Module, surrogate: Surrogate) -> Undo:
        """Replace ``activation`` by one that calls another threshold function."""
        own: Any = neuron.activation
        module = sys.modules[getattr(own, "__module__", "")]
        threshold = getattr(module, "threshold", None)
        if threshold is None:
            raise ValueError(f"{type(neuron).__name__} has no threshold function that could be exchanged.")

        def exchanged(x: Tensor, method: str, alpha: Any) -> Tensor:
            return with_surrogate(threshold(x.detach(), method, alpha), x, surrogate)

        def activation(*args: Any, **kwargs: Any) -> Any:
            undo = replace_attribute(module, "threshold", exchanged)
            try:
                return own(*args, **kwargs)
            finally:
                undo()

        return replace_attribute(neuron, "activation", activation)
