"""The checks of target and judges before an attack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.cli.messages import warn
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.targets.checks import CheckReport, Checks, run_checks
from brainleaks_pl.targets.classifier import Classifier


def check_before(
    attack: InversionModule, networks: Mapping[str, Classifier], data: BaseDataModule, settings: Checks
) -> dict[str, CheckReport]:
    """Check the networks before an attack, say what is doubtful, and refuse what is wrong.

    Args:
        attack: the attack, not yet run.
        networks: ``target`` and the judges by name, trained.
        data: the private data set.
        settings: how they are checked.

    Raises:
        FailedCheckError: when a network fails a check.
        ValueError: when the attack has a surrogate that would change nothing.
    """
    surrogate = getattr(attack, "surrogate", None)
    reports = {}
    for part, network in networks.items():
        reports[part] = run_checks(
            network,
            data.for_network(network.takes_spikes),
            settings,
            name=part,
            attacked=part == "target",
            surrogate=surrogate,
            needs_gradient=attack.gradients_per_run is not None,
        )
        for finding in reports[part].warnings:
            warn(f"{part}: {finding}")
        if settings.refuse:
            reports[part].raise_if_failed()
    untestable = reports["target"].masking_untestable
    if surrogate is not None and untestable is not None:
        raise ValueError(f"attack.surrogate would change nothing: {untestable}. Leave it out.")
    return reports


def warn_of_poor_judges(names: Iterable[str], facts: Mapping[str, Mapping[str, Any]], scoring: Scoring) -> None:
    """Say which judges do not count, as they recognise too little of the real test data.

    Args:
        names: those of the judges.
        facts: by name what is known of a network, its ``test_accuracy`` for one.
        scoring: says how much they must recognise.
    """
    for name in names:
        why_not = scoring.why_not(facts[name].get("test_accuracy"))
        if why_not is not None:
            warn(f"judge {name} {why_not}: what it says of reconstructions does not count.")


def facts_before(
    attack: InversionModule,
    networks: Mapping[str, Classifier],
    loaded: Mapping[str, Mapping[str, Any]],
    data: BaseDataModule,
    settings: Checks,
    scoring: Scoring,
) -> dict[str, dict[str, Any]]:
    """Return what is known of target and judges before an attack, once they are checked (:func:`check_before`).

    Args:
        attack: the attack, not yet run.
        networks: ``target`` and the judges by name, trained.
        loaded: by name what the checkpoints say.
        data: the private data set.
        settings: how they are checked.
        scoring: how the judges score.
    """
    for label in attack.classes:  # what judges compare with
        data.class_indices(label, "test")
    facts = {
        part: {"test_accuracy": loaded[part].get("test_accuracy"), **report.measured, "checks": report.as_dict()}
        for part, report in check_before(attack, networks, data, settings).items()
    }
    warn_of_poor_judges((name for name in networks if name != "target"), facts, scoring)
    return facts
