"""An attack from its beginning to what it comes to: the one way that the command line, the audit and Python share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.evaluation.assumptions import warn_of_other_frames
from brainleaks_pl.evaluation.report import Baselines, Report, make_report, rehearse
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.targets.classifier import Classifier


def silent_trainer(**settings: Any) -> InversionTrainer:
    """Return a trainer that logs, prints and keeps nothing."""
    quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
    return InversionTrainer(**{**quiet, "enable_checkpointing": False, **settings})


def attack_and_score(
    attack: InversionModule,
    judges: Mapping[str, Classifier],
    data: BaseDataModule,
    scoring: Scoring | None = None,
    *,
    trainer: InversionTrainer,
    title: str = "attack",
    seed: int = 0,
    finished: bool = False,
    facts: Mapping[str, Any] | None = None,
    seconds: Callable[[], float] | None = None,
    baselines: Baselines | None = None,
) -> Report | None:
    """Run an attack, and let the judges score what it found.

    Args:
        attack: the attack, not yet run.
        judges: trained networks by name, which the attack has not seen.
        data: the private data set, as the target was trained on it.
        scoring: how the judges score; None means the defaults of :class:`Scoring`.
        trainer: what runs it.
        title: heading of the pictures.
        seed: seed of the draws.
        finished: whether the attack has run before, and is only to be scored.
        facts: further keys of ``scores``, merged into it (``judges`` by name).
        seconds: tells how long the attack has taken in all, where it was resumed.
        baselines: scores of nulls, as of :func:`~brainleaks_pl.evaluation.report.make_report`.

    Raises:
        ValueError: when judges, encoder or data do not fit what the attack looks for, before it runs; or when it
            comes to values that are not finite.

    Returns:
        The report; None in processes that share the attack and are not the first.
    """
    started = time.monotonic()
    if not finished:
        if trainer.is_global_zero:
            warn_of_other_frames(attack.encoder, data)
            rehearse(attack, judges, data, seed)
        trainer.invert(attack)
    if not trainer.is_global_zero:
        return None
    took = time.monotonic() - started if seconds is None else seconds()
    facts = {"judges": {}, "attack": {"class_path": type(attack).__qualname__, "init_args": {}}, **(facts or {})}
    facts = {**facts, "seconds": took}
    scoring = scoring or Scoring()
    return make_report(attack, judges, data, scoring, title=title, seed=seed, facts=facts, baselines=baselines)
