"""How a classifier learns: its loss, its steps, its optimizer and what is kept of a training."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.targets.training import Training

_LOOK_EVERY = 50  # steps, at the losses on a GPU
_SAVES = 20  # of a training's whole state


class Learner(LightningModule):
    """What ``fit``, ``validate``, ``test`` and ``predict`` do with a classifier.

    Args:
        training: how ``fit`` trains it.
    """

    val_accuracy: MulticlassAccuracy
    test_accuracy: MulticlassAccuracy

    def __init__(self, training: Training) -> None:
        super().__init__()
        self.training_recipe = training
        self._losses: list[Tensor] = []

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

    def on_train_epoch_start(self) -> None:
        """Forget the losses of a training that was given up."""
        self._losses = []

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Refuse a loss that is not finite; a GPU is asked now and then alone, as it would have to be waited for.

        Raises:
            ValueError: names the step.
        """
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if isinstance(loss, Tensor):
            self._losses.append(loss.detach())
        if self.device.type == "cpu" or len(self._losses) >= _LOOK_EVERY:
            self._require_finite()

    def on_train_epoch_end(self) -> None:
        """Refuse a loss that is not finite.

        Raises:
            ValueError: names the step.
        """
        self._require_finite()

    def _require_finite(self) -> None:
        losses, self._losses = self._losses, []
        bad = [] if not losses else (~torch.stack(losses).isfinite()).nonzero().flatten().tolist()
        if bad:
            step = self.trainer.fit_loop.total_batch_idx + 1 - len(losses) + bad[0]
            raise ValueError(
                f"step {step}: the training loss is {losses[bad[0]].item()}. Lower training.lr, now "
                f"{self.training_recipe.lr}, or look at the data."
            )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam at the recipe's learning rate, in its fused form (one pass over the weights) where allowed."""
        mixed = str(self.trainer.precision).endswith("mixed")  # Lightning refuses to clip for a fused optimizer then
        return torch.optim.Adam(self.parameters(), lr=self.training_recipe.lr, fused=not mixed)

    def configure_callbacks(self) -> Sequence[Callback]:
        """Keep the epoch of the best validation accuracy, but where validation looks at the test images, and the last.

        The best one, weights alone, is what training comes to; ``last.ckpt`` holds all that it takes to go on.
        """
        if not self.trainer.checkpoint_callbacks or getattr(self.trainer, "fast_dev_run", False):  # it is switched off
            return []
        every = max(1, (self.trainer.max_epochs or 1) // _SAVES)
        last = ModelCheckpoint(save_top_k=0, save_last=True, every_n_epochs=every)
        data = getattr(self.trainer, "datamodule", None)
        if data is None or getattr(data, "validates_on_test", False):
            return [last]
        return [ModelCheckpoint(monitor="val/accuracy", mode="max", filename="best", save_weights_only=True), last]

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip to ``gradient_clip_norm``, unless the trainer was told otherwise."""
        if gradient_clip_val is None and gradient_clip_algorithm is None:
            gradient_clip_val, gradient_clip_algorithm = self.training_recipe.gradient_clip_norm, "norm"
        self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)
