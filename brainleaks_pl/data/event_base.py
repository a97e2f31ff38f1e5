"""The base class of the event data sets: recordings of an event camera, as frames of spikes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn.utils.rnn import pad_sequence

from brainleaks_pl.data.base import BaseDataModule, LabelledDataset, Null
from brainleaks_pl.events.frames import FrameTransform
from brainleaks_pl.events.likeness import fit_length, time_course_correlation


class ClassStatistics(NamedTuple):
    """What the recordings of one class have in common.

    ``rate_images`` are the spikes per frame of every pixel of each recording, ``(N, C, H, W)``; ``frames`` is the mean
    of the recordings frame by frame, ``(T, C, H, W)``, those that are over counting as silent.
    """

    rate_images: Tensor
    frames: Tensor


class EventDataModule(BaseDataModule):
    """Base of the event data sets.

    A subclass states the class attributes ``sensor_size`` and ``num_classes`` (and ``class_names``) and implements
    :meth:`load`, whose data sets return frames, uint8 ``(T, C, H, W)``, and the class. Batches are spikes in {0, 1},
    ``(T, B, C, H, W)``, float32; shorter recordings are followed by silence. Labels are ``(B,)``.

    Args:
        frames: how events become frames.
        batch_size: recordings in a training batch, at least 1.
        eval_batch_size: recordings in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load.
        references: recordings of each class that rates and mean images are taken from (the first ones; all where
            there are fewer), at least 1.

    Raises:
        ValueError: when a size is out of range.

    Examples:
        Recordings of your own, in which one column of pixels fires:

        >>> import torch
        >>> from brainleaks_pl import EventDataModule, FrameTransform
        >>> class Recordings(torch.utils.data.Dataset):
        ...     labels = torch.tensor([0, 1] * 4)
        ...
        ...     def __len__(self):
        ...         return len(self.labels)
        ...
        ...     def __getitem__(self, index):
        ...         frames = torch.zeros(6, 1, 8, 8, dtype=torch.uint8)
        ...         frames[..., 4 * (index % 2)] = 1
        ...         return frames, self.labels[index]
        >>> class Columns(EventDataModule):
        ...     sensor_size = (8, 8)
        ...     num_classes = 2
        ...
        ...     def load(self):
        ...         return {"train": Recordings(), "val": Recordings(), "test": Recordings()}
        >>> columns = Columns(FrameTransform(frame_time=1000), batch_size=4)
        >>> spikes, labels = next(iter(columns.train_dataloader()))
        >>> spikes.shape
        torch.Size([6, 4, 1, 8, 8])
        >>> columns.class_images(0).shape  # rate images
        torch.Size([4, 1, 8, 8])
    """

    sensor_size: tuple[int, int]
    """(W, H) of the sensor."""

    def __init__(
        self,
        frames: FrameTransform,
        batch_size: int = 100,
        eval_batch_size: int = 100,
        num_workers: int = 0,
        references: int = 500,
    ) -> None:
        super().__init__(batch_size, eval_batch_size, num_workers)
        if references < 1:
            raise ValueError(f"references must be at least 1, got {references}.")
        self.frames = frames
        self.references = references
        width, height = self.sensor_size
        self.input_shape = (frames.channels, height, width)
        self._statistics: dict[tuple[int, str], ClassStatistics] = {}

    @abstractmethod
    def load(self) -> dict[str, LabelledDataset]:
        """Find the recordings: a dictionary with the splits ``train``, ``val`` and ``test``.

        Raises:
            FileNotFoundError: when files are missing; says which were looked for and where.
            ValueError: when a file is not what it should be; names the file.
        """

    @property
    def spiking(self) -> bool:
        """Events are spikes."""
        return True

    @property
    def time_steps(self) -> int | None:
        """T of a batch, or None when it is as long as its longest recording."""
        return self.frames.time_steps

    def class_statistics(self, label: int, split: str = "train") -> ClassStatistics:
        """Return rate images and mean frames of the first ``references`` recordings of a class.

        Raises:
            ValueError: when ``label`` is not a class of this data set, or has no recording in the split.
        """
        if (label, split) not in self._statistics:
            dataset = self.split(split)
            recordings = [dataset[int(i)][0] for i in self.class_indices(label, split)[: self.references]]
            rates = torch.stack([recording.float().mean(0) for recording in recordings])
            total = torch.zeros((max(len(recording) for recording in recordings), *self.input_shape))
            for recording in recordings:
                total[: len(recording)] += recording
            self._statistics[label, split] = ClassStatistics(rates, total / len(recordings))
        return self._statistics[label, split]

    def recording(self, label: int, split: str = "train") -> Tensor:
        """Return the first recording of a class, ``(T, C, H, W)``.

        Raises:
            ValueError: when ``label`` is not a class of this data set, or has no recording in the split.
        """
        frames: Tensor = self.split(split)[int(self.class_indices(label, split)[0])][0]
        return frames

    def class_images(self, label: int, split: str = "train") -> Tensor:
        """Return the rate images, in spikes per frame, of the first ``references`` recordings, ``(N, C, H, W)``."""
        return self.class_statistics(label, split).rate_images

    def display(self, images: Tensor) -> Tensor:
        """Divide each rate image by its largest rate: events are sparse, and it is the shape that is looked at."""
        peak = images.amax((-3, -2, -1), keepdim=True)
        return (images / peak.where(peak > 0, 1.0)).clamp(0.0, 1.0)

    def with_splits(self, splits: Mapping[str, Any]) -> EventDataModule:
        """Return the same data with other data sets for some of the splits; what is known of the old ones is not."""
        other = super().with_splits(splits)
        assert isinstance(other, EventDataModule)
        other._statistics = {}
        other.__dict__.pop("sensor_rate", None)
        return other

    @cached_property
    def sensor_rate(self) -> float:
        """Mean spikes per pixel and frame over the training recordings of all classes."""
        return torch.stack([self.class_images(k).mean() for k in range(self.num_classes)]).mean().item()

    def likeness(self, reconstruction: Tensor, label: int) -> dict[str, float]:
        """Compare a reconstruction with the training recordings of a class in spike space.

        Args:
            reconstruction: spikes or spike probabilities, ``(T, C, H, W)``.
            label: the class.

        Returns:
            ``spike_rate`` (spikes per pixel and frame); ``class_rate`` and ``class_rate_std``, mean and deviation
            of it over the recordings of the class; ``rate_to_class`` and ``rate_to_sensor``, its ratio to that mean
            and to :attr:`sensor_rate`; ``time_course_correlation`` with the mean recording of the class.
        """
        statistics = self.class_statistics(label)
        rates = statistics.rate_images.mean((1, 2, 3))
        rate, class_rate = reconstruction.float().mean().item(), rates.mean().item()
        return {
            "spike_rate": rate,
            "class_rate": class_rate,
            "class_rate_std": rates.std(correction=0).item(),
            "rate_to_class": rate / class_rate if class_rate else 0.0,
            "rate_to_sensor": rate / self.sensor_rate if self.sensor_rate else 0.0,
            "time_course_correlation": time_course_correlation(reconstruction.float().cpu(), statistics.frames),
        }

    def encode(self, x: Tensor, generator: Generator | None = None) -> Tensor:
        """Return spikes as they are."""
        return x

    def nulls(self, classes: Sequence[int], time_steps: int | None, device: torch.device) -> dict[str, Null]:
        """Return ``noise``, ``shuffled``, ``class_mean`` and ``real`` recordings, new ones each draw.

        ``noise`` has the mean spike rate of the class at every pixel and step; ``shuffled`` is a test recording whose
        spikes have been dealt out anew over all pixels and steps; ``class_mean`` draws every step from the class's mean
        rate image; ``real`` is a test recording. Recordings are cut, or followed by silence, to ``time_steps``.

        Raises:
            ValueError: when ``time_steps`` is None: a rate image is no recording.
        """
        if time_steps is None:
            raise ValueError(f"{type(self).__name__} holds recordings: they cannot stand beside images.")
        means = torch.stack([self.class_images(k).mean(0) for k in classes]).to(device)
        indices = [self.class_indices(k, "test") for k in classes]
        tests = self.split("test")
        shape = (time_steps, *means.shape)

        def noise(generator: Generator) -> Tensor:
            rates = means.mean((1, 2, 3), keepdim=True)
            return (torch.rand(shape, generator=generator, device=device) < rates).float()

        def class_mean(generator: Generator) -> Tensor:
            return (torch.rand(shape, generator=generator, device=device) < means).float()

        def real(generator: Generator) -> Tensor:
            picks = [own[torch.randint(len(own), (1,), generator=generator, device=device).cpu()] for own in indices]
            return torch.stack([fit_length(tests[int(i)][0], time_steps).to(device) for i in picks], 1).float()

        def shuffled(generator: Generator) -> Tensor:
            recordings = real(generator).movedim(1, 0).flatten(1)
            order = torch.rand(recordings.shape, generator=generator, device=device).argsort(1)
            return recordings.gather(1, order).view(shape[1], shape[0], *shape[2:]).movedim(0, 1)

        return {
            "noise": Null(noise, True),
            "shuffled": Null(shuffled, True),
            "class_mean": Null(class_mean, True),
            "real": Null(real, True),
        }

    def describe(self) -> dict[str, Any]:
        """Return the data set's class and how events become frames."""
        return {"class": type(self).__qualname__, "frames": asdict(self.frames), "sensor_size": list(self.sensor_size)}

    def collate(self, samples: Any) -> Any:
        """Make a batch, time first; shorter recordings are followed by silence (as published)."""
        frames, labels = zip(*samples, strict=True)
        return pad_sequence(list(frames)), torch.stack(labels)

    def on_after_batch_transfer(self, batch: tuple[Tensor, Tensor], dataloader_idx: int) -> tuple[Tensor, Tensor]:
        """Turn bytes into floats, on the device."""
        frames, labels = batch
        return frames.float(), labels
