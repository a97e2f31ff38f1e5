"""What attackers who look for images assume about a target's input: its encoding, and a black margin."""

from __future__ import annotations

from brainleaks_pl.attacks.fitting import WrongTargetError
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.encoders.rate import RateEncoder
from brainleaks_pl.targets.classifier import Classifier


def assumed_encoder(target: Classifier, encoder: Encoder | None) -> Encoder | None:
    """Return the encoding that an attacker assumes before a target.

    Args:
        target: the trained classifier.
        encoder: the one asked for; None means :class:`RateEncoder` with the T that a spiking target was trained with,
            and none for non-spiking networks.

    Raises:
        WrongTargetError: when a non-spiking network is given an encoder.
        ValueError: when T is not known.
    """
    if not target.takes_spikes:
        if encoder is not None:
            raise WrongTargetError(f"{target.name} takes images, and no encoder: got {encoder}.")
        return None
    if encoder is not None:
        return encoder
    if target.time_steps is None:
        raise ValueError("the target does not say how many time steps it was trained with: give an encoder.")
    return RateEncoder(target.time_steps)


def check_margin(margin: int, shape: tuple[int, int, int]) -> None:
    """Raise a ValueError unless a black margin of so many pixels leaves some of an image of ``shape`` (C, H, W)."""
    if not 0 <= 2 * margin < min(shape[1:]):
        size = "x".join(map(str, shape[1:]))
        raise ValueError(f"margin must not be negative and leave some of the {size} pixels, got {margin}.")
