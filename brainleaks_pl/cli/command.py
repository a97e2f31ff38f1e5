"""The command line: ``brainleaks fit|validate|test|predict|check|invert --config X.yaml``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning.pytorch.cli import LightningArgumentParser
from rich.console import Console

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.cli.arguments import add_shared_arguments
from brainleaks_pl.cli.checking import facts_before
from brainleaks_pl.cli.course import ATTACK, Course, CourseBar, course_of, course_of_attack
from brainleaks_pl.cli.lightning_cli import CommandCLI
from brainleaks_pl.cli.messages import say
from brainleaks_pl.cli.parts import CommandParts
from brainleaks_pl.cli.predictions import PREDICTIONS, say_written, write_predictions
from brainleaks_pl.cli.priors import PRIOR, fit_prior
from brainleaks_pl.cli.trainers import removed_after, scratch_folder
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.checkpoints import save_network
from brainleaks_pl.engine.fitting import check_fits, train_network
from brainleaks_pl.engine.progress import PROGRESS, KeepProgress, identity, is_finished
from brainleaks_pl.evaluation.run import attack_and_score
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.priors.base import Prior
from brainleaks_pl.reporting.publishing import log_report, write_report
from brainleaks_pl.reporting.tables import check_table, fit_table, score_tables
from brainleaks_pl.system.storage import check_writable
from brainleaks_pl.targets.checks import Checks, measure, run_checks
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.trainee import Trainee


class BrainLeaksCLI(CommandParts):
    """The command line: Lightning's verbs on the target, its judges trained beside it, and two verbs of its own."""

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """Add ``check`` and ``invert`` to Lightning's own."""
        return {**CommandCLI.subcommands(), "check": {"model", "datamodule", "settings"}, "invert": {"model"}}

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Declare the keys that every subcommand shares, so that one YAML serves them all."""
        add_shared_arguments(parser)

    def fit(self, model: Trainee, datamodule: BaseDataModule, **kwargs: Any) -> None:
        """Train the target, then the judges, and write each as soon as it is trained; or train a prior."""
        if isinstance(model, Prior):
            path = Path(self.option("checkpoints")) / PRIOR
            bar = CourseBar(Course({"prior": 1.0}), shown=self.shows_bar)
            bar.begin("prior", "training the prior", self.trainer)
            with bar.running(), removed_after(scratch_folder(path.parent)):
                fit_prior(self.trainer, model, datamodule, path, self.seed, write=not self.trial, **kwargs)
            return
        check_fits(self.networks, datamodule)
        trained = self.trained
        stored = {
            part: trained.accuracy(part, network) if self.option("skip_fitted") else None
            for part, network in self.networks.items()
            if not network.pretrained
        }
        if None in stored.values():
            datamodule.make_ready()
            if not self.trial:
                check_writable(trained.folder, "checkpoints")
        fitted: dict[str, tuple[float, Path | str]] = {}
        left = {part: network for part, network in self.networks.items() if stored.get(part, 0.0) is None}
        bar = CourseBar(course_of(left, self.trainer.max_epochs, datamodule.batch_size), shown=self.shows_bar)
        with bar.running(), removed_after(scratch_folder(trained.folder)):
            for index, (part, network) in enumerate(self.networks.items()):
                path = trained.path(part)
                if network.pretrained:
                    fitted[part] = self._measured(part, network)
                    continue
                accuracy = stored[part]
                if accuracy is None:
                    say(f"Training {part} ({network.name}) for {path}")
                    trainer = self.trainer if part == "target" else self.trainer_for(part, network)
                    resume = kwargs if part == "target" else {}
                    data = datamodule.for_network(network.takes_spikes)
                    bar.begin(part, f"training {part}", trainer)
                    accuracy = train_network(trainer, network, data, seed=self.seed + index, **resume)
                    if trainer.is_global_zero and not self.trial:
                        save_network(path, network, data, accuracy, self.seed)
                fitted[part] = (accuracy, path)
        if self.trainer.is_global_zero:
            Console().print(fit_table(fitted, self.datamodule.simulated))
            if not self.trial:
                new = {part: accuracy for part, (accuracy, _) in fitted.items() if stored.get(part) is None}
                trained.warn_of_chance(new, self.networks)

    def _measured(self, part: str, network: Classifier) -> tuple[float, str]:
        """Return the accuracy of a network that brought its weights, and where these are."""
        say(f"{part} ({network.name}) brought its weights: it is not trained, but measured.")
        self.trained.load(part, network)
        data = self.datamodule.for_network(network.takes_spikes)
        data.make_ready()
        measured = measure(network.eval(), data, self.option("checks").test_samples)
        return measured.accuracy, network.weights or "brought by the network"

    def before_validate(self) -> None:
        """Load the target's weights, and show it the data as it was trained on them."""
        check_fits({"target": self.target}, self.datamodule)
        self.trained.load("target", self.target)
        self.datamodule = self.datamodule.for_network(self.target.takes_spikes)

    before_test = before_predict = before_validate

    def predict(self, model: Trainee, **kwargs: Any) -> None:
        """Write which class the target takes each test sample for."""
        path = self.results / PREDICTIONS
        if not self.trial:
            check_writable(self.results, "results")
        kwargs["return_predictions"] = True
        batches = self.trainer.predict(model, **{**kwargs, "datamodule": self.datamodule})
        if not self.trial and self.trainer.is_global_zero:
            say_written(path, write_predictions(path, batches, self.datamodule))

    def check(self, model: Trainee, **kwargs: Any) -> None:
        """Check the target and the judges, say what was found, and exit with 1 where something is wrong."""
        check_fits(self.networks, self.datamodule)
        loaded = {part: self.trained.load(part, network) for part, network in self.networks.items()}
        self.datamodule.make_ready()
        self.trained.warn_of_other_data(loaded, self.networks)
        reports = []
        for part, network in self.networks.items():
            data = self.datamodule.for_network(network.takes_spikes)
            settings: Checks = self.option("checks")
            reports.append(
                run_checks(network, data, settings, name=part, attacked=part == "target", with_accuracy=True)
            )
            Console().print(check_table(reports[-1]))
        if any(report.failed for report in reports):
            sys.exit(1)

    def invert(self, **kwargs: Any) -> None:
        """Attack the target, let the judges score the reconstructions, and write the results."""
        make_attack: Callable[[Classifier], InversionModule] | None = self.option("attack")
        if make_attack is None:
            raise ValueError("the config has no `attack`: name one, for example --attack BrainLeaksV2.")
        check_fits(self.networks, self.datamodule)
        loaded = {part: self.trained.load(part, network) for part, network in self.networks.items()}
        attack = make_attack(self.target)
        if not self.trial:
            check_writable(self.results, "results")
        self.datamodule.make_ready(scenes=attack.candidates.ndim == 4)
        self.trained.warn_of_other_data(loaded, self.networks)
        self.trained.warn_of_chance({part: own.get("test_accuracy") for part, own in loaded.items()}, self.networks)
        self._dump_config()
        config = self.config_dump["attack"]
        settings = {"attack": config, "precision": self.trainer.precision, "data": self.datamodule.digest()}
        run = identity(attack, settings)
        scoring: Scoring = self.option("scoring")
        digests = {name: judge.digest() for name, judge in self.judges.items()}
        resume = self.option("resume") and not self.trial
        if resume and is_finished(self.results, run, asdict(scoring), digests):
            say(f"The results of this attack are in {self.results} already.")
            return
        course = course_of_attack(attack, len(self.judges), scoring, self.trainer.world_size)
        bar = CourseBar(course, shown=self.shows_bar)
        with bar.running(), bar.counting(self.judges):
            facts: dict[str, Any] = {part: {} for part in self.networks}
            if self.trainer.is_global_zero:  # which scores
                facts = facts_before(attack, self.networks, loaded, self.datamodule, self.option("checks"), scoring)
            progress = KeepProgress(self.results / PROGRESS, run, self.option("progress_every"))
            finished = resume and progress.restore(attack)
            if not self.trial:
                self.trainer.callbacks.append(progress)  # type: ignore[attr-defined]
            bar.begin(ATTACK, f"attacking ({type(attack).__name__})", self.trainer)
            report = attack_and_score(
                attack,
                self.judges,
                self.datamodule,
                scoring,
                trainer=self.trainer,
                finished=bool(finished),
                title=self.name,
                seed=self.seed,
                facts={
                    "target": facts.pop("target"),
                    "judges": facts,
                    "attack": {"class_path": config["class_path"], "init_args": config.get("init_args", {})},
                    "run": run,
                },
                seconds=lambda: progress.seconds,
            )
        if report is None:
            return
        console = Console(highlight=False)
        if self.trial:
            console.print(*score_tables(report.scores), "fast_dev_run: nothing is written.", sep="\n")
            return
        figures = write_report(report, self.results)
        progress.path.unlink(missing_ok=True)
        log_report(report, figures, self.trainer.loggers)
        console.print(*score_tables(report.scores), f"Written to {self.results}", sep="\n", soft_wrap=True)
