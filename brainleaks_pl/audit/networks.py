"""The networks of an audit: fitted once for each seed, then read from their checkpoints."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.fitting import check_fits, train_network
from brainleaks_pl.engine.storage import load_network, save_network
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.targets.base import TargetClassifier


def seed_of(seed: int, name: str) -> int:
    """Return the seed of a network: it depends on the audit's seed and on its name, not on what is trained before."""
    return int(np.random.SeedSequence((seed, zlib.crc32(name.encode()))).generate_state(1)[0])


def silent_trainer(**settings: Any) -> InversionTrainer:
    """Return a trainer that logs and prints nothing: the audit says itself how it goes."""
    return InversionTrainer(logger=False, enable_progress_bar=False, enable_model_summary=False, **settings)


@dataclass(frozen=True)
class Shelf:
    """The folder where the networks of an audit are kept, ``seed<n>/<name>.pt``.

    Args:
        folder: the folder.
        trainer: settings of the trainer, such as ``accelerator`` and ``precision``.
    """

    folder: Path
    trainer: dict[str, Any]

    def path(self, seed: int, name: str) -> Path:
        """Return a network's file."""
        return self.folder / f"seed{seed}" / f"{name}.pt"

    def get(
        self, seed: int, name: str, make: Callable[[], TargetClassifier], data: BaseDataModule
    ) -> tuple[TargetClassifier, float]:
        """Return a trained network and its test accuracy; train it, and keep it, unless that has been done.

        Args:
            seed: the audit's seed.
            name: name of the network in the audit.
            make: builds it, untrained.
            data: the private data; an ordinary network is trained on the images themselves.

        Raises:
            ValueError: when the network does not fit the data, or the stored one is another, or was trained otherwise.
        """
        path, own_seed = self.path(seed, name), seed_of(seed, name)
        torch.manual_seed(own_seed)
        network = make()
        data = data.for_network(network.spiking)
        check_fits({name: network}, data)
        if not path.is_file():
            with TemporaryDirectory() as scratch:
                settings = {"max_epochs": network.training_recipe.epochs, "default_root_dir": scratch, **self.trainer}
                accuracy = train_network(silent_trainer(**settings), network, data, seed=own_seed)
            save_network(path, network, data, accuracy, own_seed)
        stored = load_network(path, network, data)
        if stored.get("recipe", network.recipe()) != network.recipe() or stored["seed"] != own_seed:
            raise ValueError(
                f"{path} was trained otherwise (seed {stored['seed']}, {stored.get('recipe')} there, seed {own_seed}, "
                f"{network.recipe()} here). Remove it, or name another folder as `checkpoints`."
            )
        return network.eval(), float(stored["test_accuracy"])
