"""Limits on what a network's file may unpack to: small files that ask for much are refused unread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

MAX_VALUES = 2**24
"""Most values of a layer's output, for one sample in one time step."""
MAX_BYTES = 2**29
"""Most bytes of all arrays of a file."""
MAX_RATIO = 1100
"""How much larger than the file its arrays may be: zeros, deflated, are a thousandth."""
MAX_ENTRIES = 20_000
"""Most arrays and groups of a file, and most strings in it."""
_SLACK = 2**20


def check_content(file: Any, size: int) -> None:
    """See that reading all of an HDF5 file takes neither much memory nor long.

    Args:
        file: the open ``h5py.File``.
        size: of the file in bytes.

    Raises:
        ValueError: when its arrays are too large or too many, when groups contain each other, or when it leads to other
            files.
    """
    import h5py

    total = entries = strings = 0
    seen, waiting = set(), [file]
    while waiting:
        group = waiting.pop()
        place = h5py.h5o.get_info(group.id).addr
        if place in seen:
            raise ValueError(f"its group {group.name!r} is there several times.")
        seen.add(place)
        entries += len(group)
        if entries > MAX_ENTRIES:
            raise ValueError(f"it has more than {MAX_ENTRIES} entries.")
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"its entry {name!r} leads elsewhere: links are not followed.")
            item = group[name]
            if isinstance(item, h5py.Group):
                waiting.append(item)
                continue
            if item.is_virtual or item.external:
                raise ValueError(f"the content of its array {item.name!r} lies in other files.")
            total += (item.size or 0) * item.dtype.itemsize
            strings += (item.size or 0) * (item.dtype.kind == "O")
            if total > min(MAX_BYTES, MAX_RATIO * size + _SLACK) or strings > MAX_ENTRIES:
                raise ValueError(
                    f"the arrays of its {size} bytes unpack to more than {total} bytes or {strings} strings, up to "
                    f"{item.name!r} of shape {item.shape}: this is no network."
                )


def output_shape(layer: nn.Module, shape: Sequence[int]) -> tuple[int, ...]:
    """Return the shape that a layer, of ``(N, ...)``, makes of one sample; nothing is computed.

    Raises:
        ValueError: when it is one of more than :data:`MAX_VALUES` values.
        RuntimeError: when the layer cannot be applied.
    """
    tensors = (*layer.named_parameters(), *layer.named_buffers())
    hollow = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors}
    made = torch.func.functional_call(layer, hollow, (torch.empty(1, *shape, device="meta"),))
    return check_shape(made.shape[1:])


def check_shape(shape: Sequence[int]) -> tuple[int, ...]:
    """Return a shape that is not too large.

    Raises:
        ValueError: when it has more than :data:`MAX_VALUES` values.
    """
    if math.prod(shape) > MAX_VALUES:
        raise ValueError(f"a shape of {tuple(shape)} has more than {MAX_VALUES} values per sample and time step.")
    return tuple(shape)
