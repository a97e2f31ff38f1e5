"""The Trainer with one more verb: ``invert``."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.attacks.sharing import blocks
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.system.storage import room_for
from brainleaks_pl.targets.checks import CheckReport, Checks, run_checks
from brainleaks_pl.targets.classifier import Classifier

_PER_CORE = 8
_MEETING = {"MASTER_ADDR", "SLURM_JOB_ID", "LSB_JOBID", "OMPI_COMM_WORLD_SIZE", "PMI_RANK"}
_PRECISIONS = ("32", "32-true", "bf16", "bf16-mixed", "16", "16-mixed")


def check_trainer(devices: Any = "auto", num_nodes: int = 1, precision: Any = None) -> None:
    """See that a trainer's settings ask for nothing that could only hang or fail.

    Raises:
        ValueError: when they do.
    """
    most = _PER_CORE * max(os.cpu_count() or 1, torch.cuda.device_count())
    number = int(devices) if str(devices).isdecimal() else len(devices) if isinstance(devices, list) else 1
    if number > most:
        raise ValueError(f"trainer.devices asks for {number} processes, but this machine can run at most {most}.")
    if num_nodes > 1 and not _MEETING & os.environ.keys():
        raise ValueError(
            f"trainer.num_nodes is {num_nodes}, but MASTER_ADDR, where the nodes meet, is not set: set it on "
            "all of them, or leave num_nodes out."
        )
    precision = str(precision or "32")
    if precision not in _PRECISIONS:
        raise ValueError(f"trainer.precision is {precision}, but this package runs in 32-true, bf16-mixed or 16-mixed.")
    if precision.startswith("16") and not (torch.cuda.is_available() or torch.backends.mps.is_available()):
        raise ValueError(f"trainer.precision is {precision}, which needs a GPU: give 32-true or bf16-mixed.")


class InversionCallback(Callback):
    """A callback with one more hook, which attacks call."""

    def on_units_end(self, trainer: Trainer, attack: InversionModule, block: int, *, finished: bool) -> None:
        """Called when a block of units, of those that the attack runs one after another, has finished.

        Args:
            trainer: the trainer.
            attack: the attack; it holds all units again.
            block: number of blocks that have finished.
            finished: whether these are all.
        """


class InversionTrainer(Trainer):
    """Lightning's Trainer, which also checks networks and runs attacks; takes the same arguments.

    Examples:
        Like any Lightning trainer, with two more verbs, ``check`` and ``invert``:

        >>> from brainleaks_pl import BrainLeaksV1, Checks, InversionTrainer
        >>> quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        >>> trainer = InversionTrainer(accelerator="cpu", enable_checkpointing=False, **quiet)
        >>> trainer.check(network, data, Checks(samples=2, test_samples=100)).failed
        []
        >>> attack = BrainLeaksV1(network, steps=5, classes=[3])
        >>> trainer.invert(attack)
        >>> attack.reconstructions().shape
        torch.Size([5, 1, 1, 28, 28])
    """

    @property
    def written_to(self) -> Path:
        """The folder of what is written meanwhile, logs and checkpoints; asking makes none."""
        return Path(next((own.save_dir for own in self.loggers if own.save_dir), self.default_root_dir))

    @contextmanager
    def guarded(self, what: str, size: int = 0) -> Iterator[None]:
        """Run a training or an attack: a full disk is told of in words, and an error leaves no process behind.

        Args:
            what: what is written meanwhile.
            size: the bytes that it takes at least; 0 where that is not known.
        """
        try:
            with room_for(self.written_to / what, lambda: size):
                yield
        except BaseException:
            kill = getattr(self.strategy.launcher, "kill", None)
            if kill is not None:  # the processes that this one has started would wait for it
                kill(signal.SIGTERM)
            raise

    def check(self, model: Classifier, datamodule: BaseDataModule, settings: Checks) -> CheckReport:
        """Look for what would make an attack on a network mean nothing; see :func:`run_checks`.

        Args:
            model: the network, with its trained weights.
            datamodule: the private data, as the network takes them.
            settings: how many samples are looked at.
        """
        return run_checks(model, datamodule, settings, with_accuracy=True)

    def invert(self, model: InversionModule) -> None:
        """Run an attack on every class, then score what it reconstructs.

        The trainer's limits and gradient clipping are meant for ``fit`` and do not bind the attack, which runs for its
        own number of steps; ``fast_dev_run`` still cuts it short. Where its units are many or large it runs on some of
        them after others (:func:`~brainleaks_pl.attacks.sharing.blocks`): what is kept of each unit stays in memory,
        and what the target needs for its gradient does not grow.

        Args:
            model: the attack; it holds its target and, afterwards, its reconstructions.
        """
        parts = blocks(len(model.units), model.entries_per_unit, self.world_size)
        for index, units in enumerate(parts[model.first_block :], model.first_block):
            with model.only(units), self.guarded("the logs"):
                self._invert(model)
            for callback in self.callbacks:  # type: ignore[attr-defined]
                if isinstance(callback, InversionCallback):
                    callback.on_units_end(self, model, index + 1, finished=index + 1 == len(parts))

    def _invert(self, model: InversionModule) -> None:
        """Run an attack on the units that it holds."""
        self.fit_loop.epoch_progress.reset()  # a trainer can run one attack after another
        self.fit_loop.max_epochs = 1
        self.fit_loop.min_epochs = None
        self.fit_loop.epoch_loop.max_steps = -1
        self.fit_loop.epoch_loop.min_steps = None
        self.gradient_clip_val = None
        self.gradient_clip_algorithm = None
        self.accumulate_grad_batches = 1
        if not getattr(self, "fast_dev_run", False):
            self.limit_train_batches = 1.0
        self.log_every_n_steps = model.log_every
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*in eval mode at the start of training.*")  # the frozen target
            self.fit(model)
