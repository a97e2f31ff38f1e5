import math

import numpy as np
import pytest
import torch
from tonic.datasets import DVSGesture

from brainleaks_pl.events.gestures import (
    _MOTIONS,
    FOREARM,
    SHOULDER,
    SIZE,
    UPPER_ARM,
    Subject,
    _arms,
    cycle_rate,
    joints,
)

RIGHT, LEFT = 0, 1
CLAP, RIGHT_WAVE, LEFT_WAVE, RIGHT_CW, RIGHT_CCW, LEFT_CW, LEFT_CCW, ROLL, DRUMS, GUITAR = range(10)
PERIOD = torch.arange(200) / 200

NAMES = {
    CLAP: "Hand clapping",
    RIGHT_WAVE: "Right hand wave",
    LEFT_WAVE: "Left hand wave",
    RIGHT_CW: "Right arm cw",
    RIGHT_CCW: "Right arm ccw",
    LEFT_CW: "Left arm cw",
    LEFT_CCW: "Left arm ccw",
    ROLL: "Arm roll",
    DRUMS: "Air drums",
    GUITAR: "Air guitar",
}


def moves(joint):
    """Which arms' joints move, from places (F, 2, 2)."""
    return (joint.amax(0) - joint.amin(0)).amax(-1) > 1


def turned(pose, arm):
    """Total angle by which a hand has turned round its shoulder: positive is clockwise where y points down."""
    x, y = (pose.hands - pose.shoulders)[:, arm].double().unbind(-1)
    return np.unwrap(torch.atan2(y, x).numpy())[-1] - math.atan2(y[0], x[0])


def test_the_classes_are_those_of_the_real_set():
    assert list(NAMES.values()) == DVSGesture.classes[:-1]


@pytest.mark.parametrize("gesture", range(10))
@pytest.mark.parametrize("elbows", [-20.0, 20.0])
def test_bones_keep_their_lengths_and_palms_their_paths(gesture, elbows):
    right, left = _MOTIONS[gesture][0](2 * math.pi * PERIOD, 1.2)
    palms = torch.stack([torch.stack([torch.as_tensor(x).expand(200) for x in path], -1) for path in (right, left)], 1)
    elbow, palm = _arms(palms, elbows)
    torch.testing.assert_close(elbow.norm(dim=-1), torch.full((200, 2), UPPER_ARM), atol=1e-3, rtol=0)
    torch.testing.assert_close((palm - elbow).norm(dim=-1), torch.full((200, 2), FOREARM), atol=1e-3, rtol=0)
    torch.testing.assert_close(palm, palms, atol=1.0, rtol=0)  # the arm is long enough
    assert (elbow[..., 1] > -0.5 * UPPER_ARM).all()  # no elbow is lifted far above its shoulder


def test_a_waving_forearm_swings_about_its_elbow():
    subject = Subject(size=0.9, x=3.0, y=-2.0, amplitude=1.1)
    pose = joints(LEFT_WAVE, subject, torch.tensor([0.0, 0.25, 0.75]))
    lengths = 0.9 * FOREARM * torch.tensor([[0.0, -1.0], [0.0, 0.0], [0.0, 0.0]])
    for frame, swing in ((1, 1.1), (2, -1.1)):
        angle = math.radians(32) * swing
        lengths[frame] = 0.9 * FOREARM * torch.tensor([math.sin(angle), -math.cos(angle)])
    elbow = torch.tensor([0.9 * 17.0, 0.9 * 20.0])
    torch.testing.assert_close((pose.hands - pose.shoulders)[:, LEFT], elbow + lengths, atol=1e-3, rtol=0)


def test_a_hanging_arm_hangs_down_and_goes_along_with_the_trunk_only():
    pose = joints(LEFT_WAVE, Subject(), PERIOD)
    hand = (pose.hands - pose.shoulders)[:, RIGHT]
    torch.testing.assert_close(hand, hand[:1].expand_as(hand), atol=1e-4, rtol=0)
    assert hand[0, 1] > 0.95 * (UPPER_ARM + FOREARM)
    assert abs(hand[0, 0]) < 6


@pytest.mark.parametrize("gesture", range(10))
def test_the_arms_that_the_name_says_move(gesture):
    name = NAMES[gesture]
    expected = ["Left" not in name, "Right" not in name]
    pose = joints(gesture, Subject(), PERIOD)
    assert moves(pose.hands - pose.shoulders).tolist() == expected
    assert (pose.shoulders.amax(0) - pose.shoulders.amin(0)).max() < 3  # the trunk goes along, but little


@pytest.mark.parametrize(
    ("gesture", "arm", "sign"), [(RIGHT_CW, RIGHT, -1), (RIGHT_CCW, RIGHT, 1), (LEFT_CW, LEFT, -1), (LEFT_CCW, LEFT, 1)]
)
def test_arms_circle_once_a_period_clockwise_as_the_person_sees_it(gesture, arm, sign):
    pose = joints(gesture, Subject(), torch.linspace(0, 3, 600))
    assert turned(pose, arm) == pytest.approx(sign * 3 * 2 * math.pi, rel=1e-3)


