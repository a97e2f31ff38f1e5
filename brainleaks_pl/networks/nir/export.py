"""Networks of this package as NIR graphs, for other simulators and for chips."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from brainleaks_pl.networks.lif import LIF
from brainleaks_pl.networks.nir.files import METADATA, import_nir
from brainleaks_pl.networks.nir.network import NIRNetwork


def write_nir(network: nn.Module, path: str | Path, dt: float = 1.0) -> None:
    """Write a network as a NIR graph, which NIRNetwork reads without further options.

    Our neurons, ``u_t = beta * u_(t-1) + I_t`` less the threshold where ``u_(t-1)`` exceeded it, become LIF nodes with
    ``tau = dt / (1 - beta)`` and ``r = 1 / (1 - beta)``, which steps of forward Euler turn back into beta and a gain of
    1; with beta = 1 they become IF nodes with ``r = 1 / dt``. What NIR has no place for stands in the graph's metadata
    and is what NIRNetwork takes unless told otherwise: dt, that the threshold is subtracted in the step after the spike
    (``subtract_late``; neurons reset to zero are NIR's own), and that the membranes of the last neurons are the answer.
    Other readers must be told. They get spikes as the answer, and a reset to zero at once if they keep to NIR.

    The graph is read back and must answer random spikes as the network does before the file takes its place.

    Args:
        network: made of Linear and Conv2d layers, each followed by :class:`~brainleaks_pl.networks.lif.LIF` or not, the
            last one by it, defined in the order in which they run; with the attribute ``input_shape``, (C, H, W). It
            returns the membranes of its last neurons, ``(T, B, K)``.
        path: the ``.nir`` file; one that is there is replaced.
        dt: length of a time step, > 0. In seconds, the time constants are too, as most readers have it.

    Raises:
        ModuleNotFoundError: when the package nir is not installed.
        ValueError: when NIR has no node for a layer, when neurons differ in their reset, when dt is out of range, or
            when the graph answers otherwise than the network.

    Examples:
        >>> import nir
        >>> from brainleaks_pl import SpikingMLP, write_nir
        >>> write_nir(SpikingMLP(input_shape=(1, 6, 6), num_classes=3, hidden=8), "network.nir", dt=1e-3)
        >>> graph = nir.read("network.nir")
        >>> [name for name, _ in graph.edges]
        ['input', 'hidden_flatten', 'hidden', 'neurons', 'output_layer', 'output_neurons']
    """
    if not 0 < dt < float("inf"):
        raise ValueError(f"dt must be positive and finite, got {dt}.")
    path = Path(path)
    temporary = path.with_name(f".{path.name}.part")
    try:
        import_nir().write(temporary, _graph(network, dt))
        _compare(network, NIRNetwork(temporary))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _graph(network: nn.Module, dt: float) -> Any:
    nir = import_nir()
    layers = {name: module for name, module in network.named_modules() if not list(module.children())}
    for name, layer in layers.items():
        if not isinstance(layer, nn.Linear | nn.Conv2d | LIF):
            raise ValueError(f"NIR has no node for the layer {name!r} ({type(layer).__name__}) of {_kind(network)}.")
    neurons = {name: layer for name, layer in layers.items() if isinstance(layer, LIF)}
    resets = {name: layer.reset for name, layer in neurons.items()}
    if list(layers)[-1:] != list(neurons)[-1:] or len(set(resets.values())) != 1:
        raise ValueError(f"{_kind(network)} must end in neurons, and all of them reset alike, got the resets {resets}.")
    shape = tuple(int(size) for size in network.input_shape)  # type: ignore[union-attr]
    nodes: dict[str, Any] = {"input": nir.Input(np.array(shape))}
    for own_name, layer in layers.items():
        name = own_name.replace(".", "_") + "_layer" * (own_name in ("input", "output"))
        if isinstance(layer, nn.Linear) and len(shape) > 1:
            nodes[f"{name}_flatten"] = nir.Flatten(np.array(shape), start_dim=0, end_dim=-1)
        nodes[name], shape = _node(nir, layer, shape, dt)
    nodes["output"] = nir.Output(np.array(shape))
    (reset,) = set(resets.values())
    options = {"dt": dt, "reset": "subtract_late" if reset == "subtract" else "to_value", "output": "membranes"}
    return nir.NIRGraph(nodes, list(pairwise(nodes)), metadata={METADATA: options})


def _node(nir: Any, layer: nn.Module, shape: tuple[int, ...], dt: float) -> tuple[Any, tuple[int, ...]]:
    """Return the node of a layer whose input is of a shape, and the shape of its output."""
    match layer:
        case nn.Linear():
            weight = _array(layer.weight)
            node = nir.Linear(weight) if layer.bias is None else nir.Affine(weight, _array(layer.bias))
            return node, (layer.out_features,)
        case nn.Conv2d():
            with torch.no_grad():
                outputs = layer(layer.weight.new_zeros(1, *shape)).shape[1:]
            bias = np.zeros(layer.out_channels, np.float32) if layer.bias is None else _array(layer.bias)
            padding = layer.padding if isinstance(layer.padding, str) else tuple(layer.padding)
            sizes = (layer.stride, padding, layer.dilation, layer.groups)
            return nir.Conv2d(shape[1:], _array(layer.weight), *sizes, bias), tuple(outputs)
        case LIF():
            threshold, nothing = np.full(shape, layer.threshold), np.zeros(shape)
            if layer.beta == 1:
                return nir.IF(r=np.full(shape, 1 / dt), v_threshold=threshold, v_reset=nothing), shape
            leak = 1 - layer.beta
            tau, r = np.full(shape, dt / leak), np.full(shape, 1 / leak)
            return nir.LIF(tau=tau, r=r, v_leak=nothing, v_threshold=threshold, v_reset=nothing), shape
    raise TypeError(f"no node for {layer}.")


def _array(weight: Tensor) -> Any:
    return weight.detach().cpu().numpy()


def _kind(network: nn.Module) -> str:
    return type(network).__name__


def _compare(network: nn.Module, graph: NIRNetwork) -> None:
    """Refuse a graph that answers most of some random spikes otherwise than the network does.

    One that rounds otherwise may differ where a membrane happens to lie at the threshold, which few samples have.
    """
    weight = next(network.parameters())
    spikes = torch.rand(10, 8, *graph.input_shape, generator=torch.Generator().manual_seed(0)) < 0.3
    with torch.no_grad():
        expected: Tensor = network(spikes.to(weight)).cpu().float()
        answer = graph(spikes.float())
    if answer.shape != expected.shape:
        raise ValueError(f"the network answers {tuple(expected.shape)}, its graph {tuple(answer.shape)}.")
    differ = ((answer - expected).abs() > 1e-4 * expected.abs().max()).any(2).any(0)
    if differ.float().mean() > 0.5:
        raise ValueError(
            f"the graph of {_kind(network)} does not answer as the network does: its layers must be defined in the "
            "order in which they run, and nothing may happen between them."
        )
