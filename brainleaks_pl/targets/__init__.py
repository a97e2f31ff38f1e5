"""Targets and judges: the module that wraps any network, and the interfaces that say how it is called."""

from brainleaks_pl.targets.classifier import Classifier, wrap
from brainleaks_pl.targets.training import Training

__all__ = ["Classifier", "Training", "wrap"]
