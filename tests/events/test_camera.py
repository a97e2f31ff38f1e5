"""The event camera: a plain reference, analytic recordings, statistics of its noise, and independence of the batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tonic.io import events_struct

from brainleaks_pl.events.camera import EventCamera, outside_refractory
from brainleaks_pl.events.checked import Events

EXACT = {"mismatch": 0.0, "refractory": 0, "noise_rate": 0.0}


def generators(*seeds: int) -> list[np.random.Generator]:
    return [np.random.default_rng(seed) for seed in seeds]


def flicker(frames: int = 12, batch: int = 3, height: int = 4, width: int = 5, seed: int = 0) -> torch.Tensor:
    """Pixels that jump, stay and creep."""
    generator = torch.Generator().manual_seed(seed)
    movie = torch.rand(frames, batch, height, width, generator=generator)
    movie[3] = movie[2]
    for frame in range(4, frames):
        movie[frame] = movie[frame - 1] + (movie[frame] - movie[frame - 1]) * (0.05 if frame % 2 else 1.0)
    return movie


def one_pixel(camera: EventCamera, levels: Sequence[float], times: Sequence[int]) -> list[tuple[int, bool]]:
    """Time and polarity of what one pixel reports when its log intensity, from a start at 0.3, rises to ``levels``."""
    base = math.log(0.3 + camera.floor)
    movie = (torch.tensor([base, *(base + level for level in levels)], dtype=torch.float64)).exp() - camera.floor
    events = camera.record(movie.view(-1, 1, 1, 1), torch.tensor([0, *times]), generators(0))[0]
    return [(int(event["t"]), bool(event["p"])) for event in events]


def reference(camera: EventCamera, movie: torch.Tensor, times: Sequence[int], seed: int, noise: Events) -> list[Any]:
    """Events of one movie ``(F, H, W)``, a pixel at a time and a crossing at a time; ``noise`` is merged in."""
    height, width = movie.shape[1:]
    thresholds = camera.thresholds(height, width, np.random.default_rng(seed)).numpy()
    levels = camera.log_intensity(movie).numpy()
    kept = []
    for y in range(height):
        for x in range(width):
            memory = levels[0, y, x]
            fired = []
            for frame in range(1, len(levels)):
                before, now = levels[frame - 1, y, x], levels[frame, y, x]
                step = thresholds[0, y, x] if now > memory else -thresholds[1, y, x]
                crossings = 0
                while abs(np.float32(crossings + 1) * step) <= abs(now - memory):
                    crossings += 1
                    level = memory + np.float32(crossings) * step
                    part = np.float32(times[frame] - times[frame - 1]) * ((level - before) / (now - before))
                    fired.append((times[frame - 1] + round(float(part)), bool(step > 0)))
                memory = memory + np.float32(crossings) * step
            fired += [(int(event["t"]), bool(event["p"])) for event in noise if (event["x"], event["y"]) == (x, y)]
            last = -math.inf
            for t, on in sorted(fired, key=lambda event: event[0]):
                if t - last >= camera.refractory:
                    kept.append((t, y, x, on))
                    last = t
    return [(x, y, t, on) for t, y, x, on in sorted(kept, key=lambda event: event[:3])]


@pytest.mark.parametrize(
    "camera",
    [
        EventCamera(**EXACT),
        EventCamera(threshold_on=0.05, threshold_off=0.11, mismatch=0.03, refractory=0, noise_rate=0),
        EventCamera(threshold_on=0.2, threshold_off=0.1, mismatch=0.05, refractory=700, noise_rate=0),
        EventCamera(threshold_on=0.1, threshold_off=0.1, refractory=400, noise_rate=300, floor=0.01),
    ],
)
def test_recordings_are_those_of_a_plain_loop(camera: EventCamera) -> None:
    movie = flicker()
    times = [0, 1000, 2500, 2600, 4000, 4001, 9000, 10000, 11000, 12345, 13000, 15000]
    # a movie that stands still shows the noise alone: what it holds does not depend on what is seen
    silent = EventCamera(noise_rate=camera.noise_rate, refractory=0)
    noises = silent.record(torch.zeros_like(movie), torch.tensor(times), generators(5, 6, 7))
    recordings = camera.record(movie, torch.tensor(times), generators(5, 6, 7))
    for index, (recording, noise) in enumerate(zip(recordings, noises, strict=True)):
        assert recording.dtype == events_struct
        expected = reference(camera, movie[:, index], times, 5 + index, noise)
        assert len(expected) > 50
        assert recording.tolist() == expected


def test_a_step_crosses_every_threshold_at_its_own_time() -> None:
    camera = EventCamera(threshold_on=0.1, threshold_off=0.2, **EXACT)
    rise = [(1000 + round(k / 3.5 * 700), True) for k in (1, 2, 3)]
    assert one_pixel(camera, [0.0, 0.35], [1000, 1700]) == rise
    fall = [(1000 + round(k * 0.2 / 0.5 * 600), False) for k in (1, 2)]
    assert one_pixel(camera, [0.0, -0.5], [1000, 1600]) == fall
    # from the last ON at 0.3 down to -0.15: OFF at 0.1 and at -0.1
    back = [(1700 + round((0.35 - level) / 0.5 * 1000), False) for level in (0.1, -0.1)]
    assert one_pixel(camera, [0.0, 0.35, -0.15], [1000, 1700, 2700]) == rise + back


def test_changes_add_up_over_frames_and_cancel_below_the_threshold() -> None:
    camera = EventCamera(threshold_on=0.1, threshold_off=0.1, **EXACT)
    ramp = [0.03 * k for k in range(1, 12)]
    expected = [(round(k * 0.1 / 0.03 * 100), True) for k in (1, 2, 3)]
    assert one_pixel(camera, ramp, [100 * k for k in range(1, 12)]) == expected
    assert one_pixel(camera, [0.09, -0.09] * 5, [100 * k for k in range(1, 11)]) == []


def test_the_refractory_period_counts_from_the_last_event_that_was_sent() -> None:
    crossings = [0.1 * k + 0.001 for k in range(1, 9)], [100 * k for k in range(1, 9)]
    times = {
        period: [t for t, _ in one_pixel(EventCamera(0.1, 0.1, 0.0, period, 0.0), *crossings)]
        for period in (0, 90, 110, 250, 10_000)
    }
    every = times[0]
    assert len(every) == 8
    assert times[90] == every
    assert times[110] == every[::2]
    assert times[250] == every[::3]
    assert times[10_000] == every[:1]


def test_an_event_is_free_again_exactly_after_the_period() -> None:
    pixel, t = np.zeros(3, dtype=np.int64), np.array([10, 15, 20])
    assert outside_refractory(pixel, t, 5).tolist() == [True, True, True]
    assert outside_refractory(pixel, t, 6).tolist() == [True, False, True]
    assert outside_refractory(pixel, t, 10).tolist() == [True, False, True]
    assert outside_refractory(pixel, t, 11).tolist() == [True, False, False]


def test_what_a_refractory_pixel_sees_is_forgotten() -> None:
    camera = EventCamera(threshold_on=0.1, threshold_off=0.1, mismatch=0.0, refractory=1000, noise_rate=0.0)
    # three thresholds up within 40 us: one ON; slowly down again: all three OFF, since the memory had gone up as well
    events = one_pixel(camera, [0.35, 0.35, -0.02], [40, 5000, 20000])
    assert [on for _, on in events] == [True, False, False, False]


@settings(max_examples=200, deadline=None)
@given(
    events=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), max_size=40).map(sorted),
    period=st.integers(0, 30),
)
def test_the_refractory_filter_is_a_plain_loop(events: list[tuple[int, int]], period: int) -> None:
    last: dict[int, int] = {}
    expected = []
    for pixel, t in events:
        expected.append(pixel not in last or t - last[pixel] >= period)
        if expected[-1]:
            last[pixel] = t
    pixels, times = (np.array([event[i] for event in events], dtype=np.int64) for i in (0, 1))
    assert outside_refractory(pixels, times, period).tolist() == expected


def test_noise_has_its_rate_and_is_uniform() -> None:
    camera = EventCamera(noise_rate=20.0, refractory=0)
    (events,) = camera.record(torch.full((2, 1, 32, 24), 0.5), torch.tensor([500_000, 1_500_000]), generators(3))
    expected = 20.0 * 32 * 24
    assert abs(len(events) - expected) < 4 * math.sqrt(expected)
    for share in (
        events["p"],
        events["t"] < 1_000_000,
        events["x"] < 12,
        events["y"] < 16,
        events["p"] == (events["x"] % 2 == 0),
    ):
        assert abs(share.mean() - 0.5) < 4 * 0.5 / math.sqrt(expected)
    assert (events["x"].min(), events["x"].max(), events["y"].min(), events["y"].max()) == (0, 23, 0, 31)
    assert events["t"].min() >= 500_000
    assert events["t"].max() < 1_500_000
    counts = np.bincount(events["y"] * 24 + events["x"], minlength=32 * 24)
    assert counts.var() == pytest.approx(20, rel=0.25)  # of a Poisson variable, its mean


@pytest.mark.parametrize(("share", "seen"), [(1.0, {True}), (0.0, {False})])
def test_noise_can_be_of_one_polarity(share: float, seen: set[bool]) -> None:
    camera = EventCamera(noise_rate=20.0, refractory=0, noise_on=share)
    (events,) = camera.record(torch.full((2, 1, 8, 8), 0.5), torch.tensor([0, 1_000_000]), generators(3))
    assert len(events) > 1000
    assert set(events["p"].tolist()) == seen


def test_expected_events_are_changes_in_thresholds_and_noise() -> None:
    camera = EventCamera(0.2, 0.5, noise_rate=3.0, noise_on=0.75)
    rates = camera.spike_rates(torch.tensor([0.0, 0.8, -0.2]).view(3, 1, 1, 1), interval=5000.0).flatten(1)
    off, on = 0.25 * 3 * 5e-3, 0.75 * 3 * 5e-3
    assert rates.tolist() == [pytest.approx([off, 4.0 + on]), pytest.approx([2.0 + off, on])]


def test_thresholds_have_their_mean_and_spread_and_a_least_value() -> None:
    camera = EventCamera(threshold_on=0.3, threshold_off=0.5, mismatch=0.04)
    thresholds = camera.thresholds(60, 50, np.random.default_rng(0)).flatten(1)
    assert thresholds.dtype == torch.float32
    assert thresholds.mean(1).tolist() == pytest.approx([0.3, 0.5], abs=4 * 0.04 / math.sqrt(3000))
    assert thresholds.std(1).tolist() == pytest.approx([0.04, 0.04], rel=0.06)
    assert abs(float(torch.corrcoef(thresholds)[0, 1])) < 0.08
    wild = EventCamera(threshold_on=0.01, mismatch=1.0).thresholds(20, 20, np.random.default_rng(0))
    assert wild.min().item() == pytest.approx(0.01)


def test_every_pixel_fires_at_its_own_threshold() -> None:
    camera = EventCamera(threshold_on=0.3, mismatch=0.05, refractory=0, noise_rate=0.0, floor=0.2)
    movie = torch.zeros(2, 1, 6, 7)
    movie[1] = 0.2 * (math.exp(0.45) - 1)  # log intensity rises by 0.45
    (events,) = camera.record(movie, torch.tensor([0, 45_000]), generators(8))
    own = camera.thresholds(6, 7, *generators(8))[0]
    for y in range(6):
        for x in range(7):
            mine = events[(events["x"] == x) & (events["y"] == y)]
            assert len(mine) == int(0.45 / own[y, x])
            assert mine["t"].tolist() == pytest.approx(
                [100_000 * k * own[y, x].item() for k in range(1, len(mine) + 1)], abs=1
            )


@pytest.mark.parametrize("camera", [EventCamera(noise_rate=50.0), EventCamera(0.1, 0.1)])
def test_a_recording_does_not_depend_on_the_others(camera: EventCamera) -> None:
    movie, times = flicker(batch=5, height=7, width=9), torch.arange(12) * 1000
    together = camera.record(movie, times, generators(*range(5)))
    for index in range(5):
        (alone,) = camera.record(movie[:, index : index + 1], times, generators(index))
        np.testing.assert_array_equal(alone, together[index])
    turned = camera.record(movie.flip(1), times, generators(*reversed(range(5))))
    other_strides = camera.record(
        movie.permute(2, 3, 0, 1).contiguous().permute(2, 3, 0, 1), times, generators(*range(5))
    )
    for index in range(5):
        np.testing.assert_array_equal(turned[4 - index], together[index])
        np.testing.assert_array_equal(other_strides[index], together[index])


def test_recordings_follow_their_generators_alone() -> None:
    camera, movie, times = EventCamera(), flicker(), torch.arange(12) * 1000
    states = torch.get_rng_state(), np.random.get_state()[1].tolist()
    first = camera.record(movie, times, generators(1, 2, 3))
    again = camera.record(movie, times, generators(1, 2, 4))
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[2], again[2])


def test_streams_are_sorted_and_begin_where_the_movie_does() -> None:
    movie, times = flicker(), torch.arange(12) * 1000
    early = EventCamera().record(movie, times, generators(1, 2, 3))
    late = EventCamera().record(movie, times + 10**12, generators(1, 2, 3))
    for first, second in zip(early, late, strict=True):
        assert (np.diff(first["t"]) >= 0).all()
        assert 0 <= first["t"].min() <= first["t"].max() <= 11_000
        assert first["x"].max() == 4
        assert first["y"].max() == 3
        np.testing.assert_array_equal(first["t"] + 10**12, second["t"])
        np.testing.assert_array_equal(first[["x", "y", "p"]], second[["x", "y", "p"]])


def test_a_movie_that_stands_still_gives_empty_streams() -> None:
    camera = EventCamera(noise_rate=0.0)
    recordings = camera.record(torch.full((3, 2, 4, 4), 0.7), torch.tensor([0, 1, 2]), generators(0, 1))
    assert [len(recording) for recording in recordings] == [0, 0]
    assert recordings[0].dtype == events_struct


def test_log_intensity_is_differentiable() -> None:
    images = torch.tensor([0.0, 0.5, 1.0], requires_grad=True)
    camera = EventCamera(floor=0.2)
    levels = camera.log_intensity(images)
    assert levels.tolist() == pytest.approx([math.log(0.2), math.log(0.7), math.log(1.2)])
    levels.sum().backward()
    assert images.grad is not None
    assert images.grad.tolist() == pytest.approx([5.0, 1 / 0.7, 1 / 1.2])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold_on", 0.0),
        ("threshold_off", -0.1),
        ("threshold_on", math.nan),
        ("mismatch", -0.01),
        ("mismatch", math.inf),
        ("refractory", -1),
        ("noise_rate", -1.0),
        ("floor", 0.0),
        ("floor", math.nan),
        ("noise_on", 1.1),
        ("noise_on", math.nan),
    ],
)
def test_constants_out_of_range(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"{name} must (be|lie) .*, got {value}"):
        EventCamera(**{name: value})


@pytest.mark.parametrize(
    ("movie", "times", "seeds", "message"),
    [
        (torch.zeros(3, 4, 4), [0, 1, 2], [0], r"movie must be \(F, B, H, W\).*got \(3, 4, 4\)"),
        (torch.zeros(1, 1, 4, 4), [0], [0], r"at least two frames, got \(1, 1, 4, 4\)"),
        (torch.zeros(2, 0, 4, 4), [0, 1], [], r"got \(2, 0, 4, 4\)"),
        (torch.full((2, 1, 4, 4), 1.5), [0, 1], [0], r"must lie in \[0, 1\], got 1.5 to 1.5"),
        (torch.full((2, 1, 4, 4), math.nan), [0, 1], [0], r"must lie in \[0, 1\], got nan"),
        (torch.zeros(2, 1, 4, 4), [0, 0], [0], "2 increasing whole numbers"),
        (torch.zeros(2, 1, 4, 4), [0, 1, 2], [0], "2 increasing whole numbers"),
        (torch.zeros(2, 1, 4, 4), [0.0, 0.5], [0], "2 increasing whole numbers"),
        (torch.zeros(2, 2, 4, 4), [0, 1], [0], "expected 2 generators, one per recording, got 1"),
    ],
)
def test_arguments_that_do_not_fit(movie: torch.Tensor, times: list[float], seeds: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EventCamera().record(movie, torch.tensor(times), generators(*seeds))
