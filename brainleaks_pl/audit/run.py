"""Runs an audit: fits missing networks, attacks, scores, and continues after errors and interruptions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.audit.adversarial import adversarial_examples
from brainleaks_pl.audit.cells import (
    EMPTY_CELL,
    Judge,
    budgeted,
    finished_cell,
    keep_cell,
    run_cell,
)
from brainleaks_pl.audit.clock import Clock, Task, duration
from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.logs import log_cell
from brainleaks_pl.audit.measure_run import MeasureRun
from brainleaks_pl.audit.measures.base import Planned
from brainleaks_pl.audit.network_run import NetworkRun
from brainleaks_pl.audit.networks import NetworkStore
from brainleaks_pl.audit.plan import Cell, Variant, plan_cells
from brainleaks_pl.audit.plan_checks import check_classes, check_paths, check_plan
from brainleaks_pl.audit.traits import described, plain_attributes
from brainleaks_pl.audit.values import check_finite, digest
from brainleaks_pl.engine.errors import error_words
from brainleaks_pl.evaluation.report import Baselines
from brainleaks_pl.targets.classifier import Classifier

Say = Callable[[str], None]


@dataclass
class AuditRun:
    """One run of an audit: what has been fitted and measured so far.

    Args:
        audit: what to run.
        store: where the networks are.
        results: folder of the results.
        say: tells the user how it goes.
        logs: whether finished attacks are logged for TensorBoard.
    """

    audit: Audit
    store: NetworkStore
    results: Path
    say: Say
    logs: bool = True
    cells: list[tuple[Cell, dict[str, Any]]] = field(default_factory=list)
    _clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        audit = self.audit
        check_plan(audit)
        audit.data.make_ready(scenes=True)
        check_classes(audit.data)
        self.untrained = audit.networks()
        self.networks = NetworkRun(audit, self.store, self.untrained)
        self.measures = audit.all_measures()
        self.plan = plan_cells(self.measures, Planned(audit, self.untrained, audit.fits(self.untrained)))
        check_paths(self.plan, self.untrained)
        folder, own = self.results / "measures", self.store.folder / "measures"
        self.own = MeasureRun(audit, self.measures, self.networks, folder, own, self.say)
        self._asked = self.own.identities_of_attacks()
        self._baselines: Baselines = {}
        self._known_traits: dict[tuple[str, str], dict[str, Any] | None] = {}

    def run(self) -> None:
        """Run what has not been run yet, seed by seed."""
        tasks = {seed: self._tasks(seed) for seed in self.audit.seeds}
        todo = [(task, self._is_kept(seed, task)) for seed, own in tasks.items() for task in own]
        count = len(todo)
        for seed, own in tasks.items():
            networks: dict[str, Classifier] = {}
            self._baselines.clear()
            for task in own:
                started = time.monotonic()
                _, was_kept = todo.pop(0)
                what, subject = task[0], task[-1]
                if isinstance(subject, Cell):
                    content, was_kept = self._cell(subject, networks)
                    self.cells.append((subject, content))
                    self._log(subject, content)
                    error, title = content["error"], subject.title
                elif isinstance(subject, Variant):
                    error, title = self.networks.get(seed, subject, networks), f"{subject.name}, seed {seed}"
                else:
                    error, was_kept = self.own.get(str(subject), seed, networks)
                    title = f"{subject}, seed {seed}"
                seconds = time.monotonic() - started
                if not was_kept:
                    self._clock.took(task, seconds)
                outcome = f"FAILED: {error}" if error else "done before" if was_kept else duration(seconds)
                left = self._left([task for task, kept in todo if not kept])
                self.say(f"[{count - len(todo)}/{count}] {what} {title}: {outcome} ({left if todo else 'done'})")

    def _left(self, tasks: Sequence[Task]) -> str:
        """Say how long tasks will take, as far as is known."""
        seconds = self._clock.estimate(tasks)
        return "time left not known yet" if seconds is None else f"about {duration(seconds)} left"

    def _is_kept(self, seed: int, task: Task) -> bool:
        """Tell whether a task was done in an earlier run; remember how long an attack or a measure took then."""
        subject = task[-1]
        if isinstance(subject, Variant):
            return self.networks.is_kept(seed, subject)
        if isinstance(subject, Cell):
            kept = finished_cell(self._folder(subject), self._identity(subject, self.audit.judges), self._asked)
        else:
            kept = self.own.kept(str(subject), seed)
        if kept is not None:
            self._clock.took(task, kept["seconds"])
        return kept is not None

    def _tasks(self, seed: int) -> list[Task]:
        """Return what is to be done on a seed: networks, cells, and measures by name."""
        cells = [cell for cell in self.plan if cell.seed == seed]
        own = [*map(Variant, (*self.audit.targets, *self.audit.judges)), *(cell.variant for cell in cells)]
        fits: list[Task] = [("fit", variant.target, variant) for variant in dict.fromkeys(own)]
        attacks: list[Task] = [("attack", cell.variant.target, cell.attack, cell) for cell in cells]
        return [*fits, *attacks, *(("measure", name) for name in self.own.names)]

    def _cell(self, cell: Cell, networks: Mapping[str, Classifier]) -> tuple[dict[str, Any], bool]:
        """Run a cell, or return what it came to before, and that it did."""
        audit, folder = self.audit, self._folder(cell)
        accuracies = self.networks.accuracies
        judges = {name: Judge(networks[name], accuracies[cell.seed, name]) for name in audit.judges if name in networks}
        identity = self._identity(cell, judges)
        finished = finished_cell(folder, identity, self._asked)
        if finished is not None:
            return finished, True
        content = {**EMPTY_CELL, "test_accuracy": accuracies.get((cell.seed, cell.variant.name))}
        try:
            if cell.variant.name not in networks:
                raise RuntimeError(f"its target failed: {self.networks.errors[cell.seed, cell.variant.name]}")
            if not judges:
                raise RuntimeError("all of its judges failed.")
            target = networks[cell.variant.name]
            if "surrogate" in cell.arguments and target.surrogates_refused is not None:
                return {**content, "status": "untestable", "error": target.surrogates_refused}, False
            torch.manual_seed(cell.seed)
            attack = self._attack(cell, target)
            if isinstance(attack, str):
                return {**content, "status": "untestable", "error": attack}, False
            content |= run_cell(
                cell,
                folder,
                attack=attack,
                judges=judges,
                data=self.networks.data_of(cell.variant),
                scoring=audit.scoring,
                test_accuracy=accuracies[cell.seed, cell.variant.name],
                settings=self._settings(cell),
                trainer=audit.trainer,
                baselines=self._baselines,
                measures={name: self.measures[name] for name in self._asked},
            )
            check_finite(content)
            keep_cell(folder, identity, content, self._asked)
        except Exception as error:  # whatever it is, the others go on, and the report says so
            content |= {**EMPTY_CELL, "status": "failed", "error": error_words(error)}
        return content, False

    def _log(self, cell: Cell, content: Mapping[str, Any]) -> None:
        """Log a cell that has finished; it stands where it cannot be logged."""
        if not self.logs or content["status"] != "done":
            return
        try:
            log_cell(self.results, cell, self._folder(cell))
        except (OSError, ValueError, LookupError) as error:
            self.say(f"{cell.title} is not in the logs: {error_words(error)}")

    def _attack(self, cell: Cell, target: Classifier) -> InversionModule | str:
        """Return the attack of a cell, not yet run; or why there is none."""
        audit = self.audit
        if cell.kind == "adversarial":
            data = self.networks.data_of(cell.variant)
            return adversarial_examples(target, data, audit.attacks, eps=audit.controls.eps, seed=cell.seed)
        make = audit.attacks[cell.attack]
        arguments = dict(cell.arguments)
        if cell.variant.withheld:
            classes = [label for label in make(target).classes if label in cell.variant.withheld]
            if not classes:
                return f"{cell.attack} attacks none of the classes that {cell.variant} lacks."
            arguments["classes"] = classes
        return budgeted(make, target, audit.gradients, **arguments)

    def _traits(self, cell: Cell) -> dict[str, Any] | None:
        """Return the plain attributes of a cell's attack, which tell it from others where no settings do."""
        key = (cell.attack, cell.variant.target)
        if key not in self._known_traits:
            attack = None if cell.kind == "adversarial" else self.audit.attacks[cell.attack](self.untrained[key[1]])
            self._known_traits[key] = None if attack is None else plain_attributes(attack)
        return self._known_traits[key]

    def _settings(self, cell: Cell) -> Mapping[str, Any]:
        """Return the plain settings of a cell's attack."""
        if cell.kind == "adversarial":
            return {"class_path": "AdversarialExamples", "init_args": {"eps": self.audit.controls.eps}}
        settings: Mapping[str, Any] = self.audit.settings.get("attacks", {}).get(cell.attack, {})
        return settings

    def _folder(self, cell: Cell) -> Path:
        return self.results / "cells" / cell.name

    def _identity(self, cell: Cell, judges: Iterable[str]) -> str:
        """Return a digest of all that decides what a cell comes to."""
        audit, judges = self.audit, list(judges)
        networks = [self.untrained[name] for name in (cell.variant.target, *judges)]
        variants = (cell.variant, *map(Variant, judges))
        scoring = {name: value for name, value in asdict(audit.scoring).items() if name != "least_accuracy"}
        return digest(
            described(vars(cell)),
            [(network.architecture(), network.recipe()) for network in networks],
            [self.networks.weights(cell.seed, variant) for variant in variants],
            judges,
            audit.data.digest(),
            self._settings(cell),
            self._traits(cell),
            audit.settings.get("attacks") if cell.kind == "adversarial" else None,  # of which one names the encoder
            None if cell.kind == "adversarial" else audit.gradients,
            scoring,
            dict(audit.trainer),
        )
