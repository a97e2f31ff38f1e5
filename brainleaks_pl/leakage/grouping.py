"""Groups frames of the same sample by similarity."""

from __future__ import annotations

import torch
from torch import Tensor

_ROUNDS = 50


def group_frames(frames: Tensor, groups: int) -> Tensor:
    """Return for each frame the group that it belongs to, ``(n,)``: k-means on frames of unit length.

    The first centres are the frame most like all others, and then each time the one least like those chosen.

    Args:
        frames: ``(n, D)``, n at least 1.
        groups: how many samples the frames are of, at least 1.
    """
    units = torch.nn.functional.normalize(frames.double(), dim=1)
    alike = units @ units.T
    chosen = [int(alike.sum(1).argmax())]
    while len(chosen) < min(groups, len(frames)):
        chosen.append(int(alike[chosen].amax(0).argmin()))
    centres = units[chosen]
    member = (units @ centres.T).argmax(1)
    for _ in range(_ROUNDS):
        sums = torch.zeros_like(centres).index_add(0, member, units)
        centres = torch.where(sums.norm(dim=1, keepdim=True) > 0, torch.nn.functional.normalize(sums, dim=1), centres)
        moved = (units @ centres.T).argmax(1)
        if torch.equal(moved, member):
            break
        member = moved
    return member


def mean_frames(frames: Tensor, groups: int) -> Tensor:
    """Return the mean frame of each group that is not empty, ``(m, D)``."""
    member = group_frames(frames, groups)
    return torch.stack([frames[member == own].mean(0) for own in member.unique().tolist()])
