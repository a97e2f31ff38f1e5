"""A whole audit: it is run, and its report is written."""

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
from brainleaks_pl.evaluation.run import silent_trainer
from brainleaks_pl.system.storage import check_writable, write_text

SOME_FAILED, ALL_FAILED = 3, 4
"""Exit statuses of an audit with failures."""

_DOCUMENT = "audit.json"


def run_audit(
    audit: Audit,
    *,
    checkpoints: Path,
    results: Path,
    title: str = "audit",
    command: str = "",
    ratings: Sequence[str] = (),
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
        ratings: files of answers that an earlier report of this audit saved; they are read before anything runs.
        say: tells the user how it goes.

    Returns:
        The content of ``audit.json``.

    Raises:
        ValueError: when the audit's parts do not fit each other, or a file of answers cannot be used: an earlier
            report is left as it is, and what has been run is kept.
        OSError: when a folder cannot be written to.
    """
    answers = read_ratings(ratings)
    silent_trainer(**audit.trainer)  # what no trainer takes is said before hours are spent
    check_writable(checkpoints, "checkpoints")
    check_writable(results, "results")
    run = AuditRun(audit, NetworkStore(checkpoints, dict(audit.trainer)), results, say)
    run.run()
    config = yaml.safe_dump(dict(audit.settings), sort_keys=False)
    document = {**audit_document(run, title=title, command=command, config=config), "people": None}
    failed = exit_status(document) == ALL_FAILED
    if failed and has_results(results):
        say(f"All attacks failed: the earlier report in {results} is left as it is.")
        return document
    if not failed:
        document["people"] = people_rows(document, results, answers)
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


def has_results(results: Path) -> bool:
    """Tell whether a folder holds the report of an audit of which at least one attack has succeeded."""
    try:
        cells = json.loads((results / _DOCUMENT).read_bytes())["cells"]
        return any(cell["status"] == "done" for cell in cells)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False
