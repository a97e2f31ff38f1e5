"""Likeness of reconstructions to the private images, measured in pixels: no judge takes part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torchmetrics.functional.image import structural_similarity_index_measure

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.image_base import to_pixels
from brainleaks_pl.evaluation.identification import gallery, identify
from brainleaks_pl.evaluation.scoring import min_max_rescale
from brainleaks_pl.events.likeness import fit_length


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
    reconstructions: Tensor,
    classes: Sequence[int],
    data: BaseDataModule,
    *,
    rescale: bool = False,
    left_out: Sequence[int] | None = None,
) -> list[dict[str, int | float]]:
    """Compare each reconstruction with the training images of its class, and of the other classes.

    Args:
        reconstructions: images ``(M, C, H, W)``, or spikes or spike probabilities ``(T, M, C, H, W)``.
        classes: the class of each reconstruction.
        data: the private data set.
        rescale: stretch each reconstruction to [0, 1] first, as in :func:`brainleaks_pl.evaluation.scoring.score`.
        left_out: for each the place of one among the test images of its class that does not count, being the same;
            None leaves none out.

    Returns:
        For each reconstruction its ``class``, and its structural similarity to the mean training image of the class
        (``ssim_class_mean``) and to the training image of the class at the smallest L2 distance (``ssim_nearest``).
        Rate images of events are compared as :meth:`EventDataModule.display` shows them. Then come what features that
        no network has learnt say of it (:func:`~brainleaks_pl.evaluation.identification.identify`), and the data set's
        own scores (:meth:`BaseDataModule.likeness`).

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
    identified = identify(images, classes, data, left_out)
    for k, image, sample, identity in zip(classes, images, x.unbind(-4), identified, strict=True):
        to_mean, to_nearest = ssim(image.expand(2, *image.shape), mean_and_nearest(image, k, data)).tolist()
        likeness = {"ssim_class_mean": to_mean, "ssim_nearest": to_nearest}
        rows.append({"class": int(k), **likeness, **identity, **data.likeness(sample, k)})
    return rows


def similarity_nulls(
    data: BaseDataModule, classes: Sequence[int], *, time_steps: int | None = None, seed: int = 0, rescale: bool = False
) -> dict[str, list[dict[str, int | float]]]:
    """Compare what is no attack at all with the training images: the baselines to read :func:`similarity` against.

    One of each is drawn for each class, of the nulls that judges score (:meth:`BaseDataModule.nulls`): noise, black or
    shuffled, the class mean, and a real test image, which does not count among the test images of its class (where
    it is the only one, nothing is said of them). They are computed once.

    Args:
        data: the private data set.
        classes: the attacked classes.
        time_steps: T of the reconstructions that they stand beside, for event data.
        seed: seed of the draws.
        rescale: stretch each to [0, 1] first, as in :func:`similarity`.

    Returns:
        By name of the null the rows of :func:`similarity`.

    Raises:
        ValueError: when a class does not exist, or has no test image.
    """
    kept, key = gallery(data).kept, (type(data), tuple(classes), time_steps, seed, rescale)
    if key not in kept:
        generator = torch.Generator().manual_seed(seed)
        rows = {}
        for name, null in data.nulls(classes, time_steps, torch.device("cpu")).items():
            if name == "real":
                x, places = _real(data, classes, time_steps, generator)
                rows[name] = similarity(x, classes, data, rescale=rescale, left_out=places)
            else:
                rows[name] = similarity(null.sample(generator), classes, data, rescale=rescale)
        kept[key] = rows
    return {name: [dict(row) for row in own] for name, own in kept[key].items()}


def comes_first(rank: float) -> float:
    """Return ``identified``, 1.0 where the class of a row of :func:`similarity` is at rank 1 and 0.0 elsewhere."""
    return float(rank == 1)


def means(compared: Mapping[str, Sequence[Mapping[str, int | float]]]) -> dict[str, dict[str, float]]:
    """Return by name the means over the rows of :func:`similarity`, and as ``identified`` the share of the rank 1."""
    found = {}
    for name, rows in compared.items():
        values = {key: [row[key] for row in rows if key in row] for row in rows for key in row if key != "class"}
        values["identified"] = [comes_first(row["rank"]) for row in rows]
        found[name] = {key: sum(own) / len(own) for key, own in values.items()}
    return found


def _real(
    data: BaseDataModule, classes: Sequence[int], time_steps: int | None, generator: torch.Generator
) -> tuple[Tensor, list[int]]:
    """Draw a test sample of each class; return these, and their places among the test images of their classes."""
    counts = [len(features) for features in (gallery(data).test[k] for k in classes)]
    places = [int(torch.randint(count, (1,), generator=generator)) for count in counts]
    test = data.split("test")
    samples = [test[int(data.class_indices(k, "test")[i])][0] for k, i in zip(classes, places, strict=True)]
    if samples[0].ndim == 3:
        return to_pixels(torch.stack(samples)), places
    return torch.stack([fit_length(sample, time_steps or len(sample)) for sample in samples], 1).float(), places
