"""The trainer's settings, as a command needs them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping

from brainleaks_pl.cli.logs import RunLogger
from brainleaks_pl.system.names import file_part


def settle(settings: Namespace, subcommand: str, logs: str, name: str, epochs: int, *, summary: bool = False) -> bool:
    """Fill in what a trainer's settings leave open, and leave out what is not meant for a subcommand.

    Args:
        settings: the settings, instantiated.
        subcommand: the command's name.
        logs: folder of the logs.
        name: name of the run, a folder in it.
        epochs: of the network that is trained.
        summary: whether a network is summed up, where the settings do not say.

    Returns:
        Whether the command shows its own bar, in place of Lightning's.
    """
    shows_bar = settings.enable_progress_bar is not False
    settings.enable_progress_bar = False
    if settings.enable_model_summary is None:
        settings.enable_model_summary = summary
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
    return shows_bar


def name_of_parts(config: Namespace) -> str:
    """Return what a run without a config file is called: its data and its network, ``MNIST5k-SpikingMLP``.

    Args:
        config: the parsed config of the command.
    """
    network = getattr(getattr(config.model, "init_args", None), "network", None)
    return "-".join(class_name(own) for own in (config.data, network or config.model))


def class_name(value: Any) -> str:
    """Return the name of the class that a part of a config is of."""
    path = value.get("class_path") if isinstance(value, Namespace | dict) else value
    return file_part(str(path).rpartition(".")[2])


def scratch_folder(checkpoints: Path | str) -> Path:
    """Return where a training without logs keeps its own checkpoints until it ends."""
    return Path(checkpoints) / f".training-{os.getpid()}"


@contextmanager
def removed_after(folder: Path) -> Iterator[None]:
    """Remove a folder, if it is there, once the block ends."""
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
