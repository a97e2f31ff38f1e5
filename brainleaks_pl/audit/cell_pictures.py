"""What a report shows of a cell: reconstructions beside what they should look like, as bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.events.likeness import fit_length
from brainleaks_pl.similarity import nearest_image, to_display


def cell_pictures(tensors: Mapping[str, Tensor], classes: Sequence[int], data: BaseDataModule) -> dict[str, Tensor]:
    """Return the pictures of the best reconstruction of each class, uint8.

    Args:
        tensors: what an attack's ``reconstructions.pt`` holds.
        classes: the M attacked classes.
        data: the private data set.

    Returns:
        ``reconstruction``, ``class_mean`` and ``nearest`` (the training image of the class at the smallest distance),
        as displayed, ``(M, C, H, W)``; of event data also ``spikes`` and ``real``, a training recording of each class,
        in {0, 1}, ``(T, M, C, H, W)``, and ``scene``, ``(M, C, H, W)``, where the attack looked for one.
    """
    best = tensors["reconstructions"].index_select(-4, tensors["best"])
    spikes = tensors["spikes"].index_select(1, tensors["best"]) if "spikes" in tensors else None
    pictures = {}
    inputs = best
    if spikes is not None and tuple(best.shape[-3:]) != data.input_shape:
        inputs, pictures["scene"] = spikes, _bytes(to_display(best))
    images = data.display(to_display(inputs))
    nearest = [nearest_image(image, label, data) for image, label in zip(images, classes, strict=True)]
    pictures["reconstruction"] = _bytes(images)
    pictures["class_mean"] = _bytes(data.display(torch.stack([data.class_images(k).mean(0) for k in classes])))
    pictures["nearest"] = _bytes(torch.stack(nearest))
    if spikes is not None and isinstance(data, EventDataModule):
        recordings = [fit_length(data.recording(label), len(spikes)) for label in classes]
        pictures["spikes"], pictures["real"] = spikes.to(torch.uint8), torch.stack(recordings, 1).to(torch.uint8)
    return pictures


def _bytes(images: Tensor) -> Tensor:
    return (images.clamp(0, 1) * 255).round().to(torch.uint8)
