"""``audit.json``: everything an audit has found, in plain values."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import torch

from brainleaks_pl.audit.agreement import agreement
from brainleaks_pl.audit.ceiling import encoding_ceiling
from brainleaks_pl.audit.chance import Skills, at_chance, chance_sentences, chance_warnings, comparable
from brainleaks_pl.audit.control import control_rows, control_sentence
from brainleaks_pl.audit.differences import differences
from brainleaks_pl.audit.doubts import warnings
from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.plan import Cell, Variant, hashable
from brainleaks_pl.audit.protocol import judges_that_do_not_count, protocol_remarks
from brainleaks_pl.audit.report import FORMAT
from brainleaks_pl.audit.run import AuditRun
from brainleaks_pl.audit.scores import LIKENESS, masking, similarity_matrix, summary, sweep_rows
from brainleaks_pl.audit.verdict import nothing_to_compare, verdict
from brainleaks_pl.evaluation.provenance import provenance
from brainleaks_pl.evaluation.report import versions
from brainleaks_pl.targets.classifier import Classifier

_CEILING_STEPS = (1, 2, 5, 10, 25, 50, 100, 200)
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
    cells = [_cell(run, cell, content) for cell, content in run.cells]
    judges = list(audit.judges)
    names = [data.class_name(label) for label in range(data.num_classes)]
    agreeing = [
        {"target": target, "attack": attack, **row}
        for (target, attack), own in grouped(done(cells), "target", "attack")
        for first, second in combinations(judges, 2)
        if (row := agreement(own, first, second)) is not None
    ]
    probes = masking(cells)
    skills = run.networks.skills()
    targets = {name: _network(run, name, skills) for name in audit.targets}
    judging = {name: _network(run, name, skills) for name in judges}
    why_not = judges_that_do_not_count(
        {name: network["test_accuracy"] for name, network in judging.items()}, audit.scoring
    )
    blind_targets, blind_judges = at_chance(skills, audit.targets), at_chance(skills, judges)
    weak = [
        f"{name} {reason}: it has no part in the verdict and the differences."
        for name, reason in why_not.items()
        if name not in blind_judges
    ]
    seeing = [name for name in judges if name not in blind_judges and name not in why_not]
    sound = comparable(cells, blind_targets, [name for name in judges if name not in seeing])
    compared = differences(sound, {name: run.untrained[name].spiking for name in audit.targets}, seeing)
    errors = [f"{name}, seed {seed}, cannot be used: {error}" for (seed, name), error in run.networks.errors.items()]
    controls = control_rows(comparable(cells, (), [name for name in judges if name not in seeing]))
    attacks = {name: audit.settings.get("attacks", {}).get(name) for name in audit.attacks}
    remarks = protocol_remarks(
        cells,
        type(data).__qualname__,
        targets,
        attacks=attacks,
        seeds=len(audit.seeds),
        gradients=audit.gradients,
        rescale=audit.scoring.rescale,
    )
    doubts = warnings(
        cells,
        [row for row in probes if row["judge"] in seeing],
        [row for row in agreeing if {row["first"], row["second"]} <= set(seeing)],
        errors,
    )
    return {
        "format": FORMAT,
        "title": title,
        "data": {**data.describe(), "simulated": data.simulated, "class_names": names},
        "seeds": list(audit.seeds),
        "gradients": audit.gradients,
        "targets": targets,
        "judges": {
            name: {**network, "counts": name in seeing, "why_not": why_not.get(name)}
            for name, network in judging.items()
        },
        "attacks": attacks,
        "cells": cells,
        "summary": summary(cells),
        "differences": compared,
        "verdict": verdict(
            compared,
            seeing,
            names,
            control=control_sentence(controls),
            refusals=chance_sentences(skills, audit.targets, judges)
            or nothing_to_compare(list(audit.targets), compared, seeing),
            remarks=remarks,
        ),
        "control": controls,
        "agreement": agreeing,
        "ceiling": _ceiling(run, cells),
        "masking": probes,
        "warnings": [*chance_warnings(_not_controls(run, skills), judges), *weak, *doubts, *_of_checks(run)],
        "sweep": sweep_rows(cells, lambda target, parameter: _own_value(run, target, parameter)),
        "repeat": {
            "command": command,
            "config": config,
            "versions": versions(*_PACKAGES),
            "commit": provenance()["commit"],
            "hardware": _hardware(audit.trainer),
            "seconds": sum(cell["seconds"] or 0.0 for cell in cells),
            "gradients": sum((cell["gradients"] or 0) * len(cell["classes"]) for cell in cells),
            "queries": sum((cell["queries"] or 0) * len(cell["classes"]) for cell in cells),
        },
    }


def _cell(run: AuditRun, cell: Cell, content: Mapping[str, Any]) -> dict[str, Any]:
    variant = cell.variant
    surrogate = None if cell.surrogate is None else run.audit.surrogates.surrogates[cell.surrogate]
    return {
        "kind": cell.kind,
        "target": variant.target,
        "attack": cell.attack,
        "seed": cell.seed,
        "surrogate": None
        if surrogate is None
        else {"name": cell.surrogate, "class_path": type(surrogate).__qualname__, "init_args": asdict(surrogate)},
        "sweep": None if variant.parameter is None else {"parameter": variant.parameter, "value": variant.value},
        "folder": f"cells/{cell.name}",
        "withheld": list(variant.withheld) or None,
        **content,
    }


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


def _ceiling(run: AuditRun, cells: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return what the encoding leaves of images, and how alike the attacks' reconstructions are to theirs."""
    steps = run.audit.data.time_steps
    ceiling = None if steps is None else encoding_ceiling(run.audit.data, sorted({*_CEILING_STEPS, steps}))
    if ceiling is None:
        return None
    attacks = [
        {
            "target": target,
            "attack": attack,
            **{metric: float(similarity_matrix(own, metric).mean()) for metric in LIKENESS},
        }
        for (target, attack), own in grouped(done(cells), "target", "attack")
    ]
    return {**ceiling, "attacks": attacks}


def _own_value(run: AuditRun, target: str, parameter: str) -> Any:
    """Return a target's own value of an argument that a sweep varies."""
    network = run.untrained[target]
    if parameter == "time_steps":
        return run.audit.data.time_steps
    return hashable(network.architecture().get(parameter, getattr(network, parameter, None)))


def _hardware(trainer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "device": trainer.get("accelerator", "auto"),
    }
