"""The training batches of a network, drawn from its own seed however many networks are trained together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.image_base import ImageDataModule, to_pixels
from brainleaks_pl.encoders.rate import RateEncoder
from brainleaks_pl.targets.checks.measure import transferred


def seed_from(*numbers: int) -> int:
    """Return a seed that depends on all of the numbers, each at least 0."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


def fetch(data: BaseDataModule, split: str, indices: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return samples of a split as one batch, not yet encoded."""
    own: Any = data.split(split)
    at_once = getattr(own, "__getitems__", None)
    batch: tuple[Tensor, Tensor] = data.collate(at_once(list(indices)) if at_once else [own[i] for i in indices])
    return batch


def encoded(
    data: BaseDataModule, split: str, indices: Sequence[int], device: torch.device, seed: int
) -> tuple[Tensor, Tensor]:
    """Return samples of a split as a network takes them, and their labels; the same seed draws the same spikes."""
    return transferred(data, fetch(data, split, indices), device, seed=seed)


def encoded_together(
    data: BaseDataModule, batches: Sequence[Sequence[int]], device: torch.device, seed: int
) -> tuple[Tensor, Tensor]:
    """Return what :func:`encoded` makes of several equally large batches of training samples, stacked.

    All are encoded by the same chance numbers, which are drawn once where the encoder is a rate code.

    Args:
        data: the data.
        batches: indices of each of M batches of B samples.
        device: where they go.
        seed: of all.

    Returns:
        ``(M, T, B, C, H, W)`` or ``(M, B, C, H, W)``, and labels ``(M, B)``.
    """
    encoder = data.encoder
    if not isinstance(data, ImageDataModule) or (encoder is not None and type(encoder) is not RateEncoder):
        drawn = [encoded(data, "train", own, device, seed) for own in batches]
        x, labels = (torch.stack(part) for part in zip(*drawn, strict=True))
        return x, labels
    images, labels = fetch(data, "train", [index for own in batches for index in own])
    pixels = to_pixels(images.to(device)).unflatten(0, (len(batches), -1))
    labels = labels.to(device).view(len(batches), -1)
    if not isinstance(encoder, RateEncoder):
        return pixels, labels
    generator = torch.Generator(device).manual_seed(seed)
    uniform = torch.rand((encoder.time_steps, *pixels.shape[1:]), generator=generator, device=device)
    return encoder.spikes(pixels.unsqueeze(1), uniform), labels


def steps_of(members: Tensor, epochs: int, batch_size: int, seed: int) -> Iterator[list[int]]:
    """Return which samples each step of a training takes.

    Args:
        members: indices of the training samples.
        epochs: passes over them, each in an order of its own.
        batch_size: samples in a step; the last of an epoch may have fewer.
        seed: the network's seed.
    """
    for epoch in range(epochs):
        order = torch.randperm(len(members), generator=torch.Generator().manual_seed(seed_from(seed, epoch)))
        for batch in members[order].split(batch_size):
            yield batch.tolist()
