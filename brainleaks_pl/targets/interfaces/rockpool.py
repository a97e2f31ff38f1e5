"""Networks of rockpool."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.interfaces.base import Answer, Layout, SpikingInterface
from brainleaks_pl.targets.interfaces.exchange import (
    Undo,
    about_nearest_threshold,
    replace_attribute,
    with_surrogate,
)


@dataclass(frozen=True)
class Rockpool(SpikingInterface):
    """Torch networks of rockpool (3.1), as its tutorials write them; the answer is by default the spike count.

    They take ``(B, T, N)`` and return ``(output, state, record)``. Where the last module is none of neurons, its output
    is a membrane, and one of the answers of membranes is meant.

    Rockpool has a ``modules`` of its own, so torch's is asked for by name. Networks are reset by ``reset_state``;
    weights may be the JSON that ``save`` writes. A surrogate takes the place of ``spike_generation_fn``, at each threshold of
    neurons that emit several spikes per step.
    """

    answer: Answer = "spike_count"
    layout: Layout = "batch_first"
    flatten: bool = True

    def reset(self, network: nn.Module, x: Tensor) -> None:
        """Put the whole network to rest."""
        for module in nn.Module.modules(network):
            if callable(getattr(module, "reset_state", None)):
                module.reset_state()  # type: ignore[operator]

    def neurons(self, network: nn.Module) -> list[nn.Module]:
        """Return the modules with a ``spike_generation_fn``."""
        return [
            module for module in nn.Module.modules(network) if callable(getattr(module, "spike_generation_fn", None))
        ]

    def exchange(self, neuron: nn.Module, surrogate: Surrogate) -> Undo:
        """Replace ``spike_generation_fn``."""
        own: Any = neuron.spike_generation_fn

        def spikes(membranes: Tensor, threshold: Tensor, window: Any, most: Any) -> Tensor:
            emitted = own(membranes.detach(), threshold.detach(), window, most)
            centred = about_nearest_threshold(membranes, threshold.detach(), float(most))
            return with_surrogate(emitted, centred, surrogate)

        return replace_attribute(neuron, "spike_generation_fn", spikes)

    def transient(self, name: str) -> bool:
        """Tell whether it is a membrane, a current or the last spikes."""
        return name.rpartition(".")[2] in ("vmem", "isyn", "spikes")

    def read_weights(self, network: nn.Module, path: Path) -> bool:
        """Load the JSON that rockpool's ``save`` wrote."""
        network.load(str(path))  # type: ignore[operator]
        return True
