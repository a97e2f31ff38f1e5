"""The trainer's settings, as a command needs them."""

from __future__ import annotations

from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping

from brainleaks_pl.cli.logs import RunLogger


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
