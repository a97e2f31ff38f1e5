"""Encoders: statistics, reproducibility, and snntorch's latency code."""

from __future__ import annotations

import math

import pytest
import torch
from snntorch import spikegen

from brainleaks_pl import ConstantCurrentEncoder, Encoder, LatencyEncoder, RateEncoder

PIXELS = torch.tensor([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]).view(1, 1, 2, 3)


def images(seed: int = 0) -> torch.Tensor:
    return torch.rand(4, 1, 5, 5, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("encoder", [RateEncoder(3), LatencyEncoder(3), ConstantCurrentEncoder(3)])
def test_an_image_has_the_shape_of_the_input_it_becomes(encoder: Encoder) -> None:
    assert encoder.image_shape((1, 5, 5)) == tuple(encoder.encode(images()).shape[2:]) == (1, 5, 5)


def test_rate_is_the_pixel_within_binomial_bounds() -> None:
    steps, copies = 100, 60
    spikes = RateEncoder(steps).encode(PIXELS.repeat(copies, 1, 1, 1), torch.Generator().manual_seed(0))
    assert spikes.shape == (steps, copies, 1, 2, 3)
    assert set(spikes.unique().tolist()) == {0.0, 1.0}
    rates = spikes.mean((0, 1))[0]
    bounds = 4 * (PIXELS[0, 0] * (1 - PIXELS[0, 0]) / (steps * copies)).sqrt()
    assert ((rates - PIXELS[0, 0]).abs() <= bounds).all()  # exact where the pixel is 0 or 1


def test_rate_draws_steps_images_and_pixels_independently() -> None:
    spikes = RateEncoder(64).encode(torch.full((8, 1, 4, 4), 0.5), torch.Generator().manual_seed(1))
    centred = 2 * spikes - 1
    bound = 4 / math.sqrt(spikes.numel())
    for axis in (0, 1, 3, 4):
        neighbours = centred * centred.roll(1, axis)
        assert abs(float(neighbours.mean())) < bound


def test_rate_gain_scales_and_saturates() -> None:
    encode = RateEncoder(4000, gain=2.0).encode
    rates = encode(PIXELS, torch.Generator().manual_seed(2)).mean(0)[0, 0].flatten()
    assert rates[[0, 3, 4, 5]].tolist() == [0, 1, 1, 1]
    assert rates[1:3].tolist() == pytest.approx([0.2, 0.5], abs=0.04)


def test_rate_follows_its_generator_alone() -> None:
    encoder = RateEncoder(7)
    torch.manual_seed(5)
    first = encoder.encode(images(), torch.Generator().manual_seed(3))
    torch.manual_seed(6)
    again = encoder.encode(images(), torch.Generator().manual_seed(3))
    other = encoder.encode(images(), torch.Generator().manual_seed(4))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_rate_without_generator_follows_the_global_seed() -> None:
    encoder = RateEncoder(7)
    torch.manual_seed(5)
    first, second = encoder.encode(images()), encoder.encode(images())
    torch.manual_seed(5)
    assert torch.equal(encoder.encode(images()), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize("linear", [False, True])
@pytest.mark.parametrize("clip", [False, True])
def test_latency_is_snntorchs(linear: bool, clip: bool) -> None:
    pixels = images()
    pixels[0, 0, 0, 0] = 0.0
    encoder = LatencyEncoder(time_steps=9, tau=3.0, threshold=0.05, linear=linear, clip=clip)
    expected = spikegen.latency(
        pixels, num_steps=9, tau=3.0, threshold=0.05, normalize=True, linear=linear, clip=clip, bypass=True
    )
    assert torch.equal(encoder.encode(pixels), expected)


def test_latency_of_brighter_pixels_is_shorter() -> None:
    spikes = LatencyEncoder(time_steps=20, linear=True, clip=False).encode(PIXELS)
    assert torch.equal(spikes.sum(0), torch.ones_like(PIXELS))
    times = spikes.argmax(0).flatten().tolist()
    assert times == [round(19 * (1 - max(p, 0.01))) for p in PIXELS.flatten().tolist()]
    clipped = LatencyEncoder(time_steps=20, linear=True, clip=True).encode(PIXELS)
    assert clipped.sum(0).flatten().tolist() == [0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("linear", [False, True])
def test_latency_of_an_image_does_not_depend_on_its_batch(linear: bool) -> None:
    encoder = LatencyEncoder(time_steps=12, linear=linear, clip=False)
    batch = torch.cat([0.5 + images() / 2, PIXELS.new_zeros(1, 1, 5, 5), PIXELS.new_ones(1, 1, 5, 5)])
    together = encoder.encode(batch)
    for index in range(len(batch)):
        assert torch.equal(encoder.encode(batch[index : index + 1]), together[:, index : index + 1])
    assert together[0, -1].all(), "white fires first"


def test_latency_that_is_not_normalised_loses_late_spikes() -> None:
    spikes = LatencyEncoder(time_steps=5, tau=5.0, threshold=0.01, normalize=False).encode(PIXELS)
    times = [5 * math.log(p / (p - 0.01)) if p > 0.01 else math.inf for p in PIXELS.flatten().tolist()]
    for pixel, time in enumerate(times):
        expected = [float(time < 4.5 and t == round(time)) for t in range(5)]
        assert spikes.flatten(1)[:, pixel].tolist() == expected


def test_constant_current_repeats_the_image() -> None:
    current = ConstantCurrentEncoder(6, gain=0.5).encode(images())
    assert current.shape == (6, 4, 1, 5, 5)
    assert all(torch.equal(step, images() * 0.5) for step in current)


@pytest.mark.parametrize("encoder", [RateEncoder, LatencyEncoder, ConstantCurrentEncoder])
def test_time_steps_must_be_positive(encoder: type[Encoder]) -> None:
    assert encoder().time_steps == 25
    with pytest.raises(ValueError, match="time_steps must be at least 1, got 0"):
        encoder(time_steps=0)


@pytest.mark.parametrize(("name", "value"), [("tau", 0.0), ("threshold", 0.0), ("threshold", 1.0)])
def test_latency_constants_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must .*, got {value}"):
        LatencyEncoder(**{name: value})


def numbers(shape: tuple[int, ...], seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def test_rate_sample_draws_the_rates_and_passes_the_gradient_straight_through() -> None:
    encoder = RateEncoder(6, gain=0.5)
    pixels, uniform = images().requires_grad_(), numbers((6, 4, 1, 5, 5), 1)
    spikes = encoder.sample(pixels, lambda: uniform)
    assert torch.equal(spikes, (uniform < 0.5 * pixels).float())
    weights = numbers((6, 4, 1, 5, 5), 2)
    (spikes * weights).sum().backward()
    assert pixels.grad is not None
    torch.testing.assert_close(pixels.grad, 0.5 * weights.sum(0))


@pytest.mark.parametrize("settings", [{}, {"linear": True}, {"normalize": False}, {"clip": False}])
def test_latency_sample_is_the_code_and_its_gradient_moves_the_spike(settings: dict[str, bool]) -> None:
    encoder = LatencyEncoder(20, **settings)
    pixels = (0.05 + 0.9 * images()).requires_grad_()
    spikes = encoder.sample(pixels, pytest.fail)  # draws nothing
    assert torch.equal(spikes, encoder.encode(pixels.detach()))
    # reward spikes for being early: every pixel that fires should become brighter, none darker
    early = torch.arange(20.0, 0.0, -1.0).view(-1, 1, 1, 1, 1)
    (spikes * early).sum().backward()
    assert pixels.grad is not None
    assert (pixels.grad >= 0).all()
    fires_between_two_steps = pixels.grad > 0
    assert fires_between_two_steps.float().mean() > 0.8


def test_latency_sample_leaves_silent_pixels_alone() -> None:
    pixels = torch.zeros(1, 1, 2, 2, requires_grad=True)
    spikes = LatencyEncoder(5).sample(pixels, pytest.fail)
    spikes.sum().backward()
    assert pixels.grad is not None
    assert (pixels.grad == 0).all()


def test_constant_current_sample_is_differentiable_as_it_is() -> None:
    pixels = images().requires_grad_()
    current = ConstantCurrentEncoder(3, gain=2.0).sample(pixels, pytest.fail)
    current.sum().backward()
    assert torch.equal(current, 2 * pixels.detach().expand(3, -1, -1, -1, -1))
    assert pixels.grad is not None
    assert (pixels.grad == 6).all()


def test_an_encoder_of_ones_own_passes_the_gradient_straight_through() -> None:
    class Threshold(Encoder):
        def encode(self, images: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
            return (images > 0.5).float().expand(self.time_steps, *images.shape)

    pixels = images().requires_grad_()
    spikes = Threshold(4).sample(pixels, pytest.fail)
    assert torch.equal(spikes[2], (pixels > 0.5).float())
    spikes.sum().backward()
    assert pixels.grad is not None
    assert (pixels.grad == 4).all()
