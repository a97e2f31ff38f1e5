"""Bounds of a format's pictures: a black margin, and a largest mean."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def blacken_margin(images: Tensor, margin: int) -> Tensor:
    """Return images ``(N, C, H, W)`` of which so many pixels on every side are black."""
    return F.pad(images[..., margin:-margin, margin:-margin], [margin] * 4) if margin else images


def bound_mean(images: Tensor, limit: float) -> Tensor:
    """Return the nearest images with pixels in [0, 1] whose mean is at most ``limit``, of images ``(N, C, H, W)``.

    The projection onto a box and an L1 ball (Duchi et al., ICML 2008): one number is subtracted from all pixels of an
    image, here found by bisection to 2**-30.
    """
    axes = (1, 2, 3)
    low = images.new_zeros(images.shape[0], 1, 1, 1)
    high = images.amax(axes, keepdim=True).clamp(min=0)
    low = torch.where(images.clamp(0, 1).mean(axes, keepdim=True) > limit, low, high)
    bounded = low == high
    for _ in range(30):
        middle = (low + high) / 2
        above = (images - middle).clamp(0, 1).mean(axes, keepdim=True) > limit
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    return torch.where(bounded, images, images - high).clamp(0, 1)
