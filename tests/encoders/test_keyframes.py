"""Key frames as an encoder: rates against a plain interpolation, draws, gradients, errors."""

from __future__ import annotations

import pytest
import torch

from brainleaks_pl import KeyframeEncoder


def movie(seed: int = 0) -> torch.Tensor:
    """Three key frames of two channels, for four scenes."""
    return torch.rand(4, 6, 3, 5, generator=torch.Generator().manual_seed(seed))


def test_rates_are_interpolated_between_key_frames() -> None:
    encoder = KeyframeEncoder(time_steps=9, keyframes=3, gain=0.5)
    rates = encoder.rates(movie())
    assert rates.shape == (9, 4, 2, 3, 5)
    first, second, third = movie().split(2, 1)
    for step in range(5):
        torch.testing.assert_close(rates[step], 0.5 * (first + step / 4 * (second - first)))
        torch.testing.assert_close(rates[4 + step], 0.5 * (second + step / 4 * (third - second)))


def test_encode_draws_the_rates_from_its_generator() -> None:
    encoder = KeyframeEncoder(time_steps=7, keyframes=3)
    spikes = encoder.encode(movie().repeat(500, 1, 1, 1), torch.Generator().manual_seed(0))
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    mean = spikes.unflatten(1, (500, 4)).mean(1)
    assert float((mean - encoder.rates(movie())).abs().max()) < 4.5 * 0.5 / 500**0.5
    again = encoder.encode(movie().repeat(500, 1, 1, 1), torch.Generator().manual_seed(0))
    assert torch.equal(spikes, again)


def test_sample_draws_the_same_and_passes_the_gradient_straight_through() -> None:
    encoder = KeyframeEncoder(time_steps=5, keyframes=2, gain=0.4)
    images = movie().requires_grad_()
    uniform, weights = torch.rand((2, 5, 4, 3, 3, 5), generator=torch.Generator().manual_seed(2))
    spikes = encoder.sample(images, lambda: uniform)
    assert torch.equal(spikes, (uniform < encoder.rates(images)).float())
    (spikes * weights).sum().backward()
    share = torch.linspace(0, 1, 5).view(-1, 1, 1, 1, 1)
    expected = 0.4 * torch.cat([((1 - share) * weights).sum(0), (share * weights).sum(0)], 1)
    torch.testing.assert_close(images.grad, expected)


def test_one_step_is_the_first_key_frame() -> None:
    assert torch.equal(KeyframeEncoder(1, 3).rates(movie()), movie()[None, :, :2])


def test_errors() -> None:
    for settings, message in (
        ({"keyframes": 1}, "keyframes must be at least 2, got 1"),
        ({"gain": 0.0}, r"gain must lie in \(0, 1\], got 0.0"),
        ({"gain": 1.5}, r"gain must lie in \(0, 1\], got 1.5"),
    ):
        with pytest.raises(ValueError, match=message):
            KeyframeEncoder(**settings)
    with pytest.raises(ValueError, match="4 key frames of C channels each, got 6 channels"):
        KeyframeEncoder(keyframes=4).rates(movie())
    assert KeyframeEncoder(keyframes=4).image_shape((2, 3, 5)) == (8, 3, 5)
