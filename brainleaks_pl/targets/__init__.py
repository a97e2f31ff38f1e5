"""Targets and judges: the module that wraps any network, and the interfaces that say how it is called."""

from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.nearest import NearestNeighbour
from brainleaks_pl.targets.training import Training
from brainleaks_pl.targets.wrapping import wrap

__all__ = ["Classifier", "NearestNeighbour", "Training", "wrap"]
