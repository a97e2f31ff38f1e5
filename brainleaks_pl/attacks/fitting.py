"""Which attacks fit which targets, and the error of one that does not."""

from __future__ import annotations

FITTING: dict[bool, tuple[str, ...]] = {
    True: ("BrainLeaksV1", "BrainLeaksV2", "BrainLeaksV3", "BlackBox", "LabelOnly"),
    False: ("MIFace", "BrainLeaksV3", "BlackBox", "LabelOnly"),
}
"""The attacks that fit a target, by whether it takes spikes."""


def use_instead(takes_spikes: bool) -> str:
    """Return which attacks fit a target, as the end of a message about one that does not."""
    *others, last = FITTING[takes_spikes]
    return f"use {', '.join(others)} or {last}."


class WrongTargetError(ValueError):
    """An attack was given a kind of network, spiking or non-spiking, that it is not for."""
