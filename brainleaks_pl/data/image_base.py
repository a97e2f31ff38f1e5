"""The base class of the static data sets: images, encoded as spikes for spiking networks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Generator, Tensor
from torch.utils.data import Dataset

from brainleaks_pl.data.base import BaseDataModule, Null
from brainleaks_pl.data.digests import digest
from brainleaks_pl.encoders.base import Encoder, describe_encoder


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

    def digest(self) -> str:
        """Return what stands for every pixel and label."""
        return digest({}, (self.images, self.labels))


class ImageDataModule(BaseDataModule):
    """Base of the static data sets.

    A subclass states the class attributes ``input_shape``, ``num_classes`` (and ``class_names`` where classes have
    names) and implements :meth:`load`. Batches are pixels in [0, 1], ``(B, C, H, W)``, or, with an encoder,
    ``(T, B, C, H, W)``, encoded on the device that trains; labels are ``(B,)``.

    Args:
        encoder: turns images into spike trains for spiking networks; None leaves images for non-spiking ones.
        batch_size: images in a training batch, at least 1.
        eval_batch_size: images in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load; 0 is fastest for data held in memory.

    Raises:
        ValueError: when a size is out of range.

    Examples:
        Images of your own, two classes of four by four pixels:

        >>> import torch
        >>> from brainleaks_pl import ImageDataModule, RateEncoder
        >>> from brainleaks_pl.data import ImageDataset
        >>> class Halves(ImageDataModule):
        ...     input_shape = (1, 4, 4)
        ...     num_classes = 2
        ...     class_names = ("left", "right")
        ...
        ...     def load(self):
        ...         images = torch.zeros(10, 1, 4, 4, dtype=torch.uint8)
        ...         images[::2, ..., :2] = images[1::2, ..., 2:] = 255
        ...         split = ImageDataset(images, torch.arange(10) % 2)
        ...         return {"train": split, "val": split, "test": split}
        >>> halves = Halves(encoder=RateEncoder(time_steps=3))
        >>> halves.class_images(1).mean(0)[0, 0]
        tensor([0., 0., 1., 1.])
        >>> halves.encode(halves.class_images(1)).shape
        torch.Size([3, 5, 1, 4, 4])
    """

    def __init__(
        self,
        encoder: Encoder | None = None,
        batch_size: int = 100,
        eval_batch_size: int = 250,
        num_workers: int = 0,
    ) -> None:
        super().__init__(batch_size, eval_batch_size, num_workers)
        self.encoder = encoder

    @abstractmethod
    def load(self) -> dict[str, ImageDataset]:
        """Read the data set: a dictionary with the splits ``train``, ``val`` and ``test``.

        Raises:
            FileNotFoundError: when files are missing; says which were looked for and where.
            ValueError: when a file is not what it should be; names the file.
        """

    @property
    def spiking(self) -> bool:
        """Whether an encoder makes spike trains of the images."""
        return self.encoder is not None

    @property
    def time_steps(self) -> int | None:
        """T of a batch, or None when batches are images."""
        return None if self.encoder is None else self.encoder.time_steps

    def class_images(self, label: int, split: str = "train") -> Tensor:
        """Return all images of one class, pixels in [0, 1], ``(N, C, H, W)``.

        Raises:
            ValueError: when ``label`` is not a class of this data set, or has no image in the split.
        """
        return to_pixels(self.split(split).images[self.class_indices(label, split)])

    def encode(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Encode images ``(B, C, H, W)``; without an encoder they stay images."""
        return x if self.encoder is None else self.encoder.encode(x, generator)

    def for_network(self, takes_spikes: bool) -> ImageDataModule:
        """Return the images themselves for a non-spiking network, what the encoder makes of them for a spiking one."""
        return self if takes_spikes or self.encoder is None else self._encoded_by(None)

    def with_time_steps(self, time_steps: int) -> ImageDataModule:
        """Return the images encoded over another T.

        Raises:
            ValueError: when there is no encoder, or T is below 1.
        """
        if self.encoder is None:
            raise ValueError(f"{type(self).__name__} has no encoder, so no time steps: {time_steps} cannot be set.")
        return self._encoded_by(replace(self.encoder, time_steps=time_steps))

    def _encoded_by(self, encoder: Encoder | None) -> ImageDataModule:
        """Return the same images with another encoder; what has been read is not read again."""
        other = copy(self)
        other.encoder = encoder
        return other

    def nulls(self, classes: Sequence[int], time_steps: int | None, device: torch.device) -> dict[str, Null]:
        """Return ``noise``, ``black``, ``class_mean`` and ``real`` images; what follows encodes them anew each draw.

        ``noise`` is uniform, a new one each draw; ``black`` is zero; ``class_mean`` is the mean training image;
        ``real`` is a test image, picked anew each draw.
        """
        shape = (len(classes), *self.input_shape)
        black = torch.zeros(shape, device=device)
        mean = torch.stack([self.class_images(k).mean(0) for k in classes]).to(device)
        tests = [self.class_images(k, "test").to(device) for k in classes]

        def noise(generator: Generator) -> Tensor:
            return torch.rand(shape, generator=generator, device=device)

        def real(generator: Generator) -> Tensor:
            return torch.cat([x[torch.randint(len(x), (1,), generator=generator, device=device)] for x in tests])

        return {
            "noise": Null(noise, True),
            "black": Null(lambda _: black, self.spiking),
            "class_mean": Null(lambda _: mean, self.spiking),
            "real": Null(real, True),
        }

    def describe(self) -> dict[str, Any]:
        """Return the data set's class, and the encoder's with its constants."""
        return {"class": type(self).__qualname__, "encoder": describe_encoder(self.encoder)}

    def on_after_batch_transfer(self, batch: tuple[Tensor, Tensor], dataloader_idx: int) -> tuple[Tensor, Tensor]:
        """Turn bytes into pixels and encode them, on the device."""
        images, labels = batch
        return self.encode(to_pixels(images)), labels


def to_pixels(images: Tensor) -> Tensor:
    """Return uint8 images as float pixels in [0, 1]; floating-point images pass through."""
    return images if images.is_floating_point() else images.float().div_(255.0)
