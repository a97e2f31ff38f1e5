"""The units of an attack shared out among processes, and put together again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

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


def _axis(tensor: Tensor) -> int:
    return 0 if tensor.ndim == 1 else -4
