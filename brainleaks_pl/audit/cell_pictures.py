"""The pictures that a report shows of a cell: reconstructions, and what they should look like, as bytes."""

from __future__ import annotations

import torch
from torch import Tensor

from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.evaluation.report import Report
from brainleaks_pl.evaluation.similarity import mean_and_nearest, to_display
from brainleaks_pl.events.likeness import fit_length


def cell_pictures(report: Report) -> dict[str, Tensor]:
    """Return the pictures of the best reconstruction of each class, uint8.

    Args:
        report: the results of an attack on M classes.

    Returns:
        ``reconstruction``, ``class_mean`` and ``nearest`` (the training image of the class at the smallest distance),
        as displayed, ``(M, C, H, W)``; of event data also ``spikes`` and ``real``, a training recording of each class,
        in {0, 1}, ``(T, M, C, H, W)``, and ``scene``, ``(M, C, H, W)``, where the attack looked for one.
    """
    classes, data = report.classes, report.data
    images = data.display(to_display(report.inputs))
    beside = [mean_and_nearest(image, label, data) for image, label in zip(images, classes, strict=True)]
    means, nearest = torch.stack(beside, 1)
    pictures = {"reconstruction": _bytes(images), "class_mean": _bytes(means), "nearest": _bytes(nearest)}
    if report.inputs is not report.best:
        pictures["scene"] = _bytes(to_display(report.best))
    spikes = report.spikes
    if spikes is not None and isinstance(data, EventDataModule):
        recordings = [fit_length(data.recording(label), len(spikes)) for label in classes]
        pictures["spikes"], pictures["real"] = spikes, torch.stack(recordings, 1).to(torch.uint8)
    return pictures


def _bytes(images: Tensor) -> Tensor:
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)
