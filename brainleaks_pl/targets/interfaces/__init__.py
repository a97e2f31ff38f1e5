"""Interfaces: how the networks of each framework are called, one file each."""

from brainleaks_pl.targets.interfaces.base import Answer, Interface, Layout, SpikingInterface
from brainleaks_pl.targets.interfaces.nonspiking import NonSpiking
from brainleaks_pl.targets.interfaces.norse import Norse
from brainleaks_pl.targets.interfaces.rockpool import Rockpool
from brainleaks_pl.targets.interfaces.sinabs import Sinabs
from brainleaks_pl.targets.interfaces.snntorch import Snntorch
from brainleaks_pl.targets.interfaces.spikingjelly import SpikingJelly
from brainleaks_pl.targets.interfaces.time_first import TimeFirst

__all__ = [
    "Answer",
    "Interface",
    "Layout",
    "NonSpiking",
    "Norse",
    "Rockpool",
    "Sinabs",
    "Snntorch",
    "SpikingInterface",
    "SpikingJelly",
    "TimeFirst",
]
