"""What an attack leaves behind: scores, reconstructions and pictures, in files and in TensorBoard."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from matplotlib.figure import Figure
from torch import Tensor

from brainleaks_pl.animation import Pictures, log_animation
from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.attacks.queries import QueryInversion
from brainleaks_pl.comparison import compare_rasters, compare_recordings
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.encoding import Encoder
from brainleaks_pl.pictures import confidence_matrix, query_plot, reconstruction_grid
from brainleaks_pl.query_curve import query_curve
from brainleaks_pl.scoring import Scores, min_max_rescale, nulls, score
from brainleaks_pl.similarity import similarity, to_display
from brainleaks_pl.storage import atomic_write
from brainleaks_pl.targets.base import TargetClassifier

METRICS = ("attack_accuracy", "top3_accuracy", "confidence", "daa")
_FILES = {"queries"}  # figures that are files beside TensorBoard's
_PACKAGES = ("brainleaks_pl", "torch", "lightning", "snntorch", "torchmetrics")


@dataclass(frozen=True)
class Scoring:
    """How judges score reconstructions.

    Args:
        draws: Bernoulli draws of random reconstructions (published: 1000), at least 1.
        null_draws: draws of the nulls, and of the points of a curve against queries, at least 1.
        rescale: stretch each reconstruction to [0, 1] first (published for the ANN scores, not for the SNN scores).
        batch_size: inputs that a judge sees at once, at least 1.

    Raises:
        ValueError: when a number is below 1.
    """

    draws: int = 1000
    null_draws: int = 100
    rescale: bool = False
    batch_size: int = 250

    def __post_init__(self) -> None:
        for name in ("draws", "null_draws", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"scoring.{name} must be at least 1, got {getattr(self, name)}.")


@dataclass(frozen=True, eq=False)
class Report:
    """The results of one attack.

    Args:
        scores: what ``scores.json`` holds.
        tensors: what ``reconstructions.pt`` holds.
        best: the best reconstruction of each class, which the judges score.
        inputs: the same as networks see them: recordings where ``best`` are scenes.
        grid: the labelled reconstructions, ``reconstructions.png``.
        figures: further pictures by name, for TensorBoard; ``queries`` goes to a file as well.
        animations: event recordings by name, for TensorBoard.
    """

    scores: dict[str, Any]
    tensors: dict[str, Tensor]
    best: Tensor
    inputs: Tensor
    grid: Figure
    figures: dict[str, Figure]
    animations: dict[str, Pictures]


def make_report(
    attack: InversionModule,
    judges: Mapping[str, TargetClassifier],
    data: BaseDataModule,
    scoring: Scoring,
    *,
    title: str,
    seed: int,
    facts: Mapping[str, Any],
) -> Report:
    """Let the judges score a finished attack and draw its pictures.

    Of several restarts of a class the one that the target likes best is scored; a judge never chooses.

    Args:
        attack: the finished attack.
        judges: the judges by name; they have been trained on ``data``.
        data: the private data set.
        scoring: how to score.
        title: heading of the pictures.
        seed: seed of the draws.
        facts: further keys of ``scores.json``, merged into it (``judges`` by name).
    """
    everything = attack.reconstructions().cpu()
    best_units = torch.tensor(attack.best_restarts())
    best = everything.index_select(-4, best_units)
    tensors = {
        "reconstructions": everything,
        "classes": torch.tensor([label for label, _ in attack.units]),
        "restarts": torch.tensor([restart for _, restart in attack.units]),
        "best": best_units,
    }
    if data.simulated:
        title += " (simulated data)"
    figures: dict[str, Figure] = {}
    animations: dict[str, Pictures] = {}
    encoder = data.encoder or attack.encoder
    spikes = _one_draw(everything, encoder, seed)
    inputs = best  # as the networks see them
    if spikes is not None:
        tensors["spikes"] = spikes.to(torch.uint8)
        shown = spikes.index_select(1, best_units)
        inputs = best if best.shape[-3:] == data.input_shape else shown
        figures["spike_raster"] = compare_rasters(shown, attack.classes, data, title)
        if isinstance(data, EventDataModule):
            animations = compare_recordings(shown, attack.classes, data, title)
    options: dict[str, Any] = {"rescale": scoring.rescale, "seed": seed, "batch_size": scoring.batch_size}

    def scored(images: Tensor, judge: TargetClassifier, draws: int = scoring.null_draws) -> Scores:
        return score(images, judge, attack.classes, encoder=encoder, draws=draws, **options)

    judged: dict[str, Any] = {}
    for name, judge in judges.items():
        scores = scored(best, judge, scoring.draws)
        baselines = nulls(
            data.for_network(judge.spiking),
            judge,
            attack.classes,
            time_steps=None if spikes is None else len(spikes),
            draws=scoring.null_draws,
            **options,
        )
        judged[name] = {
            **facts["judges"][name],
            **scores.as_dict(),
            "nulls": {null: _without_classes(values) for null, values in baselines.items()},
        }
        figures[f"confidence/{name}"] = confidence_matrix(
            scores.matrix,
            [data.class_name(label) for label in attack.classes],
            [data.class_name(label) for label in range(data.num_classes)],
            f"{title}: confidence of judge {name}",
        )
    curves = {}
    if isinstance(attack, QueryInversion):
        curves["queries"] = query_curve(attack, judges, scored)
        figures["queries"] = query_plot(curves["queries"], f"{title}: what so many queries reveal")
    likeness = similarity(inputs, attack.classes, data, rescale=scoring.rescale)
    content = {
        **facts,
        "judges": judged,
        "similarity": likeness,
        **_scene_similarity(best, attack.classes, data),
        **curves,
        "data": {
            **data.describe(),
            "simulated": data.simulated,
            "class_names": [data.class_name(label) for label in range(data.num_classes)],
        },
        "scoring": asdict(scoring),
        "seed": seed,
        "versions": versions(),
    }
    pictures = [
        data.display(to_display(min_max_rescale(inputs) if scoring.rescale else inputs)),
        data.display(data.class_means())[attack.classes],
    ]
    caption = "reconstruction (left) and mean training image (right) of each class"
    if inputs is not best:
        pictures.insert(0, to_display(best).mean(1, keepdim=True).expand(-1, data.input_shape[0], -1, -1))
        caption = "reconstructed scene (left), its recording, and mean training recording (right) of each class"
    captions = [_caption(data.class_name(label), judged, index) for index, label in enumerate(attack.classes)]
    grid = reconstruction_grid(pictures, captions, f"{title}: {caption}")
    return Report(content, tensors, best, inputs, grid, figures, animations)


def versions(*further: str) -> dict[str, str]:
    """Return the versions of Python and of the packages that scores depend on, and of further packages."""
    return {"python": platform.python_version(), **{package: version(package) for package in (*_PACKAGES, *further)}}


def _scene_similarity(best: Tensor, classes: Sequence[int], data: BaseDataModule) -> dict[str, Any]:
    """Compare reconstructed scenes with those that the private recordings show, where these are known."""
    if data.scenes is None or best.ndim == 5 or tuple(best.shape[1:]) != data.scenes.input_shape:
        return {}
    return {"scene_similarity": similarity(best, classes, data.scenes)}


def _one_draw(reconstructions: Tensor, encoder: Encoder | None, seed: int) -> Tensor | None:
    """Draw spikes, ``(T, N, C, H, W)``, of spike probabilities or of images that are encoded as spikes."""
    generator = torch.Generator().manual_seed(seed)
    if reconstructions.ndim == 5:
        return torch.bernoulli(reconstructions, generator=generator)
    if encoder is None:
        return None
    encoded = encoder.encode(reconstructions, generator)
    return encoded if bool(((encoded == 0) | (encoded == 1)).all()) else None  # else a current


def _without_classes(scores: Scores) -> dict[str, Any]:
    return {name: value for name, value in scores.as_dict().items() if name in METRICS}


def _caption(name: str, judged: Mapping[str, Any], index: int) -> str:
    confidences = [judge["per_class"][index]["confidence"] for judge in judged.values()]
    return f"{name} ({', '.join(f'{confidence:.2f}' for confidence in confidences)})" if confidences else name


def write_report(report: Report, folder: Path) -> None:
    """Write ``scores.json``, ``reconstructions.pt`` and the pictures, each whole or not at all.

    Raises:
        OSError: when a file cannot be written; older files are then left as they were.
    """
    pictures = {"reconstructions": report.grid, **{n: figure for n, figure in report.figures.items() if n in _FILES}}
    with ExitStack() as files:
        scores, tensors = (files.enter_context(atomic_write(folder / n)) for n in ("scores.json", "reconstructions.pt"))
        scores.write_text(json.dumps(report.scores, indent=2) + "\n", encoding="utf-8")
        torch.save(report.tensors, tensors)
        for name, figure in pictures.items():
            figure.savefig(files.enter_context(atomic_write(folder / f"{name}.png")), format="png")


def log_report(report: Report, loggers: list[Logger]) -> None:
    """Show the report in TensorBoard: pictures, and the hyper-parameters with the scores (HParams tab)."""
    scores = {
        f"score/{name}/{metric}": judge[metric]["mean"]
        for name, judge in report.scores["judges"].items()
        for metric in METRICS
    }
    arguments = {
        "attack": report.scores["attack"]["class_path"].rpartition(".")[2],
        **report.scores["attack"]["init_args"],
    }
    for logger in loggers:
        if isinstance(logger, TensorBoardLogger):
            for name, figure in {"reconstructions": report.grid, **report.figures}.items():
                logger.experiment.add_figure(name, figure)
            for name, frames in report.animations.items():
                log_animation(logger.experiment, name, frames)
            logger.log_hyperparams(arguments, scores)
            logger.save()
