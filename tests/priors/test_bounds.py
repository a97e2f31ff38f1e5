"""What all pictures of a format keep to."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from brainleaks_pl.priors.bounds import bound_mean


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.0))
@settings(max_examples=60, deadline=None)
def test_bounded_mean_is_the_nearest_image_within_the_bound(seed: int, limit: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    images = 2 * torch.rand((3, 1, 4, 5), generator=generator, dtype=torch.float64) - 0.5
    images[1] *= 0.1
    bounded = bound_mean(images, limit)
    assert bounded.min() >= 0
    assert bounded.max() <= 1
    means = bounded.mean((1, 2, 3))
    assert (means <= limit + 1e-8).all()
    for image, projected, mean in zip(images, bounded, means, strict=True):
        if image.clamp(0, 1).mean() <= limit:
            assert torch.equal(projected, image.clamp(0, 1))
            continue
        assert mean.item() == pytest.approx(limit, abs=1e-7)
        # nearest: no way into the set from there leads nearer to the image
        others = torch.rand((200, *image.shape), generator=generator, dtype=torch.float64)
        others *= (limit / others.mean((1, 2, 3), keepdim=True)).clamp(max=1)
        assert (((image - projected) * (others - projected)).sum((1, 2, 3)) <= 1e-6).all()


def test_bounded_mean_of_black_and_of_negative_images_is_black() -> None:
    images = torch.stack([torch.zeros(1, 2, 2), -torch.ones(1, 2, 2)])
    assert torch.equal(bound_mean(images, 0.1), torch.zeros(2, 1, 2, 2))
