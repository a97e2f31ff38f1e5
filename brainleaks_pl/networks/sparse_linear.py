"""The input layer's product on sparse spikes: the rows of the weights that spikes select, summed."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from brainleaks_pl.networks.plain_layers import is_plain_linear

SPARSE_BELOW = 0.05
"""Density of the input under which the sparse product is the faster one (on CPUs, where it was measured)."""


def sparse_matmul(x: Tensor, matrix: Tensor) -> Tensor:
    """Return ``x @ matrix``, ``(N, K)`` by ``(K, H)``, at a cost that grows with the number of entries of x not 0."""
    rows, columns = x.nonzero(as_tuple=True)
    starts = torch.searchsorted(rows, torch.arange(len(x), device=x.device))
    return F.embedding_bag(columns, matrix, starts, mode="sum", per_sample_weights=x[rows, columns])


class _SparseLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return sparse_matmul(x, weight.T.contiguous()).add_(bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        needs_x, needs_weight, needs_bias = ctx.needs_input_grad
        return (
            grad @ weight if needs_x else None,
            sparse_matmul(x.T, grad).T if needs_weight else None,
            grad.sum(0) if needs_bias else None,
        )


def spike_linear(layer: nn.Linear, spikes: Tensor) -> Tensor:
    """Return ``layer(spikes)``; event data, of which few entries are not 0, takes the sparse product.

    The density decides, on CPUs and in full precision, for a plain layer: one of a subclass, without a bias, or to
    which a hook listens is called. Both ways agree but for the order of summation.

    Args:
        layer: a linear layer.
        spikes: ``(..., K)``.

    Returns:
        ``(..., H)``.
    """
    full_precision = spikes.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
    dense = spikes.device.type != "cpu" or not full_precision or not is_plain_linear(layer)
    rows = spikes.reshape(-1, spikes.shape[-1])  # one product, where a slice of a batch would get one a time step
    if dense or int(rows.count_nonzero()) >= SPARSE_BELOW * rows.numel():
        current: Tensor = layer(rows)
    else:
        current = _SparseLinear.apply(rows, layer.weight, layer.bias)
    return current.view(*spikes.shape[:-1], layer.out_features)
