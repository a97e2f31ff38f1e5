"""The trainer's settings, as a command needs them."""

from __future__ import annotations

import os
from typing import Any

import torch
from jsonargparse import Namespace
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping

from brainleaks_pl.cli.logs import RunLogger

_PER_CORE = 8
_PRECISIONS = ("32", "32-true", "bf16", "bf16-mixed", "16", "16-mixed")


def check_trainer(config: Namespace) -> None:
    """See that a trainer's settings ask for nothing that could only hang or fail.

    Raises:
        ValueError: when they do.
    """
    devices, most = config.devices, _PER_CORE * max(os.cpu_count() or 1, torch.cuda.device_count())
    number = int(devices) if str(devices).isdecimal() else len(devices) if isinstance(devices, list) else 1
    if number > most:
        raise ValueError(f"trainer.devices asks for {number} processes, and this machine is good for {most} at most.")
    if config.num_nodes > 1 and not {"MASTER_ADDR", "SLURM_JOB_ID", "LSB_JOBID"} & os.environ.keys():
        raise ValueError(
            f"trainer.num_nodes is {config.num_nodes}, but MASTER_ADDR, where the nodes meet, is not set: set it on "
            "all of them, or leave num_nodes out."
        )
    precision = str(config.precision or "32")
    if precision not in _PRECISIONS:
        raise ValueError(f"trainer.precision is {precision}, and attacks run in 32-true, bf16-mixed or 16-mixed.")
    if precision.startswith("16") and not torch.cuda.is_available():
        raise ValueError(f"trainer.precision is {precision}, which takes a GPU: give 32-true or bf16-mixed.")


def settle(settings: Namespace, subcommand: str, logs: str, name: str, epochs: int) -> None:
    """Fill in what a trainer's settings leave open, and leave out what is not meant for a subcommand.

    Args:
        settings: the settings, instantiated.
        subcommand: the command's name.
        logs: folder of the logs.
        name: name of the run, a folder in it.
        epochs: of the network that is trained.
    """
    if settings.logger is None or settings.logger is True:
        settings.logger = RunLogger(logs, name=name, default_hp_metric=False)
    settings.log_every_n_steps = settings.log_every_n_steps or 10
    if subcommand == "fit" and settings.max_epochs is None:
        settings.max_epochs = epochs
    if subcommand in ("check", "invert"):
        callbacks: Any = settings.callbacks if isinstance(settings.callbacks, list) else [settings.callbacks]
        settings.callbacks = [own for own in callbacks if own and not isinstance(own, Checkpoint | EarlyStopping)]
        settings.enable_checkpointing = False
        settings.enable_model_summary = bool(settings.enable_model_summary)
