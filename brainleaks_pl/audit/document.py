"""Builds ``audit.json``: everything an audit has found, in plain values."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import torch

from brainleaks_pl.audit.chance import Skills, at_chance, chance_warnings
from brainleaks_pl.audit.doubts import measure_doubts, other_code
from brainleaks_pl.audit.measures.base import Findings
from brainleaks_pl.audit.measures.standard import INVERSION, NO_ATTACKS
from brainleaks_pl.audit.plan import Cell, Variant
from brainleaks_pl.audit.protocol import judges_that_do_not_count
from brainleaks_pl.audit.report import FORMAT
from brainleaks_pl.audit.run import AuditRun
from brainleaks_pl.audit.values import plain
from brainleaks_pl.engine.errors import error_words
from brainleaks_pl.evaluation.provenance import provenance
from brainleaks_pl.evaluation.report import versions
from brainleaks_pl.targets.classifier import Classifier

_PACKAGES = ("tonic", "numpy")  # beside those that scores.json names


def audit_document(run: AuditRun, *, title: str, command: str, config: str) -> dict[str, Any]:
    """Return the content of ``audit.json``.

    Args:
        run: the audit, when it has run.
        title: its name.
        command: the command that started it.
        config: its settings as YAML.
    """
    audit, data = run.audit, run.audit.data
    cells = [_cell(cell, content) for cell, content in run.cells]
    runs = [{key: value for key, value in own.items() if key != "value"} for own in run.own.runs]
    skills = run.networks.skills()
    targets, judging = ({name: _network(run, name, skills) for name in own} for own in (audit.targets, audit.judges))
    why_not = judges_that_do_not_count(
        {name: network["test_accuracy"] for name, network in judging.items()}, audit.scoring
    )
    blind = at_chance(skills, audit.judges)
    judges = {
        name: {**network, "counts": name not in blind and name not in why_not, "why_not": why_not.get(name)}
        for name, network in judging.items()
    }
    summaries: dict[str, Any] = {}
    for name, measure in run.measures.items():
        found = Findings(name, audit, run.untrained, cells, run.own.values(name), targets, judges, skills)
        try:
            summaries[name] = plain(measure.summarise(found), name)
        except Exception as error:  # the others are shown, and the report says so
            if name == INVERSION:
                raise
            runs.append(_failed(name, error))
    document = {
        "format": FORMAT,
        "title": title,
        "data": {
            **data.describe(),
            "simulated": data.simulated,
            "class_names": [data.class_name(label) for label in range(data.num_classes)],
        },
        "seeds": list(audit.seeds),
        "gradients": audit.gradients,
        "targets": targets,
        "judges": judges,
        "attacks": audit.attack_settings(),
        "cells": cells,
        "runs": runs,
        **summaries.pop(INVERSION, NO_ATTACKS),
        "measures": summaries,
        "repeat": {
            "command": command,
            "config": config,
            "versions": versions(*_PACKAGES),
            "commit": provenance()["commit"],
            "hardware": _hardware(audit.trainer),
            "seconds": sum(cell["seconds"] or 0.0 for cell in cells),
            "gradients": sum((cell["gradients"] or 0) * len(cell["classes"]) for cell in cells),
            "queries": sum(_queries(cell) for cell in cells),
        },
    }
    doubts = _of_measures(run, document)  # may add to the runs that failed
    weak = [
        f"{name} {reason}: it has no part in the verdict and the differences."
        for name, reason in why_not.items()
        if name not in blind
    ]
    errors = [f"{name}, seed {seed}, cannot be used: {error}" for (seed, name), error in run.networks.errors.items()]
    document["warnings"] = [
        *chance_warnings(_not_controls(run, skills), audit.judges),
        *weak,
        *errors,
        *measure_doubts(cells, runs),
        *doubts,
        *other_code(cells, runs),
        *_of_checks(run),
    ]
    return document


def _of_measures(run: AuditRun, document: dict[str, Any]) -> list[str]:
    """Return what the measures warn of, of those that could be summarised."""
    found: list[str] = []
    for name, measure in run.measures.items():
        if name == INVERSION or name in document["measures"]:
            try:
                found += measure.warnings(document["measures"].get(name), document)
            except Exception as error:  # as above
                document["runs"].append(_failed(name, error))
    return found


def _failed(name: str, error: Exception) -> dict[str, Any]:
    """Return the run of a measure that failed where no seed is concerned."""
    words = error_words(error)
    return {"measure": name, "seed": None, "status": "failed", "error": words, "seconds": None, "provenance": None}


def _cell(cell: Cell, content: Mapping[str, Any]) -> dict[str, Any]:
    variant, surrogate = cell.variant, cell.arguments.get("surrogate")
    return {
        "kind": cell.kind,
        "target": variant.target,
        "attack": cell.attack,
        "seed": cell.seed,
        "label": cell.label,
        "surrogate": None
        if surrogate is None
        else {"name": cell.label, "class_path": type(surrogate).__qualname__, "init_args": asdict(surrogate)},
        "sweep": None if variant.parameter is None else {"parameter": variant.parameter, "value": variant.value},
        "folder": f"cells/{cell.name}",
        "withheld": list(variant.withheld) or None,
        **content,
    }


def _queries(cell: Mapping[str, Any]) -> int:
    """Return what a cell has asked of its target; answers beside gradients are those that all classes share."""
    return (cell["queries"] or 0) * (1 if cell["gradients"] else len(cell["classes"]))


def _not_controls(run: AuditRun, skills: Skills) -> Skills:
    """Return what is known of the networks but for the controls, which are at chance by design."""
    controls = {cell.variant.name for cell, _ in run.cells if cell.variant.is_control}
    return {key: own for key, own in skills.items() if key[1] not in controls}


def _network(run: AuditRun, name: str, skills: Skills) -> dict[str, Any]:
    network: Classifier = run.untrained[name]
    known = [skills.get((seed, name)) for seed in run.audit.seeds]
    return {
        "class": type(network).__qualname__,
        "spiking": network.spiking,
        "pretrained": network.pretrained,
        "weights": [run.networks.weights(seed, Variant(name)) for seed in run.audit.seeds],
        "checks": {
            str(seed): report.as_dict() for (seed, checked), report in run.networks.checks.items() if checked == name
        },
        "architecture": network.architecture(),
        "recipe": network.recipe(),
        "test_accuracy": [None if own is None else own.accuracy for own in known],
        "test_samples": [None if own is None else own.samples for own in known],
        "chance": [None if own is None else own.chance for own in known],
        "at_chance": [own is not None and own.at_chance for own in known],
        "errors": {str(seed): error for (seed, failed), error in run.networks.errors.items() if failed == name},
    }


def _of_checks(run: AuditRun) -> list[str]:
    """Return what the checks of the networks make doubtful, each once."""
    found = []
    for (_, name), report in run.networks.checks.items():
        if run.untrained.get(name) is not None and run.untrained[name].pretrained:
            found.append(f"{name} brought its weights: test data may have been among its own training data.")
        if report.masking_untestable is not None:
            found.append(f"Whether {name}'s gradient is masked cannot be tested: {report.masking_untestable}.")
        found += [f"{name}: {finding}" for finding in report.warnings if finding.check != "exchanged surrogate"]
    return list(dict.fromkeys(found))


def _hardware(trainer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": trainer.get("accelerator", "auto"),
    }
