"""Fixed features: equal to what plain loops compute, whatever the size, brightness and number of images."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch

from brainleaks_pl.networks.hog import CELLS, FEATURES, ORIENTATIONS, hog


def plain_hog(image: list[list[list[float]]]) -> list[float]:
    """Dalal and Triggs (2005) on 5 x 5 cells, pixel by pixel: L2-Hys on blocks of 2 x 2 cells."""
    height, width = len(image[0]), len(image[0][0])
    votes = [[[0.0] * ORIENTATIONS for _ in range(width)] for _ in range(height)]
    for y, x, plane in product(range(height), range(width), image):
        across = plane[y][min(x + 1, width - 1)] - plane[y][max(x - 1, 0)]
        down = plane[min(y + 1, height - 1)][x] - plane[max(y - 1, 0)][x]
        place = math.atan2(down, across) % math.pi * ORIENTATIONS / math.pi
        lower = int(place)
        votes[y][x][lower % ORIENTATIONS] += math.hypot(across, down) * (1 - (place - lower))
        votes[y][x][(lower + 1) % ORIENTATIONS] += math.hypot(across, down) * (place - lower)

    def of_length_one(values: list[float]) -> list[float]:
        return [value / (math.hypot(*values) + 0.01) for value in values]

    def span(cell: int, size: int) -> range:
        return range(cell * size // CELLS, -(-(cell + 1) * size // CELLS))

    def mean(row: int, column: int, orientation: int) -> float:
        inside = [votes[y][x][orientation] for y in span(row, height) for x in span(column, width)]
        return sum(inside) / len(inside)

    features = []
    for row in range(CELLS - 1):
        for column in range(CELLS - 1):
            cells = [(row + dy, column + dx) for dy in (0, 1) for dx in (0, 1)]
            block = [mean(*cell, orientation) for orientation in range(ORIENTATIONS) for cell in cells]
            features += of_length_one([min(value, 0.2) for value in of_length_one(block)])
    return features


@pytest.mark.parametrize("shape", [(1, 12, 12), (2, 17, 13), (1, 3, 4), (1, 1, 1)])
def test_features_equal_a_plain_reference(shape: tuple[int, int, int]) -> None:
    images = torch.rand((2, *shape), generator=torch.Generator().manual_seed(0))
    expected = torch.tensor([plain_hog(image.tolist()) for image in images])
    assert hog(images).shape == (2, FEATURES)
    torch.testing.assert_close(hog(images), expected, atol=1e-4, rtol=0)


def test_features_do_not_depend_on_the_batch_nor_much_on_brightness() -> None:
    images = torch.rand((700, 1, 28, 28), generator=torch.Generator().manual_seed(1))  # two batches
    features = hog(images)
    torch.testing.assert_close(features[[0, 699]], torch.cat([hog(images[:1]), hog(images[699:])]))
    assert (hog(images[:9] * 0.5 + 0.5) - features[:9]).norm(dim=1).max() < 0.15
    assert torch.cdist(features[:9], features[9:18]).min() > 0.5


def test_nothing_is_seen_in_flat_images_and_gradients_are_finite() -> None:
    flat = torch.full((1, 1, 12, 12), 0.5, requires_grad=True)
    features = hog(flat)
    assert features.abs().max() == 0
    features.sum().backward()
    assert flat.grad is not None
    assert flat.grad.isfinite().all()


def test_refuses_what_is_no_batch_of_images() -> None:
    with pytest.raises(ValueError, match=r"got the shape \(1, 8, 8\)"):
        hog(torch.zeros(1, 8, 8))
