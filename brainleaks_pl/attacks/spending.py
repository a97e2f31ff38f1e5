"""What an attack spends, and what it had on the way."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class Spending(NamedTuple):
    """What an attack has spent on each class, all its restarts together.

    Args:
        gradients: gradients of the target.
        queries: answers of the target, where the attack sees no more than these.
        zero_gradients: share of the steps in which every gradient of a unit was zero; None without gradients.
    """

    gradients: int = 0
    queries: int = 0
    zero_gradients: float | None = None


class Snapshot(NamedTuple):
    """What an attack had after some of its queries.

    Args:
        queries: queries spent on each class by then, those of all its restarts.
        costs: what the candidates cost, as far as the attack knew, ``(N,)``.
        candidates: in the shape of the attack's.
    """

    queries: int
    costs: Tensor
    candidates: Tensor
