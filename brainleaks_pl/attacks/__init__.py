"""Attacks: inversion modules that look for inputs a frozen network takes for a class."""

from brainleaks_pl.attacks.adversarial import AdversarialExamples
from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.attacks.black_box import BlackBox
from brainleaks_pl.attacks.brainleaks_v1 import BrainLeaksV1
from brainleaks_pl.attacks.brainleaks_v2 import BernoulliRMSprop, BrainLeaksV2
from brainleaks_pl.attacks.brainleaks_v3 import BrainLeaksV3
from brainleaks_pl.attacks.gradient import GradientInversion
from brainleaks_pl.attacks.label_only import LabelOnly
from brainleaks_pl.attacks.losses import Confidence, CrossEntropy, Logit, Loss, MaxMargin, MeanNLL
from brainleaks_pl.attacks.mi_face import MIFace
from brainleaks_pl.attacks.queries import QueryInversion
from brainleaks_pl.attacks.spiking import SpikingInversion

__all__ = [
    "AdversarialExamples",
    "BernoulliRMSprop",
    "BlackBox",
    "BrainLeaksV1",
    "BrainLeaksV2",
    "BrainLeaksV3",
    "Confidence",
    "CrossEntropy",
    "GradientInversion",
    "InversionModule",
    "LabelOnly",
    "Logit",
    "Loss",
    "MIFace",
    "MaxMargin",
    "MeanNLL",
    "QueryInversion",
    "SpikingInversion",
]
