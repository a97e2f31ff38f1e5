"""How alike a spike train and real recordings are, measured in spikes: no judge takes part."""

from __future__ import annotations

import torch
from torch import Tensor


def fit_length(frames: Tensor, time_steps: int) -> Tensor:
    """Cut frames, ``(T, C, H, W)``, or let silence follow them, to ``time_steps``."""
    fitted = frames.new_zeros((time_steps, *frames.shape[1:]))
    fitted[: len(frames)] = frames[:time_steps]
    return fitted


def time_course_correlation(spikes: Tensor, reference: Tensor) -> float:
    """Return Pearson's correlation of the spikes per frame of two recordings, in [-1, 1]; 0 where one is constant.

    Args:
        spikes: spikes or spike probabilities, ``(T, C, H, W)``.
        reference: of any length; cut, or followed by silence, to T.
    """
    courses = torch.stack([spikes, fit_length(reference, len(spikes))]).double().mean((2, 3, 4))
    centred = courses - courses.mean(1, keepdim=True)
    norms = centred.norm(dim=1)
    if bool((norms <= 1e-9 * courses.abs().amax(1).clamp(min=1e-12)).any()):
        return 0.0
    return float((centred[0] @ centred[1]) / norms.prod())
