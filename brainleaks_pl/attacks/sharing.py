"""Distributes the units of an attack over processes, and gathers their results."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor

ENTRIES_AT_ONCE = 2**28
"""Most entries, over all units, of the inputs that an attack holds at once: 1 GiB, of which it needs some six."""
UnitTensors = Mapping[str, Tensor]
"""What an attack holds of its N units, by name: ``(N,)``, or ``(..., N, C, H, W)``."""


def share(count: int, rank: int, ranks: int) -> list[int]:
    """Return which of ``count`` units a process has: every ``ranks``-th, from its own rank on.

    Raises:
        ValueError: when there are fewer units than processes.
    """
    if count < ranks:
        raise ValueError(
            f"{count} (class, restart) units cannot be shared by {ranks} processes: attack more classes, give more "
            f"restarts, or use {count} devices."
        )
    return list(range(rank, count, ranks))


def blocks(count: int, entries: int, ranks: int = 1, at_once: int = ENTRIES_AT_ONCE) -> list[list[int]]:
    """Split ``count`` units, of so many tensor entries each, into the fewest even blocks within ``at_once`` entries.

    The bound is that of each of ``ranks`` processes. A block has a unit for each of them at least, where there are
    as many.
    """
    size = ranks * max(1, at_once // max(1, entries))
    number = max(1, min(math.ceil(count / size), count // ranks))
    bounds = [count * index // number for index in range(number + 1)]
    return [list(range(first, end)) for first, end in pairwise(bounds)]


def select(tensors: UnitTensors, units: Sequence[int]) -> dict[str, Tensor]:
    """Return what is held of some of the units, in their order."""
    return {
        name: tensor.index_select(_axis(tensor), torch.tensor(units, device=tensor.device))
        for name, tensor in tensors.items()
    }


def join(parts: Sequence[UnitTensors], shares: Sequence[Sequence[int]]) -> dict[str, Tensor]:
    """Return what is held of all units, in their order.

    Args:
        parts: what each process holds of its units; of the same names.
        shares: which units these are.
    """
    order = torch.tensor([unit for own in shares for unit in own]).argsort()
    together = {name: torch.cat([part[name] for part in parts], dim=_axis(parts[0][name])) for name in parts[0]}
    return select(together, order.tolist())


def replace(tensors: UnitTensors, units: Sequence[int], part: UnitTensors) -> dict[str, Tensor]:
    """Return what is held of all units after some of it has been replaced, in place.

    Args:
        tensors: what was held of all units.
        units: some of them.
        part: what is held of these, on any device.
    """
    return {
        name: tensor.index_copy_(_axis(tensor), torch.tensor(units, device=tensor.device), part[name].to(tensor.device))
        for name, tensor in tensors.items()
    }


def _axis(tensor: Tensor) -> int:
    return 0 if tensor.ndim == 1 else -4
