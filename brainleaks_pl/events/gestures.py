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

# lengths of a body of size 1, in pixels, which are its centimetres: between the middle line and a shoulder joint, from
# there to the elbow, from the elbow to the palm, from the wrist to the fingertips
SHOULDER, UPPER_ARM, FOREARM, HAND = 17.0, 28.0, 33.0, 17.0
_SHOULDER_HEIGHT = 60.0
_FOLLOWING = 0.03  # how far the trunk goes along with the hands


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
        elbows: how much further than usual the elbows are turned out, in degrees, -20 to 20.
        sway: how far the whole body moves from side to side, in pixels.
        skin: brightness of head and hands, in [0, 1].
        clothing: brightness of the clothes, in [0, 1].
        pattern: contrast of the stripes or folds of the clothes, in [0, 1].
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
    pattern: float = 0.0
    background: float = 0.2
    long_sleeves: bool = False

    def __post_init__(self) -> None:
        for name in ("size", "thickness", "tempo", "amplitude"):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {getattr(self, name)}.")
        for name in ("x", "y"):
            if not math.isfinite(getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}.")
        if not -20 <= self.elbows <= 20:
            raise ValueError(f"elbows must lie in [-20, 20], got {self.elbows}.")
        if not 0 <= self.sway < math.inf:
            raise ValueError(f"sway must be at least 0 and finite, got {self.sway}.")
        for name in ("skin", "clothing", "pattern", "background"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Subject:
        """Draw a person; the wall is darker or brighter than the skin by a factor of 1.5 to 3, within 0.2 to 0.8."""
        skin = rng.uniform(0.35, 0.6)
        ratio = rng.uniform(1.5, 3.0)
        return cls(
            size=rng.uniform(0.82, 1.05),
            thickness=rng.uniform(0.85, 1.2),
            x=rng.uniform(-5.0, 5.0),
            y=rng.uniform(-4.0, 4.0),
            tempo=rng.uniform(0.8, 1.25),
            amplitude=rng.uniform(0.8, 1.2),
            elbows=rng.uniform(-12.0, 20.0),
            sway=rng.uniform(0.1, 0.6),
            skin=skin,
            clothing=rng.uniform(0.1, 0.75),
            pattern=rng.uniform(0.0, 0.3),
            background=max(skin / ratio, 0.2) if rng.random() < 0.5 else min(skin * ratio, 0.8),
            long_sleeves=bool(rng.random() < 0.5),
        )


class Joints(NamedTuple):
    """Places of the joints in the picture, (x, y) in pixels, ``(F, 2, 2)``: the right arm first, then the left one."""

    shoulders: Tensor
    elbows: Tensor
    hands: Tensor


Path = tuple[Tensor | float, Tensor | float, Tensor | float]
"""Where a palm is, seen from its shoulder, in centimetres: out to the person's side, down, and towards the camera."""

Motion = Callable[[Tensor, float], tuple[Path, Path]]
"""Maps turns since the start (an angle, ``(F,)``) and the factor on the extent to the right and left palm's path."""

_HANGING: Path = (5.0, 59.0, 8.0)


def _clap(turn: Tensor, extent: float) -> tuple[Path, Path]:
    opening = extent * (1 - torch.cos(turn)) / 2
    palm = (3.0 - SHOULDER + 15 * opening, 33.0 + 4 * opening, 33.0 - 4 * opening)
    return palm, palm


def _wave(turn: Tensor, extent: float, right: bool) -> tuple[Path, Path]:
    # the forearm swings about an elbow that rests
    swing = math.radians(32) * extent * torch.sin(turn)
    waving = (17 + FOREARM * torch.sin(swing), 20 - FOREARM * torch.cos(swing), 11.0)
    return (waving, _HANGING) if right else (_HANGING, waving)


def _circle(turn: Tensor, extent: float, right: bool, outwards: bool) -> tuple[Path, Path]:
    # gravity: the arm falls faster than it rises
    angle = turn + 0.2 * torch.cos(turn)
    radius = 30 * extent
    circling = ((1 if outwards else -1) * radius * torch.sin(angle) + 14, 6 + radius * torch.cos(angle), 27.0)
    return (circling, _HANGING) if right else (_HANGING, circling)


def _roll(turn: Tensor, extent: float) -> tuple[Path, Path]:
    def palm(angle: Tensor) -> Path:
        return 5.0 - SHOULDER, 31 + 12 * extent * torch.sin(angle), 30 + 10 * extent * torch.cos(angle)

    return palm(turn), palm(turn + math.pi)


def _drums(turn: Tensor, extent: float) -> tuple[Path, Path]:
    def palm(angle: Tensor) -> Path:
        raised = extent * (1 + torch.sin(angle) - 0.3 * torch.sin(2 * angle)) / 2  # falls faster than it rises
        return -4.0, 42 - 18 * raised, 34.0 - 6 * raised

    return palm(turn), palm(turn + math.pi)


def _guitar(turn: Tensor, extent: float) -> tuple[Path, Path]:
    strum = extent * torch.sin(turn)
    slide = extent * torch.sin(turn / 2)
    return (-12.0 + 4 * strum, 40 + 9 * strum, 22.0), (26.0 + 4 * slide, 14 - 2 * slide, 26.0)


# one a class, with its periods a second; clockwise is what the person who does it sees, as a clock on its own wall: the
# right arm goes inwards at the bottom, which the camera sees as counter-clockwise
_MOTIONS: tuple[tuple[Motion, float], ...] = (
    (_clap, 2.4),
    (partial(_wave, right=True), 1.8),
    (partial(_wave, right=False), 1.8),
    (partial(_circle, right=True, outwards=False), 1.2),
    (partial(_circle, right=True, outwards=True), 1.2),
    (partial(_circle, right=False, outwards=True), 1.2),
    (partial(_circle, right=False, outwards=False), 1.2),
    (_roll, 1.8),
    (_drums, 2.4),
    (_guitar, 2.0),
)


def cycle_rate(gesture: int) -> float:
    """Return a gesture's usual periods a second.

    Raises:
        ValueError: when there is no such gesture.
    """
    return _motion(gesture)[1]


def joints(gesture: int, subject: Subject, cycles: Tensor, extent: float = 1.0) -> Joints:
    """Return where the joints are, by inverse kinematics and without perspective.

    The camera looks at the person, as in the real recordings: the person's right arm is on the picture's left.
    Clockwise is what the person sees as clockwise, so that the camera sees it turn the other way.

    Args:
        gesture: class of DvsGesture, 0 to 9.
        subject: who makes it.
        cycles: periods of the gesture since its start, ``(F,)``.
        extent: factor on the person's amplitude, > 0.

    Raises:
        ValueError: when there is no such gesture.
    """
    paths = _motion(gesture)[0](math.tau * cycles, extent * subject.amplitude)
    hands = torch.stack([torch.stack([torch.as_tensor(x).expand_as(cycles) for x in path], -1) for path in paths], 1)
    elbows, hands = _arms(hands, subject.elbows)
    outwards = torch.tensor([[-1.0, 1.0], [1.0, 1.0]]) * subject.size  # which way out is: the right arm's is image-left
    elbows, hands = elbows[..., :2] * outwards, hands[..., :2] * outwards
    middle = torch.tensor([(SIZE - 1) / 2 + subject.x, _SHOULDER_HEIGHT + subject.y])
    middle = middle + _FOLLOWING * hands.mean(1, keepdim=True)
    shoulders = middle + torch.tensor([SHOULDER, 0.0]) * outwards
    return Joints(shoulders, shoulders + elbows, shoulders + hands)


def _arms(hands: Tensor, elbows: float) -> tuple[Tensor, Tensor]:
    """Return elbows and palms, seen from the shoulder, ``(F, 2, 3)``.

    Elbows hang as low as the bones allow, turned out by ``elbows`` degrees more than usual. A palm further away than
    the arm is long is pulled in.
    """
    distance = hands.norm(dim=-1, keepdim=True)
    direction = hands / distance
    distance = distance.clamp(max=0.995 * (UPPER_ARM + FOREARM))
    along = (UPPER_ARM**2 - FOREARM**2 + distance**2) / (2 * distance)
    aside = (UPPER_ARM**2 - along**2).clamp(min=0).sqrt()
    turned = math.radians(25 + elbows)
    pole = torch.tensor([math.sin(turned), math.cos(turned), -0.3])
    pole = pole - (direction @ pole)[..., None] * direction
    return along * direction + aside * pole / pole.norm(dim=-1, keepdim=True), distance * direction


def _motion(gesture: int) -> tuple[Motion, float]:
    if not 0 <= gesture < len(_MOTIONS):
        raise ValueError(f"gesture must be 0 to {len(_MOTIONS) - 1}, got {gesture}.")
    return _MOTIONS[gesture]