def test_waving_and_drumming_hands_do_not_circle():
    for gesture, arm in ((RIGHT_WAVE, RIGHT), (DRUMS, LEFT)):
        assert turned(joints(gesture, Subject(), torch.linspace(0, 3, 600)), arm) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(("right", "left"), [(RIGHT_WAVE, LEFT_WAVE), (RIGHT_CW, LEFT_CCW), (RIGHT_CCW, LEFT_CW)])
def test_left_gestures_mirror_right_ones(right, left):
    for own, other in zip(joints(right, Subject(), PERIOD), joints(left, Subject(), PERIOD), strict=True):
        mirrored = other.flip(1) * torch.tensor([-1.0, 1.0]) + torch.tensor([SIZE - 1.0, 0.0])
        torch.testing.assert_close(own, mirrored, atol=1e-4, rtol=0)


def test_the_persons_right_is_the_pictures_left():
    pose = joints(RIGHT_WAVE, Subject(), PERIOD)
    assert (pose.hands[:, RIGHT, 0] < SIZE / 2).all()
    assert (pose.hands[:, RIGHT, 1] < pose.shoulders[:, RIGHT, 1]).all()  # and it waves above the shoulder


@pytest.mark.parametrize("elbows", [-20.0, 0.0, 20.0])
def test_clapping_hands_meet_once_a_period(elbows):
    pose = joints(CLAP, Subject(elbows=elbows), PERIOD)
    gap = (pose.hands[:, LEFT] - pose.hands[:, RIGHT]).norm(dim=-1)
    assert gap[0].item() == pytest.approx(6, abs=1e-3)  # the palms are pressed together
    assert gap.argmin() == 0
    assert gap.max() == pytest.approx(36, abs=1)


def test_rolling_arms_cross_and_take_turns_on_top():
    pose = joints(ROLL, Subject(), PERIOD)
    hands = pose.hands - pose.shoulders.mean(1, keepdim=True)
    assert (hands[:, RIGHT, 0] - hands[:, LEFT, 0]).abs().max() < 12
    above = (hands[:, RIGHT, 1] < hands[:, LEFT, 1]).float().mean()
    assert above == pytest.approx(0.5, abs=0.05)
    torch.testing.assert_close(hands[:100, RIGHT, 1], hands[100:, LEFT, 1], atol=1e-3, rtol=0)


@pytest.mark.parametrize(
    ("gesture", "arm"), [(RIGHT_CW, RIGHT), (RIGHT_CCW, RIGHT), (LEFT_CW, LEFT), (LEFT_CCW, LEFT), (DRUMS, LEFT)]
)
def test_circling_arms_and_drumsticks_fall_faster_than_they_rise(gesture, arm):
    height = joints(gesture, Subject(), PERIOD).hands[:, arm, 1]
    steps = height.roll(-1) - height
    assert steps.max() > 1.15 * -steps.min()  # y points down


def test_the_guitars_neck_is_on_the_persons_left():
    hands = joints(GUITAR, Subject(), torch.linspace(0, 2, 400)).hands
    travel = (hands.amax(0) - hands.amin(0)).amax(-1)
    assert travel[RIGHT] > 2 * travel[LEFT]
    assert (hands[:, LEFT, 0] > 63.5 + SHOULDER + UPPER_ARM / 2).all()
    assert (hands[:, RIGHT, 1] > hands[:, LEFT, 1]).all()


@pytest.mark.parametrize("gesture", range(10))
def test_motions_are_periodic_and_amplitude_widens_them(gesture):
    once, again = (joints(gesture, Subject(), PERIOD + shift).hands for shift in (0.0, 2.0))
    torch.testing.assert_close(once, again, atol=1e-2, rtol=0)

    def extent(subject, factor):
        hands = joints(gesture, subject, PERIOD, factor).hands
        return (hands.amax(0) - hands.amin(0)).max()

    assert extent(Subject(), 1.2) > extent(Subject(), 1.0)
    assert extent(Subject(amplitude=1.2), 1.0) == extent(Subject(), 1.2)
    assert cycle_rate(gesture) > 0


def test_people_are_drawn_from_the_generator():
    first, again, other = (Subject.draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    people = [Subject.draw(np.random.default_rng([3, n])) for n in range(50)]
    for person in people:
        ratio = person.background / person.skin
        assert max(ratio, 1 / ratio) >= 0.8 / 0.6 - 1e-9  # never the same as the wall
    assert {person.long_sleeves for person in people} == {True, False}


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ({"size": 0.0}, "size must be positive and finite, got 0.0"),
        ({"tempo": float("nan")}, "tempo must be positive and finite, got nan"),
        ({"elbows": 21.0}, r"elbows must lie in \[-20, 20\], got 21.0"),
        ({"sway": -1.0}, "sway must be at least 0 and finite, got -1.0"),
        ({"skin": 1.2}, r"skin must lie in \[0, 1\], got 1.2"),
    ],
)
def test_impossible_people_are_refused(argument, message):
    with pytest.raises(ValueError, match=message):
        Subject(**argument)


@pytest.mark.parametrize("gesture", [-1, 10])
def test_unknown_gestures_are_refused(gesture):
    for use in (lambda: joints(gesture, Subject(), PERIOD), lambda: cycle_rate(gesture)):
        with pytest.raises(ValueError, match=f"gesture must be 0 to 9, got {gesture}"):
            use()
