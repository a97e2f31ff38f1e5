"""The training of a prior, and its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console

from brainleaks_pl.cli.messages import say
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.fitting import train_prior
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.priors.base import Prior
from brainleaks_pl.priors.files import write_prior
from brainleaks_pl.system.storage import check_writable

PRIOR = "prior.pt"
"""Name of the file of a prior in the folder of the checkpoints."""


def fit_prior(
    trainer: InversionTrainer,
    prior: Prior,
    data: BaseDataModule,
    path: Path,
    seed: int,
    *,
    write: bool = True,
    **resume: Any,
) -> None:
    """Train a prior on public data, write its file and say so.

    Args:
        trainer: what trains it.
        prior: the prior.
        data: the public data.
        path: its file.
        seed: seed of the training.
        write: whether to write the file.
        resume: Lightning's ``ckpt_path`` and ``weights_only``.

    Raises:
        ValueError: when the prior was trained before, or the data are not images.
    """
    if prior.weights is not None:
        raise ValueError(f"the prior at {prior.weights} is trained: leave `weights` out to train a new one.")
    if write:
        data.make_ready()
        check_writable(path.parent, "checkpoints")
    say(f"Training the prior ({prior.name}) for {path}")
    loss = train_prior(trainer, prior, data, seed=seed, **resume)
    if trainer.is_global_zero and write:
        write_prior(path, {**prior.content(data), "test_loss": loss, "seed": seed})
        Console().print(f"The prior's loss on test images: {loss:.4g}. Written to {path}", soft_wrap=True)
