"""Runs one cell of an audit, and keeps its results."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.audit.association import association
from brainleaks_pl.audit.cell_pictures import cell_pictures
from brainleaks_pl.audit.measures.base import Attacked, Measure
from brainleaks_pl.audit.plan import Cell
from brainleaks_pl.audit.traits import attack_settings
from brainleaks_pl.audit.values import check_finite, plain
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.engine.errors import error_words
from brainleaks_pl.evaluation.report import Baselines, Report
from brainleaks_pl.evaluation.run import attack_and_score, silent_trainer
from brainleaks_pl.evaluation.scoring import score
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.reporting.publishing import write_report
from brainleaks_pl.system.storage import write_text
from brainleaks_pl.system.tensors import write_tensors
from brainleaks_pl.targets.classifier import Classifier

RESULT = "cell.json"
"""Name of the file in a cell's folder that is written last: where it is, the cell is finished."""
_DRAWS = 10

Make = Callable[..., InversionModule]


@dataclass(frozen=True)
class Judge:
    """A trained judge and its test accuracy."""

    network: Classifier
    test_accuracy: float


def budgeted(make: Make, target: Classifier, budget: int | None, **arguments: Any) -> InversionModule:
    """Return an attack with as many restarts as a budget of gradients pays for.

    Args:
        make: builds the attack of a target.
        target: the trained classifier.
        budget: gradients to spend on a class; None leaves the attack as its settings have it. Attacks without gradients
            have budgets of their own, of queries.
        arguments: further arguments of the attack, which replace its own.

    Raises:
        WrongTargetError: when the attack does not fit the target.
        ValueError: when one run already takes more.
    """
    attack = make(target, **arguments)
    if budget is None or attack.gradients_per_run is None:
        return attack
    restarts = budget // attack.gradients_per_run
    if restarts < 1:
        raise ValueError(
            f"{type(attack).__name__} takes {attack.gradients_per_run} gradients per class, more than the budget of "
            f"{budget}: give it fewer steps, or raise `gradients`."
        )
    return attack if restarts == attack.restarts else make(target, **{**arguments, "restarts": restarts})


def run_cell(
    cell: Cell,
    folder: Path,
    *,
    attack: InversionModule,
    judges: Mapping[str, Judge],
    data: BaseDataModule,
    scoring: Scoring,
    test_accuracy: float,
    settings: Mapping[str, Any],
    trainer: Mapping[str, Any],
    baselines: Baselines | None = None,
    measures: Mapping[str, Measure] | None = None,
) -> dict[str, Any]:
    """Run an attack, let the judges score it, write its files, and return what the audit keeps of it.

    Args:
        cell: which cell it is.
        folder: where its files go: those of ``invert``, the pictures of the report, and :data:`RESULT`.
        attack: the attack, not yet run.
        judges: the judges by name.
        data: the private data, as the target was trained on them.
        scoring: how to score.
        test_accuracy: of the target.
        settings: the attack's ``class_path`` and ``init_args``.
        trainer: settings of the trainer.
        baselines: scores of nulls that other cells of the same seed have as well; what is new is added.
        measures: what is asked of the finished attack, by name.
    """
    started = time.monotonic()
    facts = {
        "target": {"test_accuracy": test_accuracy},
        "judges": {name: {"test_accuracy": judge.test_accuracy} for name, judge in judges.items()},
        "attack": dict(settings),
    }
    networks = {name: judge.network for name, judge in judges.items()}
    report = attack_and_score(
        attack,
        networks,
        data,
        scoring,
        trainer=silent_trainer(**trainer),
        title=cell.title,
        seed=cell.seed,
        facts=facts,
        baselines=baselines,
    )
    assert report is not None  # an audit runs in one process
    write_report(report, folder)
    write_tensors(folder / "pictures.pt", cell_pictures(report))
    encoder = data.encoder or attack.encoder
    judged = {
        name: {
            **report.scores["judges"][name],
            "association": association(report.matrices[name], attack.classes),
        }
        for name in networks
    }
    attacked = Attacked(cell, attack, report, networks, data, encoder, scoring)
    per_run = attack.gradients_per_run
    return {
        "classes": attack.classes,
        "restarts": attack.restarts,
        **attack.spending._asdict(),
        "budget": None if per_run is None else per_run * attack.restarts,
        "settings": attack_settings(attack),
        "seconds": time.monotonic() - started,
        "judges": judged,
        "similarity": report.scores["similarity"],
        "similarity_nulls": report.scores["similarity_nulls"],
        "target_confidence": target_confidence(report, attack, encoder, cell.seed),
        **_measured(attacked, measures or {}),
        "provenance": {
            **report.scores["provenance"],
            "target": attack.target.digest(),
            "judges": {name: own["digest"] for name, own in judged.items()},
            "data": data.digest(),
        },
    }


def _measured(attacked: Attacked, measures: Mapping[str, Measure]) -> dict[str, Any]:
    """Return what measures say of a finished attack, by name, and what went wrong: the attack itself stands."""
    measured, errors = {}, {}
    for name, measure in measures.items():
        try:
            measured[name] = plain(measure.of_attack(attacked), name)
        except Exception as error:
            errors[name] = error_words(error)
    return {"measured": measured, "measure_errors": errors}


def target_confidence(report: Report, attack: InversionModule, encoder: Encoder | None, seed: int) -> list[float]:
    """Return how sure the target itself is of the class of each reconstruction: what it was attacked for."""
    scores = score(report.best, attack.target, attack.classes, encoder=encoder, draws=_DRAWS, rescale=False, seed=seed)
    own: list[float] = scores.parts["confidence"].tolist()
    return own


def finished_cell(folder: Path, identity: str, measures: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what a finished cell came to; None where there is none of the same identity, or a score is not finite.

    Args:
        folder: the cell's.
        identity: digest of all that decides what the attack comes to.
        measures: by name, the identities of the measures that are to be asked of it. All must have answered: where one
            failed, the attack is run again.
    """
    try:
        content = json.loads((folder / RESULT).read_bytes())
        cell: dict[str, Any] = content["cell"]
        if content["identity"] != identity or not measures.items() <= content["measured_by"].items():
            return None
        check_finite(cell)
        return {**cell, "measured": {name: cell["measured"][name] for name in measures}}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def keep_cell(folder: Path, identity: str, cell: Mapping[str, Any], measures: Mapping[str, str]) -> None:
    """Write what a cell came to, atomically."""
    content = {"identity": identity, "measured_by": dict(measures), "cell": {**cell, "measure_errors": {}}}
    write_text(folder / RESULT, json.dumps(content, indent=1) + "\n")


EMPTY_CELL: Mapping[str, Any] = {
    "status": "done",
    "error": None,
    "classes": [],
    "restarts": None,
    "gradients": None,
    "budget": None,
    "settings": None,
    "queries": None,
    "zero_gradients": None,
    "seconds": None,
    "judges": {},
    "similarity": [],
    "similarity_nulls": {},
    "target_confidence": [],
    "measured": {},
    "measure_errors": {},
    "provenance": None,
}
"""What is known of a cell before it has run."""
