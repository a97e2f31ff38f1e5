"""What an attacker assumes of the data, held against them."""

from __future__ import annotations

import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from brainleaks_pl import InversionModule, MNIST5k, RateEncoder, SimulatedNMNIST, run_attack
from brainleaks_pl.encoders.event_camera import EventCameraEncoder
from brainleaks_pl.evaluation.assumptions import warn_of_other_frames
from brainleaks_pl.events.frames import FrameTransform


@pytest.mark.parametrize(
    ("frames", "said"),
    [
        (FrameTransform(3000, polarity="off"), r"frame_time 3000 \(the data: 10000\)\. Unless"),
        (FrameTransform(10_000, polarity="on"), r"polarity 'on' \(the data: 'off'\)\. Unless"),
        (FrameTransform(3000, polarity="on"), "frame_time 3000 .* polarity 'on'"),
    ],
)
def test_frames_that_are_not_those_of_the_data_are_said(frames: FrameTransform, said: str, tmp_path: Path) -> None:
    data = SimulatedNMNIST(tmp_path, frames=FrameTransform(10_000, polarity="off", time_steps=30))
    with pytest.warns(UserWarning, match=said):
        warn_of_other_frames(EventCameraEncoder(30, frames=frames), data)


def test_the_same_frames_and_other_encoders_are_no_reason_for_words(tmp_path: Path) -> None:
    data = SimulatedNMNIST(tmp_path, frames=FrameTransform(10_000, polarity="off", time_steps=30))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_other_frames(EventCameraEncoder(30, frames=FrameTransform(10_000, denoise=9, polarity="off")), data)
        warn_of_other_frames(RateEncoder(30), data)
        warn_of_other_frames(None, data)
        warn_of_other_frames(EventCameraEncoder(30), MNIST5k())


def test_it_is_said_before_an_attack_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class ReachedError(Exception):
        pass

    def rehearse(*_: Any) -> None:
        raise ReachedError

    monkeypatch.setattr("brainleaks_pl.evaluation.run.rehearse", rehearse)
    data = SimulatedNMNIST(tmp_path, frames=FrameTransform(10_000, polarity="off", time_steps=30))
    attack = cast(InversionModule, SimpleNamespace(encoder=EventCameraEncoder(30)))
    with pytest.warns(UserWarning, match="frame_time 3000"), pytest.raises(ReachedError):
        run_attack(attack, {}, data)
