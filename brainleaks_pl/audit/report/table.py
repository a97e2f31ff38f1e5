"""The scores as tidy rows, for spreadsheets and data frames."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brainleaks_pl.audit.grouping import done
from brainleaks_pl.audit.report.parts import Audit, Value
from brainleaks_pl.evaluation.report import METRICS
from brainleaks_pl.evaluation.similarity import comes_first
from brainleaks_pl.reporting.text import printable
from brainleaks_pl.system.storage import write_text

HEADER = (
    "kind", "target", "attack", "seed", "withheld", "gradients", "budget", "judge", "counts", "metric", "value", "std",
)  # fmt: skip
_KINDS = ("main", "control", "blind", "adversarial")


def write_csv(audit: Audit, folder: Path) -> None:
    """Write the scores of an audit's cells to ``folder/audit.csv``, one number per row.

    ``kind`` is ``main`` for what an attack reached and ``null_<name>`` for what a null did before the same judge;
    ``control``, ``blind`` and ``adversarial`` are the cells on networks that learnt shuffled labels, on those that
    never saw the attacked classes (``withheld``, separated by spaces), and adversarial examples. Cells with other
    surrogates and of a sweep are left out. ``gradients`` were spent per class, of ``budget``. ``counts`` says whether
    the judge has a part in the verdict. Likeness in pixels is averaged over the classes and has no judge. ``std`` is
    over the draws of a score, and empty where there is none. Failed cells have no rows.

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
    for cell in (cell for kind in _KINDS for cell in done(audit["cells"], kind)):
        withheld = None if cell["withheld"] is None else " ".join(map(str, cell["withheld"]))
        whose = (*(cell[key] for key in ("target", "attack", "seed")), withheld, cell["gradients"], cell["budget"])
        for name, judge in cell["judges"].items():
            counts = bool(audit["judges"][name]["counts"])
            kinds = {cell["kind"]: judge}
            if cell["kind"] == "main":  # the nulls of a judge are those of its data, whoever is attacked
                kinds |= {f"null_{null}": scores for null, scores in judge["nulls"].items()}
            for kind, scores in kinds.items():
                for metric in METRICS:
                    yield (kind, *whose, name, counts, metric, scores[metric]["mean"], scores[metric]["std"])
        for metric, values in _likeness(cell).items():
            yield (cell["kind"], *whose, None, None, metric, sum(values) / len(values), None)


def _likeness(cell: dict[str, Any]) -> dict[str, list[float]]:
    """Return the measures of likeness of each class by name, without those that are missing."""
    found: dict[str, list[float]] = {}
    for row in cell["similarity"]:
        own = {key: value for key, value in row.items() if key != "class"}
        if own.get("rank") is not None:
            own["identified"] = comes_first(own["rank"])
        for key, value in own.items():
            if value is not None:
                found.setdefault(key, []).append(value)
    return found
