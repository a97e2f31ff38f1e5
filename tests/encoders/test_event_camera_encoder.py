"""The event camera as an encoder: its spikes are the simulator's, and its gradients lead to the scene."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from brainleaks_pl import EventCamera, EventCameraEncoder, FrameTransform, Saccades
from brainleaks_pl.data.simulated_nmnist import simulate
from brainleaks_pl.encoders.base import draw_counts
from brainleaks_pl.events.camera import ATIS
from brainleaks_pl.events.frames import Polarity

QUIET = EventCamera(mismatch=0.0, noise_rate=0.0, refractory=0)


def scenes(count: int = 3) -> torch.Tensor:
    """Bright discs of several sizes."""
    axis = torch.arange(28.0) - 13.5
    distance = (axis[:, None] ** 2 + axis**2).sqrt()
    return torch.stack([(4.0 + k - distance).clamp(0, 1) for k in range(count)]).unsqueeze(1)


def numbers(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def frames(polarity: Polarity) -> FrameTransform:
    return FrameTransform(frame_time=3000, denoise=40_000, polarity=polarity)


@pytest.mark.parametrize("polarity", ["off", "on", "merged", "both"])
def test_encode_is_the_simulator_and_its_frames(polarity: Polarity) -> None:
    encoder = EventCameraEncoder(time_steps=50, frames=frames(polarity))
    spikes = encoder.encode(scenes(), torch.Generator().manual_seed(3))
    channels = 2 if polarity == "both" else 1
    assert spikes.shape == (50, 3, channels, 34, 34)
    assert spikes.dtype == torch.float32
    assert torch.equal(spikes, encoder.encode(scenes(), torch.Generator().manual_seed(3)))
    assert not torch.equal(spikes, encoder.encode(scenes(), torch.Generator().manual_seed(4)))
    # without noise and mismatch nothing is random: the very frames of the simulator
    encoder = EventCameraEncoder(time_steps=50, camera=QUIET, frames=frames(polarity))
    (events,) = simulate(scenes(1)[:, 0], QUIET, Saccades(), [0])
    expected = FrameTransform(3000, 40_000, polarity, time_steps=50)(events, (34, 34))
    assert torch.equal(encoder.encode(scenes(1))[:, 0].to(torch.uint8), torch.from_numpy(expected))


@pytest.mark.parametrize("polarity", ["off", "on", "merged", "both"])
def test_sample_resembles_what_is_recorded(polarity: Polarity) -> None:
    encoder = EventCameraEncoder(frames=frames(polarity))
    channels = 2 if polarity == "both" else 1
    sampled = encoder.sample(scenes(), lambda: numbers((100, 3, channels, 34, 34)))
    recorded = encoder.encode(scenes(), torch.Generator().manual_seed(0))
    assert set(sampled.unique().tolist()) == {0.0, 1.0}
    assert 0.8 < float(sampled.mean() / recorded.mean()) < 1.6  # pixels forget what was too little for an event
    pair = torch.stack([spikes.mean(0).flatten() for spikes in (sampled, recorded)])
    assert float(torch.corrcoef(pair)[0, 1]) > 0.85
    pair = torch.stack([spikes.mean((1, 2, 3, 4)) for spikes in (sampled, recorded)])
    assert float(torch.corrcoef(pair)[0, 1]) > 0.85


def test_sample_draws_the_change_of_the_log_intensity_in_thresholds() -> None:
    camera = EventCamera(threshold_on=0.3, threshold_off=0.7, noise_rate=2.0, noise_on=0.8)
    saccades = Saccades(duration=9000, steps=9, amplitude=3.0)  # a step a millisecond: frames begin at steps
    encoder = EventCameraEncoder(9, camera, saccades, FrameTransform(3000, polarity="both"))
    uniform = numbers((9, 3, 2, 34, 34))
    spikes = encoder.sample(scenes(), lambda: uniform)
    levels = (saccades.watch(scenes()[:, 0])[::3] + camera.floor).log()
    for step in range(9):
        change = levels[step + 1] - levels[step]
        for channel, (strength, noise) in enumerate(((-change / 0.7, 0.4), (change / 0.3, 1.6))):
            rate = (strength.clamp(min=0) + noise * 3e-3).clamp(max=1)
            assert torch.equal(spikes[step, :, channel], (uniform[step, :, channel] < rate).float())


def test_gradient_is_that_of_the_probabilities() -> None:
    encoder = EventCameraEncoder(30, camera=EventCamera(threshold_off=3.0))  # no probability is as high as 1
    weights = numbers((30, 1, 1, 34, 34)).double()
    image = (0.1 + 0.5 * numbers((1, 1, 28, 28))).double().requires_grad_()
    (encoder.sample(image, lambda: torch.zeros(weights.shape)) * weights).sum().backward()
    assert image.grad is not None

    def expected_spikes(image: torch.Tensor) -> float:
        movie = encoder.saccades.watch(image[:, 0])
        moments = np.arange(31) * 3000 / 2500  # in frames of the movie
        below = moments.astype(int)
        share = torch.from_numpy(moments - below).view(-1, 1, 1, 1)
        levels = (movie + 0.2).log()
        levels = (1 - share) * levels[below] + share * levels[below + 1]
        return float(((-levels.diff(dim=0) / 3.0).clamp(min=0) * weights[:, :, 0]).sum())

    for row, column in ((9, 13), (13, 9), (18, 14), (13, 13)):
        nudge = torch.zeros_like(image)
        nudge[0, 0, row, column] = 1e-6
        slope = (expected_spikes(image.detach() + nudge) - expected_spikes(image.detach() - nudge)) / 2e-6
        assert image.grad[0, 0, row, column].item() == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_frames_after_the_last_saccade_are_silent_but_for_noise() -> None:
    encoder = EventCameraEncoder(time_steps=120, camera=QUIET)
    spikes = encoder.sample(scenes(), lambda: numbers((120, 3, 1, 34, 34)))
    assert spikes[:100].any()
    assert not spikes[105:].any()


def test_image_shape_is_the_scene_of_a_fitting_network() -> None:
    assert EventCameraEncoder().image_shape((1, 34, 34)) == (1, 28, 28)
    assert EventCameraEncoder(frames=frames("both")).image_shape((2, 34, 34)) == (1, 28, 28)
    with pytest.raises(ValueError, match=r"inputs of shape \(2, 34, 34\), EventCameraEncoder makes .* \(1, 34, 34\)"):
        EventCameraEncoder().image_shape((2, 34, 34))


def test_variant_draws_what_is_in_doubt_and_nothing_else() -> None:
    known = EventCameraEncoder()
    assert known.variant(np.random.default_rng(0)) is known
    encoder = EventCameraEncoder(uncertainty=0.25)
    drawn = [encoder.variant(np.random.default_rng(seed)) for seed in range(200)]
    for value in (
        lambda e: e.camera.threshold_on / ATIS.threshold_on,
        lambda e: e.saccades.amplitude / Saccades().amplitude,
        lambda e: e.frames.frame_time / 3000,
    ):
        factors = torch.tensor([value(one) for one in drawn])
        assert 0.75 <= factors.min() < 0.78
        assert 1.22 < factors.max() <= 1.25
    ratio = ATIS.threshold_on / ATIS.threshold_off
    assert all(one.camera.threshold_on / one.camera.threshold_off == pytest.approx(ratio) for one in drawn)
    assert {
        (one.time_steps, one.camera.floor, one.saccades.blur, one.saccades.path, one.frames.polarity) for one in drawn
    } == {(100, ATIS.floor, Saccades().blur, "measured", "off")}


@pytest.mark.parametrize("uncertainty", [-0.1, 1.0])
def test_uncertainty_out_of_range(uncertainty: float) -> None:
    with pytest.raises(ValueError, match=rf"uncertainty must lie in \[0, 1\), got {uncertainty}"):
        EventCameraEncoder(uncertainty=uncertainty)


def test_counts_have_the_camera_s_expectation_and_what_refractory_pixels_allow() -> None:
    def drawn(seed: int, **camera: float) -> torch.Tensor:
        counts = FrameTransform(20_000, polarity="both", binary=False)
        encoder = EventCameraEncoder(
            time_steps=15, camera=EventCamera(mismatch=0, noise_rate=0, **camera), frames=counts
        )
        uniform = torch.rand(15, 3, 2, 34, 34, generator=torch.Generator().manual_seed(seed))
        return encoder.sample(scenes(), lambda: uniform)

    sensitive = {"threshold_on": 0.1, "threshold_off": 0.1}
    several = torch.stack([drawn(seed, refractory=0, **sensitive) for seed in range(4)])
    assert torch.equal(several, several.round())
    assert several.max() > 5
    assert (several.amax(0) - several.amin(0)).max() == 1  # each of the two nearest
    finer = EventCameraEncoder(
        time_steps=300,
        camera=EventCamera(mismatch=0, noise_rate=0, refractory=0, **sensitive),
        frames=FrameTransform(1000, polarity="both", binary=False),
    ).sample(scenes(), lambda: numbers((300, 3, 2, 34, 34)))
    torch.testing.assert_close(several.mean(0).sum(), finer.sum(), rtol=0.05, atol=0)
    assert drawn(0, refractory=5000, **sensitive).max() == 5  # at the frame's start, and after every 5 ms


def test_counts_are_drawn_about_their_expectation_with_its_gradient() -> None:
    rates = torch.tensor([0.0, 0.25, 1.0, 2.75]).requires_grad_()
    for number, expected in ((0.1, [0, 1, 1, 3]), (0.5, [0, 0, 1, 3]), (0.8, [0, 0, 1, 2])):
        counts = draw_counts(rates, torch.full((4,), number))
        assert counts.tolist() == expected
    (counts * torch.arange(4.0)).sum().backward()
    assert rates.grad is not None
    assert rates.grad.tolist() == [0, 1, 2, 3]
