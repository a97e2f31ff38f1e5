"""Whether a judge recognises the attacked classes in their own reconstructions more than in those of others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

_PERMUTATIONS = 9999


def association(matrix: Tensor, classes: Sequence[int], draws: int = _PERMUTATIONS, seed: int = 0) -> float:
    """Return how likely confidences as high as a judge's would be if reconstructions had nothing to do with classes.

    A permutation test: the reconstructions are dealt out anew to the attacked classes, and the mean confidence in the
    class dealt is compared with that in the class attacked.

    Args:
        matrix: the judge's confidences, ``(M, K)``.
        classes: the M attacked classes.
        draws: permutations.
        seed: their seed.

    Returns:
        A p-value in (0, 1]; 1 where fewer than two classes were attacked.
    """
    own = matrix[:, list(classes)].double()
    generator = torch.Generator().manual_seed(seed)
    orders = torch.rand(draws, len(own), generator=generator).argsort(1)
    dealt = own[torch.arange(len(own)), orders].mean(1)
    return float((1 + (dealt >= own.diagonal().mean() - 1e-12).sum()) / (1 + draws))


def least_association(count: int, draws: int = _PERMUTATIONS) -> float:
    """Return the smallest p-value that :func:`association` can come to, for so many attacked classes."""
    return max(1 / math.factorial(min(count, 20)), 1 / (1 + draws))
