"""Lava-DL's ``.net`` files (HDF5): the description of a network's blocks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from brainleaks_pl.networks.limits import check_content

Whole = npt.NDArray[np.int64]

NEURONS = ("CUBA", "LOIHI")
"""Names that Lava-DL gave its current-based leaky integrate-and-fire neuron, the newer one first."""


@dataclass(frozen=True)
class NeuronConstants:
    """What a file says of a block's neurons.

    Args:
        threshold: mantissa of the threshold (``vThMant``), in 64ths of it.
        current_decay: of the current (``iDecay``), in 4096ths.
        voltage_decay: of the voltage (``vDecay``), in 4096ths.
    """

    threshold: int
    current_decay: int
    voltage_decay: int


@dataclass(frozen=True)
class BlockEntry:
    """One block of a file.

    Args:
        place: the file and the block, for messages.
        kind: its type: ``dense``, ``conv``...
        entries: arrays and nested groups by name.
    """

    place: str
    kind: str
    entries: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return name in self.entries

    def whole(self, name: str) -> Whole:
        """Return an array of whole numbers.

        Raises:
            ValueError: when the block has no such array, or one of other numbers.
        """
        if name not in self.entries:
            raise ValueError(f"{self.place}: '{name}' is missing.")
        values = self.entries[name]
        if isinstance(values, Mapping):
            raise ValueError(
                f"{self.place}: '{name}' has the parts {', '.join(values)}; complex weights are not supported."
            )
        return _whole(values, f"{self.place}: '{name}'")

    def shape(self) -> tuple[int, ...]:
        """Return the shape of the block's output without ones at its end: ``(C, H, W)`` or ``(N,)``.

        Raises:
            ValueError: when the block has no shape of positive numbers.
        """
        shape = [int(size) for size in self.whole("shape").reshape(-1)]
        if not shape or min(shape) < 1:
            raise ValueError(f"{self.place}: 'shape' must be positive numbers, got {shape}.")
        return (shape[0],) if all(size == 1 for size in shape[1:]) else tuple(shape)

    def pair(self, name: str) -> tuple[int, int]:
        """Return two whole numbers, of height and width; one number stands for both.

        Raises:
            ValueError: when the block has no such numbers.
        """
        values = self.whole(name).reshape(-1)
        if values.size not in (1, 2):
            raise ValueError(f"{self.place}: '{name}' must be one or two numbers, got {values.tolist()}.")
        return int(values[0]), int(values[-1])

    def neurons(self) -> NeuronConstants | None:
        """Return the constants of the block's neurons; None where it has none.

        Raises:
            ValueError: when its neurons are of another type than :data:`NEURONS`, or do what is not supported.
        """
        if "neuron" not in self.entries:
            return None
        group = self.entries["neuron"]
        if not isinstance(group, Mapping):
            raise ValueError(f"{self.place}: 'neuron' must be a group of constants, got an array.")
        neuron = BlockEntry(f"{self.place}: neuron", _text(group.get("type")), group)
        if neuron.kind not in NEURONS:
            raise ValueError(f"{self.place}: neuron type {neuron.kind!r} is not supported, only {_listed(NEURONS)}.")
        for name, only, what in (
            ("gradedSpike", 0, "graded spikes"),
            ("refDelay", 1, "refractory delays other than 1"),
            ("wgtExp", 0, "weight exponents other than 0"),
            ("weight_exp", 0, "weight exponents other than 0"),
        ):
            if name in neuron and (neuron.whole(name) != only).any():
                raise ValueError(
                    f"{neuron.place}: '{name}' is {neuron.whole(name).tolist()}; {what} are not supported."
                )
        threshold, current_decay, voltage_decay = (neuron.one(name) for name in ("vThMant", "iDecay", "vDecay"))
        return NeuronConstants(threshold, current_decay, voltage_decay)

    def one(self, name: str) -> int:
        """Return a whole number that holds for the whole block.

        Raises:
            ValueError: when the block has no such number, or several.
        """
        values = self.whole(name)
        if values.size != 1:
            raise ValueError(f"{self.place}: '{name}' must be one number for the whole block, got {values.size}.")
        return int(values.reshape(-1)[0])


def read_blocks(path: Path, kinds: Iterable[str]) -> list[BlockEntry]:
    """Read all blocks of a file, in their order.

    Args:
        path: the ``.net`` file.
        kinds: types of block that are supported.

    Raises:
        FileNotFoundError: when there is no such file.
        ImportError: when h5py is not installed.
        ValueError: when it is no HDF5 file, damaged, not one of Lava-DL's, or has a block of another type.
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError("reading Lava-DL's .net files needs h5py: pip install h5py") from error
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    try:
        with h5py.File(path, "r") as file:
            check_content(file, path.stat().st_size)
            content = _content(file)
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, MemoryError) as error:
        raise ValueError(f"{path}: not an HDF5 file, or a damaged one ({error}).") from error
    layers = content.get("layer")
    if not isinstance(layers, Mapping) or not layers or set(layers) != {str(i) for i in range(len(layers))}:
        raise ValueError(f"{path}: no network of Lava-DL, whose blocks are called layer/0, layer/1...")
    blocks = []
    for i in range(len(layers)):
        entries = layers[str(i)] if isinstance(layers[str(i)], Mapping) else {}
        kind = _text(entries.get("type"))
        place = f"{path}: block {i} ({kind})"
        if kind not in kinds:
            raise ValueError(f"{path}: block {i} is of type {kind!r}; supported are {_listed(kinds)}.")
        if "weight_rec" in entries:
            raise ValueError(f"{place}: recurrent weights are not supported; supported are {_listed(kinds)}.")
        blocks.append(BlockEntry(place, kind, entries))
    return blocks


def _content(group: Any) -> dict[str, Any]:
    """Return a group of HDF5 as nested dictionaries of arrays."""
    content = {}
    for name, item in group.items():
        if item is None:
            raise ValueError(f"its entry {name!r} leads nowhere.")
        content[name] = _content(item) if hasattr(item, "items") else item[()]
    return content


def _text(value: Any) -> str:
    """Return a string that a file holds as bytes or text, alone or in an array of one."""
    first = np.asarray(value, dtype=object).reshape(-1)
    if first.size != 1:
        return repr(value)
    return first[0].decode("ascii", "replace") if isinstance(first[0], bytes) else str(first[0])


def _whole(values: Any, what: str) -> Whole:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{what} must be whole numbers, got {array.dtype}.")
    if not np.isfinite(array).all() or (array != np.round(array)).any():
        raise ValueError(f"{what} must be whole numbers, as Lava-DL quantises them.")
    whole: Whole = array.astype(np.int64)
    return whole


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
