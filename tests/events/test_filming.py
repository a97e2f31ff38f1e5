import math

import numpy as np
import pytest
import torch

from brainleaks_pl.events.filming import LIGHTINGS, Lighting, paint, render
from brainleaks_pl.events.gestures import HAND, SIZE, Subject, joints

DARK_WALL = Subject(background=0.0, skin=0.8, clothing=0.4)
STILL = Lighting()


def test_the_lightings_are_those_of_the_real_set():
    assert list(LIGHTINGS) == ["fluorescent", "fluorescent_led", "lab", "led", "natural"]


@pytest.mark.parametrize("gesture", range(10))
def test_a_movie_shows_moving_hands(gesture):
    movie = render(gesture, DARK_WALL, STILL, 500_000, 20_000, seed=gesture)
    assert movie.frames.shape == (26, SIZE, SIZE)
    assert movie.frames.dtype == torch.float32
    assert movie.frames.min() >= 0
    assert movie.frames.max() == pytest.approx(0.8, abs=0.02)  # skin, at the middle of a hand or the head
    assert movie.frames.diff(dim=0).abs().amax((1, 2)).median() > 0.1


@pytest.mark.parametrize(("duration", "expected"), [(10, [0, 4, 8, 12]), (8, [0, 4, 8]), (1, [0, 4])])
def test_frames_cover_the_duration(duration, expected):
    assert render(0, Subject(), STILL, duration, 4).times.tolist() == expected


