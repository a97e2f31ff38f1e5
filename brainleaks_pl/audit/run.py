"""Running an audit: fit what is missing, attack, score, go on after errors and interruptions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl.audit.cells import Judge, budgeted, check_finite, digest, finished_cell, keep_cell, run_cell
from brainleaks_pl.audit.clock import Clock, Task, duration
from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.networks import NetworkStore, with_argument
from brainleaks_pl.audit.plan import Cell, Variant, check_paths, check_plan, plan_cells
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.errors import plain_message
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.checks import CheckReport, run_checks
from brainleaks_pl.targets.checks.skill import Skill, skill
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
    """

    audit: Audit
    store: NetworkStore
    results: Path
    say: Say
    accuracies: dict[tuple[int, str], float] = field(default_factory=dict)
    checks: dict[tuple[int, str], CheckReport] = field(default_factory=dict)
    errors: dict[tuple[int, str], str] = field(default_factory=dict)
    cells: list[tuple[Cell, dict[str, Any]]] = field(default_factory=list)
    _clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        audit = self.audit
        check_plan(audit.seeds, audit.targets, audit.judges, audit.attacks, audit.surrogates, audit.sweep)
        audit.data.make_ready(scenes=True)
        self.untrained = audit.networks()
        probed = [name for name in audit.targets if self.untrained[name].has_surrogates]
        self.plan = plan_cells(audit.seeds, audit.fits(self.untrained), probed, audit.surrogates, audit.sweep)
        check_paths(self.plan, self.untrained)

    def run(self) -> None:
        """Run what has not been run yet, seed by seed."""
        tasks = {seed: self._tasks(seed) for seed in self.audit.seeds}
        todo = [(task, self._is_kept(seed, task)) for seed, own in tasks.items() for task in own]
        count = len(todo)
        for seed, own in tasks.items():
            networks: dict[str, Classifier] = {}
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
        return self.store.path(seed, subject.name).is_file() or self.untrained[subject.target].pretrained

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

    def _network(self, seed: int, variant: Variant, networks: dict[str, Classifier]) -> str | None:
        """Fit or load a network; return what went wrong."""
        name, data = variant.name, self.data_of(variant)
        make = {**self.audit.targets, **self.audit.judges}[variant.target]
        if variant.parameter not in (None, "time_steps"):
            make = with_argument(self.untrained[variant.target], str(variant.parameter), variant.value)
        try:
            network, accuracy = self.store.get(seed, name, make, data)
            report = self._checked(seed, name, network, data.for_network(network.takes_spikes))
            measured = report.test_accuracy if accuracy is None else accuracy
            assert measured is not None  # of networks that brought their weights, it has been measured
            networks[name], self.accuracies[seed, name] = network, measured
        except Exception as error:  # whatever it is, the others go on, and the report says so
            self.errors[seed, name] = _message(error)
        return self.errors.get((seed, name))

    def _checked(self, seed: int, name: str, network: Classifier, data: BaseDataModule) -> CheckReport:
        """Check a network; one that brought its weights is the same for every seed, and checked once."""
        before = (self.checks[other] for other in self.checks if other[1] == name and network.pretrained)
        report = next(before, None) or run_checks(
            network, data, self.audit.checks, name=name, attacked=name not in self.audit.judges, needs_gradient=False
        )
        self.checks[seed, name] = report
        network.surrogates_refused = report.masking_untestable
        if self.audit.checks.refuse:
            report.raise_if_failed()
        return report

    def _cell(self, cell: Cell, networks: Mapping[str, Classifier]) -> tuple[dict[str, Any], bool]:
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
            if surrogate is not None and target.surrogates_refused is not None:
                return {**content, "status": "untestable", "error": target.surrogates_refused}, False
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
            check_finite(content)
            keep_cell(folder, identity, content)
        except Exception as error:  # whatever it is, the others go on, and the report says so
            content |= {**_EMPTY, "status": "failed", "error": _message(error)}
        return content, False

    def _folder(self, cell: Cell) -> Path:
        return self.results / "cells" / cell.name

    def _surrogate(self, cell: Cell) -> Surrogate | None:
        return None if cell.surrogate is None else self.audit.surrogates.surrogates[cell.surrogate]

    def _identity(self, cell: Cell, judges: Iterable[str]) -> str:
        """Return a digest of all that decides what a cell comes to."""
        audit, judges = self.audit, list(judges)
        networks = [self.untrained[name] for name in (cell.variant.target, *judges)]
        weights = [self.weights(cell.seed, name) for name in (cell.variant.name, *judges)]
        return digest(
            asdict(cell),
            repr(self._surrogate(cell)),
            [(network.architecture(), network.recipe()) for network in networks],
            weights,
            judges,
            audit.data.digest(),
            audit.settings.get("attacks", {}).get(cell.attack),
            audit.gradients,
            asdict(audit.scoring),
            dict(audit.trainer),
        )

    def skills(self) -> dict[tuple[int, str], Skill]:
        """Return, by seed and name, what the networks know of test data, as far as they can be used."""
        measured = {key: report.test_samples for key, report in self.checks.items()}
        return {key: skill(self.audit.data, accuracy, measured.get(key)) for key, accuracy in self.accuracies.items()}

    def weights(self, seed: int, name: str) -> str | None:
        """Return the digest of a network's weights; None while it is not there."""
        network = self.untrained.get(name)
        brought = network is not None and network.pretrained
        return network.digest() if network is not None and brought else self.store.digest(seed, name)


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
