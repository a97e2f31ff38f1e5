"""The base class of the data modules: what a data set must say about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from brainleaks_pl.encoding import Encoder


class ImageDataset(Dataset[tuple[Tensor, Tensor]]):
    """Images held in memory as bytes, fetched a batch at a time.

    Args:
        images: uint8 pixels, ``(N, C, H, W)``.
        labels: class indices, int64, ``(N,)``.
    """

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        if images.shape[0] != labels.shape[0]:
            raise ValueError(f"{images.shape[0]} images but {labels.shape[0]} labels.")
        self.images, self.labels = images, labels

    def __len__(self) -> int:
        return self.labels.shape[0]

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.images[index], self.labels[index]

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Fetch a whole batch by one indexing operation (called by the DataLoader)."""
        return self.images[indices], self.labels[indices]


def _as_batch(batch: Any) -> Any:
    return batch


class ImageDataModule(LightningDataModule, ABC):
    """Base of the static data sets.

    A subclass states the class attributes ``input_shape``, ``num_classes`` (and ``class_names`` where classes have
    names) and implements :meth:`load`. Batches are pixels in [0, 1], ``(B, C, H, W)``, or, with an encoder,
    ``(T, B, C, H, W)``, encoded on the device that trains; labels are ``(B,)``.

    Args:
        encoder: turns images into spike trains for spiking networks; None leaves images for ordinary ones.
        batch_size: images in a training batch, at least 1.
        eval_batch_size: images in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load; 0 is fastest for data held in memory.

    Raises:
        ValueError: when a size is out of range.
    """

    input_shape: ClassVar[tuple[int, int, int]]
    num_classes: ClassVar[int]
    class_names: ClassVar[tuple[str, ...] | None] = None
    validates_on_test: ClassVar[bool] = False
    """True where no validation images are held out: the test images are watched, and never used to choose weights."""

    def __init__(
        self,
        encoder: Encoder | None = None,
        batch_size: int = 100,
        eval_batch_size: int = 250,
        num_workers: int = 0,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("eval_batch_size", eval_batch_size, 1),
            ("num_workers", num_workers, 0),
        ):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}.")
        self.encoder = encoder
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.num_workers = num_workers
        self._splits: dict[str, ImageDataset] | None = None

    @abstractmethod
    def load(self) -> dict[str, ImageDataset]:
        """Read the data set: a dictionary with the splits ``train``, ``val`` and ``test``.

        Raises:
            FileNotFoundError: when files are missing; says which were looked for and where.
            ValueError: when a file is not what it should be; names the file.
        """

    @property
    def time_steps(self) -> int | None:
        """T of a batch, or None when batches are images."""
        return None if self.encoder is None else self.encoder.time_steps

    def setup(self, stage: str | None = None) -> None:
        """Read the data once, whatever the stage."""
        if self._splits is None:
            splits = self.load()
            for name, split in splits.items():
                shape = tuple(split.images.shape[1:])
                if shape != self.input_shape:
                    raise ValueError(
                        f"{type(self).__name__}: the {name} images have the shape {shape}, expected {self.input_shape}."
                    )
            self._splits = splits

    def split(self, name: str) -> ImageDataset:
        """Return the split ``train``, ``val`` or ``test``, reading the data if need be."""
        self.setup()
        assert self._splits is not None
        if name not in self._splits:
            raise ValueError(f"unknown split {name!r}; choose one of {', '.join(sorted(self._splits))}.")
        return self._splits[name]

    def class_images(self, label: int, split: str = "train") -> Tensor:
        """Return all images of one class, pixels in [0, 1], ``(N, C, H, W)``.

        Raises:
            ValueError: when ``label`` is not a class of this data set, or has no image in the split.
        """
        if not 0 <= label < self.num_classes:
            raise ValueError(
                f"class {label} does not exist: {type(self).__name__} has classes 0 to {self.num_classes - 1}."
            )
        dataset = self.split(split)
        images = dataset.images[dataset.labels == label]
        if len(images) == 0:
            raise ValueError(f"{type(self).__name__} has no image of class {label} in the split {split!r}.")
        return to_pixels(images)

    def class_means(self, split: str = "train") -> Tensor:
        """Return the mean image of every class, ``(K, C, H, W)``, pixels in [0, 1]."""
        return torch.stack([self.class_images(k, split).mean(0) for k in range(self.num_classes)])

    def class_name(self, label: int) -> str:
        """Return what pictures and tables call a class."""
        return str(label) if self.class_names is None else self.class_names[label]

    def on_after_batch_transfer(self, batch: tuple[Tensor, Tensor], dataloader_idx: int) -> tuple[Tensor, Tensor]:
        """Turn bytes into pixels and encode them, on the device."""
        images, labels = batch
        pixels = to_pixels(images)
        return (pixels if self.encoder is None else self.encoder.encode(pixels)), labels

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return shuffled training batches."""
        return self._loader("train", self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return validation batches in order."""
        return self._loader("val", self.eval_batch_size)

    def test_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return test batches in order."""
        return self._loader("test", self.eval_batch_size)

    def predict_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return test batches in order."""
        return self.test_dataloader()

    def _loader(self, split: str, batch_size: int, shuffle: bool = False) -> DataLoader[tuple[Tensor, Tensor]]:
        return DataLoader(
            self.split(split),
            batch_size=batch_size,
            shuffle=shuffle,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            collate_fn=_as_batch,
        )


def to_pixels(images: Tensor) -> Tensor:
    """Return uint8 images as float pixels in [0, 1]; floating-point images pass through."""
    return images if images.is_floating_point() else images.float().div_(255.0)
