"""Callbacks of the command line."""

from __future__ import annotations

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback


class SaveConfig(SaveConfigCallback):
    """Keeps the config of a run beside its logs, in a form that every subcommand takes."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Save the config without the arguments of one subcommand; without logs there is no place for it."""
        self.config = self.config.clone()
        for key in ("config", "ckpt_path", "weights_only"):
            self.config.pop(key, None)
        if trainer.loggers:
            super().setup(trainer, pl_module, stage)
