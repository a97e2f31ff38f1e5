"""A judge without training: it compares with the training images themselves, by fixed features."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.networks.nearest import AT_ONCE, NearestMember
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.interfaces import NonSpiking

_TEMPERATURES = torch.logspace(-2, 1, 301)
_LEFT_OUT = 5000  # references at most that stand in for validation images


class NearestNeighbour(Classifier):
    """A judge of no training: how near is the nearest training image of each class, by fixed features?

    The features are histograms of oriented gradients (:func:`~brainleaks_pl.networks.hog.hog`). ``fit`` shows it the
    training images; the temperature of its confidences is the one that makes the validation images most likely (Guo et
    al., ICML 2017), or, where no validation images are held out, the references, each compared with the others alone.
    What fools the networks that were trained like the target need not fool it.

    It takes images ``(B, C, H, W)``, of spikes ``(T, B, C, H, W)`` it sees the rate image, and answers with the logits
    of one step, ``(1, B, K)``. Rate images of event data are divided by their largest rate, as
    :meth:`EventDataModule.display` shows them.

    Args:
        references: training images of each class that it compares with, the first ones, at least 1; None means all.
            Event data give at most as many as they keep rate images of, their own ``references``.
        input_shape: (C, H, W) of the input; None takes the data's.
        num_classes: K, at least 2; None takes the data's.
        expected_accuracy: the accuracy on test data that it is known to have, in [0, 1].

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        It memorises 50 images of each class, and needs no training:

        >>> from brainleaks_pl import NearestNeighbour
        >>> images = data.for_network(takes_spikes=False)
        >>> judge = NearestNeighbour(references=50, input_shape=(1, 28, 28), num_classes=10)
        >>> judge.memorise(images)
        True
        >>> threes = images.class_images(3, split="test")
        >>> judge.confidences(threes).argmax(1).bincount(minlength=10)
        tensor([ 1,  0,  1, 46,  0,  1,  0,  0,  1,  0])
    """

    network: NearestMember

    def __init__(
        self,
        references: int | None = 500,
        input_shape: tuple[int, int, int] | None = None,
        num_classes: int | None = None,
        expected_accuracy: float | None = None,
    ) -> None:
        make = partial(NearestMember, references)
        super().__init__(make, NonSpiking(), input_shape, num_classes, expected_accuracy=expected_accuracy)

    @property
    def name(self) -> str:
        """What messages call it."""
        return type(self).__name__

    def recipe(self) -> dict[str, Any]:
        """Return the plain values that decide what it memorises."""
        return {"references": self.network.references}

    @torch.no_grad()
    def memorise(self, data: BaseDataModule) -> bool:
        """Memorise training images, and choose the temperature; return True, as nothing is left to train.

        Args:
            data: the private data set.

        Raises:
            ValueError: when a class has no training image.
        """
        data.make_ready()
        rates = isinstance(data, EventDataModule)
        self.network.memorise([data.class_images(k) for k in range(self.num_classes)], rates)
        distances, labels = self._known(data)
        if len(labels):
            likelihoods = [
                F.cross_entropy(-distances / temperature, labels) for temperature in _TEMPERATURES.to(distances)
            ]
            self.network.temperature.fill_(_TEMPERATURES[int(torch.stack(likelihoods).argmin())])
        return True

    def _known(self, data: BaseDataModule) -> tuple[Tensor, Tensor]:
        """Return distances ``(N, K)`` and classes ``(N,)`` of images that are no references, or not their own."""
        if data.validates_on_test:
            return self.network.left_out_distances(_LEFT_OUT)
        present = sorted(set(torch.as_tensor(data.split("val").labels).tolist()))
        images = [data.class_images(k, "val") for k in present]
        labels = torch.cat([torch.full((len(own),), k) for k, own in zip(present, images, strict=True)])
        parts = torch.cat(images).to(self.device).split(AT_ONCE)
        return torch.cat([self.network.distances(part) for part in parts]), labels.to(self.device)
