"""Histograms of oriented gradients (Dalal and Triggs, CVPR 2005): features of images that no network has learnt.

The constants were chosen once, on real images alone, with the validation digits of MNIST and the AT&T faces: by these
features the nearest of 500 training images of each digit is of the right class for 96 % of the test digits, and the
nearest training face is the right person's for 96 % of the test faces.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

CELLS = 5
"""Cells across and down an image, whatever its size."""
ORIENTATIONS = 9
"""Bins of the direction of a gradient, over half a turn: bright on dark and dark on bright are alike."""
BLOCK = 2
"""Cells across and down a block, within which contrast is evened out."""
FEATURES = ORIENTATIONS * BLOCK**2 * (CELLS - BLOCK + 1) ** 2
"""Number of features of an image."""

_CLIP = 0.2  # of the features of a block, between the two times that its length is set to 1 (L2-Hys)
_FAINT = 0.01  # mean gradients of a cell, in pixels, that are too faint to be evened out
_AT_ONCE = 2**22  # values of the histograms of all pixels in memory


def hog(images: Tensor) -> Tensor:
    """Return the features of images, ``(N, FEATURES)``, float32.

    Each pixel votes with the length of its gradient for the two nearest bins of its direction, in every channel (where
    the original takes the channel of the longest, and so jumps from one to another); cells are means of votes, blocks
    of cells are clipped and of length 1, shorter where gradients are faint, and 0 where nothing is to be seen.
    Continuous and differentiable.

    Args:
        images: pixels in [0, 1] of any size, ``(N, C, H, W)``.

    Raises:
        ValueError: when ``images`` has another number of dimensions, or is empty.
    """
    if images.ndim != 4 or images.numel() == 0:
        raise ValueError(f"expected images (N, C, H, W), at least one, got the shape {tuple(images.shape)}.")
    at_once = max(1, _AT_ONCE // (ORIENTATIONS * images[0].numel()))
    return torch.cat([_hog(part) for part in images.float().split(at_once)])


def _hog(images: Tensor) -> Tensor:
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    across = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    across, down = (part.flatten(0, 1).unsqueeze(1) for part in (across, down))  # of every channel
    lengths = (across.square() + down.square() + 1e-12).sqrt() - 1e-6  # 0 at 0, with a finite derivative there
    bins = torch.atan2(down, across).remainder(math.pi) * (ORIENTATIONS / math.pi)
    lower = bins.detach().floor()
    share = bins - lower
    first = lower.long() % ORIENTATIONS
    votes = images.new_zeros(len(across), ORIENTATIONS, *images.shape[-2:])
    votes = votes.scatter(1, first, lengths * (1 - share))
    votes = votes.scatter_add(1, (first + 1) % ORIENTATIONS, lengths * share)
    cells = F.adaptive_avg_pool2d(votes, CELLS).unflatten(0, images.shape[:2]).sum(1)
    blocks = cells.unfold(2, BLOCK, 1).unfold(3, BLOCK, 1).permute(0, 2, 3, 1, 4, 5).flatten(3)
    return _of_length_one(_of_length_one(blocks).clamp(max=_CLIP)).flatten(1)


def _of_length_one(blocks: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(blocks, dim=-1, keepdim=True)
    return blocks / (lengths + _FAINT)
