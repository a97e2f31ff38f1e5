"""What an attack spends, and its candidates along the way."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from brainleaks_pl.attacks.functional import parts, per_unit

_ENTRIES = 2**22  # of inputs that are looked at together


class Spending(NamedTuple):
    """What an attack has spent on each class, all its restarts together.

    Args:
        gradients: gradients of the target, of which no two are of the same input.
        queries: answers of the target without a gradient: all that some attacks see, and what others choose their
            first images by; the classes may share these.
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


def fingerprints(inputs: Tensor) -> Tensor:
    """Return a whole number for each input: the same for equal inputs, and another for any other input.

    Two inputs that differ have the same number with a probability of about 2**-40.

    Args:
        inputs: ``(B, C, H, W)`` or ``(T, B, C, H, W)``.

    Returns:
        ``(B,)``.
    """
    factors = _factors((*inputs.shape[:-4], 1, *inputs.shape[-3:]), inputs.device)
    found = []
    for part in parts(inputs, max(1, _ENTRIES // math.prod(inputs.shape[-3:]))):
        values = inputs[..., part, :, :, :].detach().float() + 0.0  # there is one zero, not two
        products = values.view(torch.int32) * factors  # whole numbers: their sum does not depend on its order
        found.append(products.sum(per_unit(products)))
    return torch.cat(found)


@lru_cache(maxsize=2)
def _factors(shape: tuple[int, ...], device: torch.device) -> Tensor:
    """Return fixed random whole numbers, int64."""
    generator = torch.Generator(device).manual_seed(0)
    return torch.randint(-(2**62), 2**62, shape, generator=generator, device=device)


def distinct(numbers: Tensor) -> Tensor:
    """Return how many different numbers each row of ``(N, n)`` has, ``(N,)``."""
    ordered = numbers.sort(1).values
    return 1 + (ordered[:, 1:] != ordered[:, :-1]).sum(1)


def repeated(labels: Tensor, first_asked: Tensor) -> int:
    """Return how many units asked first what another unit of their class had asked first, of two ``(N,)``."""
    pairs = torch.stack([labels, first_asked], 1)
    return len(pairs) - len(pairs.unique(dim=0))
