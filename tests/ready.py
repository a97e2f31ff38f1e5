"""What the examples in docstrings find ready, where they name it: ``data``, ``network`` and ``ann``."""

from __future__ import annotations

import ast
from copy import copy, deepcopy
from functools import cache
from typing import Any


@cache
def _data() -> Any:
    from brainleaks_pl import MNIST5k, RateEncoder

    data = MNIST5k(RateEncoder(time_steps=5))
    data.setup()
    return data


@cache
def _trained(kind: str) -> Any:
    """Return a network of 100 hidden neurons or units that has seen 4000 digits once."""
    import torch
    from toys import train_plainly

    import brainleaks_pl

    torch.manual_seed(0)
    network = brainleaks_pl.Classifier(getattr(brainleaks_pl, kind)(hidden=100), pretrained=True)
    data = _data().for_network(network.takes_spikes)
    network.time_steps = data.time_steps
    train_plainly(network, data, 1, lr=5e-3, cost=lambda x, labels: network.loss(network.logits(x), labels))
    return network.eval()


FRAMEWORKS = ("norse", "rockpool", "sinabs", "spikingjelly")
"""Examples that import one of these are skipped where it is not installed."""
READY = {
    "data": lambda: copy(_data()),
    "network": lambda: deepcopy(_trained("SpikingMLP")),
    "ann": lambda: deepcopy(_trained("MLP")),
}


def frameworks_of(source: str) -> set[str]:
    """Return which of the frameworks an example imports."""
    imported = {
        alias.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {str(node.module) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in imported} & {*FRAMEWORKS}


def names_for(source: str) -> dict[str, Any]:
    """Return what an example finds ready: of what there is, that which it names."""
    names = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return {name: READY[name]() for name in READY.keys() & {node.id for node in names} - own}
