"""Running one cell of an audit, and keeping what came out of it."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.audit.association import association
from brainleaks_pl.audit.cell_pictures import cell_pictures
from brainleaks_pl.audit.over_time import confidence_over_time
from brainleaks_pl.audit.plan import Cell
from brainleaks_pl.audit.traits import attack_settings
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.evaluation.report import Baselines, Report
from brainleaks_pl.evaluation.run import run_attack, silent_trainer
from brainleaks_pl.evaluation.scoring import score
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.reporting.publishing import write_report
from brainleaks_pl.system.storage import write_text
from brainleaks_pl.system.tensors import write_tensors
from brainleaks_pl.targets.classifier import Classifier

RESULT = "cell.json"
"""Name of the file in a cell's folder that is written last: where it is, the cell is finished."""
_OVER_TIME_DRAWS = 10

Make = Callable[..., InversionModule]


@dataclass(frozen=True)
class Judge:
    """A trained judge and its test accuracy."""

    network: Classifier
    test_accuracy: float


def digest(*facts: Any) -> str:
    """Return a digest of plain values."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


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
            f"{type(attack).__name__} takes {attack.gradients_per_run} gradients a class, more than the budget of "
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
    """
    started = time.monotonic()
    facts = {
        "target": {"test_accuracy": test_accuracy},
        "judges": {name: {"test_accuracy": judge.test_accuracy} for name, judge in judges.items()},
        "attack": dict(settings),
    }
    networks = {name: judge.network for name, judge in judges.items()}
    report = run_attack(
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
    judged = {}
    for name, network in networks.items():
        over_time = confidence_over_time(
            report.best,
            network,
            attack.classes,
            encoder=encoder,
            draws=min(scoring.draws, _OVER_TIME_DRAWS),
            rescale=scoring.rescale,
            seed=cell.seed,
        )
        judged[name] = {
            **report.scores["judges"][name],
            "over_time": over_time,
            "association": association(report.matrices[name], attack.classes),
        }
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
        "provenance": {
            **report.scores["provenance"],
            "target": attack.target.digest(),
            "judges": {name: own["digest"] for name, own in judged.items()},
            "data": data.digest(),
        },
    }


def target_confidence(report: Report, attack: InversionModule, encoder: Encoder | None, seed: int) -> list[float]:
    """Return how sure the target itself is of the class of each reconstruction: what it was attacked for."""
    scores = score(
        report.best, attack.target, attack.classes, encoder=encoder, draws=_OVER_TIME_DRAWS, rescale=False, seed=seed
    )
    own: list[float] = scores.parts["confidence"].tolist()
    return own


def finished_cell(folder: Path, identity: str) -> dict[str, Any] | None:
    """Return what a finished cell came to, or None where there is none with the same identity and finite scores."""
    try:
        content = json.loads((folder / RESULT).read_bytes())
        if content["identity"] != identity:
            return None
        check_finite(content["cell"])
        cell: dict[str, Any] = content["cell"]
        return cell
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None


def check_finite(value: Any, key: str = "cell") -> None:
    """See that all numbers in plain values are finite.

    Args:
        value: the plain values.
        key: what they are called.

    Raises:
        ValueError: when one is not; it names the first.
    """
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{key} is {value}, which is no result: the attack or the judge has diverged.")
    if isinstance(value, Mapping):
        for name, inner in value.items():
            check_finite(inner, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for place, inner in enumerate(value):
            check_finite(inner, f"{key}[{place}]")


def keep_cell(folder: Path, identity: str, cell: Mapping[str, Any]) -> None:
    """Write what a cell came to, atomically."""
    write_text(folder / RESULT, json.dumps({"identity": identity, "cell": cell}, indent=1) + "\n")
