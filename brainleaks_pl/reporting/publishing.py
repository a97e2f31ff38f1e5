"""A report in files and in TensorBoard."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

from lightning.pytorch.loggers import Logger, TensorBoardLogger
from matplotlib.figure import Figure

from brainleaks_pl.evaluation.report import Report
from brainleaks_pl.reporting.animation import log_animation
from brainleaks_pl.reporting.board import run_summaries, settings_of
from brainleaks_pl.reporting.illustrations import animate, illustrate, illustrate_further
from brainleaks_pl.reporting.text import one_line
from brainleaks_pl.system.storage import file_digest, write_bytes, write_text
from brainleaks_pl.system.tensors import write_tensors

SCORES = "scores.json"
"""Name of the file that a report writes last."""
_TENSORS = "reconstructions.pt"
_OWN = re.compile(r"reconstructions\.pt|\w+\.png")
_UNLISTED = ("reconstructions.png", "queries.png")  # of reports that did not list their files


def write_report(report: Report, folder: Path) -> dict[str, Figure]:
    """Write ``reconstructions.pt``, the pictures, and last ``scores.json``, each atomically; return the pictures.

    Everything is drawn before anything is written. ``scores.json`` names the other files as ``files``, with their
    sha256: where they are others, the report is not whole. Those that an earlier report has left are removed.

    Raises:
        OSError: when a file cannot be written; ``scores.json`` is then left as it was.
    """
    figures = illustrate(report)
    pictures = {f"{name}.png": _png(figure) for name, figure in figures.items()}
    earlier = _files_of(folder)
    write_tensors(folder / _TENSORS, report.tensors)
    for name, content in pictures.items():
        write_bytes(folder / name, content)
    files = {name: file_digest(folder / name) for name in sorted([_TENSORS, *pictures])}
    scores = json.dumps({**report.scores, "files": files}, indent=2) + "\n"
    for name in earlier - files.keys():
        (folder / name).unlink(missing_ok=True)
    write_text(folder / SCORES, scores)
    return figures


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _files_of(folder: Path) -> set[str]:
    """Return the files that a report has left in a folder, beside its scores."""
    path = folder / SCORES
    if not path.is_file():
        return set()
    try:
        names = json.loads(path.read_bytes())["files"]
        # whatever the file says, only what a report may have written is taken for its own
        return {name for name in names if _OWN.fullmatch(name)}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return set(_UNLISTED)


def log_report(report: Report, figures: dict[str, Figure], loggers: list[Logger]) -> None:
    """Show the report in TensorBoard: pictures, scores beside the nulls, and settings with the scores (HParams tab).

    Args:
        report: the report.
        figures: the pictures that :func:`write_report` wrote; TensorBoard shows further ones beside them.
        loggers: of the trainer.
    """
    settings = {"config": one_line(report.title), "seed": report.scores["seed"]}
    settings |= settings_of("attack", report.scores["attack"])
    boards = [logger for logger in loggers if isinstance(logger, TensorBoardLogger)]
    figures = {**figures, **illustrate_further(report)} if boards else {}
    animations = animate(report) if boards else {}
    for logger in boards:
        for name, figure in figures.items():
            logger.experiment.add_figure(one_line(name), figure, close=False)
        for name, frames in animations.items():
            log_animation(logger.experiment, one_line(name), frames)
        for summary in run_summaries(settings, report.scores):
            logger.experiment._get_file_writer().add_summary(summary, 0)
        logger.save()
