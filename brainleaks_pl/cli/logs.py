"""What a run writes to the folder of logs: its events, in a folder of its own, and its config."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import SaveConfigCallback
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only


class RunLogger(TensorBoardLogger):
    """A TensorBoardLogger that shows what is measured, and no more.

    Its folder is its own, even where another run starts at the same moment. Lightning's chart of the epoch, and its
    file of hyper-parameters, which the config stands beside, are left out.
    """

    @property
    def version(self) -> int | str:
        """Number of the run: the next one that nobody has taken yet, once it is asked for."""
        if self._version is None and getattr(rank_zero_only, "rank", 0) == 0:
            self._version = self._take_folder()
        return super().version

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log what was measured at a step, without the epoch that Lightning adds to it."""
        super().log_metrics({name: value for name, value in metrics.items() if name != "epoch"}, step)

    @rank_zero_only
    def save(self) -> None:
        """Write what has been logged so far."""
        self.experiment.flush()

    def _take_folder(self) -> int:
        number = self._get_next_version()
        while True:
            try:
                Path(self.root_dir, f"version_{number}").mkdir(parents=True)
            except FileExistsError:
                number += 1
            else:
                return number


class SaveConfig(SaveConfigCallback):
    """Keeps the config of a run beside its logs, in a form that every subcommand takes."""

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Save the config without the arguments of one subcommand; without logs there is no place for it."""
        self.config = self.config.clone()
        for key in ("config", "ckpt_path", "weights_only"):
            self.config.pop(key, None)
        if trainer.loggers:
            super().setup(trainer, pl_module, stage)