def test_the_left_arm_moves_in_left_gestures_and_the_trunk_only_goes_along():
    frames = render(2, DARK_WALL, STILL, 1_000_000, 20_000).frames
    change = frames.diff(dim=0).abs().sum((0, 1))
    assert change[: SIZE // 2].sum() < 0.15 * change[SIZE // 2 :].sum()


def test_takes_are_repeatable_and_differ_by_their_seed():
    first, again, other = (render(7, DARK_WALL, STILL, 200_000, seed=seed).frames for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_body_sways_only_as_far_as_the_subject_does():
    below = (slice(None), 120)  # the torso alone

    def travel(sway):
        row = render(0, Subject(background=0.0, sway=sway), STILL, 2_000_000, 20_000).frames[below][:, :60]
        left_edge = row.shape[1] - (row > row.max() / 4).sum(1)
        return int(left_edge.max() - left_edge.min())

    assert travel(0.0) <= 1  # clapping hands leave the trunk in the middle
    assert travel(4.0) in (7, 8, 9)


def test_hands_are_drawn_where_the_joints_are():
    subject = Subject(size=0.9, amplitude=0.5, background=0.0, clothing=0.0, skin=1.0, long_sleeves=True)
    frames = render(1, subject, STILL, 600_000, 100_000, seed=2).frames
    rng = np.random.default_rng(2)
    start, wander, _ = rng.random(3)
    tempo, seconds = 1.8 * rng.lognormal(sigma=0.08), torch.arange(7) * 0.1
    cycles = start + tempo * seconds + 0.06 * torch.sin(2 * math.pi * (0.4 * seconds + wander))
    extent, place = rng.lognormal(sigma=0.08), rng.uniform(-2, 2, size=2)
    hands = joints(1, subject, cycles, extent).hands[:, 0]
    for frame, hand in zip(frames, hands, strict=True):
        weights = frame[:, :54].double()  # the hand that waves, left of the head
        total = weights.sum()
        x = weights.sum(0) @ torch.arange(54).double() / total
        y = weights.sum(1) @ torch.arange(SIZE).double() / total
        assert [x.item(), y.item()] == pytest.approx((hand + torch.tensor(place)).tolist(), abs=0.3)


def paint_reference(start, end, radius, brightness, size, pattern=0.0):
    """Pixel by pixel, on black."""
    picture = torch.zeros(size, size)
    for row in range(size):
        for column in range(size):
            axis = (end[0] - start[0], end[1] - start[1])
            square = axis[0] ** 2 + axis[1] ** 2
            offset = (column - start[0], row - start[1])
            along = min(max((offset[0] * axis[0] + offset[1] * axis[1]) / square, 0), 1) if square else 0
            distance = math.hypot(offset[0] - along * axis[0], offset[1] - along * axis[1])
            shade = max(brightness * (1 - 0.35 * (distance / radius) ** 2), 0)
            shade = min(shade * (1 + pattern * math.sin(2 * math.pi * along * math.sqrt(square) / 7)), 1)
            picture[row, column] = shade * min(max(radius + 0.5 - distance, 0), 1)
    return picture


@pytest.mark.parametrize(
    ("start", "end", "radius"),
    [((5.2, 6.0), (14.0, 11.5), 2.5), ((8.0, 8.0), (8.0, 8.0), 4.0), ((-3.0, 18.0), (4.0, 25.0), 3.0)],
)
def test_capsules_agree_with_a_plain_reference(start, end, radius):
    frames = torch.zeros(1, 20, 20)
    paint(frames, torch.tensor([start]), torch.tensor([end]), radius, 0.7)
    torch.testing.assert_close(frames[0], paint_reference(start, end, radius, 0.7, 20), atol=1e-5, rtol=0)


def test_striped_capsules_agree_with_the_reference():
    frames = torch.zeros(1, 20, 20)
    paint(frames, torch.tensor([[3.0, 4.0]]), torch.tensor([[15.0, 9.0]]), 3.0, 0.9, pattern=0.4)
    expected = paint_reference((3.0, 4.0), (15.0, 9.0), 3.0, 0.9, 20, pattern=0.4)
    torch.testing.assert_close(frames[0], expected, atol=1e-5, rtol=0)


def test_nothing_is_drawn_outside_of_the_picture():
    for x in (-50.0, 70.0):
        frames = torch.zeros(2, 20, 20)
        point = torch.tensor([[x, 5.0], [x, 6.0]])
        paint(frames, point, point, HAND, 1.0)
        assert not frames.any()


def test_light_dims_falls_off_and_flickers():
    seconds = torch.tensor([0.0, 1 / 480, 3 / 480])  # a flicker of 120 Hz is at its mean, its peak, its trough
    scene = torch.full((3, 4, 5), 0.8)
    Lighting(contrast=0.5, brightness=0.6, gradient=0.4, flicker=0.1).shine(scene, seconds, from_left=True)
    plain = 0.65 * 0.6
    assert scene[0, 0].tolist() == pytest.approx([plain * (1 - 0.1 * n) for n in range(5)], rel=1e-5)
    assert (scene[:, 2, 0] / plain).tolist() == pytest.approx([1.0, 1.1, 0.9], rel=1e-4)
    mirrored = torch.full((3, 4, 5), 0.8)
    Lighting(contrast=0.5, brightness=0.6, gradient=0.4, flicker=0.1).shine(mirrored, seconds, from_left=False)
    torch.testing.assert_close(mirrored, scene.flip(-1))


def test_light_stays_in_range():
    scene = torch.rand(3, 8, 8)
    Lighting(flicker=1.0).shine(scene, torch.tensor([0.0, 1 / 480, 3 / 480]), from_left=True)
    assert scene.min() >= 0
    assert scene.max() <= 1


@pytest.mark.parametrize("name", ["contrast", "brightness", "gradient", "flicker"])
def test_impossible_light_is_refused(name):
    with pytest.raises(ValueError, match=rf"{name} must lie in \[0, 1\], got 1.5"):
        Lighting(**{name: 1.5})


def test_impossible_films_are_refused():
    with pytest.raises(ValueError, match="gesture must be 0 to 9, got 10"):
        render(10, Subject(), STILL, 100_000)
    with pytest.raises(ValueError, match="duration_us must be at least 1, got 0"):
        render(0, Subject(), STILL, 0)
    with pytest.raises(ValueError, match="frame_interval_us must be at least 1, got 0"):
        render(0, Subject(), STILL, 100, 0)
