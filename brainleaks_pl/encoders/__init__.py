"""Encoders: images and scenes as spikes, differentiable in the image."""

from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.encoders.current import ConstantCurrentEncoder
from brainleaks_pl.encoders.event_camera import EventCameraEncoder
from brainleaks_pl.encoders.keyframes import KeyframeEncoder
from brainleaks_pl.encoders.latency import LatencyEncoder
from brainleaks_pl.encoders.rate import RateEncoder

__all__ = [
    "ConstantCurrentEncoder",
    "Encoder",
    "EventCameraEncoder",
    "KeyframeEncoder",
    "LatencyEncoder",
    "RateEncoder",
]
