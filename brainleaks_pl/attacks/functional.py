"""The attacks' arithmetic as pure functions.

N is the number of (class, restart) units, always the fourth axis from the right: images are ``(N, C, H, W)``, spikes
``(T, N, C, H, W)``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


def attacked_classes(classes: list[int] | None, num_classes: int) -> list[int]:
    """Return the classes to attack (None: all), or raise a ValueError when one does not exist or stands twice."""
    if classes is None:
        return list(range(num_classes))
    wrong = [label for label in classes if not 0 <= label < num_classes]
    if wrong or not classes or len(set(classes)) != len(classes):
        raise ValueError(f"classes must be distinct numbers from 0 to {num_classes - 1}, got {classes}.")
    return list(classes)


def per_unit(values: Tensor) -> tuple[int, ...]:
    """Return the axes of one unit: all but the fourth from the right."""
    return tuple(axis for axis in range(-values.ndim, 0) if axis != -4)


def unit_view(values: Tensor, like: Tensor) -> Tensor:
    """Shape one value per unit, ``(N,)``, so that it broadcasts against ``like``."""
    return values.view(*(values.shape[0] if axis == like.ndim - 4 else 1 for axis in range(like.ndim)))


def unit_uniform(
    shape: Sequence[int], units: Sequence[tuple[int, ...]], key: Sequence[int], device: torch.device | str = "cpu"
) -> Tensor:
    """Draw uniform numbers in [0, 1), each unit's from a stream of its own.

    The numbers of a unit depend on its class, its restart and the key, and on nothing else: not on which other units
    there are, nor on what was drawn before.

    Args:
        shape: shape of one unit's numbers, ``(C, H, W)`` or ``(..., C, H, W)``.
        units: (class, restart) of each unit, or whatever else tells it from others; non-negative integers.
        key: the seed, the step, and whatever else tells this draw from others; non-negative integers.
        device: where to draw. Devices of another kind have other streams.

    Returns:
        ``(..., N, C, H, W)``.
    """
    draws = []
    for unit in units:
        state = np.random.SeedSequence((*key, *unit)).generate_state(1, np.uint64)[0]
        generator = torch.Generator(device).manual_seed(int(state >> np.uint64(1)))
        draws.append(torch.rand(tuple(shape), generator=generator, device=device))
    return torch.stack(draws, dim=-4)


def standard_normal(uniform: Tensor) -> Tensor:
    """Return standard normal numbers made of uniform ones in [0, 1), in their shape."""
    normal: Tensor = torch.special.ndtri(uniform.clamp(min=torch.finfo(torch.float32).tiny))
    return normal


def parts(inputs: Tensor, rows: int) -> list[slice]:
    """Split inputs, ``(B, C, H, W)`` or ``(T, B, C, H, W)``, into the fewest even parts of B within ``rows``.

    A part has at most ``rows`` inputs, counted over time, and at least one sample.
    """
    samples = inputs.shape[-4]
    at_once = max(1, rows // math.prod(inputs.shape[:-4]))
    size = math.ceil(samples / math.ceil(samples / at_once))
    return [slice(first, first + size) for first in range(0, samples, size)]


def flip_probability(gradient: Tensor) -> Tensor:
    """Return v1's flip probabilities: |g| min-max scaled over each unit (BrainLeaks, gradient binarisation).

    A unit whose entries all have the same absolute gradient gets probability 1 where that is not zero.

    Args:
        gradient: ``(T, N, C, H, W)``.
    """
    size = gradient.abs()
    least = size.amin(per_unit(size), keepdim=True)
    spread = size.amax(per_unit(size), keepdim=True) - least
    return torch.where(spread > 0, (size - least) / spread.where(spread > 0, 1.0), (size > 0).to(size.dtype))


def population_weights(costs: Tensor, weighting: str) -> Tensor:
    """Return how much each member of a population counts in v2's gradient estimate.

    Args:
        costs: ``(N, n)``, one row per unit.
        weighting: ``cost`` (published: ``c_i / sum c``, the worst members weigh most), ``fitness`` (corrected:
            ``softmax(-c)``, the best weigh most) or ``uniform``.

    Returns:
        Weights ``(N, n)``; each row sums to 1 (with ``cost``, unless all costs are 0: then it is uniform).

    Raises:
        ValueError: when ``weighting`` is none of these, or ``cost`` meets a negative cost.
    """
    uniform = torch.full_like(costs, 1 / costs.shape[1])
    if weighting == "uniform":
        return uniform
    if weighting == "fitness":
        return (-costs).softmax(1)
    if weighting == "cost":
        if bool((costs < 0).any()):
            raise ValueError(
                "weighting 'cost' divides by the sum of the costs and needs a loss that is never negative."
            )
        total = costs.sum(1, keepdim=True)
        return torch.where(total > 0, costs / total.where(total > 0, 1.0), uniform)
    raise ValueError(f"weighting must be 'cost', 'fitness' or 'uniform', got {weighting!r}.")


def centred_ranks(values: Tensor) -> Tensor:
    """Return each row's ranks scaled to [-0.5, 0.5], the lowest value first; equal values share their mean rank.

    Args:
        values: ``(N, n)`` with n at least 2.
    """
    order = (values.unsqueeze(2) - values.unsqueeze(1)).sign()
    return order.sum(2) / (2 * (values.shape[1] - 1))


def search_gradient(costs: Tensor, directions: Tensor, sigma: float) -> Tensor:
    """Return the evolution strategies' estimate of a cost's gradient, from antithetic pairs.

    The gradient of the mean cost under the search distribution, a Gaussian of standard deviation ``sigma``: the mean
    over the pairs of ``(c(+) - c(-)) / (2 sigma)`` times the direction (Wierstra et al., JMLR 2014).

    Args:
        costs: of the members displaced by +sigma and by -sigma times each direction, ``(N, n, 2)``.
        directions: standard normal, ``(N, n, C, H, W)``.
        sigma: standard deviation, > 0.

    Returns:
        ``(N, C, H, W)``.
    """
    differences = (costs[..., 0] - costs[..., 1]) / (2 * sigma * costs.shape[1])
    return torch.einsum("nm,nmchw->nchw", differences, directions)


def normalise_probabilities(probabilities: Tensor) -> Tensor:
    """Clamp below at 0; divide each unit whose largest value exceeds 1 by that value (BrainLeaks-v2)."""
    positive = probabilities.clamp(min=0)
    return positive / positive.amax(per_unit(positive), keepdim=True).clamp(min=1)


def total_variation(images: Tensor) -> Tensor:
    """Return the mean absolute difference between neighbouring pixels, ``(N,)``, of images ``(N, C, H, W)``."""
    rows = (images[..., 1:, :] - images[..., :-1, :]).abs().mean((1, 2, 3))
    columns = (images[..., 1:] - images[..., :-1]).abs().mean((1, 2, 3))
    return rows + columns


def gaussian_blur(images: Tensor, sigma: float) -> Tensor:
    """Blur each plane of ``(..., C, H, W)`` with a Gaussian of ``sigma`` pixels, cut off at 3 sigma, zeros outside."""
    radius = int(3 * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
    kernel = (-0.5 * (offsets / sigma) ** 2).exp()
    kernel = kernel / kernel.sum()
    planes = images.flatten(0, -3).unsqueeze(1)
    planes = F.conv2d(planes, kernel.view(1, 1, 1, -1), padding=(0, radius))
    planes = F.conv2d(planes, kernel.view(1, 1, -1, 1), padding=(radius, 0))
    return planes.view(images.shape)


def unit_deviation(gradient: Tensor) -> Tensor:
    """Divide each unit's gradient, ``(N, C, H, W)`` or ``(T, N, C, H, W)``, by its standard deviation (0 stays 0)."""
    deviation = gradient.std(per_unit(gradient), correction=0, keepdim=True)
    return gradient / deviation.where(deviation > 0, 1.0)


