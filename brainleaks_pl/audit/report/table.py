"""The scores as tidy rows, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from brainleaks_pl.audit.grouping import done
from brainleaks_pl.audit.report.parts import Audit, Value
from brainleaks_pl.evaluation.report import METRICS
from brainleaks_pl.reporting.text import printable
from brainleaks_pl.system.storage import write_text

HEADER = ("kind", "target", "attack", "seed", "judge", "metric", "value", "std")


def write_csv(audit: Audit, folder: Path) -> None:
    """Write the scores of an audit's main cells to ``folder/audit.csv``, one number a row.

    ``kind`` is ``main`` for what an attack reached and ``null_<name>`` for what a null did before the same judge.
    Likeness in pixels is averaged over the classes and has no judge. ``std`` is over the draws of a score, and empty
    where there is none. Failed cells have no rows.

    Args:
        audit: the content of ``audit.json``.
        folder: where the file goes.

    Raises:
        OSError: when it cannot be written.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows([printable(value) if isinstance(value, str) else value for value in row] for row in _rows(audit))
    write_text(folder / "audit.csv", file.getvalue())


def _rows(audit: Audit) -> Iterator[tuple[Value, ...]]:
    for cell in done(audit["cells"]):
        whose = (cell["target"], cell["attack"], cell["seed"])
        for name, judge in cell["judges"].items():
            kinds = {"main": judge, **{f"null_{null}": scores for null, scores in judge["nulls"].items()}}
            for kind, scores in kinds.items():
                for metric in METRICS:
                    yield (kind, *whose, name, metric, scores[metric]["mean"], scores[metric]["std"])
        for metric in dict.fromkeys(key for row in cell["similarity"] for key in row if key != "class"):
            values = [row[metric] for row in cell["similarity"] if row.get(metric) is not None]
            if values:
                yield ("main", *whose, None, metric, sum(values) / len(values), None)
