"""The ceiling that an encoding sets: what remains of an image once it has been encoded and decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torchmetrics.functional.image import peak_signal_noise_ratio

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.encoders.base import describe_encoder
from brainleaks_pl.evaluation.similarity import ssim

MOST_DECIBELS = 60.0
"""Largest PSNR that is told apart: that of images rounded to bytes is about 59 dB, that of equal ones infinite."""


def encoding_ceiling(
    data: BaseDataModule, time_steps: Sequence[int], images: int = 100, seed: int = 0
) -> dict[str, Any] | None:
    """Return how alike test images and what is decoded of their encoding are, by the number of time steps.

    The published explanation of SNNs' resilience is that encoding and decoding lose information (arXiv 2402.00906,
    "non-reversible quantisation"): this is how much.

    Args:
        data: the private data set.
        time_steps: the numbers of time steps, each at least 1.
        images: test images, the first ones of each class, evenly.
        seed: seed of the encoding.

    Returns:
        ``encoder`` with its constants, ``time_steps``, and for each of these the mean ``ssim`` (Wang et al., 2004) and
        ``psnr`` in dB, at most 60; ``at``, ``ssim_at`` and ``psnr_at`` are those of the data's own T. None where the
        data are recordings of events, have no encoder, or one that cannot be decoded.
    """
    if data.encoder is None or data.time_steps is None or isinstance(data, EventDataModule):
        return None
    each = max(1, images // data.num_classes)
    tested = torch.as_tensor(data.split("test").labels).unique().tolist()
    real = torch.cat([data.class_images(label, "test")[:each] for label in tested])
    likeness = {}
    for steps in dict.fromkeys((*time_steps, data.time_steps)):
        encoder = replace(data.encoder, time_steps=steps)
        decoded = encoder.decode(encoder.encode(real, torch.Generator().manual_seed(seed)))
        if decoded is None:
            return None
        noise = peak_signal_noise_ratio(decoded, real, data_range=1.0, reduction="none", dim=(1, 2, 3))
        likeness[steps] = (ssim(decoded, real).mean().item(), noise.clamp(max=MOST_DECIBELS).mean().item())
    at_ssim, at_psnr = likeness[data.time_steps]
    return {
        "encoder": describe_encoder(data.encoder),
        "time_steps": list(time_steps),
        "ssim": [likeness[steps][0] for steps in time_steps],
        "psnr": [likeness[steps][1] for steps in time_steps],
        "at": data.time_steps,
        "ssim_at": at_ssim,
        "psnr_at": at_psnr,
    }
