"""Asks a target for gradients: in parts, and with half-precision products on request."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from brainleaks_pl.attacks.functional import parts
from brainleaks_pl.attacks.losses import Loss, confidence_of
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.classifier import Classifier

ROWS = 1792
"""Most inputs, counted over time steps and samples, that the target sees at once; fewer or more take longer."""


def half_gradients(device: torch.device) -> bool:
    """Tell whether mixed precision takes the gradient's products in bfloat16: asked for, and fast on this processor."""
    return (
        torch.is_autocast_enabled(device.type)
        and torch.get_autocast_dtype(device.type) is torch.bfloat16
        and (device.type != "cpu" or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))
    )


def _gradient_of(losses: Tensor, inputs: Tensor) -> Tensor:
    """Return the gradient of losses, ``(B,)``, with respect to the inputs; autocast chooses the products' precision."""
    with torch.autocast(inputs.device.type, dtype=torch.bfloat16, enabled=half_gradients(inputs.device)):
        (gradient,) = torch.autograd.grad(losses.sum(), inputs)
    return gradient


class Evaluation(NamedTuple):
    """What the target says of a sample of n members per unit.

    Costs and confidences are ``(N, n)``. When differentiated, ``gradient`` is that of the costs with respect to the
    sample, and ``zero_gradient``, ``(N,)``, tells the units for which every gradient of the loss is zero. ``mean`` is
    that of the sample's entries. ``asked``, ``(N, n)``, are the sample's
    :func:`~brainleaks_pl.attacks.spending.fingerprints`.
    """

    costs: Tensor
    confidences: Tensor
    gradient: Tensor | None
    zero_gradient: Tensor | None
    mean: Tensor
    asked: Tensor | None


def ask(
    target: Classifier, loss: Loss, surrogate: Surrogate | None, inputs: Tensor, labels: Tensor, differentiate: bool
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Ask a target about inputs, in parts that the cache likes and that bound the memory.

    Args:
        target: the trained classifier.
        loss: what is minimised.
        surrogate: surrogate gradient in place of the target's own; None keeps that.
        inputs: ``(B, C, H, W)`` or ``(T, B, C, H, W)``, without gradient.
        labels: ``(B,)``.
        differentiate: whether to return the gradient.

    Returns:
        The losses and the confidences, ``(B,)``, and the gradient of the losses in the shape of the inputs.
    """
    losses, confidences, gradients = [], [], []
    with target.using_surrogate(surrogate), torch.set_grad_enabled(differentiate):
        for part in parts(inputs, ROWS):
            # contiguous: of a slice, a linear layer makes one small product a time step
            seen = inputs[..., part, :, :, :].detach().contiguous().requires_grad_(differentiate)
            wanted = labels[part]
            logits = target.logits(seen).float()
            cost = loss(logits, wanted)
            if differentiate:
                gradients.append(_gradient_of(cost, seen))
            losses.append(cost.detach())
            confidences.append(confidence_of(logits.detach(), wanted))
    gradient = None
    if differentiate:
        gradient = gradients[0] if len(gradients) == 1 else torch.cat(gradients, dim=-4)
    return torch.cat(losses), torch.cat(confidences), gradient
