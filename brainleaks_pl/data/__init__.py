"""Data sets: one LightningDataModule each."""

from brainleaks_pl.data.att_faces import ATTFaces, PrivateATTFaces, PublicATTFaces
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.dvs_gesture import DVSGesture
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.data.event_folder import EventFolder
from brainleaks_pl.data.glyphs import Glyphs
from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset
from brainleaks_pl.data.image_folder import ImageFolder
from brainleaks_pl.data.mnist import MNIST
from brainleaks_pl.data.mnist5k import MNIST5k
from brainleaks_pl.data.nmnist import NMNIST
from brainleaks_pl.data.simulated_dvs_gesture import SimulatedDVSGesture
from brainleaks_pl.data.simulated_nmnist import SimulatedNMNIST
from brainleaks_pl.data.splitting import FolderSplits

__all__ = [
    "MNIST",
    "NMNIST",
    "ATTFaces",
    "BaseDataModule",
    "DVSGesture",
    "EventDataModule",
    "EventFolder",
    "FolderSplits",
    "Glyphs",
    "ImageDataModule",
    "ImageDataset",
    "ImageFolder",
    "MNIST5k",
    "PrivateATTFaces",
    "PublicATTFaces",
    "SimulatedDVSGesture",
    "SimulatedNMNIST",
]
