"""What the verbs of a command work on: its networks, its folders and its trainers, as the config has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import torch
from jsonargparse import Namespace
from lightning.pytorch import Trainer

from brainleaks_pl.cli.lightning_cli import CommandCLI
from brainleaks_pl.cli.trained import TrainedNetworks
from brainleaks_pl.cli.trainers import class_name, name_of_parts, scratch_folder, settle
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.shapes import fill_shapes
from brainleaks_pl.engine.trainer import InversionTrainer, check_trainer
from brainleaks_pl.engine.values import check_values
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.priors.base import Prior
from brainleaks_pl.system.names import caseless, check_names, name_of_config
from brainleaks_pl.targets.checks import Checks
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.trainee import Trainee

_KINDS = {
    "data": BaseDataModule,
    "model": Trainee,
    "judges": dict,
    "trainer": InversionTrainer,
    "scoring": Scoring,
    "checks": Checks,
    "seed_everything": int,
    "progress_every": float,
    "logs": str,
    "resume": bool,
    "skip_fitted": bool,
}


class CommandParts(CommandCLI):
    """LightningCLI with judges beside the model, folders for what is written, and a trainer for each network."""

    model: Trainee
    datamodule: BaseDataModule
    trainer: InversionTrainer
    verbose: ClassVar[bool] = False
    """Whether Lightning's summary of a network is shown."""
    shows_bar: bool = True
    """Whether a bar shows how far the command is."""

    def before_instantiate_classes(self) -> None:
        """Fill in what the config leaves to its name and its data, so that the config saved with the logs says it."""
        config = self.config[str(self.subcommand)]
        check_values(config.as_dict(), _KINDS)
        if config.get("data") is not None:
            fill_shapes(config, self._parser(self.subcommand).instantiate(Namespace(data=config.data)).data)
        for key in ("checkpoints", "results"):
            config[key] = config[key] or str(Path(key) / self.name)

    def option(self, key: str) -> Any:
        """Return the value of a key of the config."""
        return self._get(self.config_init, key)

    @property
    def name(self) -> str:
        """Name of the config file; without one, that of the data and the network, as in ``MNIST5k-SpikingMLP``."""
        files = self._get(self.config, "config")
        return name_of_config(files[0]) if files else name_of_parts(self.config[str(self.subcommand)])

    @property
    def judges(self) -> dict[str, Classifier]:
        """The judges by name."""
        judges: dict[str, Classifier] = self.option("judges")
        return judges

    @property
    def networks(self) -> dict[str, Classifier]:
        """The target and the judges, in the order of their training."""
        if any(caseless(name) == "target" for name in self.judges):
            raise ValueError("a judge cannot be called 'target', which is the network under attack: rename it.")
        check_names("judges", self.judges)
        return {"target": self.target, **self.judges}

    @property
    def target(self) -> Classifier:
        """The network under attack."""
        if isinstance(self.model, Classifier):
            return self.model
        raise ValueError(
            f"model is a {type(self.model).__name__}, which `brainleaks fit` trains and nothing else takes: give "
            "it to an attack as its prior, and a Classifier as the model."
        )

    @property
    def results(self) -> Path:
        """Folder of the results."""
        return Path(self.option("results"))

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(torch.initial_seed())

    @property
    def trial(self) -> bool:
        """Whether the command runs in ``fast_dev_run``, which writes nothing."""
        return bool(getattr(self.trainer, "fast_dev_run", False))

    @property
    def trained(self) -> TrainedNetworks:
        """Where the trained networks are."""
        config = self._get(self.config, "config")
        command = f"brainleaks fit --config {config[0]}" if config else "brainleaks fit"
        return TrainedNetworks(Path(self.option("checkpoints")), self.datamodule, command)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the trainer for the subcommand's first run."""
        part = str(self.subcommand)
        if part == "fit":
            part = "prior" if isinstance(self.model, Prior) else "target"
        elif part == "invert" and (attack := self.config[part].attack):
            part = class_name(attack)
        return self.trainer_for(part, self.model, **kwargs)

    def trainer_for(self, part: str, network: Trainee, **kwargs: Any) -> InversionTrainer:
        """Build a trainer with loggers and callbacks of its own, for one network or one attack."""
        subcommand = str(self.subcommand)
        config = self.config[subcommand].trainer
        check_trainer(config.devices, config.num_nodes, config.precision)
        settings = self._parser(subcommand).instantiate(Namespace(trainer=config)).trainer
        name, epochs = f"{self.name}/{part}", network.training_recipe.epochs
        self.shows_bar = settle(settings, subcommand, self.option("logs"), name, epochs, summary=self.verbose)
        if settings.logger is False:  # checkpoints have no folder of their own then
            settings.default_root_dir = settings.default_root_dir or scratch_folder(self.option("checkpoints"))
        self.config_init[subcommand].trainer = settings
        trainer = super().instantiate_trainer(**kwargs)
        assert isinstance(trainer, InversionTrainer)
        return trainer
