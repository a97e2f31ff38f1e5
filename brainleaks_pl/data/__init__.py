"""Data sets: one LightningDataModule each."""

from brainleaks_pl.data.att_faces import ATTFaces
from brainleaks_pl.data.base import ImageDataModule, ImageDataset
from brainleaks_pl.data.mnist import MNIST
from brainleaks_pl.data.mnist5k import MNIST5k

__all__ = ["MNIST", "ATTFaces", "ImageDataModule", "ImageDataset", "MNIST5k"]
