"""Glyphs: in MNIST's format, without a digit, the same for the same seed."""

from __future__ import annotations

import unicodedata

import pytest
import torch

from brainleaks_pl import Glyphs
from brainleaks_pl.data.glyphs import CHARACTERS, LEFT_OUT


@pytest.fixture(scope="module")
def glyphs() -> Glyphs:
    data = Glyphs(samples=200)
    data.setup()
    return data


def test_format_is_that_of_mnist(glyphs: Glyphs) -> None:
    images = glyphs.split("train").images
    assert images.shape == (200, 1, 28, 28)
    pixels = images.float() / 255
    assert 0.08 < float(pixels.mean()) < 0.2
    mass = pixels.sum((1, 2, 3))
    places = torch.arange(28) - 13.5
    for axis in (2, 3):
        centre = (pixels.sum(5 - axis).squeeze(1) * places).sum(1) / mass
        assert float(centre.abs().max()) < 0.6
    inked = pixels > 0.5
    sides = torch.stack([inked.any(axis).sum((1, 2)) for axis in (2, 3)]).amax(0)
    assert float((sides <= 21).float().mean()) > 0.99
    assert float(sides.float().median()) >= 18


def test_there_is_no_digit_and_no_twin_of_one() -> None:
    assert not any(unicodedata.category(own).startswith("N") for own in CHARACTERS)
    assert not LEFT_OUT & set(CHARACTERS)
    assert {"O", "o", "I", "l", "Z", "S", "B", "b", "g", "q"} <= LEFT_OUT


def test_seed_decides_and_splits_differ(glyphs: Glyphs) -> None:
    again, other = Glyphs(samples=200), Glyphs(samples=200, seed=1)
    assert again.digest() == glyphs.digest() != other.digest()
    assert set(glyphs.split("val").labels.tolist()) == set(range(glyphs.num_classes))
    assert not torch.equal(glyphs.split("val").images, glyphs.split("test").images)
    with pytest.raises(ValueError, match="samples must be at least"):
        Glyphs(samples=3)
