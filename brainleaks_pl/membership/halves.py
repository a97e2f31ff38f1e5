"""Which sample trains which network: random halves of a pool, in pairs that share no sample."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Members = NDArray[np.bool_]
"""Of S networks and N samples, which were trained on which: ``(S, N)``."""


def even_pool(labels: Tensor, samples: int | None, seed: int) -> Tensor:
    """Return which samples are in the pool: equally many of each class where ``samples`` limits it, an even number.

    Args:
        labels: classes of the training samples, ``(N,)``.
        samples: the most to take; None takes all, but for one of each class that has an odd number.
        seed: which ones, where there are more.

    Returns:
        Indices in ascending order.

    Raises:
        ValueError: when a class would be left without two samples.
    """
    classes = labels.unique().tolist()
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for label in classes:
        own = (labels == label).nonzero().flatten()
        most = len(own) if samples is None else min(len(own), samples // len(classes))
        most -= most % 2
        if most < 2:
            raise ValueError(
                f"class {label} has {len(own)} training samples, of which {most} would be used: each class needs at "
                "least two, one for each half."
            )
        chosen.append(own[torch.randperm(len(own), generator=generator)[:most]])
    return torch.cat(chosen).sort().values


def halves(labels: Tensor, networks: int, seed: int) -> Members:
    """Return random halves: each network gets half the samples of each class, networks 2i and 2i + 1 opposite halves.

    So every sample is in exactly half of the networks. Where one of a pair is attacked, the other must not be among
    its shadows: it would tell which half is which.

    Args:
        labels: classes of the pool, an even number of each, ``(N,)``.
        networks: S, an even number, at least 4.
        seed: seed of the halves.

    Raises:
        ValueError: when there are too few networks, or an odd number of them or of a class's samples.
    """
    if networks < 4 or networks % 2:
        raise ValueError(f"networks must be an even number, at least 4, got {networks}.")
    generator = torch.Generator().manual_seed(seed)
    members = torch.zeros(networks, len(labels), dtype=torch.bool)
    for label in labels.unique().tolist():
        own = (labels == label).nonzero().flatten()
        if len(own) % 2:
            raise ValueError(f"class {label} has {len(own)} samples in the pool, which is odd: halves cannot be equal.")
        for first in range(0, networks, 2):
            order = own[torch.randperm(len(own), generator=generator)]
            members[first, order[: len(own) // 2]] = True
            members[first + 1, order[len(own) // 2 :]] = True
    return members.numpy()


def shadows_of(target: int, networks: int) -> NDArray[np.int64]:
    """Return the networks that may serve as shadows of one: all but itself and the one trained on the other half."""
    return np.array([other for other in range(networks) if other // 2 != target // 2])
