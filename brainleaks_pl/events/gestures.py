"""The ten gestures of DvsGesture as an animation: where shoulders, elbows and hands are, by formulas of time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

SIZE = 128
"""Side of the picture in pixels: that of the DVS128 sensor."""

# lengths of a body of size 1, in pixels
SHOULDER, UPPER_ARM, FOREARM, HAND = 17.0, 24.0, 21.0, 6.0
_SHOULDER_HEIGHT = 56.0


@dataclass(frozen=True)
class Subject:
    """A person: build, looks, and ways of moving.

    Args:
        size: factor on all lengths.
        thickness: factor on the radii of arms and hands.
        x: horizontal place in the picture, in pixels from its middle.
        y: vertical place, in pixels below the usual.
        tempo: factor on the speed of every gesture.
        amplitude: factor on the extent of every gesture.
        elbows: how much further than usual the elbows are held from the body, in degrees, -10 to 10.
        sway: how far the whole body moves from side to side, in pixels.
        skin: brightness of head and hands, in [0, 1].
        clothing: brightness of the clothes, in [0, 1].
        background: brightness of the wall behind, in [0, 1].
        long_sleeves: whether the clothes cover the forearms.

    Raises:
        ValueError: when a factor is not positive, the sway is negative, or another value leaves its range.
    """

    size: float = 1.0
    thickness: float = 1.0
    x: float = 0.0
    y: float = 0.0
    tempo: float = 1.0
    amplitude: float = 1.0
    elbows: float = 0.0
    sway: float = 0.0
    skin: float = 0.6
    clothing: float = 0.35
    background: float = 0.2
    long_sleeves: bool = False

    def __post_init__(self) -> None:
        for name in ("size", "thickness", "tempo", "amplitude"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}.")
        for name in ("x", "y"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}.")
        if not -10 <= self.elbows <= 10:  # further out, clapping hands would not meet
            raise ValueError(f"elbows must lie in [-10, 10], got {self.elbows}.")
        if not 0 <= self.sway < math.inf:
            raise ValueError(f"sway must be at least 0 and finite, got {self.sway}.")
        for name in ("skin", "clothing", "background"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Subject:
        """Draw a person; the wall is darker or brighter than the skin by a factor of 1.5 to 3 (where white allows)."""
        skin = rng.uniform(0.35, 0.75)
        ratio = rng.uniform(1.5, 3.0)
        return cls(
            size=rng.uniform(0.85, 1.1),
            thickness=rng.uniform(0.85, 1.2),
            x=rng.uniform(-5.0, 5.0),
            y=rng.uniform(-4.0, 4.0),
            tempo=rng.uniform(0.8, 1.25),
            amplitude=rng.uniform(0.8, 1.2),
            elbows=rng.uniform(-6.0, 10.0),
            sway=rng.uniform(0.2, 1.0),
            skin=skin,
            clothing=rng.uniform(0.08, 0.9),
            background=skin / ratio if rng.random() < 0.5 else min(skin * ratio, 0.95),
            long_sleeves=bool(rng.random() < 0.5),
        )


class Arm(NamedTuple):
    """Directions of one arm's two bones over time, in degrees, ``(F,)`` or constant.

    A bone's ``swing`` is its direction in the picture: 0 down, 90 out to the person's side, 180 up, -90 across the
    body. Its ``reach`` is the angle out of the picture towards the camera, which shortens it.
    """

    upper_swing: Tensor | float
    upper_reach: Tensor | float
    fore_swing: Tensor | float
    fore_reach: Tensor | float


class Joints(NamedTuple):
    """Places of the joints in the picture, (x, y) in pixels, ``(F, 2, 2)``: the right arm first, then the left one."""

    shoulders: Tensor
    elbows: Tensor
    hands: Tensor


Arms = tuple[Arm, Arm]
Motion = Callable[[Tensor, float, float], Arms]
"""Maps periods since the start, ``(F,)``, the factor on the extent and the elbows' habit to the right and left arm."""


def _hanging(elbows: float) -> Arm:
    return Arm(8.0 + elbows / 2, 0.0, 3.0, 15.0)


def _clap(cycles: Tensor, amplitude: float, elbows: float) -> Arms:
    closed, upper_reach, fore_reach = 8.0 + elbows, 30.0, 20.0
    # the forearm's swing at which the palm is at the middle line
    elbow = SHOULDER + UPPER_ARM * _cos(upper_reach) * _sin(closed)
    contact = math.degrees(math.asin((elbow - 0.8 * HAND) / (FOREARM * _cos(fore_reach)))) - 180
    opening = amplitude * (1 - torch.cos(math.tau * cycles)) / 2
    arm = Arm(closed + 25 * opening, upper_reach, contact - 40 * opening, fore_reach)
    return arm, arm


def _wave(cycles: Tensor, amplitude: float, elbows: float, right: bool) -> Arms:
    swing = torch.sin(math.tau * cycles) * amplitude
    waving = Arm(60 + elbows + 6 * swing, 20.0, 170 + 35 * swing, 10.0)
    return (waving, _hanging(elbows)) if right else (_hanging(elbows), waving)


