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
    EventFolder,
    FolderSplits,
    Glyphs,
    ImageDataModule,
    ImageFolder,
    MNIST5k,
    PrivateATTFaces,
    PublicATTFaces,
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
from .evaluation.gradient_leakage import Sharing, gradient_leakage
from .evaluation.metrics import metrics
from .evaluation.report import Report
from .evaluation.scoring import Scores, nulls, score
from .evaluation.settings import Scoring
from .events.camera import EventCamera
from .events.frames import FrameTransform
from .events.saccades import Saccades
from .export import export_results
from .leakage import BiasRatio, GradientMatching, Protection, SpikeFrames
from .membership.run import Membership, NetworkKind, run_membership
from .networks import CNN, LIF, MLP, LavaNetwork, Network, NIRNetwork, SpikingCNN, SpikingMLP, write_nir
from .networks.scan import lif_linear, lif_scan
from .networks.surrogates import ATan, FastSigmoid, Sigmoid, StraightThrough, Surrogate
<<<<<<< HEAD
from .priors import VAE, GuidedDenoising, PlugAndPlay, PrincipalComponents, Prior
=======
from .priors import VAE, GuidedDenoising, NaturalSpectrum, PrincipalComponents, Prior
>>>>>>> faces
from .reporting.result import AttackResult, run_attack
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
    "VAE",
    "ATTFaces",
    "ATan",
    "AdversarialExamples",
    "AttackResult",
    "BiasRatio",
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
    "EventFolder",
    "FastSigmoid",
    "FolderSplits",
    "FrameTransform",
    "Glyphs",
    "GradientInversion",
    "GradientMatching",
    "GuidedDenoising",
    "ImageDataModule",
    "ImageFolder",
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
    "Membership",
    "NIRNetwork",
    "NaturalSpectrum",
    "NearestNeighbour",
    "Network",
    "NetworkKind",
    "NonSpiking",
    "Norse",
    "PlugAndPlay",
    "PrincipalComponents",
    "Prior",
    "PrivateATTFaces",
    "Protection",
    "PublicATTFaces",
    "QueryInversion",
    "RateEncoder",
    "Report",
    "Rockpool",
    "Saccades",
    "Scores",
    "Scoring",
    "Sharing",
    "Sigmoid",
    "SimulatedDVSGesture",
    "SimulatedNMNIST",
    "Sinabs",
    "Snntorch",
    "SpikeFrames",
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
    "gradient_leakage",
    "lif_linear",
    "lif_scan",
    "load_network",
    "metrics",
    "nulls",
    "run_attack",
    "run_checks",
    "run_membership",
    "score",
    "wrap",
    "write_nir",
]
