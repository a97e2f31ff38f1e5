"""Likeness of reconstructions to the private images, measured in pixels: no judge takes part."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.evaluation.scoring import min_max_rescale


def to_display(x: Tensor) -> Tensor:
    """Return images to look at, ``(M, C, H, W)`` in [0, 1].

    Args:
        x: images ``(M, C, H, W)``, or spikes or spike probabilities ``(T, M, C, H, W)``, which become rate images.

    Raises:
        ValueError: when ``x`` has another number of dimensions.
    """
    if x.ndim not in (4, 5):
        raise ValueError(f"expected (M, C, H, W) or (T, M, C, H, W), got the shape {tuple(x.shape)}.")
    images = x.detach().float()
    return (images.mean(0) if x.ndim == 5 else images).clamp(0.0, 1.0)


def ssim(images: Tensor, references: Tensor) -> Tensor:
    """Return the structural similarity (Wang et al., 2004) of each pair of images, ``(M,)``; 1 for equal images.

    The window is the usual Gaussian of 11 x 11 pixels (sigma 1.5), narrower on images with a side under 6 pixels.
    The index is averaged over the whole image, which is reflected at its borders.

    Args:
        images: pixels in [0, 1], ``(M, C, H, W)``.
        references: pixels in [0, 1], of the same shape.

    Raises:
        ValueError: when the shapes are not equal, or not of four dimensions.
    """
    if images.ndim != 4 or images.shape != references.shape:
        raise ValueError(
            "images and references must have the same shape (M, C, H, W), "
            f"got {tuple(images.shape)} and {tuple(references.shape)}."
        )
    # torchmetrics' window reaches int(3.5 * sigma + 0.5) pixels to each side, and reflects at most side - 1
    sigma = min(1.5, (min(images.shape[-2:]) - 0.6) / 3.5)
    # the map rather than the ready-made mean, which older versions of torchmetrics take without the borders
    _, index = structural_similarity_index_measure(
        images, references, sigma=sigma, reduction="none", data_range=1.0, return_full_image=True
    )
    return index.mean((1, 2, 3)).clamp(-1.0, 1.0)  # rounding passes 1 where pictures are flat


def mean_and_nearest(image: Tensor, label: int, data: BaseDataModule) -> Tensor:
    """Return two pictures to compare an image, ``(C, H, W)``, with, as displayed, ``(2, C, H, W)``.

    The mean training image of the class, and the training image of the class at the smallest L2 distance.
    """
    samples = data.class_images(label)
    private, mean = data.display(samples), data.display(samples.mean(0, keepdim=True))
    nearest = private[torch.linalg.vector_norm(private - image, dim=(1, 2, 3)).argmin()]
    return torch.cat([mean, nearest[None]])


def similarity(
    reconstructions: Tensor, classes: Sequence[int], data: BaseDataModule, *, rescale: bool = False
) -> list[dict[str, int | float]]:
    """Compare each reconstruction with the training images of its class.

    Args:
        reconstructions: images ``(M, C, H, W)``, or spikes or spike probabilities ``(T, M, C, H, W)``.
        classes: the class of each reconstruction.
        data: the private data set.
        rescale: stretch each reconstruction to [0, 1] first, as in :func:`brainleaks_pl.evaluation.scoring.score`.

    Returns:
        For each reconstruction its ``class``, and its structural similarity to the mean training image of the class
        (``ssim_class_mean``) and to the training image of the class at the smallest L2 distance (``ssim_nearest``).
        Rate images of events are compared as :meth:`EventDataModule.display` shows them. Then come the data set's own
        scores (:meth:`BaseDataModule.likeness`).

    Raises:
        ValueError: when the reconstructions do not fit the classes or the data.
    """
    x = min_max_rescale(reconstructions) if rescale else reconstructions
    images = data.display(to_display(x).cpu())
    if len(images) != len(classes):
        raise ValueError(
            f"each reconstruction needs its class, got {len(images)} reconstructions and {len(classes)} classes."
        )
    if tuple(images.shape[1:]) != data.input_shape:
        raise ValueError(
            f"{type(data).__name__} has images of shape {data.input_shape}, "
            f"got reconstructions of {tuple(images.shape[1:])}."
        )
    rows: list[dict[str, int | float]] = []
    for k, image, sample in zip(classes, images, x.unbind(-4), strict=True):
        to_mean, to_nearest = ssim(image.expand(2, *image.shape), mean_and_nearest(image, k, data)).tolist()
        rows.append(
            {"class": int(k), "ssim_class_mean": to_mean, "ssim_nearest": to_nearest, **data.likeness(sample, k)}
        )
    return rows
