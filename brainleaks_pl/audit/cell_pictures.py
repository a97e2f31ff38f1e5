"""What a report shows of a cell: reconstructions beside what they should look like, as bytes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.events.likeness import fit_length
from brainleaks_pl.report import Report
from brainleaks_pl.similarity import mean_and_nearest, to_display


def cell_pictures(report: Report, classes: Sequence[int], data: BaseDataModule) -> dict[str, Tensor]:
    """Return the pictures of the best reconstruction of each class, uint8.

    Args:
        report: the results of an attack.
        classes: the M attacked classes.
        data: the private data set.

    Returns:
        ``reconstruction``, ``class_mean`` and ``nearest`` (the training image of the class at the smallest distance),
        as displayed, ``(M, C, H, W)``; of event data also ``spikes`` and ``real``, a training recording of each class,
        in {0, 1}, ``(T, M, C, H, W)``, and ``scene``, ``(M, C, H, W)``, where the attack looked for one.
    """
    images = data.display(to_display(report.inputs))
    beside = [mean_and_nearest(image, label, data) for image, label in zip(images, classes, strict=True)]
    means, nearest = torch.stack(beside, 1)
    pictures = {"reconstruction": _bytes(images), "class_mean": _bytes(means), "nearest": _bytes(nearest)}
    if report.inputs is not report.best:
        pictures["scene"] = _bytes(to_display(report.best))
    if "spikes" in report.tensors and isinstance(data, EventDataModule):
        spikes = report.tensors["spikes"].index_select(1, report.tensors["best"])
        recordings = [fit_length(data.recording(label), len(spikes)) for label in classes]
        pictures["spikes"], pictures["real"] = spikes, torch.stack(recordings, 1).to(torch.uint8)
    return pictures


def _bytes(images: Tensor) -> Tensor:
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)
