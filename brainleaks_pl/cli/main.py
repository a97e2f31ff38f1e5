"""The command line: ``brainleaks fit|validate|test|predict|invert --config X.yaml``, and ``brainleaks export``."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import Namespace
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_info
from rich.console import Console

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.audit.main import audit_main
from brainleaks_pl.cli.arguments import add_shared_arguments
from brainleaks_pl.cli.save_config import SaveConfig
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.errors import plain_message
from brainleaks_pl.engine.fitting import check_fits, train_network
from brainleaks_pl.engine.progress import PROGRESS, KeepProgress, identity, is_finished
from brainleaks_pl.engine.storage import check_writable, load_network, save_network
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.evaluation.report import Scoring, make_report
from brainleaks_pl.export import export_main
from brainleaks_pl.reporting.publishing import log_report, write_report
from brainleaks_pl.reporting.tables import fit_table, score_tables
from brainleaks_pl.targets.base import TargetClassifier


class BrainLeaksCLI(LightningCLI):
    """LightningCLI with judges, an attack and its scoring, folders for what is written, and the verb ``invert``."""

    model: TargetClassifier
    datamodule: BaseDataModule
    trainer: InversionTrainer

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Add ``invert`` to Lightning's own."""
        return {**LightningCLI.subcommands(), "invert": {"model"}}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Declare the keys that every subcommand shares, so that one YAML serves them all."""
        add_shared_arguments(parser)

    def before_instantiate_classes(self) -> None:
        """Name the folders after the config, so that the config saved with the logs names them too."""
        config = self.config[str(self.subcommand)]
        for key in ("checkpoints", "results"):
            config[key] = config[key] or str(Path(key) / self.name)

    def option(self, key: str) -> Any:
        """Return the value of a key of the config."""
        return self._get(self.config_init, key)

    @property
    def name(self) -> str:
        """Name of the config file, or ``run`` without one."""
        files = self._get(self.config, "config")
        return Path(str(files[0])).stem if files else "run"

    @property
    def judges(self) -> dict[str, TargetClassifier]:
        """The judges by name."""
        judges: dict[str, TargetClassifier] = self.option("judges")
        return judges

    @property
    def networks(self) -> dict[str, TargetClassifier]:
        """The target and the judges, in the order of their training."""
        if "target" in self.judges:
            raise ValueError("a judge cannot be called 'target', which is the network under attack: rename it.")
        return {"target": self.model, **self.judges}

    @property
    def results(self) -> Path:
        """Folder of the results."""
        return Path(self.option("results"))

    @property
    def seed(self) -> int:
        """The seed of the run."""
        return int(torch.initial_seed())

    def checkpoint(self, part: str) -> Path:
        """Return the checkpoint's path of ``target`` or of a judge."""
        return Path(self.option("checkpoints")) / f"{part}.pt"

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Build the trainer for the subcommand's first run."""
        return self.trainer_for("target" if self.subcommand == "fit" else str(self.subcommand), self.model, **kwargs)

    def trainer_for(self, part: str, network: TargetClassifier, **kwargs: Any) -> Trainer:
        """Build a trainer with loggers and callbacks of its own, for one network or one attack."""
        subcommand = str(self.subcommand)
        config = self.config[subcommand].trainer
        settings = self._parser(subcommand).instantiate(Namespace(trainer=config)).trainer
        if config.logger is None or config.logger is True:
            settings.logger = TensorBoardLogger(
                self.option("logs"), name=f"{self.name}/{part}", default_hp_metric=False
            )
        settings.log_every_n_steps = settings.log_every_n_steps or 10
        if subcommand == "fit" and settings.max_epochs is None:
            settings.max_epochs = network.training_recipe.epochs
        if subcommand == "invert":
            callbacks = settings.callbacks if isinstance(settings.callbacks, list) else [settings.callbacks]
            settings.callbacks = [c for c in callbacks if c and not isinstance(c, Checkpoint | EarlyStopping)]
            settings.enable_checkpointing = False
            settings.enable_model_summary = bool(settings.enable_model_summary)
        self.config_init[subcommand].trainer = settings
        return super().instantiate_trainer(**kwargs)

    def fit(self, model: TargetClassifier, datamodule: BaseDataModule, **kwargs: Any) -> None:
        """Train the target, then the judges, and write each as soon as it is trained."""
        check_fits(self.networks, datamodule)
        check_writable(self.checkpoint("target").parent, "checkpoints")
        fitted: dict[str, tuple[float, Path]] = {}
        for index, (part, network) in enumerate(self.networks.items()):
            path = self.checkpoint(part)
            accuracy = self._stored_accuracy(part, network) if self.option("skip_fitted") else None
            if accuracy is None:
                rank_zero_info(f"Training {part} ({type(network).__name__}) for {path}")
                trainer = self.trainer if part == "target" else self.trainer_for(part, network)
                resume = kwargs if part == "target" else {}
                data = datamodule.for_network(network.spiking)
                accuracy = train_network(trainer, network, data, seed=self.seed + index, **resume)
                if trainer.is_global_zero and not getattr(trainer, "fast_dev_run", False):
                    save_network(path, network, data, accuracy, self.seed)
            fitted[part] = (accuracy, path)
        if self.trainer.is_global_zero:
            Console().print(fit_table(fitted, self.datamodule.simulated))

    def _stored_accuracy(self, part: str, network: TargetClassifier) -> float | None:
        try:
            return float(self._load_as_trained(part, network)["test_accuracy"])
        except (FileNotFoundError, ValueError):
            return None

    def _load(self, part: str, network: TargetClassifier) -> dict[str, Any]:
        """Load a trained network, or say how to train it."""
        try:
            return self._load_as_trained(part, network)
        except FileNotFoundError as error:
            config = self._get(self.config, "config")
            command = f"brainleaks fit --config {config[0]}" if config else "brainleaks fit"
            raise FileNotFoundError(f"{error} Run `{command}` first.") from None

    def _load_as_trained(self, part: str, network: TargetClassifier) -> dict[str, Any]:
        return load_network(self.checkpoint(part), network, self.datamodule.for_network(network.spiking))

    def before_validate(self) -> None:
        """Load the target's weights, and show it the data as it was trained on them."""
        self._load("target", self.model)
        self.datamodule = self.datamodule.for_network(self.model.spiking)

    before_test = before_predict = before_validate

    def invert(self, **kwargs: Any) -> None:
        """Attack the target, let the judges score the reconstructions, and write the results."""
        make_attack: Callable[[TargetClassifier], InversionModule] | None = self.option("attack")
        if make_attack is None:
            raise ValueError("the config has no `attack`: name one, for example --attack BrainLeaksV2.")
        check_fits(self.networks, self.datamodule)
        check_writable(self.results, "results")
        loaded = {part: self._load(part, network) for part, network in self.networks.items()}
        attack = make_attack(self.model)
        config = yaml.safe_load(self._parser("invert").dump(self.config["invert"], skip_none=False))["attack"]
        trial = getattr(self.trainer, "fast_dev_run", False)
        run = identity(attack, {"attack": config, "precision": self.trainer.precision, "trial": trial})
        scoring: Scoring = self.option("scoring")
        if self.option("resume") and is_finished(self.results, run, asdict(scoring), self.judges):
            rank_zero_info(f"The results of this attack are in {self.results} already.")
            return
        if self.trainer.is_global_zero:  # which scores
            self.datamodule.make_ready(scenes=attack.candidates.ndim == 4)
        progress = KeepProgress(self.results / PROGRESS, run, self.option("progress_every"))
        if not (self.option("resume") and progress.restore(attack)):
            self.trainer.callbacks.append(progress)  # type: ignore[attr-defined]
            self.trainer.invert(attack)
        if not self.trainer.is_global_zero:
            return
        facts = {
            "target": {"test_accuracy": loaded["target"]["test_accuracy"]},
            "judges": {name: {"test_accuracy": loaded[name]["test_accuracy"]} for name in self.judges},
            "attack": {"class_path": config["class_path"], "init_args": config.get("init_args", {})},
            "seconds": progress.seconds,
            "run": run,
        }
        report = make_report(
            attack, self.judges, self.datamodule, scoring, title=self.name, seed=self.seed, facts=facts
        )
        figures = write_report(report, self.results)
        progress.path.unlink(missing_ok=True)
        log_report(report, figures, self.trainer.loggers)
        console = Console()
        console.print(*score_tables(report), sep="\n")
        console.print(f"Written to {self.results}", highlight=False)


