"""Plain networks: neurons, surrogates, the published architectures."""

from brainleaks_pl.networks.base import Network
from brainleaks_pl.networks.cnn import CNN, SpikingCNN
from brainleaks_pl.networks.lava import LavaNetwork
from brainleaks_pl.networks.lif import LIF
from brainleaks_pl.networks.mlp import MLP, SpikingMLP
from brainleaks_pl.networks.nearest import NearestMember
from brainleaks_pl.networks.nir import NIRNetwork, write_nir

__all__ = [
    "CNN",
    "LIF",
    "MLP",
    "LavaNetwork",
    "NIRNetwork",
    "NearestMember",
    "Network",
    "SpikingCNN",
    "SpikingMLP",
    "write_nir",
]
