"""Running an audit: fit what is missing, attack, score, go on after errors and interruptions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl.attacks.base import WrongTargetError
from brainleaks_pl.audit.cells import Judge, budgeted, digest, finished_cell, keep_cell, run_cell
from brainleaks_pl.audit.clock import Clock, Task, duration
from brainleaks_pl.audit.networks import Shelf
from brainleaks_pl.audit.plan import Attacks, Cell, Networks, SurrogateProbe, Sweep, Variant, check_plan, plan_cells
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.errors import plain_message
from brainleaks_pl.evaluation.report import Scoring
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.base import TargetClassifier

Say = Callable[[str], None]


@dataclass(frozen=True)
class Audit:
    """A set of targets, attacks and judges on one data set, to be measured under one protocol.

    Args:
        data: the private data set.
        targets: factories of the networks under attack, by name.
        judges: factories of the classifiers that score, by name; the attacks never see them.
        attacks: factories of the attacks, by name; each runs on every target that it fits.
        seeds: the target seeds: every network is trained, and every attack run, once for each.
        gradients: the budget of gradients that each attack spends on a class, by as many restarts as it pays for; None
            leaves the attacks as their settings have them.
        scoring: how judges score.
        surrogates: other surrogate gradients to try.
        sweep: variants of a target to try.
        trainer: settings of the trainer, such as ``accelerator`` and ``precision``.
        settings: the same as plain values, as the report prints them; what changes in them is run anew.
    """

    data: BaseDataModule
    targets: Networks
    judges: Networks
    attacks: Attacks
    seeds: list[int]
    gradients: int | None = None
    scoring: Scoring = field(default_factory=Scoring)
    surrogates: SurrogateProbe = field(default_factory=SurrogateProbe)
    sweep: Sweep = field(default_factory=Sweep)
    trainer: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def networks(self) -> dict[str, TargetClassifier]:
        """Return the targets and judges, untrained."""
        networks = {name: make() for name, make in {**self.targets, **self.judges}.items()}
        for network in networks.values():
            network.time_steps = self.data.for_network(network.spiking).time_steps
        return networks

    def fits(self, networks: Mapping[str, TargetClassifier]) -> dict[str, list[str]]:
        """Return, by target, the attacks that fit it; see that their budgets suffice.

        Raises:
            ValueError: when an attack fits no target, or takes more than the budget.
        """
        fits: dict[str, list[str]] = {name: [] for name in self.targets}
        for attack, make in self.attacks.items():
            for target, attacks in fits.items():
                try:
                    budgeted(make, networks[target], self.gradients)
                except WrongTargetError:
                    continue
                attacks.append(attack)
            if not any(attack in attacks for attacks in fits.values()):
                raise ValueError(f"the attack {attack} fits none of the targets {', '.join(fits)}.")
        return fits


@dataclass
class AuditRun:
    """One run of an audit: what has been fitted and measured so far.

    Args:
        audit: what to run.
        shelf: where the networks are.
        results: folder of the results.
        say: tells the user how it goes.
    """

    audit: Audit
    shelf: Shelf
    results: Path
    say: Say
    accuracies: dict[tuple[int, str], float] = field(default_factory=dict)
    errors: dict[tuple[int, str], str] = field(default_factory=dict)
    cells: list[tuple[Cell, dict[str, Any]]] = field(default_factory=list)
    _clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        audit = self.audit
        check_plan(audit.seeds, audit.targets, audit.judges, audit.attacks, audit.surrogates, audit.sweep)
        audit.data.make_ready(scenes=True)
        self.untrained = audit.networks()
        spiking = [name for name in audit.targets if self.untrained[name].spiking]
        self.plan = plan_cells(audit.seeds, audit.fits(self.untrained), spiking, audit.surrogates, audit.sweep)

    def run(self) -> None:
        """Run what has not been run yet, seed by seed."""
        tasks = {seed: self._tasks(seed) for seed in self.audit.seeds}
        todo = [(task, self._is_kept(seed, task)) for seed, own in tasks.items() for task in own]
        count = len(todo)
        for seed, own in tasks.items():
            networks: dict[str, TargetClassifier] = {}
            for task in own:
                started = time.monotonic()
                _, was_kept = todo.pop(0)
                what, subject = task[0], task[-1]
                if isinstance(subject, Cell):
                    content, was_kept = self._cell(subject, networks)
                    self.cells.append((subject, content))
                    error, title = content["error"], subject.title
                else:
                    assert isinstance(subject, Variant)
                    error, title = self._network(seed, subject, networks), f"{subject.name}, seed {seed}"
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
        """Tell whether a network or a cell is there from an earlier run; remember how long a cell took then."""
        subject = task[-1]
        if isinstance(subject, Cell):
            kept = finished_cell(self._folder(subject), self._identity(subject, self.audit.judges))
            if kept is not None:
                self._clock.took(task, kept["seconds"])
            return kept is not None
        assert isinstance(subject, Variant)
        return self.shelf.path(seed, subject.name).is_file()

    def _tasks(self, seed: int) -> list[Task]:
        cells = [cell for cell in self.plan if cell.seed == seed]
        swept = dict.fromkeys(cell.variant for cell in cells if cell.kind == "sweep")
        fitted = [*map(Variant, (*self.audit.targets, *self.audit.judges)), *swept]
        fits: list[Task] = [("fit", variant.target, variant) for variant in fitted]
        return [*fits, *(("attack", cell.variant.target, cell.attack, cell) for cell in cells)]

    def data_of(self, variant: Variant) -> BaseDataModule:
        """Return the data that a variant is trained on."""
        data = self.audit.data
        return data.with_time_steps(variant.value) if variant.parameter == "time_steps" else data

    def _network(self, seed: int, variant: Variant, networks: dict[str, TargetClassifier]) -> str | None:
        """Fit or load a network; return what went wrong."""
        name = variant.name
        make = {**self.audit.targets, **self.audit.judges}[variant.target]
        own = variant.parameter not in (None, "time_steps")
        arguments = {str(variant.parameter): variant.value} if own else {}
        try:
            networks[name], self.accuracies[seed, name] = self.shelf.get(
                seed, name, lambda: make(**arguments), self.data_of(variant)
            )
        except Exception as error:  # whatever it is, the others go on, and the report says so
            self.errors[seed, name] = _message(error)
        return self.errors.get((seed, name))

    def _cell(self, cell: Cell, networks: Mapping[str, TargetClassifier]) -> tuple[dict[str, Any], bool]:
        """Run a cell, or return what it came to before, and that it did."""
        audit, folder = self.audit, self._folder(cell)
        judges = {
            name: Judge(networks[name], self.accuracies[cell.seed, name]) for name in audit.judges if name in networks
        }
        identity = self._identity(cell, judges)
        finished = finished_cell(folder, identity)
        if finished is not None:
            return finished, True
        content = {**_EMPTY, "test_accuracy": self.accuracies.get((cell.seed, cell.variant.name))}
        try:
            if cell.variant.name not in networks:
                raise RuntimeError(f"its target failed: {self.errors[cell.seed, cell.variant.name]}")
            if not judges:
                raise RuntimeError("all of its judges failed.")
            torch.manual_seed(cell.seed)
            target = networks[cell.variant.name]
            surrogate = self._surrogate(cell)
            arguments = {} if surrogate is None else {"surrogate": surrogate}
            attack = budgeted(audit.attacks[cell.attack], target, audit.gradients, **arguments)
            content |= run_cell(
                cell,
                folder,
                attack=attack,
                judges=judges,
                data=self.data_of(cell.variant),
                scoring=audit.scoring,
                test_accuracy=self.accuracies[cell.seed, cell.variant.name],
                settings=audit.settings.get("attacks", {}).get(cell.attack, {}),
                trainer=audit.trainer,
            )
            keep_cell(folder, identity, content)
        except Exception as error:  # whatever it is, the others go on, and the report says so
            content |= {"status": "failed", "error": _message(error)}
        return content, False

    def _folder(self, cell: Cell) -> Path:
        return self.results / "cells" / cell.name

    def _surrogate(self, cell: Cell) -> Surrogate | None:
        return None if cell.surrogate is None else self.audit.surrogates.surrogates[cell.surrogate]

    def _identity(self, cell: Cell, judges: Iterable[str]) -> str:
        """Return a digest of all that decides what a cell comes to."""
        audit, judges = self.audit, list(judges)
        networks = [self.untrained[name] for name in (cell.variant.target, *judges)]
        return digest(
            asdict(cell),
            repr(self._surrogate(cell)),
            [(network.architecture(), network.recipe()) for network in networks],
            judges,
            audit.data.describe(),
            audit.settings.get("attacks", {}).get(cell.attack),
            audit.gradients,
            asdict(audit.scoring),
            dict(audit.trainer),
        )


_EMPTY: dict[str, Any] = {
    "status": "done",
    "error": None,
    "classes": [],
    "restarts": None,
    "gradients": None,
    "queries": None,
    "zero_gradients": None,
    "seconds": None,
    "judges": {},
    "similarity": [],
}


def _message(error: Exception) -> str:
    return f"{type(error).__name__}: {plain_message(error)}"
