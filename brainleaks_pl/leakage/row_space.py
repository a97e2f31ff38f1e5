"""The row space of a dense layer's gradient: what the frames that it saw span."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from brainleaks_pl.leakage.layers import NotApplicableError

_NOISE = 1e-6  # of the largest singular value: what float32 leaves of those that are zero
_MORE = 10  # dimensions beyond those of the frames: enough to see noise, and to lose nothing of the frames' own


class RowSpace(NamedTuple):
    """The space of the rows of ``[db, dW]``, whose dimension is R.

    ``left`` are the rows in an orthonormal basis of the columns, ``(H, R)``; ``basis`` is orthonormal, ``(R, 1 + D)``.
    """

    left: Tensor
    basis: Tensor


def row_space(weight: Tensor, bias: Tensor, count: int) -> RowSpace:
    """Return the space that frames ``[1, s_t]`` span, from the gradient ``[db, dW]`` that is a sum over them.

    Only as many dimensions are looked at as there are frames, and a few more, which is much faster than all.

    Args:
        weight: gradient of the layer's weight, ``(H, D)``, in double precision, of any scale.
        bias: gradient of its bias, ``(H,)``, of the same scale.
        count: how many frames it is a sum over.

    Raises:
        NotApplicableError: when the frames are more than the layer's units, are not alone in the row space (as noise
            was added), or the gradient is zero.
    """
    if count > len(weight):
        raise NotApplicableError(
            f"{count} frames (time steps times samples times local steps) are more than the {len(weight)} units of the "
            "first layer: its gradient does not determine them. It takes fewer samples or a wider layer."
        )
    rows = torch.cat([bias.unsqueeze(1), weight], 1)
    chosen = count + _MORE
    narrow = None
    if chosen < min(rows.shape):  # random sums of rows span what the rows do
        mixing = torch.randn(chosen, len(rows), generator=Generator().manual_seed(0), dtype=rows.dtype)
        narrow = torch.linalg.qr((mixing @ rows).T)[0]
    left, sizes, space = torch.linalg.svd(rows if narrow is None else rows @ narrow, full_matrices=False)
    if not sizes[0] > 0:
        raise NotApplicableError("the gradient of the first layer is zero: no unit was near its threshold.")
    rank = int((sizes > _NOISE * sizes[0]).sum())
    if rank > count:
        raise NotApplicableError(
            f"the gradient's rank is above the number of frames, {count}: noise was added, or {count} is not the "
            "number of frames."
        )
    space = space[:rank]
    return RowSpace(left[:, :rank], space if narrow is None else space @ narrow.T)


def mean_space(basis: Tensor) -> tuple[Tensor, Tensor]:
    """Return all that frames come to when they are summed with weights of sum 1: the flat that their mean lies in.

    Args:
        basis: of the space of ``[1, s_t]``, orthonormal, ``(R, 1 + D)``.

    Returns:
        Its point nearest to zero, ``(1 + D,)``, whose first entry is 1, and an orthonormal basis of its directions,
        ``(R - 1, 1 + D)``.
    """
    first = basis[:, 0]
    away = torch.linalg.qr(first[:, None], mode="complete")[0][:, 1:]
    return first @ basis / (first @ first), away.T @ basis