def main(args: ArgsType = None) -> None:
    """Run the command line; an error of use is one line on standard error, with exit status 2.

    With ``BRAINLEAKS_DEBUG`` set in the environment errors keep their traceback.

    Args:
        args: arguments in place of the process's own.
    """
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 on newer torch: nothing a user can do
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")  # Lightning's calls, likewise
    arguments = sys.argv[1:] if args is None else args
    try:
        if isinstance(arguments, list) and arguments[:1] == ["export"]:  # needs neither config nor networks
            export_main(arguments[1:])
            return
        if isinstance(arguments, list) and arguments[:1] == ["audit"]:  # its networks are trained seed by seed
            audit_main(arguments[1:])
            return
        BrainLeaksCLI(
            TargetClassifier,
            BaseDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            trainer_class=InversionTrainer,
            save_config_callback=SaveConfig,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            # an abbreviated key is a misspelt key
            parser_kwargs={
                "allow_abbrev": False,
                "description": "Beside these: `brainleaks audit --help` compares targets under one protocol, "
                "`brainleaks export --help` writes reconstructions as event files.",
                **{verb: {"allow_abbrev": False} for verb in BrainLeaksCLI.subcommands()},
            },
            args=args,
        )
    except (ValueError, OSError) as error:
        if os.environ.get("BRAINLEAKS_DEBUG"):
            raise
        Console(stderr=True).print(
            f"brainleaks: error: {plain_message(error)}", highlight=False, markup=False, soft_wrap=True
        )
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("brainleaks: interrupted; what was finished before is intact.")
        sys.exit(130)
