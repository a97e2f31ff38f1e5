"""A report in files and in TensorBoard."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import torch
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from matplotlib.figure import Figure

from brainleaks_pl.evaluation.report import METRICS, Report
from brainleaks_pl.reporting.animation import log_animation
from brainleaks_pl.reporting.illustrations import animate, illustrate, illustrate_further
from brainleaks_pl.system.storage import atomic_write


def write_report(report: Report, folder: Path) -> dict[str, Figure]:
    """Write ``scores.json``, ``reconstructions.pt`` and the pictures, each atomically; return the pictures.

    Raises:
        OSError: when a file cannot be written; older files are then left as they were.
    """
    figures = illustrate(report)
    with ExitStack() as files:
        scores, tensors = (files.enter_context(atomic_write(folder / n)) for n in ("scores.json", "reconstructions.pt"))
        scores.write_text(json.dumps(report.scores, indent=2) + "\n", encoding="utf-8")
        torch.save(report.tensors, tensors)
        for name, figure in figures.items():
            figure.savefig(files.enter_context(atomic_write(folder / f"{name}.png")), format="png")
    return figures


def log_report(report: Report, figures: dict[str, Figure], loggers: list[Logger]) -> None:
    """Show the report in TensorBoard: pictures, and the hyper-parameters with the scores (HParams tab).

    Args:
        report: the report.
        figures: the pictures that :func:`write_report` wrote; TensorBoard shows further ones beside them.
        loggers: of the trainer.
    """
    scores = {
        f"score/{name}/{metric}": judge[metric]["mean"]
        for name, judge in report.scores["judges"].items()
        for metric in METRICS
    }
    arguments = {
        "attack": report.scores["attack"]["class_path"].rpartition(".")[2],
        **report.scores["attack"]["init_args"],
    }
    boards = [logger for logger in loggers if isinstance(logger, TensorBoardLogger)]
    figures = {**figures, **illustrate_further(report)} if boards else {}
    animations = animate(report) if boards else {}
    for logger in boards:
        for name, figure in figures.items():
            logger.experiment.add_figure(name, figure, close=False)
        for name, frames in animations.items():
            log_animation(logger.experiment, name, frames)
        logger.log_hyperparams(arguments, scores)
        logger.save()
