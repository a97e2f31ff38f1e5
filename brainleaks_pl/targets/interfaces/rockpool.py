"""Networks of rockpool."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
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

    They take ``(B, T, N)`` and return ``(output, state, record)``. An answer of membranes is made of the ``vmem`` that
    the last module records, after its reset; where that is none of neurons, of the network's output.

    Rockpool has a ``modules`` of its own, so torch's is asked for by name. Networks are reset by ``reset_state``;
    weights may be the JSON that ``save`` writes. A surrogate takes the place of ``spike_generation_fn``, at each
    threshold of neurons that emit several spikes per step.

    Examples:
        >>> import torch
        >>> from rockpool.nn.combinators import Sequential
        >>> from rockpool.nn.modules import LIFTorch, LinearTorch
        >>> from brainleaks_pl import Rockpool, wrap
        >>> net = Sequential(LinearTorch((144, 3)), LIFTorch(3, dt=0.01))
        >>> target = wrap(net, interface=Rockpool(), input_shape=(1, 12, 12), num_classes=3, time_steps=8)
        >>> target.logits(torch.ones(8, 2, 1, 12, 12)).shape
        torch.Size([1, 2, 3])
    """

    answer: Answer = "spike_count"
    layout: Layout = "batch_first"
    flatten: bool = True

    def call(self, network: nn.Module, x: Tensor) -> Tensor:
        """Call the network at rest; for an answer of membranes, with its record."""
        if self.counts_spikes or self.layout != "batch_first" or not hasattr(network, "evolve"):
            return super().call(network, x)
        output, _, record = network(x.transpose(0, 1), record=True)
        return self.pick(_membranes(record, output)).transpose(0, 1)

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
        return name.rpartition(".")[2] in ("vmem", "isyn", "iahp", "spikes")

    def read_weights(self, network: nn.Module, path: Path) -> bool:
        """Load the JSON that rockpool's ``save`` wrote.

        Rockpool itself leaves alone what the file lacks, and takes any shape.

        Raises:
            ValueError: when the file is none of rockpool's, or does not fit the network.
        """
        own: Any = network
        if not hasattr(network, "json_to_param"):
            raise ValueError(f"{type(network).__name__} is not a rockpool module: give a state_dict, not {path}.")
        try:
            content = json.loads(path.read_text())
            there = dict(_shapes(content))
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is damaged, or not what rockpool's `save` has written.") from error
        here = dict(_shapes(own.to_json()))
        wrong = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
        if wrong:
            name = wrong[0]
            raise ValueError(
                f"{path} does not fit {type(network).__name__}: {name} has the shape {there.get(name)} there and "
                f"{here.get(name)} here (None: there is none). Build the network with the arguments that it was "
                "trained with."
            )
        own.json_to_param(content)
        return True


def _membranes(record: Any, output: Any) -> Any:
    """Return the membranes that the last module has recorded, or the output where it has none."""
    while isinstance(record, Mapping):
        if "vmem" in record:
            return record["vmem"]
        modules = [value for value in record.values() if isinstance(value, Mapping)]
        record = modules[-1] if modules else None
    return output


def _shapes(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the names and shapes in what rockpool stores: JSON in JSON, and nothing for functions."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _shapes(value, f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", np.shape(json.loads(value))
