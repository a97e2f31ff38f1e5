"""The base class of all networks: targets under attack and the judges that score the attack."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor
from torchmetrics.classification import MulticlassAccuracy

_SAVES = 20  # of a training's whole state


@dataclass(frozen=True)
class Training:
    """How one network is trained by ``fit``: part of the network, so that it never binds another network or an attack.

    Args:
        lr: learning rate of Adam, > 0.
        epochs: passes over the training data; ``trainer.max_epochs``, when given, takes its place.
        batch_size: images in a training batch; None takes the data module's.
        gradient_clip_norm: largest norm of the gradient of one step; None leaves it alone.

    Raises:
        ValueError: when a value is out of range.
    """

    lr: float = 5e-5
    epochs: int = 10
    batch_size: int | None = None
    gradient_clip_norm: float | None = 1.0

    def __post_init__(self) -> None:
        if not self.lr > 0:
            raise ValueError(f"lr must be positive, got {self.lr}.")
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}.")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}.")
        if self.gradient_clip_norm is not None and not self.gradient_clip_norm > 0:
            raise ValueError(f"gradient_clip_norm must be positive or null, got {self.gradient_clip_norm}.")


class TargetClassifier(LightningModule, ABC):
    """Base of the classifiers; a subclass implements :meth:`forward` and states ``spiking``.

    Spiking networks take ``(T, B, C, H, W)`` and return the output membranes ``(T, B, K)``; ordinary ones take images
    ``(B, C, H, W)`` and return logits ``(B, K)``. :meth:`logits` hides the difference. A network knows nothing of
    attacks. ``time_steps`` is the T it was trained with (None for ordinary networks): ``fit`` sets it, checkpoints
    keep it.

    Args:
        input_shape: (C, H, W) of the input.
        num_classes: K, at least 2.
        training: how ``fit`` trains it.

    Raises:
        ValueError: when an argument is out of range.
    """

    spiking: ClassVar[bool]

    def __init__(self, input_shape: tuple[int, int, int], num_classes: int, training: Training) -> None:
        super().__init__()
        if len(input_shape) != 3 or min(input_shape) < 1:
            raise ValueError(f"input_shape must be three positive numbers (C, H, W), got {tuple(input_shape)}.")
        if num_classes < 2:
            raise ValueError(f"num_classes must be at least 2, got {num_classes}.")
        self.input_shape = (input_shape[0], input_shape[1], input_shape[2])
        self.num_classes = num_classes
        self.training_recipe = training
        self.time_steps: int | None = None
        self.val_accuracy = MulticlassAccuracy(num_classes, average="micro")
        self.test_accuracy = MulticlassAccuracy(num_classes, average="micro")

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Return output membranes ``(T, B, K)`` (spiking) or logits ``(B, K)`` (ordinary)."""

    def architecture(self) -> dict[str, Any]:
        """Return the plain values that decide what the network computes beside its weights.

        A checkpoint keeps them, and is refused by a network whose values differ. A subclass adds its own.
        """
        return {
            "class": type(self).__qualname__,
            "input_shape": list(self.input_shape),
            "num_classes": self.num_classes,
        }

    def recipe(self) -> dict[str, Any]:
        """Return the plain values that decide how ``fit`` trains it; a subclass adds its own."""
        return asdict(self.training_recipe)

    def logits(self, x: Tensor) -> Tensor:
        """Return the outputs with time first, ``(T, B, K)``; an ordinary network has T = 1.

        Args:
            x: the network's own kind of input; an ordinary network also takes ``(T, B, C, H, W)`` and sees the mean
                over time (the rate image).

        Raises:
            ValueError: when ``x`` is not an input of this network.
        """
        expected = "(T, B, C, H, W)" if self.spiking else "(B, C, H, W)"
        if tuple(x.shape[-3:]) != self.input_shape or x.ndim not in ((5,) if self.spiking else (4, 5)):
            raise ValueError(
                f"{type(self).__name__} takes {expected} with (C, H, W) = {self.input_shape}, got {tuple(x.shape)}."
            )
        if self.spiking:
            output: Tensor = self(x)
            return output
        output = self(x.mean(0) if x.ndim == 5 else x)
        return output.unsqueeze(0)

    def confidences(self, x: Tensor) -> Tensor:
        """Return the mean over time of the softmax of the outputs, ``(B, K)``."""
        return self.logits(x).softmax(-1).mean(0)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the training loss: cross-entropy, summed over time, mean over the batch (method: section III).

        Args:
            logits: ``(T, B, K)``.
            labels: ``(B,)``.
        """
        time_steps = logits.shape[0]
        return F.cross_entropy(logits.flatten(0, 1), labels.repeat(time_steps)) * time_steps

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
        """Count the correct predictions (argmax of the outputs summed over time)."""
        x, labels = batch
        self.val_accuracy(self.logits(x).sum(0), labels)
        self.log("val/accuracy", self.val_accuracy, prog_bar=True, on_epoch=True, batch_size=labels.shape[0])

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Count the correct predictions (argmax of the outputs summed over time)."""
        x, labels = batch
        self.test_accuracy(self.logits(x).sum(0), labels)
        self.log("test/accuracy", self.test_accuracy, on_epoch=True, batch_size=labels.shape[0])

    def predict_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the predicted classes, ``(B,)``."""
        return self.logits(batch[0]).sum(0).argmax(-1)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam at the recipe's learning rate, in its fused form (one pass over the weights) where allowed."""
        mixed = str(self.trainer.precision).endswith("mixed")  # Lightning refuses to clip for a fused optimizer then
        return torch.optim.Adam(self.parameters(), lr=self.training_recipe.lr, fused=not mixed)

    def configure_callbacks(self) -> Sequence[Callback]:
        """Keep the epoch of the best validation accuracy, but where validation looks at the test images, and the last.

        The best one, weights alone, is what training comes to; ``last.ckpt`` holds all that it takes to go on.
        """
        if not self.trainer.checkpoint_callbacks:  # checkpointing is switched off
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