def _circle(cycles: Tensor, amplitude: float, elbows: float, right: bool, outwards: bool) -> Arms:
    turn = math.tau * cycles
    rising = torch.sin(turn)
    # gravity: the arm rises slowly with its elbow bent, and falls fast and straight
    swing = torch.rad2deg(turn + 0.25 * torch.cos(turn))
    bent = swing - 15 - 25 * (1 + rising)
    sign = 1 if outwards else -1
    reach = 10 + 15 / amplitude
    circling = Arm(sign * swing, reach, sign * bent, reach)
    return (circling, _hanging(elbows)) if right else (_hanging(elbows), circling)


def _roll(cycles: Tensor, amplitude: float, elbows: float) -> Arms:
    def arm(turn: Tensor) -> Arm:
        up, forward = torch.sin(turn) * amplitude, torch.cos(turn) * amplitude
        return Arm(10 + elbows + 8 * up, 25 + 8 * forward, -90 - 35 * up, 15 + 15 * forward)

    turn = math.tau * cycles
    return arm(turn), arm(turn + math.pi)


def _drums(cycles: Tensor, amplitude: float, elbows: float) -> Arms:
    def arm(turn: Tensor) -> Arm:
        raised = (torch.sin(turn) - 0.3 * torch.sin(2 * turn)) * amplitude  # falls faster than it rises
        return Arm(12 + elbows + 8 * raised, 20 + 15 * raised, -20.0, 80 + 45 * raised)

    turn = math.tau * cycles
    return arm(turn), arm(turn + math.pi)


def _guitar(cycles: Tensor, amplitude: float, elbows: float) -> Arms:
    strum = torch.sin(math.tau * cycles) * amplitude
    slide = torch.sin(math.pi * cycles) * amplitude
    strumming = Arm(22 + elbows + 4 * strum, 15.0, -62 + 32 * strum, 20.0)
    fretting = Arm(50 + elbows + 5 * slide, 15.0, 110 + 6 * slide, 15.0)
    return strumming, fretting


# one a class, with its periods a second; seen by the camera, the right arm goes outwards and up clockwise, the left
# one counter-clockwise
_MOTIONS: tuple[tuple[Motion, float], ...] = (
    (_clap, 2.0),
    (partial(_wave, right=True), 1.8),
    (partial(_wave, right=False), 1.8),
    (partial(_circle, right=True, outwards=True), 0.9),
    (partial(_circle, right=True, outwards=False), 0.9),
    (partial(_circle, right=False, outwards=False), 0.9),
    (partial(_circle, right=False, outwards=True), 0.9),
    (_roll, 1.4),
    (_drums, 1.8),
    (_guitar, 2.4),
)


def cycle_rate(gesture: int) -> float:
    """Return a gesture's usual periods a second.

    Raises:
        ValueError: when there is no such gesture.
    """
    return _motion(gesture)[1]


def joints(gesture: int, subject: Subject, cycles: Tensor, extent: float = 1.0) -> Joints:
    """Return where the joints are, by forward kinematics and without perspective.

    The camera looks at the person, as in the real recordings: the person's right arm is on the picture's left.
    Clockwise is what the camera sees as clockwise.

    Args:
        gesture: class of DvsGesture, 0 to 9.
        subject: who makes it.
        cycles: periods of the gesture since its start, ``(F,)``.
        extent: factor on the person's amplitude, > 0.

    Raises:
        ValueError: when there is no such gesture.
    """
    arms = _motion(gesture)[0](cycles, extent * subject.amplitude, subject.elbows)
    middle = torch.tensor([(SIZE - 1) / 2 + subject.x, _SHOULDER_HEIGHT + subject.y])
    outwards = torch.tensor([[-1.0, 1.0], [1.0, 1.0]]) * subject.size  # which way out is: the right arm's is image-left
    angles = torch.stack([torch.stack([torch.as_tensor(a).expand_as(cycles) for a in arm], -1) for arm in arms], 1)
    swing, reach = angles.deg2rad().unflatten(-1, (2, 2)).unbind(-1)
    bones = torch.stack([swing.sin() * reach.cos(), swing.cos() * reach.cos()], -1)  # (F, arm, bone, xy)
    bones = bones * torch.tensor([UPPER_ARM, FOREARM])[:, None] * outwards[:, None]
    shoulders = (middle + torch.tensor([SHOULDER, 0.0]) * outwards).expand(len(cycles), 2, 2)
    elbows = shoulders + bones[:, :, 0]
    return Joints(shoulders, elbows, elbows + bones[:, :, 1])


def _motion(gesture: int) -> tuple[Motion, float]:
    if not 0 <= gesture < len(_MOTIONS):
        raise ValueError(f"gesture must be 0 to {len(_MOTIONS) - 1}, got {gesture}.")
    return _MOTIONS[gesture]


def _sin(degrees: float) -> float:
    return math.sin(math.radians(degrees))


def _cos(degrees: float) -> float:
    return math.cos(math.radians(degrees))
