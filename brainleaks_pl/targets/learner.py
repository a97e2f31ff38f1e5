"""How a classifier learns: its loss and its steps."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.targets.trainee import Trainee


class Learner(Trainee):
    """What ``fit``, ``validate``, ``test`` and ``predict`` do with a classifier.

    Args:
        training: how ``fit`` trains it.
    """

    monitored = ("val/accuracy", "max")
    val_accuracy: MulticlassAccuracy
    test_accuracy: MulticlassAccuracy

    @abstractmethod
    def logits(self, x: Tensor) -> Tensor:
        """Return the answers with time first, ``(T', B, K)``."""

    def memorise(self, data: BaseDataModule) -> bool:
        """Learn from the data without a gradient step; return whether nothing is left to train. Most only train.

        Args:
            data: the private data set.
        """
        return False

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the training loss: cross-entropy, summed over the answers, mean over the batch (method: section III).

        Args:
            logits: ``(T', B, K)``.
            labels: ``(B,)``.
        """
        answers = logits.shape[0]
        return F.cross_entropy(logits.flatten(0, 1), labels.repeat(answers)) * answers

    def penalty(self) -> Tensor | float:
        """Return what training adds to the loss of the batch whose :meth:`logits` were asked for last."""
        return 0.0

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of one batch."""
        x, labels = batch
        if most := self.training_recipe.max_shift:
            # of seed and step, so that a training that is resumed goes on as it would have
            generator = np.random.default_rng((torch.initial_seed(), self.trainer.global_step))
            x = shifted_at_random(x, most, generator)
        loss = self.loss(self.logits(x), labels) + self.penalty()
        self.log("train/loss", loss, prog_bar=True, batch_size=labels.shape[0])
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Count the correct predictions (argmax of the answers, summed over time)."""
        x, labels = batch
        self.val_accuracy(self._answers(x), labels)
        self.log("val/accuracy", self.val_accuracy, prog_bar=True, on_epoch=True, batch_size=labels.shape[0])

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Count the correct predictions (argmax of the answers, summed over time)."""
        x, labels = batch
        self.test_accuracy(self._answers(x), labels)
        self.log("test/accuracy", self.test_accuracy, on_epoch=True, batch_size=labels.shape[0])

    def predict_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the predicted classes, ``(B,)``."""
        return self._answers(batch[0]).argmax(-1)

    def _answers(self, x: Tensor) -> Tensor:
        """Return the answers summed over time, ``(B, K)``; a NaN is no class."""
        answers = self.logits(x).sum(0)
        if not bool(answers.isfinite().all()):
            raise ValueError(
                f"{type(self).__name__} gives answers that are not finite: look at its weights, or lower training.lr."
            )
        return answers


def shifted_at_random(x: Tensor, most: int, generator: np.random.Generator) -> Tensor:
    """Return samples shifted by their own whole numbers of rows and columns; what enters at an edge is 0.

    Args:
        x: ``(B, C, H, W)`` or ``(T, B, C, H, W)``.
        most: largest shift in each direction, in pixels.
        generator: where the shifts are drawn from.
    """
    height, width = x.shape[-2:]
    padded = F.pad(x, (most,) * 4)
    corners = generator.integers(2 * most + 1, size=(x.shape[-4], 2)).tolist()
    shifted = [
        sample[..., row : row + height, column : column + width]
        for sample, (row, column) in zip(padded.unbind(-4), corners, strict=True)
    ]
    return torch.stack(shifted, -4)
