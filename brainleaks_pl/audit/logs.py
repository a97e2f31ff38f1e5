"""What TensorBoard shows of an audit: a run for each finished attack, with its scores and its pictures."""

from __future__ import annotations

import json
import time
from pathlib import Path

from brainleaks_pl.audit.cells import RESULT
from brainleaks_pl.audit.plan import Cell
from brainleaks_pl.reporting.board import event_file, picture, run_summaries
from brainleaks_pl.reporting.publishing import SCORES
from brainleaks_pl.system.storage import write_bytes

LOGS = "logs"
"""Folder of the runs, in that of the results: ``<target>/<attack>/seed<n>``."""
_EVENTS = "events.out.tfevents.audit"  # one name, so that an attack that is run again replaces what it logged


def log_cell(results: Path, cell: Cell, folder: Path) -> None:
    """Log a finished attack, unless that was done after it finished.

    Args:
        results: folder of the audit's results.
        cell: which attack it is.
        folder: what it came to.

    Raises:
        OSError: when a file cannot be read or written.
        ValueError: when its scores are damaged.
    """
    attack = cell.attack if cell.label is None else f"{cell.attack}-{cell.label}"
    path = results / LOGS / cell.variant.name / attack / f"seed{cell.seed}" / _EVENTS
    if path.is_file() and path.stat().st_mtime_ns >= (folder / RESULT).stat().st_mtime_ns:
        return
    scores = json.loads((folder / SCORES).read_bytes())
    settings = {"target": cell.variant.name, "attack": attack, "kind": cell.kind, "seed": cell.seed}
    pictures = [picture(file.stem, file.read_bytes()) for file in sorted(folder.glob("*.png"))]
    write_bytes(path, event_file([*run_summaries(settings, scores), *pictures], time.time()))
