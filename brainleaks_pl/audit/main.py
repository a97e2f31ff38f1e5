"""``brainleaks audit``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import SUPPRESS, ArgumentParser, Namespace
from rich.console import Console

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.audit.conduct import ALL_FAILED, exit_status, has_results, run_audit
from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.measures.base import Measure
from brainleaks_pl.audit.settings import Controls
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.parsing import SuggestingParser
from brainleaks_pl.engine.shapes import fill_shapes
from brainleaks_pl.engine.trainer import InversionTrainer, check_trainer
from brainleaks_pl.engine.values import STRICT, check_values
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.reporting.text import printable
from brainleaks_pl.system.names import name_of_config
from brainleaks_pl.targets.checks import Checks
from brainleaks_pl.targets.classifier import Classifier

_KINDS = {
    "data": BaseDataModule,
    "targets": dict,
    "judges": dict,
    "attacks": dict,
    "seeds": list,
    "scoring": Scoring,
    "checks": Checks,
    "controls": Controls,
    "measures": dict,
    "trainer": InversionTrainer,
}

_MOVED = {
    "surrogates": "measures.masking.init_args, beside class_path: Masking",
    "sweep": "measures.sweep.init_args, beside class_path: Sweep",
}
"""Where keys of earlier versions have gone."""

_DESCRIPTION = """Measure how much a set of targets leaks of one data set: for each seed, fit the networks that are
missing, run every attack on every target it fits, let every judge score it, run further measures, and write one
report. An audit that was interrupted resumes where it stopped when the same command is given again. The exit status is
3 where some attacks, measures or networks failed, and 4 where all attacks did."""


def audit_parser() -> SuggestingParser:
    """Return the parser of the command."""
    usage = "brainleaks audit --config FILE [--KEY VALUE ...]"
    parser = SuggestingParser(prog="brainleaks audit", usage=usage, description=_DESCRIPTION, **STRICT)
    parser.add_argument("--config", action="config", help="The YAML file of the audit.")
    parser.add_argument("--data", type=BaseDataModule, help="The private data set.")
    parser.add_argument(
        "--targets", type=dict[str, Callable[[], Classifier]], default={}, help="Networks under attack, by name."
    )
    parser.add_argument(
        "--judges",
        type=dict[str, Callable[[], Classifier]],
        default={},
        help="Classifiers that score the reconstructions, by name; no attack sees them.",
    )
    parser.add_argument(
        "--attacks",
        type=dict[str, Callable[[Classifier], InversionModule]],
        default={},
        help="Attacks by name; each runs on every target that it fits.",
    )
    parser.add_argument(
        "--seeds", type=list[int], default=[0, 1, 2], help="Every network is trained, and attacked, once for each."
    )
    parser.add_argument(
        "--gradients",
        type=int | None,
        default=None,
        help="Gradients that each attack spends on a class, by as many restarts as they pay for. "
        "Default: as the attacks' own settings have it.",
    )
    parser.add_class_arguments(Scoring, "scoring", help="How the judges score reconstructions.")
    parser.add_class_arguments(Checks, "checks", help="How networks are checked before they are attacked.")
    parser.add_class_arguments(Controls, "controls", help="What is measured so that the scores can be believed.")
    parser.add_argument(
        "--measures",
        type=dict[str, Measure | None],
        default={},
        help="Further measures by name, such as Masking and Sweep; one of a standard measure's name (agreement, "
        "ceiling, over_time, masking, sweep) replaces it, and null leaves it out.",
    )
    for key in _MOVED:
        parser.add_argument(f"--{key}", type=Any, default=None, help=SUPPRESS)
    parser.add_argument("--trainer.accelerator", type=str, default="auto", help="As of Lightning's Trainer.")
    parser.add_argument("--trainer.precision", type=str, default="32-true", help="As of Lightning's Trainer.")
    parser.add_argument(
        "--trainer.logger", type=bool, default=True, help="Whether TensorBoard's logs go to <results>/logs."
    )
    parser.add_argument(
        "--checkpoints", type=str | None, default=None, help="Folder of the networks. Default: checkpoints/<config>."
    )
    parser.add_argument(
        "--results", type=str | None, default=None, help="Folder of the report. Default: results/<config>."
    )
    parser.add_argument(
        "--ratings",
        type=str,
        action="append",
        default=[],
        help="File of answers that report.html saved; once for each person who rated it.",
    )
    return parser


def audit_main(arguments: list[str]) -> None:
    """Run the command.

    Args:
        arguments: those after ``audit``.

    Raises:
        SystemExit: with 3 where some attacks or networks failed, with 4 where all attacks did.
        ValueError: when the audit's parts do not fit each other.
        OSError: when a file cannot be read or written.
    """
    parser = audit_parser()
    config = parser.parse_args(arguments)
    for key, place in _MOVED.items():
        if config.get(key) is not None:
            raise ValueError(f"{key} is now a measure: write its keys under {place}.")
    if config.data is None:
        raise ValueError("data is missing: name a config with --config, or give --data.")
    check_values(config.as_dict(), _KINDS)
    data = parser.instantiate(Namespace(data=config.data)).data
    fill_shapes(config, data)
    parts = parser.instantiate(Namespace({**vars(config), "data": None}))  # which are there already
    name = name_of_config(config.config[0]) if config.config else "audit"
    check_trainer(precision=parts.trainer.precision)
    checkpoints, results = (Path(config[key] or f"{key}/{name}") for key in ("checkpoints", "results"))
    console = Console(highlight=False)
    document = run_audit(
        Audit(
            data=data,
            targets=parts.targets,
            judges=parts.judges,
            attacks=parts.attacks,
            seeds=parts.seeds,
            gradients=parts.gradients,
            scoring=parts.scoring,
            checks=parts.checks,
            controls=parts.controls,
            measures=parts.measures,
            trainer={"accelerator": parts.trainer.accelerator, "precision": parts.trainer.precision, "devices": 1},
            settings=_plain(parser, config),
        ),
        checkpoints=checkpoints,
        results=results,
        title=name,
        command=" ".join(["brainleaks audit", *arguments]),
        ratings=parts.ratings,
        logs=parts.trainer.logger is not False,
        say=lambda line: console.print(printable(line), markup=False, soft_wrap=True),
    )
    said = document["verdict"]
    lines = [line for line in (*said["leaks"], said["control"], said["sentence"]) if line]
    lines += [*(f"Warning: {warning}" for warning in document["warnings"])]
    for line in lines:
        console.print(printable(line), markup=False)
    status = exit_status(document)
    kept = status == ALL_FAILED and has_results(results)
    where = "The earlier report is still at" if kept else "Written to"
    console.print(printable(f"{where} {results / 'report.html'}"), markup=False, soft_wrap=True)
    if status:
        sys.exit(status)


def _plain(parser: ArgumentParser, config: Namespace) -> dict[str, Any]:
    """Return the settings as plain values, without what does not change a result."""
    settings: dict[str, Any] = yaml.safe_load(parser.dump(config, skip_none=False))
    for key in ("config", "checkpoints", "results", "ratings", *_MOVED):
        settings.pop(key, None)
    del settings["trainer"]["logger"]
    return settings
