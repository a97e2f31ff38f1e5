"""Gestures on film: the person of :mod:`brainleaks_pl.events.gestures` drawn in front of a wall, in some light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from brainleaks_pl.events.gestures import FOREARM, HAND, SIZE, Joints, Subject, cycle_rate, joints

FLICKER_HZ = 120.0
"""Lamps on the mains of 60 Hz brighten twice a period."""

# pixels of a body of size 1: how wide head, neck, trunk, upper arm, wrist and hand are (half of it), and where the chin
# and the brow are above the shoulders
_HEAD, _NECK, _TORSO, _SLEEVE, _WRIST, _PALM = 8.0, 6.0, 16.0, 6.0, 4.0, 4.5
_CHIN, _BROW = 14.0, 24.0
_STRIPE = 7.0  # pixels from one fold or stripe of the clothes to the next
_ROUNDNESS = 0.35  # how much darker a part is at its rim than along its middle


@dataclass(frozen=True)
class Lighting:
    """What the light makes of a scene.

    Args:
        contrast: factor on the distance of every brightness from middle grey, in [0, 1].
        brightness: factor on the brightness, in [0, 1].
        gradient: how much darker the far side of the room is than the side of the light, in [0, 1].
        flicker: amplitude of the lamp's flicker at ``FLICKER_HZ``, relative to its mean, in [0, 1].

    Raises:
        ValueError: when a value leaves [0, 1].
    """

    contrast: float = 1.0
    brightness: float = 1.0
    gradient: float = 0.0
    flicker: float = 0.0

    def __post_init__(self) -> None:
        for name in ("contrast", "brightness", "gradient", "flicker"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1], got {getattr(self, name)}.")

    def shine(self, scene: Tensor, seconds: Tensor, from_left: bool) -> None:
        """Light a scene, ``(F, H, W)`` in [0, 1], in place; ``seconds``, ``(F,)``, are the times of its frames."""
        across = torch.linspace(0, 1, scene.shape[-1])
        level = self.brightness * (1 - self.gradient * (across if from_left else 1 - across))
        flicker = 1 + self.flicker * torch.sin(math.tau * FLICKER_HZ * seconds)
        scene.sub_(0.5).mul_(self.contrast).add_(0.5).mul_(level).mul_(flicker[:, None, None]).clamp_(0, 1)


LIGHTINGS = {
    "fluorescent": Lighting(contrast=0.9, brightness=0.8, gradient=0.1, flicker=0.05),
    "fluorescent_led": Lighting(contrast=0.95, brightness=0.9, gradient=0.2, flicker=0.03),
    "lab": Lighting(contrast=0.8, brightness=0.6, gradient=0.05),
    "led": Lighting(contrast=1.0, brightness=0.85, gradient=0.4),
    "natural": Lighting(contrast=0.75, brightness=0.95, gradient=0.6),
}
"""The lightings of DvsGesture by name; the values are ours."""


class Movie(NamedTuple):
    """Brightness in [0, 1], ``(F, 128, 128)`` float32, and the frames' times in microseconds, ``(F,)`` int64."""

    frames: Tensor
    times: Tensor


