"""Runs a whole audit and writes its report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.document import audit_document
from brainleaks_pl.audit.networks import NetworkStore
from brainleaks_pl.audit.people import people_rows, read_ratings
from brainleaks_pl.audit.report import write_csv, write_html
from brainleaks_pl.audit.run import AuditRun
from brainleaks_pl.engine.quiet import quiet_lightning
from brainleaks_pl.evaluation.run import silent_trainer
from brainleaks_pl.system.storage import check_writable, write_text

SOME_FAILED, ALL_FAILED = 3, 4
"""Exit statuses of an audit with failures."""

_DOCUMENT = "audit.json"


def run_audit(
    audit: Audit,
    *,
    checkpoints: str | Path,
    results: str | Path,
    title: str = "audit",
    command: str = "",
    ratings: Sequence[str] = (),
    logs: bool = True,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Run an audit and write ``report.html``, ``audit.csv`` and last ``audit.json``.

    Where all attacks failed, an earlier report of which at least one succeeded is left as it is.

    Args:
        audit: what to run.
        checkpoints: folder of the networks, ``seed<n>/<name>.pt``; those that are there are not trained again.
        results: folder of the report; attacks and measures that have finished there are not run again.
        title: heading of the report.
        command: the command to repeat it with.
        ratings: files of answers that an earlier report of this audit saved; they are read before anything runs.
        logs: whether TensorBoard is shown each attack as it finishes, in ``logs`` in the folder of the report.
        say: tells the user how it goes, one line at a time.

    Returns:
        The content of ``audit.json``.

    Raises:
        ValueError: when the audit's parts do not fit each other, or a file of answers cannot be used: an earlier
            report is left as it is, and what has been run is kept.
        OSError: when a folder cannot be written to.

    Examples:
        What the gradient of one image shows, for a network that is already trained, without attacks or controls:

        >>> from pathlib import Path
        >>> from brainleaks_pl import BiasRatio
        >>> from brainleaks_pl.audit import Audit, Controls, GradientLeakage, run_audit
        >>> audit = Audit(
        ...     data,
        ...     targets={"mlp": lambda: ann},
        ...     measures={"gradients": GradientLeakage(images=1, attacks={"bias_ratio": BiasRatio()}), "ceiling": None},
        ...     controls=Controls(shuffled_labels=False, groups=0, adversarial=False),
        ...     seeds=[0],
        ... )
        >>> document = run_audit(audit, checkpoints="networks", results="results", say=lambda line: None)
        >>> round(document["measures"]["gradients"][0]["ssim"][0], 2)
        1.0
        >>> sorted(path.name for path in Path("results").iterdir() if path.is_file())
        ['audit.csv', 'audit.json', 'report.html']
    """
    checkpoints, results = Path(checkpoints), Path(results)
    answers = read_ratings(ratings)
    with quiet_lightning(warnings_too=True):  # the audit says itself how it goes
        silent_trainer(**audit.trainer)  # what no trainer takes is said before hours are spent
        run = AuditRun(audit, NetworkStore(checkpoints, dict(audit.trainer)), results, say, logs)
        check_writable(checkpoints, "checkpoints")
        check_writable(results, "results")
        run.run()
    config = yaml.safe_dump(dict(audit.settings), sort_keys=False)
    document = {**audit_document(run, title=title, command=command, config=config), "people": None}
    failed = exit_status(document) == ALL_FAILED
    if failed and has_results(results):
        what = "attacks" if document["cells"] else "measures"
        say(f"All {what} failed: the earlier report in {results} is left as it is.")
        return document
    if not failed:
        document["people"] = people_rows(document, results, answers)
    write_html(document, results, run.measures)  # first: what cannot be drawn replaces nothing
    write_csv(document, results)
    write_text(results / _DOCUMENT, json.dumps(document, indent=1) + "\n")
    return document


def exit_status(document: Mapping[str, Any]) -> int:
    """Return the exit status of an audit: 0, 3 where something failed, 4 where all attacks did.

    Where no attacks are named, 4 says that all measures failed.

    Args:
        document: the content of ``audit.json``.
    """
    if not _any_done(document):
        return ALL_FAILED
    results = [*document["cells"], *document["runs"]]
    networks = [*document["targets"].values(), *document["judges"].values()]
    failed = any(own["status"] == "failed" or own.get("measure_errors") for own in results)
    return SOME_FAILED if failed or any(network["errors"] for network in networks) else 0


def has_results(results: Path) -> bool:
    """Tell whether a folder holds the report of an audit of which at least one attack, or measure, has succeeded."""
    try:
        return _any_done(json.loads((results / _DOCUMENT).read_bytes()))
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def _any_done(document: Mapping[str, Any]) -> bool:
    return any(own["status"] == "done" for own in document["cells"] or document["runs"])