def roll_units(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Shift each image ``(N, C, H, W)`` by its own number of rows and columns, ``(N,)`` integers; edges wrap round."""
    shifted = [
        torch.roll(image, (int(row), int(column)), (-2, -1))
        for image, row, column in zip(images, rows.tolist(), columns.tolist(), strict=True)
    ]
    return torch.stack(shifted)


def turned(images: Tensor, degrees: Tensor, factors: Tensor) -> Tensor:
    """Turn each image ``(N, C, H, W)`` about its middle and scale it, by its own angle and factor, ``(N,)``.

    Pixels are interpolated linearly; what enters at an edge is 0.
    """
    height, width = images.shape[-2:]
    sine, cosine = torch.sin(degrees * math.pi / 180) / factors, torch.cos(degrees * math.pi / 180) / factors
    rows = [cosine, -sine * height / width, sine * width / height, cosine]
    matrices = F.pad(torch.stack(rows, -1).view(-1, 2, 2), (0, 1)).to(images)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def differing(numbers: Tensor, count: int) -> Tensor:
    """Return whole numbers of which those in a row differ, if there are as many: each is the next that is free.

    Args:
        numbers: from 0 to ``count - 1``, ``(N, n)``. Each returned is uniform if all are
            uniform and independent.
        count: how many there are; with more than that in a row, they are returned as they are.
    """
    if numbers.shape[1] > count:
        return numbers
    chosen = numbers.clone()
    for member in range(1, numbers.shape[1]):
        while bool((taken := (chosen[:, :member] == chosen[:, member : member + 1]).any(1)).any()):
            chosen[:, member] = (chosen[:, member] + taken) % count
    return chosen


def smooth_noise(coarse: Tensor, size: Sequence[int]) -> Tensor:
    """Return smooth images of noise in [-1, 1], ``(N, C, H, W)``.

    Args:
        coarse: uniform numbers in [0, 1), ``(N, C, h, w)``.
        size: H and W.
    """
    return F.interpolate(2 * coarse - 1, size=tuple(size), mode="bicubic", align_corners=False).clamp(-1, 1)