def render(
    gesture: int, subject: Subject, lighting: Lighting, duration_us: int, frame_interval_us: int = 4000, seed: int = 0
) -> Movie:
    """Film one take of a gesture.

    The seed draws what differs between two takes of the same person: where in its period the gesture starts, its
    tempo (by some 8 %, and wandering), its extent (8 %), the place (2 pixels), the phase of the sway, and the side of
    the light.

    Args:
        gesture: class of DvsGesture, 0 to 9.
        subject: who makes it.
        lighting: in which light.
        duration_us: length in microseconds; the last frame is at it, or less than an interval after it.
        frame_interval_us: time between two frames in microseconds.
        seed: of this take, at least 0.

    Raises:
        ValueError: when there is no such gesture, or a time is not positive.
    """
    for name, value in (("duration_us", duration_us), ("frame_interval_us", frame_interval_us)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    rng = np.random.default_rng(seed)
    times = torch.arange(-(-duration_us // frame_interval_us) + 1) * frame_interval_us
    seconds = times * 1e-6
    start, wander, lean = rng.random(3).tolist()
    tempo = cycle_rate(gesture) * subject.tempo * rng.lognormal(sigma=0.08)
    cycles = start + tempo * seconds + 0.06 * torch.sin(math.tau * (0.4 * seconds + wander))
    extent = rng.lognormal(sigma=0.08)
    sway = subject.sway * torch.sin(math.tau * (0.5 * seconds + lean))
    place = rng.uniform(-2, 2, size=2)
    shift = torch.stack([place[0] + sway, torch.full_like(sway, place[1])], -1)
    pose = joints(gesture, subject, cycles, extent)
    frames = torch.full((len(times), SIZE, SIZE), subject.background)
    _paint_person(frames, Joints(*(joint + shift[:, None] for joint in pose)), subject)
    lighting.shine(frames, seconds, from_left=bool(rng.random() < 0.5))
    return Movie(frames, times)


def _paint_person(frames: Tensor, pose: Joints, subject: Subject) -> None:
    """Draw body, head and arms, far parts first; the body goes on below the picture's edge."""
    size, skin = subject.size, subject.skin
    cloth = (subject.clothing, subject.pattern)
    forearm = cloth if subject.long_sleeves else (skin, 0.0)
    base = pose.shoulders.mean(1)
    chest, hip, chin, brow = (
        base + torch.tensor([0.0, down * size]) for down in (_TORSO - _SLEEVE, 5 * _TORSO, -_CHIN, -_BROW)
    )
    paint(frames, chest, hip, _TORSO * size, *cloth)
    paint(frames, pose.shoulders[:, 0], pose.shoulders[:, 1], _SLEEVE * size, *cloth)
    paint(frames, base, chin, _NECK * size, skin)
    paint(frames, chin, brow, _HEAD * size, skin)
    scale = size * subject.thickness
    for shoulder, elbow, hand in zip(*(joint.unbind(1) for joint in pose), strict=True):
        wrist, tips = elbow.lerp(hand, 1 - 0.5 * HAND / FOREARM), elbow.lerp(hand, 1 + 0.5 * HAND / FOREARM)
        paint(frames, shoulder, elbow, _SLEEVE * scale, *cloth)
        paint(frames, elbow, wrist, _WRIST * scale, *forearm)
        paint(frames, wrist, tips, _PALM * scale, skin)


def paint(frames: Tensor, start: Tensor, end: Tensor, radius: float, brightness: float, pattern: float = 0.0) -> None:
    """Draw a capsule into every frame, in place: its edge is smooth over a pixel, its rim darker than its middle.

    Args:
        frames: brightness, ``(F, H, W)``.
        start: one end of its axis, (x, y) in pixels, ``(F, 2)``; pixel (0, 0) has its centre at (0, 0).
        end: the other end, which may be the same: a disc.
        radius: in pixels, > 0.
        brightness: of its middle.
        pattern: contrast of stripes across its axis, in [0, 1].
    """
    ends = torch.stack([start, end])
    low = (ends.amin((0, 1)) - radius - 1).floor().long().clamp(min=0).tolist()
    high = (ends.amax((0, 1)) + radius + 2).ceil().long().clamp(min=0).tolist()
    columns, rows = slice(low[0], min(high[0], frames.shape[2])), slice(low[1], min(high[1], frames.shape[1]))
    window = frames[:, rows, columns]
    if not window.numel():
        return
    x = torch.arange(columns.start, columns.stop) - start[:, 0, None, None]
    y = torch.arange(rows.start, rows.stop)[:, None] - start[:, 1, None, None]
    axis_x, axis_y = (end - start)[:, :, None, None].unbind(1)
    square = (axis_x**2 + axis_y**2).clamp(min=1e-6)
    along = (x * (axis_x / square) + y * (axis_y / square)).clamp_(0, 1)
    distance = (x - along * axis_x).square_().add_((y - along * axis_y).square_()).sqrt_()
    covered = (radius + 0.5 - distance).clamp_(0, 1)
    shade = distance.square_().mul_(-_ROUNDNESS * brightness / radius**2).add_(brightness).clamp_(min=0)
    if pattern:
        stripes = (along * square.sqrt()).mul_(math.tau / _STRIPE).sin_().mul_(pattern).add_(1)
        shade = shade.mul_(stripes).clamp_(max=1)
    window.lerp_(shade, covered)
