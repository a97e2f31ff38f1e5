from .attacks import (
    AdversarialExamples,
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
from .data import (
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
from .encoders import (
    ConstantCurrentEncoder,
    Encoder,
    EventCameraEncoder,
    KeyframeEncoder,
    LatencyEncoder,
    RateEncoder,
)
from .engine.checkpoints import load_network
from .engine.trainer import InversionTrainer
from .evaluation.metrics import metrics
from .evaluation.report import Report
from .evaluation.run import run_attack
from .evaluation.scoring import Scores, nulls, score
from .evaluation.settings import Scoring
from .events.camera import EventCamera
from .events.frames import FrameTransform
from .events.saccades import Saccades
from .export import export_results
from .networks import CNN, LIF, MLP, LavaNetwork, Network, NIRNetwork, SpikingCNN, SpikingMLP, write_nir
from .networks.scan import lif_linear, lif_scan
from .networks.surrogates import ATan, FastSigmoid, Sigmoid, StraightThrough, Surrogate
from .targets import Classifier, NearestNeighbour, Training, wrap
from .targets.checks import CheckReport, Checks, run_checks
from .targets.interfaces import (
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

__version__: str

__all__ = [
    "CNN",
    "LIF",
    "MLP",
    "MNIST",
    "NMNIST",
    "ATTFaces",
    "ATan",
    "AdversarialExamples",
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
    "NearestNeighbour",
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
