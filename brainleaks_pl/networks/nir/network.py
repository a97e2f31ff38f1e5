"""Networks stored as graphs of the Neuromorphic Intermediate Representation (Pedersen et al., Nat. Commun. 2024)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, ClassVar, get_args

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.base import Network
from brainleaks_pl.networks.limits import output_shape
from brainleaks_pl.networks.nir.files import evaluation_order, read_graph, shape_of, stored_options
from brainleaks_pl.networks.nir.layers import BUILDERS, TIME_CONSTANTS, OverTime, build
from brainleaks_pl.networks.nir.neurons import NIROutput, SpikingNeurons
from brainleaks_pl.networks.nir.scan import Discretisation, NIRReset
from brainleaks_pl.networks.surrogates import ATan, Surrogate

NIR_SURROGATE = ATan(alpha=2.0)
"""Surrogate gradient of networks from NIR graphs, which store none: wide, so that it passes many layers of neurons."""


class NIRNetwork(Network):
    """A network read from a NIR graph (``.nir``) and run in discrete time, starting at rest in every forward.

    A graph fixes weights, thresholds and time constants, but neither the time step nor what simulators do differently
    from NIR's equations. Each option that is None is what the graph's metadata say, which graphs written by
    :func:`~brainleaks_pl.networks.nir.export.write_nir` have, else NIR's specification. A network may recognise most of
    its data under wrong ones too: compare its accuracy with the published one. Options that frameworks need:

    - sinabs, IF: ``reset: subtract``, ``multi_spike: true`` and sinabs' ``min_v_mem`` as ``min_v`` (networks for the
      Speck chip: -1);
    - snntorch's Leaky: ``reset: subtract_late``, ``dt: 1e-4``.

    Nodes Affine, Linear, Conv1d, Conv2d, SumPool2d, AvgPool2d (zeros of the padding count), Flatten, Scale, Threshold,
    IF, LIF, LI and CubaLIF are run, their neurons as :mod:`brainleaks_pl.networks.nir.neurons` says. The inputs of a
    node that has several are added up. Weights are parameters, constants of neurons buffers. No code in a file is run.

    Args:
        path: the ``.nir`` file.
        dt: length of a time step in the unit of the graph's time constants, > 0. Only a graph without time constants
            (of IF neurons alone) needs none: it is 1 there, so that a step adds ``r * I``.
        reset: what a spike does to the membrane. NIR sets it to the node's v_reset (``to_value``); ``subtract`` takes
            ``v_threshold - v_reset`` from it, ``subtract_late`` does so in the next step, after decay and input.
        multi_spike: neurons fire ``floor((v - v_reset) / (v_threshold - v_reset))`` times per step, rather than once
            where ``v > v_threshold``; every spike is subtracted.
        min_v: lower bound of the membranes of spiking neurons; NIR has none.
        output: ``spikes``, or ``membranes`` for those of the last spiking neurons, before the reset.
        input_shape: (C, H, W) of one time step; None takes the graph's, in which (N,) is (1, 1, N) and (C, N) is
            (C, 1, N). Another one must hold as many values, which reach the graph in their order.
        surrogate: gradient of a spike with respect to its membrane; None means the arctangent, alpha 2. Each layer
            of neurons has it as its attribute ``surrogate``, which may be replaced at any time.

    Raises:
        FileNotFoundError: when there is no such file.
        ModuleNotFoundError: when the package nir is not installed.
        ValueError: when the file is no NIR graph or is damaged; when the graph is recurrent, has nodes of other types,
            several inputs or outputs, or nodes that do not fit together; when an option is out of range or missing.

    Examples:
        Written by this package, read back with all its constants; the answer is the same:

        >>> import torch
        >>> from brainleaks_pl import NIRNetwork, SpikingMLP, write_nir
        >>> network = SpikingMLP(input_shape=(1, 6, 6), num_classes=3, hidden=8)
        >>> write_nir(network, "network.nir", dt=1e-3)
        >>> graph = NIRNetwork("network.nir")
        >>> list(graph.nodes)
        ['hidden_flatten', 'hidden', 'neurons', 'output_layer', 'output_neurons']
        >>> spikes = torch.ones(4, 1, 1, 6, 6)
        >>> torch.allclose(graph(spikes), network(spikes), atol=1e-5)
        True
    """

    takes_spikes: ClassVar[bool] = True
    brings_weights: ClassVar[bool] = True
    """The file holds the trained weights: nothing is left to train."""

    def __init__(
        self,
        path: str | Path,
        dt: float | None = None,
        reset: NIRReset | None = None,
        multi_spike: bool | None = None,
        min_v: float | None = None,
        output: NIROutput | None = None,
        input_shape: tuple[int, int, int] | None = None,
        surrogate: Surrogate | None = None,
    ) -> None:
        graph = read_graph(Path(path), list(BUILDERS))
        given = {"dt": dt, "reset": reset, "multi_spike": multi_spike, "min_v": min_v, "output": output}
        try:
            options = stored_options(graph, list(given))
            options |= {name: value for name, value in given.items() if value is not None}
            delivered = options.pop("output", "spikes")
            if "dt" not in options:
                options["dt"] = _unneeded_dt(graph)
            how = Discretisation(**options)
            steps = evaluation_order(graph)
            (start,) = set(graph.nodes) - {step.name for step in steps}
            shape, answer = shape_of(graph.nodes[start]), shape_of(graph.nodes[steps[-1].name])
            super().__init__(_outer_shape(shape, input_shape), math.prod(answer))
            self.graph_shape, self._start, self._steps = shape, start, steps
            self.nodes = nn.ModuleDict()
            self._keys: dict[str, str] = {}
            self._build(graph, how, NIR_SURROGATE if surrogate is None else surrogate)
            for source in steps[-1].sources:
                self._hand_out(source, delivered)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path}: {error}") from error

    def _build(self, graph: Any, how: Discretisation, surrogate: Surrogate) -> None:
        """Make the nodes' modules, each tried on one silent step, which gives the next one's shape."""
        end = self._steps[-1].name
        shapes = {self._start: self.graph_shape}
        for step in self._steps:
            inputs = {source: shapes[source] for source in step.sources}
            if len(set(inputs.values())) > 1:
                raise ValueError(f"node {step.name!r} adds up inputs of different shapes: {inputs}.")
            own = shapes[step.name] = inputs[step.sources[0]]
            if step.name == end:
                break
            node = graph.nodes[step.name]
            try:
                module = build(node, own, how, surrogate)
                if isinstance(module, OverTime):  # whose padding may ask for any size
                    output_shape(module.layer, own)
                with torch.no_grad():
                    shapes[step.name] = tuple(module(torch.zeros(1, 1, *own)).shape[2:])
            except (ValueError, TypeError, RuntimeError, IndexError) as error:
                raise ValueError(f"node {step.name!r} ({type(node).__name__}), input {own}: {error}") from error
            key = self._keys[step.name] = _key(step.name, self.nodes)
            self.nodes[key] = module
        stated = shape_of(graph.nodes[end])
        if shapes[end] != stated:
            raise ValueError(f"the graph's output is of shape {shapes[end]}, its node {end!r} states {stated}.")

    def _hand_out(self, name: str, output: str) -> None:
        """Let a node hand out its spikes or its membranes."""
        if output not in get_args(NIROutput):
            raise ValueError(f"output must be one of {', '.join(get_args(NIROutput))}, got {output!r}.")
        neurons = list(self.nodes[self._keys[name]].modules())[-1] if name in self._keys else None
        if output == "spikes":
            return
        if not isinstance(neurons, SpikingNeurons):
            raise ValueError(f"node {name!r} has no membranes beside its output: leave output at 'spikes'.")
        if sum(name in step.sources for step in self._steps) > 1:
            raise ValueError(f"other nodes need the spikes of {name!r}: leave output at 'spikes'.")
        neurons.output = "membranes"

    def forward(self, x: Tensor) -> Tensor:
        """Return what the graph's output delivers in each step, ``(T, B, K)``, for an input ``(T, B, C, H, W)``.

        Spikes of the last neurons (several a step, where they fire several), or values where the last node gives those.

        Raises:
            ValueError: when a step of the input holds another number of values than the graph takes, or there is none.
        """
        if x.ndim < 3 or len(x) == 0 or math.prod(x.shape[2:]) != math.prod(self.graph_shape):
            raise ValueError(f"the network takes (T, B, C, H, W) with {self.input_shape}, got {tuple(x.shape)}.")
        values = {self._start: x.reshape(*x.shape[:2], *self.graph_shape)}
        for step in self._steps:
            total = values[step.sources[0]]
            for source in step.sources[1:]:
                total = total + values[source]
            for source in step.finished:
                del values[source]
            values[step.name] = self.nodes[self._keys[step.name]](total) if step.name in self._keys else total
        return values[self._steps[-1].name].flatten(2)


def _unneeded_dt(graph: Any) -> float:
    """Return a time step for a graph that has no time constants."""
    timed = [name for name, node in graph.nodes.items() if any(hasattr(node, field) for field in TIME_CONSTANTS)]
    if timed:
        raise ValueError(
            f"the graph has time constants ({', '.join(timed)}), but no time step: give dt, in their unit, as the "
            "network was trained with it."
        )
    return 1.0


def _outer_shape(shape: tuple[int, ...], wanted: tuple[int, int, int] | None) -> tuple[int, int, int]:
    """Return the (C, H, W) that users of the network see."""
    if wanted is not None:
        if len(wanted) != 3 or math.prod(wanted) != math.prod(shape) or (len(shape) == 3 and tuple(wanted) != shape):
            raise ValueError(f"input_shape must be (C, H, W) and suit the graph's input {shape}, got {tuple(wanted)}.")
        return (wanted[0], wanted[1], wanted[2])
    match shape:
        case (channels, height, width):
            return (channels, height, width)
        case (channels, width):
            return (channels, 1, width)
        case (width,):
            return (1, 1, width)
    raise ValueError(f"the graph's input has {len(shape)} dimensions, {shape}; networks have one to three.")


def _key(name: str, modules: nn.ModuleDict) -> str:
    """Return a node's name in the form that torch accepts for modules, different from those that are taken."""
    key = name.replace(".", "_")
    while key in modules or hasattr(modules, key):
        key += "_"
    return key
