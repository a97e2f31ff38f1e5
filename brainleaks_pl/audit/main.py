"""``brainleaks audit``."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentParser, Namespace
from rich.console import Console

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.document import audit_document
from brainleaks_pl.audit.networks import NetworkStore
from brainleaks_pl.audit.plan import SurrogateProbe, Sweep
from brainleaks_pl.audit.report import write_csv, write_html
from brainleaks_pl.audit.run import AuditRun
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.trainer import InversionTrainer, check_trainer
from brainleaks_pl.engine.values import STRICT, check_values
from brainleaks_pl.evaluation.report import Scoring
from brainleaks_pl.evaluation.run import silent_trainer
from brainleaks_pl.reporting.text import printable
from brainleaks_pl.system.names import name_of_config
from brainleaks_pl.system.storage import check_writable, write_text
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
    "surrogates": SurrogateProbe,
    "sweep": Sweep,
    "trainer": InversionTrainer,
}

SOME_FAILED, ALL_FAILED = 3, 4
"""Exit statuses of an audit with failures."""

_DOCUMENT = "audit.json"
_DESCRIPTION = """Measure what a set of targets gives away of one data set: for each seed, fit the networks that are
missing, run every attack on every target it fits, let every judge score it, and write one report. An audit that was
interrupted goes on where it stopped when the same command is given again. The exit status is 3 where some attacks or
networks failed, and 4 where all attacks did."""


def audit_parser() -> ArgumentParser:
    """Return the parser of the command."""
    parser = ArgumentParser(prog="brainleaks audit", description=_DESCRIPTION, **STRICT)
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
    parser.add_class_arguments(SurrogateProbe, "surrogates", help="Other surrogate gradients to try.")
    parser.add_class_arguments(Sweep, "sweep", help="Variants of a target to try.")
    parser.add_argument("--trainer.accelerator", type=str, default="auto", help="As of Lightning's Trainer.")
    parser.add_argument("--trainer.precision", type=str, default="32-true", help="As of Lightning's Trainer.")
    parser.add_argument(
        "--checkpoints", type=str | None, default=None, help="Folder of the networks. Default: checkpoints/<config>."
    )
    parser.add_argument(
        "--results", type=str | None, default=None, help="Folder of the report. Default: results/<config>."
    )
    return parser


def run_audit(
    audit: Audit,
    *,
    checkpoints: Path,
    results: Path,
    title: str = "audit",
    command: str = "",
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Run an audit and write ``report.html``, ``audit.csv`` and last ``audit.json``.

    Where all attacks failed, an earlier report of which at least one succeeded is left as it is.

    Args:
        audit: what to run.
        checkpoints: folder of the networks, ``seed<n>/<name>.pt``; those that are there are not trained again.
        results: folder of the report; cells that have finished there are not run again.
        title: heading of the report.
        command: the command to repeat it with.
        say: tells the user how it goes.

    Returns:
        The content of ``audit.json``.

    Raises:
        ValueError: when the audit's parts do not fit each other.
        OSError: when a folder cannot be written to.
    """
    silent_trainer(**audit.trainer)  # what no trainer takes is said before hours are spent
    check_writable(checkpoints, "checkpoints")
    check_writable(results, "results")
    run = AuditRun(audit, NetworkStore(checkpoints, dict(audit.trainer)), results, say)
    run.run()
    config = yaml.safe_dump(dict(audit.settings), sort_keys=False)
    document = audit_document(run, title=title, command=command, config=config)
    if exit_status(document) == ALL_FAILED and _has_results(results):
        say(f"All attacks failed: the earlier report in {results} is left as it is.")
        return document
    write_html(document, results)  # first, as it draws before it writes: what cannot be drawn replaces nothing
    write_csv(document, results)
    write_text(results / _DOCUMENT, json.dumps(document, indent=1) + "\n")
    return document


def exit_status(document: Mapping[str, Any]) -> int:
    """Return the exit status of an audit: 0, 3 where some attacks or networks failed, 4 where all attacks did.

    Args:
        document: the content of ``audit.json``.
    """
    found = {cell["status"] for cell in document["cells"]}
    if "done" not in found:
        return ALL_FAILED
    networks = [*document["targets"].values(), *document["judges"].values()]
    return SOME_FAILED if "failed" in found or any(network["errors"] for network in networks) else 0


def _has_results(results: Path) -> bool:
    """Tell whether a folder holds the report of an audit of which at least one attack has succeeded."""
    try:
        cells = json.loads((results / _DOCUMENT).read_bytes())["cells"]
        return any(cell["status"] == "done" for cell in cells)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


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
    check_values(config.as_dict(), _KINDS)
    parts = parser.instantiate(config)
    name = name_of_config(config.config[0]) if config.config else "audit"
    check_trainer(precision=parts.trainer.precision)
    checkpoints, results = (Path(config[key] or f"{key}/{name}") for key in ("checkpoints", "results"))
    console = Console(highlight=False)
    with _quiet_lightning():
        document = run_audit(
            Audit(
                data=parts.data,
                targets=parts.targets,
                judges=parts.judges,
                attacks=parts.attacks,
                seeds=parts.seeds,
                gradients=parts.gradients,
                scoring=parts.scoring,
                checks=parts.checks,
                surrogates=parts.surrogates,
                sweep=parts.sweep,
                trainer={**vars(parts.trainer), "devices": 1},
                settings=_plain(parser, config),
            ),
            checkpoints=checkpoints,
            results=results,
            title=name,
            command=" ".join(["brainleaks audit", *arguments]),
            say=lambda line: console.print(printable(line), markup=False, soft_wrap=True),
        )
    lines = [document["verdict"]["sentence"], *(f"Warning: {warning}" for warning in document["warnings"])]
    for line in lines:
        console.print(printable(line), markup=False)
    status = exit_status(document)
    kept = status == ALL_FAILED and _has_results(results)
    where = "The earlier report is still at" if kept else "Written to"
    console.print(printable(f"{where} {results / 'report.html'}"), markup=False, soft_wrap=True)
    if status:
        sys.exit(status)


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Keep Lightning from speaking of every network and attack: the audit says itself how it goes."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _plain(parser: ArgumentParser, config: Namespace) -> dict[str, Any]:
    """Return the settings as plain values, without what does not change a result."""
    settings: dict[str, Any] = yaml.safe_load(parser.dump(config, skip_none=False))
    for key in ("config", "checkpoints", "results"):
        settings.pop(key, None)
    return settings
