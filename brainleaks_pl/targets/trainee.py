"""What ``fit`` trains, a network or a prior: its optimizer, which weights are kept, and what stops training early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from lightning.pytorch import Callback, LightningModule
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor

from brainleaks_pl.targets.training import Training

_LOOK_EVERY = 50  # steps, at the losses on a GPU
_SAVES = 20  # of a training's whole state


class Trainee(LightningModule):
    """What ``fit`` trains by a recipe of its own.

    Args:
        training: how ``fit`` trains it.
    """

    monitored: ClassVar[tuple[str, Literal["min", "max"]]]
    """What validation logs, and whether the epoch of its smallest or its largest value is kept."""

    def __init__(self, training: Training) -> None:
        super().__init__()
        self.training_recipe = training
        self._losses: list[Tensor] = []

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
        """Keep the last epoch, and the one that validation likes best, weights alone, where that is what counts.

        It counts unless the recipe keeps the last, or validation looks at the test images; ``last.ckpt`` holds all that
        it takes to resume.
        """
        if not self.trainer.checkpoint_callbacks or getattr(self.trainer, "fast_dev_run", False):  # it is switched off
            return []
        every = max(1, (self.trainer.max_epochs or 1) // _SAVES)
        last = ModelCheckpoint(save_top_k=0, save_last=True, every_n_epochs=every)
        data = getattr(self.trainer, "datamodule", None)
        if data is None or self.training_recipe.keep == "last" or getattr(data, "validates_on_test", False):
            return [last]
        monitor, mode = self.monitored
        return [ModelCheckpoint(monitor=monitor, mode=mode, filename="best", save_weights_only=True), last]

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
