"""Measures a network's accuracy on test data, and the calibration of its confidence."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset
from torchmetrics.functional.classification import multiclass_calibration_error

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.targets.classifier import Classifier

_BATCH_ENTRIES = 2**24
_TEMPERATURES = torch.logspace(-2, 2, 161)
_BINS = 15


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a network says of test samples.

    Args:
        answers: its logits, ``(T', n, K)``.
        labels: the classes, ``(n,)``.
    """

    answers: Tensor
    labels: Tensor

    @property
    def samples(self) -> int:
        """Number of test samples."""
        return len(self.labels)

    @cached_property
    def accuracy(self) -> float:
        """Share of samples whose class is predicted (argmax of the answers, summed over time)."""
        return (self.answers.sum(0).argmax(-1) == self.labels).double().mean().item()

    @cached_property
    def confidences(self) -> Tensor:
        """The mean over the answers of their softmax, ``(n, K)``."""
        return self.answers.softmax(-1).mean(0)

    @property
    def mean_confidence(self) -> float:
        """Mean confidence in the predicted class."""
        return self.confidences.amax(-1).mean().item()

    @property
    def calibration_error(self) -> float:
        """Expected calibration error in 15 bins (Guo et al., ICML 2017)."""
        classes = self.confidences.shape[-1]
        return multiclass_calibration_error(self.confidences, self.labels, classes, n_bins=_BINS).item()

    @cached_property
    def best_temperature(self) -> float:
        """The temperature, on top of the interface's, whose confidences have the highest likelihood (0.01 to 100)."""
        index = self.labels.unsqueeze(-1)
        likelihoods = [
            (self.answers / temperature).softmax(-1).mean(0).gather(-1, index).clamp(min=1e-12).log().mean().item()
            for temperature in _TEMPERATURES.tolist()
        ]
        return float(_TEMPERATURES[max(range(len(likelihoods)), key=likelihoods.__getitem__)])

    def uncertainty(self, accuracy: float) -> float:
        """Return :func:`uncertainty` of an accuracy on these samples."""
        return uncertainty(accuracy, self.samples)


def uncertainty(accuracy: float, samples: int) -> float:
    """Return three standard errors of an accuracy measured on so many samples."""
    return 3 * math.sqrt(max(accuracy * (1 - accuracy), 0.0) / samples)


def batches(data: BaseDataModule, samples: int, batch_size: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """Return test samples of a data set in batches: all, or so many, evenly spread, as files are sorted by class."""
    split = data.split("test")
    count = min(samples, len(split))
    chosen = [index * len(split) // count for index in range(count)]
    return DataLoader(Subset(split, chosen), batch_size=batch_size, collate_fn=data.collate)


def transferred(
    data: BaseDataModule, batch: tuple[Tensor, Tensor], device: torch.device, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return a batch as networks see it: on the device, encoded by chance numbers that are the same every time."""
    x, labels = (part.to(device) for part in batch)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        x, labels = data.on_after_batch_transfer((x, labels), 0)
    return x, labels


@torch.no_grad()
def measure(
    classifier: Classifier, data: BaseDataModule, samples: int, interface_changes: dict[str, object] | None = None
) -> Measurement:
    """Ask a network about test samples of a data set.

    Args:
        classifier: the network, in evaluation mode.
        data: the data, as the network takes them.
        samples: how many, at most.
        interface_changes: constants of the interface to try in place of its own.
    """
    own = classifier.interface
    entries = math.prod(classifier.input_shape) * (classifier.time_steps or data.time_steps or 1)
    answers, labels = [], []
    try:
        classifier.interface = replace(own, **interface_changes) if interface_changes else own  # type: ignore[arg-type]
        for number, batch in enumerate(batches(data, samples, max(1, min(250, _BATCH_ENTRIES // entries)))):
            x, wanted = transferred(data, batch, classifier.device, seed=number)
            answers.append(classifier.logits(x).float().cpu())
            labels.append(wanted.cpu())
    finally:
        classifier.interface = own
    return Measurement(torch.cat(answers, 1), torch.cat(labels))
