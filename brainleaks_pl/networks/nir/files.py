"""Reads files of NIR graphs without trusting them, and orders their nodes for evaluation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np

from brainleaks_pl.networks.limits import check_content, check_shape

METADATA = "brainleaks_pl"
"""Where a graph that this package wrote keeps, in its metadata, how it is to be run."""

MAX_NODES = 2000
"""Most nodes of a graph."""

_UNREADABLE = (
    OSError,
    RuntimeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    AttributeError,
    TypeError,
    ValueError,
    MemoryError,
)
"""What h5py and nir raise over a file that holds no graph."""


def import_nir() -> Any:
    """Return the package nir.

    Raises:
        ModuleNotFoundError: when it is not installed.
    """
    try:
        import nir
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("NIR graphs need the package nir: pip install nir", name=error.name) from error
    return nir


def read_graph(path: Path, types: Sequence[str]) -> Any:
    """Read a NIR graph. Nothing in a file is executed.

    Args:
        path: the ``.nir`` file.
        types: of the nodes that are accepted, beside one Input and one Output.

    Returns:
        A ``nir.NIRGraph``, whose shapes are not checked.

    Raises:
        FileNotFoundError: when there is no such file.
        ModuleNotFoundError: when the package nir is not installed.
        ValueError: when the file is no NIR graph or is damaged, or has nodes of other types.
    """
    nir = import_nir()
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file.")
    try:
        found = _types(path)
    except _UNREADABLE as error:
        raise ValueError(f"{path} is not a NIR graph, or is damaged: {_said(error)}") from error
    accepted = ["Input", "Output", *types]
    other = {name: kind for name, kind in found.items() if kind not in accepted}
    if other:
        named = ", ".join(f"{name!r} ({kind})" for name, kind in other.items())
        raise ValueError(f"{path}: nodes of these types cannot be run: {named}. Supported: {', '.join(accepted)}.")
    for kind in ("Input", "Output"):
        if list(found.values()).count(kind) != 1:
            raise ValueError(f"{path}: a graph must have one {kind} node, this one has {names_of(found, kind)}.")
    try:
        return nir.read(path, type_check=False)
    except _UNREADABLE as error:
        raise ValueError(f"{path} is not a NIR graph, or is damaged: {_said(error)}") from error


def names_of(types: dict[str, str], kind: str) -> list[str]:
    """Return the names of the nodes of a type."""
    return [name for name, own in types.items() if own == kind]


def _types(path: Path) -> dict[str, str]:
    """Return the types of a file's nodes, by name: nir itself names neither a node nor a type that it does not know."""
    import h5py

    with h5py.File(path, "r") as file:
        check_content(file, path.stat().st_size)
        graph = file["node"]
        kind = graph["type"][()].decode()
        if kind != "NIRGraph":
            raise ValueError(f"it holds a single node of type {kind}.")
        if len(graph["nodes"]) > MAX_NODES:
            raise ValueError(f"it has {len(graph['nodes'])} nodes, more than the {MAX_NODES} that are read.")
        return {name: node["type"][()].decode() for name, node in graph["nodes"].items()}


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


@dataclass(frozen=True)
class Step:
    """A node in the order of evaluation.

    Args:
        name: of the node.
        sources: nodes whose outputs, added up, are its input.
        finished: nodes whose outputs are needed no more.
    """

    name: str
    sources: tuple[str, ...]
    finished: tuple[str, ...]


def evaluation_order(graph: Any) -> list[Step]:
    """Return how a graph is evaluated: every node but the input after all that it depends on, the output last.

    Args:
        graph: a ``nir.NIRGraph`` with one Input and one Output.

    Raises:
        ValueError: when edges name nodes that there are not or repeat themselves, when the graph is recurrent, or when
            nodes hang loose.
    """
    edges = [(str(source), str(target)) for source, target in graph.edges]
    for edge, number in Counter(edges).items():
        if missing := [name for name in edge if name not in graph.nodes]:
            raise ValueError(f"the edge {edge[0]!r} -> {edge[1]!r} names no node of the graph: {', '.join(missing)}.")
        if number > 1:
            raise ValueError(f"the edge {edge[0]!r} -> {edge[1]!r} is there {number} times.")
    sources = {name: tuple(source for source, target in edges if target == name) for name in graph.nodes}
    try:
        order = list(TopologicalSorter(sources).static_order())
    except CycleError as error:
        cycle = " -> ".join(repr(name) for name in error.args[1])
        raise ValueError(f"recurrent graphs cannot be run, this one has a cycle: {cycle}.") from error
    types = {name: type(node).__name__ for name, node in graph.nodes.items()}
    (start,), (end,) = names_of(types, "Input"), names_of(types, "Output")
    used = {source for source, _ in edges}
    loose = [name for name in order if (not sources[name]) != (name == start) or (name not in used) != (name == end)]
    if loose:
        raise ValueError(f"nodes that lie on no path from {start!r} to {end!r}: {', '.join(map(repr, loose))}.")
    last_use = {source: name for name in order for source in sources[name]}
    return [
        Step(name, sources[name], tuple(source for source in sources[name] if last_use[source] == name))
        for name in order
        if name != start
    ]


def shape_of(node: Any) -> tuple[int, ...]:
    """Return the shape that an Input or Output states.

    Raises:
        ValueError: when it holds anything but positive whole numbers, or too large ones.
    """
    stated = np.asarray(node.output_type["output"])
    if stated.dtype.kind not in "iu" or stated.ndim != 1 or stated.size == 0 or (stated < 1).any():
        raise ValueError(f"an {type(node).__name__} must state a shape of positive numbers, got {stated.tolist()}.")
    return check_shape([int(size) for size in stated])


def stored_options(graph: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return how a graph that this package wrote is to be run; nothing for other graphs.

    Raises:
        ValueError: when its metadata hold anything but these names and plain values.
    """
    stored = graph.metadata.get(METADATA, {})
    if not isinstance(stored, dict) or not set(stored) <= set(names):
        raise ValueError(f"its metadata {METADATA!r} must hold nothing but {', '.join(names)}, got {stored}.")
    return {name: _plain(name, value) for name, value in stored.items()}


def _plain(name: str, value: Any) -> bool | int | float | str:
    plain = value.item() if isinstance(value, np.generic) else value
    if not isinstance(plain, bool | int | float | str):
        raise ValueError(f"{name} in its metadata {METADATA!r} must be a single value, got {value!r}.")
    return plain
