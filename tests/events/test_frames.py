from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from recordings import random_recording, recording, rows_of
from tonic.io import events_struct
from tonic.transforms import Denoise, ToFrame

from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.frames import MAX_FRAMES, FrameTransform, denoise, frames_to_events

SHORT = settings(max_examples=60, deadline=None, derandomize=True)
POLARITIES = ["off", "on", "merged", "both"]


def plain_frames(events: Events, size: tuple[int, int], frame_time: int, steps: int, polarity: str) -> np.ndarray:
    """Count events one by one."""
    frames = np.zeros((steps, 2 if polarity == "both" else 1, size[1], size[0]), int)
    for x, y, t, p in rows_of(events):
        step = (t - events["t"][0]) // frame_time
        if step < steps and (polarity in ("both", "merged") or p == (polarity == "on")):
            frames[step, p if polarity == "both" else 0, y, x] += 1
    return frames


def test_frames_of_events_written_by_hand() -> None:
    events = recording((2, 1, 1000, 1), (2, 1, 1500, 1), (0, 0, 1999, 0), (0, 1, 2000, 1), (1, 1, 3999, 0))
    both = FrameTransform(frame_time=1000, polarity="both", time_steps=3, binary=False)(events, (3, 2))
    assert both.dtype == np.uint8
    expected = np.zeros((3, 2, 2, 3))
    expected[0, 1, 1, 2] = 2  # the windows start at the first event
    expected[0, 0, 0, 0] = 1
    expected[1, 1, 1, 0] = 1
    expected[2, 0, 1, 1] = 1  # an incomplete frame counts where the number of frames is given
    assert np.array_equal(both, expected)
    # the whole recording lasts 2999 us: its third frame is incomplete
    assert np.array_equal(FrameTransform(1000, polarity="both", binary=False)(events, (3, 2)), expected[:2])


@pytest.mark.parametrize("polarity", POLARITIES)
@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("time_steps", [None, 1, 7, 40])
def test_frames_equal_counting_one_by_one(polarity, binary: bool, time_steps: int | None) -> None:
    events = random_recording(700, (5, 4), 30_000, seed=1)
    events["t"] += 12_345
    transform = FrameTransform(1000, polarity=polarity, binary=binary, time_steps=time_steps)
    frames = transform(events, (5, 4))
    steps = time_steps or (events["t"][-1] - events["t"][0]) // 1000
    expected = plain_frames(events, (5, 4), 1000, steps, polarity)
    assert frames.shape == (steps, transform.channels, 4, 5)
    assert np.array_equal(frames, expected.clip(0, 1) if binary else expected)


@pytest.mark.parametrize("seed", range(5))
def test_published_frames_are_tonics(seed: int) -> None:
    events = random_recording(1500, (34, 34), 300_000, seed)
    original = events.copy()
    frames = FrameTransform(3000, denoise=40_000, polarity="on")(events, (34, 34))
    theirs = ToFrame((34, 34, 2), time_window=3000)(Denoise(40_000)(events))
    assert np.array_equal(frames, theirs[:, 1:] > 0)
    assert np.array_equal(events, original)


def test_counts_end_at_255() -> None:
    events = recording(*[(0, 0, 0, 0)] * 300)
    assert FrameTransform(10, polarity="off", binary=False)(events, (1, 1)).tolist() == [[[[255]]]]


def test_the_start_is_the_first_event_of_any_polarity() -> None:
    events = recording((0, 0, 500, 0), (1, 0, 1600, 1), (1, 0, 2500, 1))
    frames = FrameTransform(1000, polarity="on")(events, (2, 1))
    assert frames[:, 0, 0, 1].tolist() == [0, 1]


def test_noise_is_removed_over_both_polarities_before_the_first_frame_is_placed() -> None:
    # the first event has no neighbour; the second is supported by the third's pixel only after it: dropped as well
    events = recording((0, 0, 50_000, 1), (5, 5, 60_000, 0), (5, 6, 60_500, 1), (5, 5, 61_000, 1), (5, 6, 64_000, 1))
    transform = FrameTransform(1000, denoise=2000, polarity="on")
    assert denoise(events, 2000)["t"].tolist() == [60_500, 61_000]
    frames = transform(events, (8, 8))
    assert frames.shape == (1, 1, 8, 8)
    assert frames[0, 0].nonzero()[0].tolist() == [5, 6]


@SHORT
@given(
    number=st.integers(1, 120),
    side=st.integers(1, 7),
    duration=st.sampled_from([3, 60, 2000, 100_000]),
    filter_time=st.sampled_from([1, 30, 1000]),
    seed=st.integers(0, 1000),
)
def test_denoise_is_tonics(number: int, side: int, duration: int, filter_time: int, seed: int) -> None:
    events = random_recording(number, (side, side + 1), duration, seed)
    assert np.array_equal(denoise(events, filter_time), Denoise(filter_time)(events))


def test_a_recording_without_events_is_silent() -> None:
    nothing = np.empty(0, events_struct)
    lonely = recording((3, 3, 90_000, 1))
    assert len(denoise(nothing, 10)) == 0
    for time_steps, steps in ((None, 1), (9, 9)):
        transform = FrameTransform(1000, denoise=10, polarity="both", time_steps=time_steps)
        for events in (nothing, lonely):
            frames = transform(events, (6, 4))
            assert frames.shape == (steps, 2, 4, 6)
            assert frames.dtype == np.uint8
            assert not frames.any()


