"""The same data with another training set: what a network must be trained on to hold nothing of a class, or of any."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.digests import digest, split_digest
from brainleaks_pl.data.image_base import ImageDataset

_LEARNT = ("train", "val")
"""The splits that training looks at; test samples stay as they are."""


class Relabelled(Dataset[tuple[Tensor, Tensor]]):
    """Some samples of a data set, with labels of their own.

    Args:
        dataset: the data set.
        indices: which of its samples, ``(N,)``.
        labels: their classes, int64, ``(N,)``.
    """

    def __init__(self, dataset: Any, indices: Tensor, labels: Tensor) -> None:
        self.dataset, self.indices, self.labels = dataset, indices, labels

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.dataset[int(self.indices[index])][0], self.labels[index]

    def digest(self) -> str:
        """Return what stands for the samples and their labels."""
        return digest({"of": split_digest(self.dataset)}, (self.indices, self.labels))


def with_shuffled_labels(data: BaseDataModule, seed: int) -> BaseDataModule:
    """Return the data with the labels of the training and validation samples dealt out anew, as many of each class.

    Args:
        data: the data set.
        seed: seed of the shuffling.
    """
    splits: dict[str, Any] = {}
    generator = torch.Generator().manual_seed(seed)
    for name in _LEARNT:
        split = data.split(name)
        labels = torch.as_tensor(split.labels).long()
        order = torch.randperm(len(labels), generator=generator)
        splits[name] = _view(split, torch.arange(len(labels)), labels[order])
    return data.with_splits(splits)


def without_classes(data: BaseDataModule, classes: Collection[int]) -> BaseDataModule:
    """Return the data without the training and validation samples of some classes.

    Args:
        data: the data set.
        classes: those that are left out.

    Raises:
        ValueError: when nothing would be left to learn from.
    """
    splits: dict[str, Any] = {}
    for name in _LEARNT:
        split = data.split(name)
        labels = torch.as_tensor(split.labels).long()
        kept = (~torch.isin(labels, torch.tensor(sorted(classes)))).nonzero().flatten()
        if not len(kept):
            raise ValueError(f"{type(data).__name__} has no {name} sample but those of the classes {sorted(classes)}.")
        splits[name] = _view(split, kept, labels[kept])
    return data.with_splits(splits)


def with_training_samples(data: BaseDataModule, indices: Tensor) -> BaseDataModule:
    """Return the data with some of the training samples alone; validation and test samples stay as they are.

    Args:
        data: the data set.
        indices: which of its training samples, ``(N,)``.
    """
    split = data.split("train")
    return data.with_splits({"train": _view(split, indices, torch.as_tensor(split.labels).long()[indices])})


def _view(split: Any, indices: Tensor, labels: Tensor) -> Any:
    if isinstance(split, ImageDataset):  # in memory, and fetched a batch at a time
        return ImageDataset(split.images[indices], labels)
    return Relabelled(split, indices, labels)
