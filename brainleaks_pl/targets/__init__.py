"""Networks: targets under attack and judges; any of them can play either part."""

from brainleaks_pl.targets.ann import CNN, MLP
from brainleaks_pl.targets.base import TargetClassifier, Training
from brainleaks_pl.targets.snn import SpikingClassifier, SpikingCNN, SpikingMLP

__all__ = ["CNN", "MLP", "SpikingCNN", "SpikingClassifier", "SpikingMLP", "TargetClassifier", "Training"]
