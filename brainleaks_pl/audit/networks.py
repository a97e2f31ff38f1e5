"""The networks of an audit: fitted once per seed, then read from their checkpoints."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.checkpoints import load_checkpoint, save_network, stored_digest
from brainleaks_pl.engine.fitting import check_fits, train_network
from brainleaks_pl.evaluation.run import silent_trainer
from brainleaks_pl.membership.draws import seed_from
from brainleaks_pl.system.storage import temporary_folder
from brainleaks_pl.targets.classifier import Classifier


def seed_of(seed: int, name: str) -> int:
    """Return the seed of a network: it depends on the audit's seed and on its name, not on what is trained before."""
    return seed_from(seed, zlib.crc32(name.encode()))


def with_argument(made: Classifier, name: str, value: Any) -> Callable[[], Classifier]:
    """Return a factory of classifiers like one but for one argument, its own or that of the network it wraps.

    Args:
        made: the classifier.
        name: name of the argument.
        value: its value.

    Raises:
        ValueError: when its network was given as it is, so that it cannot be built with another argument.
    """
    arguments = made.constructor_arguments or {}
    if name in arguments:
        return partial(type(made), **{**arguments, name: value})
    if made.factory is None:
        raise ValueError(f"{made.name} was given as a network, and cannot be built with another {name}.")
    return partial(type(made), **{**arguments, "network": partial(made.factory, **{name: value})})


@dataclass(frozen=True)
class NetworkStore:
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

    def digest(self, seed: int, name: str) -> str | None:
        """Return the digest of the weights of a network that is kept; None where it is not."""
        path = self.path(seed, name)
        return stored_digest(path) if path.is_file() else None

    def get(
        self, seed: int, name: str, make: Callable[[], Classifier], data: BaseDataModule
    ) -> tuple[Classifier, float | None]:
        """Return a trained network and its test accuracy; train it, and keep it, unless that has been done.

        A network that brought its weights is never trained: its accuracy, None here, is to be measured.

        Args:
            seed: the audit's seed.
            name: name of the network in the audit.
            make: builds it, untrained.
            data: the private data; a non-spiking network is trained on the images themselves.

        Raises:
            ValueError: when the network does not fit the data, or the stored one is another, or was trained otherwise.
        """
        path, own_seed = self.path(seed, name), seed_of(seed, name)
        torch.manual_seed(own_seed)
        network = make()
        data = data.for_network(network.takes_spikes)
        check_fits({name: network}, data)
        if network.pretrained:
            network.time_steps = data.time_steps
            return network.eval(), None
        if not path.is_file():
            with temporary_folder(path) as scratch:
                settings = {
                    "max_epochs": network.training_recipe.epochs,
                    "default_root_dir": str(scratch),
                    **self.trainer,
                }
                trainer = silent_trainer(enable_checkpointing=True, **settings)
                accuracy = train_network(trainer, network, data, seed=own_seed)
            save_network(path, network, data, accuracy, own_seed)
        stored = load_checkpoint(path, network, data)
        if stored.get("data_digest") not in (None, data.digest()):
            raise ValueError(
                f"{path} was trained on other samples of {type(data).__name__} than those at hand. Remove it, or name "
                "another folder as `checkpoints`."
            )
        if stored.get("recipe", network.recipe()) != network.recipe() or stored["seed"] != own_seed:
            raise ValueError(
                f"{path} was trained otherwise (seed {stored['seed']}, {stored.get('recipe')} there, seed {own_seed}, "
                f"{network.recipe()} here). Remove it, or name another folder as `checkpoints`."
            )
        return network.eval(), float(stored["test_accuracy"])