def test_a_short_recording_is_one_frame_long() -> None:
    assert FrameTransform(1000)(recording((0, 0, 5, 1), (1, 0, 700, 0)), (2, 1)).tolist() == [[[[1, 1]]]]


def test_a_far_time_stamp_is_refused_or_cut_off() -> None:
    events = recording((0, 0, 0, 1), (1, 0, 3000 * (MAX_FRAMES + 1), 1))
    with pytest.raises(ValueError, match=r"10001 frames of 3000 us, more than 10000: a time stamp may be damaged"):
        FrameTransform(3000)(events, (2, 1))
    assert FrameTransform(3000, time_steps=2)(events, (2, 1)).tolist() == [[[[1, 0]]], [[[0, 0]]]]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame_time": 0}, "frame_time must be at least 1, got 0"),
        ({"frame_time": 10, "denoise": 0}, "denoise must be at least 1, got 0"),
        ({"frame_time": 10, "time_steps": -1}, "time_steps must be at least 1, got -1"),
        ({"frame_time": 10, "polarity": "ON"}, "polarity must be one of off, on, merged, both, got 'ON'"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameTransform(**settings)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ((4, 0, 9, 0), "event 1 has x = 4, outside of the sensor of 4x3 pixels"),
        ((-1, 0, 9, 0), "event 1 has x = -1, outside"),
        ((0, 3, 9, 0), "event 1 has y = 3, outside"),
        ((0, 0, 4, 0), "not sorted by time"),
    ],
)
def test_events_that_make_no_sense_are_refused(event: tuple[int, int, int, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FrameTransform(10)(recording((0, 0, 5, 0), event), (4, 3))


# back to events


def test_one_event_a_spike_at_the_middle_of_its_frame() -> None:
    frames = np.zeros((3, 2, 2, 4), np.uint8)
    frames[2, 1, 1, 3] = 1
    frames[2, 0, 0, 2] = 2
    frames[0, 0, 1, 0] = 1
    events = frames_to_events(frames, 1001, "both")
    assert events.dtype == events_struct
    assert rows_of(events).tolist() == [[0, 1, 500, 0], [2, 0, 2502, 0], [2, 0, 2502, 0], [3, 1, 2502, 1]]


@pytest.mark.parametrize(("polarity", "p"), [("off", False), ("on", True), ("merged", False)])
def test_events_of_one_channel_have_its_polarity(polarity, p: bool) -> None:
    events = frames_to_events(torch.ones(2, 1, 3, 3), 10, polarity)
    assert len(events) == 18
    assert (events["p"] == p).all()


@st.composite
def frame_stacks(draw: st.DrawFn, channels: int, most: int) -> np.ndarray:
    shape = (draw(st.integers(1, 6)), channels, draw(st.integers(1, 4)), draw(st.integers(1, 4)))
    return draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, most), fill=st.just(0)))


@pytest.mark.parametrize("polarity", POLARITIES)
@SHORT
@given(data=st.data(), frame_time=st.sampled_from([1, 2, 1000, 3000]), most=st.sampled_from([1, 3]))
def test_tonic_gives_the_same_frames_back(polarity, data: st.DataObject, frame_time: int, most: int) -> None:
    frames = data.draw(frame_stacks(2 if polarity == "both" else 1, most))
    steps, _, height, width = frames.shape
    events = frames_to_events(frames, frame_time, polarity)
    assert len(events) == frames.sum()
    assert (np.diff(events["t"]) >= 0).all()
    if len(events) == 0:
        return
    to_frame = ToFrame((width, height, 2), time_window=frame_time, start_time=0, end_time=steps * frame_time)
    counts = to_frame(events)
    channels = {"off": [0], "on": [1], "merged": [0], "both": [0, 1]}[polarity]
    assert np.array_equal(counts[:, channels], frames)
    assert counts.sum() == frames.sum()
    if frames[0].any():
        again = FrameTransform(frame_time, polarity=polarity, time_steps=steps, binary=most == 1)
        assert np.array_equal(again(events, (width, height)), frames)


def test_silent_frames_are_no_events() -> None:
    events = frames_to_events(np.zeros((5, 1, 3, 3)), 1000, "on")
    assert len(events) == 0
    assert events.dtype == events_struct


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (np.zeros((2, 3, 3)), r"frames must be (T, 1, H, W) for the polarity 'on', got (2, 3, 3)"),
        (np.zeros((2, 2, 3, 3)), r"frames must be (T, 1, H, W) for the polarity 'on', got (2, 2, 3, 3)"),
        (np.full((2, 1, 3, 3), 0.5), "whole numbers of spikes"),
        (np.full((2, 1, 3, 3), -1), "whole numbers of spikes"),
        (np.full((2, 1, 3, 3), np.nan), "whole numbers of spikes"),
    ],
)
def test_what_are_no_frames_is_refused(frames: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        frames_to_events(frames, 1000, "on")


def test_back_to_events_refuses_wrong_settings() -> None:
    with pytest.raises(ValueError, match="frame_time must be at least 1, got 0"):
        frames_to_events(np.zeros((1, 1, 1, 1)), 0, "on")
    with pytest.raises(ValueError, match="polarity must be one of off, on, merged, both, got 'up'"):
        frames_to_events(np.zeros((1, 1, 1, 1)), 1, "up")  # type: ignore[arg-type]
