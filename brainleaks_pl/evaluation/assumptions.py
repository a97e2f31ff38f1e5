"""Compares what an attacker assumes about the data with the data."""

from __future__ import annotations

from lightning.pytorch.utilities import rank_zero_warn

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.encoders.event_camera import EventCameraEncoder

_DECISIVE = ("frame_time", "polarity")


def warn_of_other_frames(encoder: Encoder | None, data: BaseDataModule) -> None:
    """Say where an attacker's event camera makes other frames than those that the target was trained on.

    That may be meant, to see what a wrong guess costs; more often the frames were left as they are by default, and the
    attack sees a part of each recording, or the events of the other polarity.

    Args:
        encoder: what the attacker takes images through; None where there is nothing.
        data: the private data set.
    """
    if not isinstance(encoder, EventCameraEncoder) or not isinstance(data, EventDataModule):
        return
    other = [
        f"{name} {getattr(encoder.frames, name)!r} (the data: {getattr(data.frames, name)!r})"
        for name in _DECISIVE
        if getattr(encoder.frames, name) != getattr(data.frames, name)
    ]
    if other:
        rank_zero_warn(
            f"the attack's encoder assumes other frames than the data have: {', '.join(other)}. Unless this is meant, "
            "set encoder.frames to the same values as data.frames."
        )
