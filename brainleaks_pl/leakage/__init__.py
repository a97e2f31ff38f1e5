"""Gradient leakage: what a federated participant's gradient reveals about its batch."""

from brainleaks_pl.leakage.base import GradientAttack, Recovered
from brainleaks_pl.leakage.closed_form import BiasRatio, MeanFrame, SpikeFrames, bias_ratio, mean_frame
from brainleaks_pl.leakage.labels import recover_labels
from brainleaks_pl.leakage.layers import NotApplicableError
from brainleaks_pl.leakage.matching import GradientMatching
from brainleaks_pl.leakage.shared import Protection, SharedGradient, share_gradient, share_update
from brainleaks_pl.leakage.spike_frames import FoundFrames, find_frames

__all__ = [
    "BiasRatio",
    "FoundFrames",
    "GradientAttack",
    "GradientMatching",
    "MeanFrame",
    "NotApplicableError",
    "Protection",
    "Recovered",
    "SharedGradient",
    "SpikeFrames",
    "bias_ratio",
    "find_frames",
    "mean_frame",
    "recover_labels",
    "share_gradient",
    "share_update",
]
