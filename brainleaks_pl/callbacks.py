"""Callbacks of the command line."""

from __future__ import annotations

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback


class SaveConfig(SaveConfigCallback):
    """Keeps the config of a run beside its logs; without logs there is no place for it."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Save the config, unless nothing is logged."""
        if trainer.loggers:
            super().setup(trainer, pl_module, stage)
