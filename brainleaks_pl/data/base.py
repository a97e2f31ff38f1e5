"""The base class of the data modules: what a data set must say about itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Any, ClassVar, NamedTuple, Protocol

import torch
from lightning.pytorch import LightningDataModule
from torch import Generator, Tensor
from torch.utils.data import DataLoader

from brainleaks_pl.data.digests import digest, split_digest
from brainleaks_pl.encoders.base import Encoder

Sampler = Callable[[Generator], Tensor]
"""Returns one draw of a sample of every class, taking its randomness from the generator."""


class Null(NamedTuple):
    """An input that is no attack at all: a baseline to read scores against.

    ``sample`` draws one for every class, images ``(M, C, H, W)`` or spikes ``(T, M, C, H, W)``; ``random`` tells
    whether draws differ.
    """

    sample: Sampler
    random: bool


class LabelledDataset(Protocol):
    """A map-style data set that knows the classes of its samples, ``(N,)``, without loading them.

    One whose samples are many should also have a method ``digest()``, which returns a text that stands for all of them
    and their labels (see :func:`~brainleaks_pl.data.digests.split_digest` for what is done without).
    """

    labels: Tensor

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]: ...


class BaseDataModule(LightningDataModule, ABC):
    """Base of all data sets; derive from :class:`ImageDataModule` or :class:`EventDataModule`.

    A subclass states ``input_shape`` and ``num_classes``, and ``class_names`` where classes have names.

    Args:
        batch_size: samples in a training batch, at least 1.
        eval_batch_size: samples in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load.

    Raises:
        ValueError: when a size is out of range.
    """

    input_shape: tuple[int, int, int]
    """(C, H, W) of an image, or of one time step."""
    num_classes: int
    class_names: tuple[str, ...] | None = None
    validates_on_test: ClassVar[bool] = False
    """True where no validation samples are held out: the test samples are watched, and never used to choose weights."""
    encoder: Encoder | None = None
    """Turns images into what batches hold; None where batches are images, or recordings of unknown scenes."""
    scenes: BaseDataModule | None = None
    """The images that recordings were made of, where they are known; same classes."""
    simulated: bool = False
    """True where the recordings come from a simulator; scores, pictures and tables say so."""

    def __init__(self, batch_size: int, eval_batch_size: int, num_workers: int) -> None:
        super().__init__()
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("eval_batch_size", eval_batch_size, 1),
            ("num_workers", num_workers, 0),
        ):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}.")
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.num_workers = num_workers
        self._splits: dict[str, Any] | None = None
        self._split_digests: tuple[Any, dict[str, str]] = None, {}  # the splits that the digests are of, first

    @abstractmethod
    def load(self) -> Any:
        """Read the data set: a dictionary with the splits ``train``, ``val`` and ``test``.

        Raises:
            FileNotFoundError: when files are missing; says which were looked for and where.
            ValueError: when a file is not what it should be; names the file.
        """

    @property
    @abstractmethod
    def spiking(self) -> bool:
        """Whether batches are spike trains, ``(T, B, C, H, W)``, rather than images, ``(B, C, H, W)``."""

    @property
    @abstractmethod
    def time_steps(self) -> int | None:
        """T of a batch; None when batches are images, or as long as their longest recording."""

    @abstractmethod
    def class_images(self, label: int, split: str = "train") -> Tensor:
        """Return the images of one class, or the rate images of its recordings, ``(N, C, H, W)`` in [0, 1].

        Raises:
            ValueError: when ``label`` is not a class of this data set, or has no sample in the split.
        """

    @abstractmethod
    def encode(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Turn images ``(B, C, H, W)`` or spikes ``(T, B, C, H, W)`` into what batches hold."""

    @abstractmethod
    def nulls(self, classes: Sequence[int], time_steps: int | None, device: torch.device) -> dict[str, Null]:
        """Return the baselines of the M ``classes`` by name.

        Args:
            classes: the attacked classes.
            time_steps: T of the reconstructions that they stand beside; None where those are images.
            device: where they are drawn.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """Return the plain values that say which data, encoded how, a network was trained on."""

    def digest(self) -> str:
        """Return 16 hexadecimal digits that stand for every sample and label of all splits, and for :meth:`describe`.

        The same data have the same digest wherever their files lie, and whatever the sizes of batches, the processes
        that load and the cache. What :attr:`scenes` hold counts as well. It takes what reading the files takes, once.

        Raises:
            FileNotFoundError: when files are missing; says which were looked for and where.
            ValueError: when a file is not what it should be; names the file.
        """
        self.setup()
        if self._split_digests[0] is not self._splits:
            assert self._splits is not None
            self._split_digests = self._splits, {name: split_digest(own) for name, own in self._splits.items()}
        scenes = None if self.scenes is None else self.scenes.digest()
        return digest({"data": self.describe(), "splits": self._split_digests[1], "scenes": scenes})

    def for_network(self, takes_spikes: bool) -> BaseDataModule:
        """Return the data as a spiking, or a non-spiking, network is trained on them; here the same for both."""
        return self

    def with_time_steps(self, time_steps: int) -> BaseDataModule:
        """Return the data encoded over another T.

        Raises:
            ValueError: when T belongs to the recordings, or is below 1.
        """
        raise ValueError(f"{type(self).__name__} cannot be encoded over {time_steps} time steps: it has its own.")

    def with_splits(self, splits: Mapping[str, Any]) -> BaseDataModule:
        """Return the same data with other data sets for some of the splits, by name; ``self`` stays as it is."""
        self.setup()
        assert self._splits is not None
        other = copy(self)
        other._splits = {**self._splits, **splits}
        return other

    def display(self, images: Tensor) -> Tensor:
        """Return images, or rate images, ``(M, C, H, W)``, as they are looked at and compared: in [0, 1]."""
        return images.clamp(0.0, 1.0)

    def likeness(self, reconstruction: Tensor, label: int) -> dict[str, float]:
        """Return further scores, by name, of how alike one reconstruction and the training samples of a class are."""
        return {}

    def collate(self, samples: Any) -> Any:
        """Make a batch of what the data set returns."""
        return samples

    def setup(self, stage: str | None = None) -> None:
        """Read the data once, whatever the stage."""
        if self._splits is None:
            splits = self.load()
            for name, split in splits.items():
                if not len(split):
                    raise ValueError(f"{type(self).__name__}: the split {name!r} is empty.")
                shape = tuple(split[0][0].shape[-3:])
                if shape != self.input_shape:
                    raise ValueError(
                        f"{type(self).__name__}: the {name} samples have the shape {shape}, expected "
                        f"{self.input_shape}."
                    )
            self._splits = splits

    def make_ready(self, scenes: bool = False) -> None:
        """Fetch and read the data now, so that what is missing stops long work before it begins.

        Args:
            scenes: those that the recordings show as well, where these are known.

        Raises:
            FileNotFoundError: when files are missing.
        """
        for data in (self, self.scenes if scenes else None):
            if data is not None:
                data.prepare_data()
                data.setup()

    def split(self, name: str) -> Any:
        """Return the split ``train``, ``val`` or ``test``, reading the data if need be."""
        self.setup()
        assert self._splits is not None
        if name not in self._splits:
            raise ValueError(f"unknown split {name!r}; choose one of {', '.join(sorted(self._splits))}.")
        return self._splits[name]

    def class_indices(self, label: int, split: str = "train") -> Tensor:
        """Return which samples of a split belong to a class, ``(N,)``.

        Raises:
            ValueError: when ``label`` is not a class of this data set, or has no sample in the split.
        """
        if not 0 <= label < self.num_classes:
            raise ValueError(
                f"class {label} does not exist: {type(self).__name__} has classes 0 to {self.num_classes - 1}."
            )
        indices: Tensor = (self.split(split).labels == label).nonzero().flatten()
        if len(indices) == 0:
            raise ValueError(f"{type(self).__name__} has no sample of class {label} in the split {split!r}.")
        return indices

    def class_means(self, split: str = "train") -> Tensor:
        """Return the mean of :meth:`class_images` of every class, ``(K, C, H, W)``."""
        return torch.stack([self.class_images(k, split).mean(0) for k in range(self.num_classes)])

    def class_name(self, label: int) -> str:
        """Return what pictures and tables call a class."""
        return str(label) if self.class_names is None else self.class_names[label]

    def train_dataloader(self) -> DataLoader[Any]:
        """Return shuffled training batches."""
        return self._loader("train", self.batch_size, shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return validation batches in order."""
        return self._loader("val", self.eval_batch_size)

    def test_dataloader(self) -> DataLoader[Any]:
        """Return test batches in order."""
        return self._loader("test", self.eval_batch_size)

    def predict_dataloader(self) -> DataLoader[Any]:
        """Return test batches in order."""
        return self.test_dataloader()

    def _loader(self, split: str, batch_size: int, shuffle: bool = False) -> DataLoader[Any]:
        return DataLoader(
            self.split(split),
            batch_size=batch_size,
            shuffle=shuffle,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            collate_fn=self.collate,
        )
