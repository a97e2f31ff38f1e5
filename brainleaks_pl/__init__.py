"""brainleaks_pl: what does a trained spiking network give away of its training data?

Model-inversion attacks on spiking and ordinary networks (BrainLeaks, arXiv 2402.00906) on PyTorch Lightning.
"""

from brainleaks_pl.attacks import (
    BlackBox,
    BrainLeaksV1,
    BrainLeaksV2,
    BrainLeaksV3,
    Confidence,
    CrossEntropy,
    GradientInversion,
    InversionModule,
    LabelOnly,
    Logit,
    Loss,
    MaxMargin,
    MeanNLL,
    MIFace,
    QueryInversion,
    SpikingInversion,
)
from brainleaks_pl.data import (
    MNIST,
    NMNIST,
    ATTFaces,
    DVSGesture,
    EventDataModule,
    ImageDataModule,
    MNIST5k,
    SimulatedDVSGesture,
    SimulatedNMNIST,
)
from brainleaks_pl.encoders import (
    ConstantCurrentEncoder,
    Encoder,
    EventCameraEncoder,
    KeyframeEncoder,
    LatencyEncoder,
    RateEncoder,
)
from brainleaks_pl.engine.checkpoints import load_network
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.evaluation.metrics import metrics
from brainleaks_pl.evaluation.report import Report, Scoring
from brainleaks_pl.evaluation.run import run_attack
from brainleaks_pl.evaluation.scoring import Scores, nulls, score
from brainleaks_pl.events.camera import EventCamera
from brainleaks_pl.events.frames import FrameTransform
from brainleaks_pl.events.saccades import Saccades
from brainleaks_pl.export import export_results
from brainleaks_pl.networks import CNN, LIF, MLP, LavaNetwork, Network, NIRNetwork, SpikingCNN, SpikingMLP, write_nir
from brainleaks_pl.networks.scan import lif_linear, lif_scan
from brainleaks_pl.networks.surrogates import ATan, FastSigmoid, Sigmoid, StraightThrough, Surrogate
from brainleaks_pl.targets import Classifier, Training, wrap
from brainleaks_pl.targets.checks import CheckReport, Checks, run_checks
from brainleaks_pl.targets.interfaces import (
    Interface,
    NonSpiking,
    Norse,
    Rockpool,
    Sinabs,
    Snntorch,
    SpikingInterface,
    SpikingJelly,
    TimeFirst,
)

__version__ = "0.1.0"

__all__ = [
    "CNN",
    "LIF",
    "MLP",
    "MNIST",
    "NMNIST",
    "ATTFaces",
    "ATan",
    "BlackBox",
    "BrainLeaksV1",
    "BrainLeaksV2",
    "BrainLeaksV3",
    "CheckReport",
    "Checks",
    "Classifier",
    "Confidence",
    "ConstantCurrentEncoder",
    "CrossEntropy",
    "DVSGesture",
    "Encoder",
    "EventCamera",
    "EventCameraEncoder",
    "EventDataModule",
    "FastSigmoid",
    "FrameTransform",
    "GradientInversion",
    "ImageDataModule",
    "Interface",
    "InversionModule",
    "InversionTrainer",
    "KeyframeEncoder",
    "LabelOnly",
    "LatencyEncoder",
    "LavaNetwork",
    "Logit",
    "Loss",
    "MIFace",
    "MNIST5k",
    "MaxMargin",
    "MeanNLL",
    "NIRNetwork",
    "Network",
    "NonSpiking",
    "Norse",
    "QueryInversion",
    "RateEncoder",
    "Report",
    "Rockpool",
    "Saccades",
    "Scores",
    "Scoring",
    "Sigmoid",
    "SimulatedDVSGesture",
    "SimulatedNMNIST",
    "Sinabs",
    "Snntorch",
    "SpikingCNN",
    "SpikingInterface",
    "SpikingInversion",
    "SpikingJelly",
    "SpikingMLP",
    "StraightThrough",
    "Surrogate",
    "TimeFirst",
    "Training",
    "export_results",
    "lif_linear",
    "lif_scan",
    "load_network",
    "metrics",
    "nulls",
    "run_attack",
    "run_checks",
    "score",
    "wrap",
    "write_nir",
]
