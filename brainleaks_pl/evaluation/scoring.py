"""Scores of an attack: what a judge, which the attack has never seen, makes of the reconstructions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor

from brainleaks_pl.data.base import BaseDataModule, Null, Sampler
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.evaluation.metrics import checked_classes, class_metrics
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.modes import evaluating

ENTRIES_AT_ONCE = 2**24
"""Most entries, time steps included, that a judge sees at once: its activations are some ten times that."""


@dataclass(frozen=True)
class Stat:
    """Mean and population standard deviation over draws; one draw has the standard deviation 0."""

    mean: float
    std: float


@dataclass(frozen=True, eq=False)
class Scores:
    """What a judge says of the reconstructions of M classes.

    Args:
        classes: the attacked classes, in the order of the reconstructions.
        matrix: the judge's confidences, mean over draws, ``(M, K)``; row i is the reconstruction of ``classes[i]``.
        attack_accuracy: share of reconstructions which the judge takes for their class.
        top3_accuracy: share of reconstructions whose class is among the judge's first three.
        confidence: mean confidence of the judge in the attacked class.
        daa: share of attacked classes which the judge sees most in their own reconstruction.
        parts: by metric what each class has contributed, mean over draws, ``(M,)``; their mean is the metric's.

    Examples:
        Noise in place of reconstructions of the classes 3 and 8:

        >>> import torch
        >>> from brainleaks_pl import Scores, score
        >>> scores: Scores = score(torch.rand(2, 1, 28, 28), ann, classes=[3, 8])
        >>> scores.matrix.shape
        torch.Size([2, 10])
        >>> scores.as_dict().keys()
        dict_keys(['attack_accuracy', 'top3_accuracy', 'confidence', 'daa', 'per_class'])
        >>> scores.per_class[0].keys()
        dict_keys(['class', 'rank', 'attack_accuracy', 'top3_accuracy', 'confidence', 'daa'])
    """

    classes: tuple[int, ...]
    matrix: Tensor
    attack_accuracy: Stat
    top3_accuracy: Stat
    confidence: Stat
    daa: Stat
    parts: dict[str, Tensor]

    @property
    def per_class(self) -> list[dict[str, int | float]]:
        """The class, its rank in its row of the matrix (1 is best; ties count against it), its part of each metric."""
        rows = zip(self.classes, self.matrix, strict=True)
        return [
            {
                "class": k,
                "rank": int((row >= row[k]).sum()),
                **{name: part[index].item() for name, part in self.parts.items()},
            }
            for index, (k, row) in enumerate(rows)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Return plain numbers, lists and dictionaries, ready for JSON."""
        names = ("attack_accuracy", "top3_accuracy", "confidence", "daa")
        stats: dict[str, Stat] = {name: getattr(self, name) for name in names}
        return {
            **{name: {"mean": stat.mean, "std": stat.std} for name, stat in stats.items()},
            "per_class": self.per_class,
        }


def score(
    reconstructions: Tensor,
    judge: Classifier,
    classes: Sequence[int] | None = None,
    *,
    encoder: Encoder | None = None,
    draws: int = 1,
    rescale: bool = False,
    seed: int = 0,
    batch_size: int = 250,
) -> Scores:
    """Let a judge score the reconstructions of M classes.

    Spikes, and images before a non-spiking judge, are judged once. Spike probabilities, images before a spiking judge,
    and scenes that an event camera records are random: they are drawn ``draws`` times, and the scores are means and
    standard deviations over the draws. A non-spiking judge sees the rate image of spikes.

    Args:
        reconstructions: images ``(M, C, H, W)``, or spikes or spike probabilities in [0, 1], ``(T, M, C, H, W)``;
            images have the shape of the judge's inputs, or that which ``encoder`` takes.
        judge: a classifier which the attack has not seen.
        classes: the class of each reconstruction; None means 0 to M - 1.
        encoder: turns images into the input of a spiking judge, and scenes into that of any.
        draws: number of draws of a random input, at least 1.
        rescale: stretch each reconstruction to [0, 1] first (published for the ANN scores, not for the SNN scores).
        seed: seed of the draws.
        batch_size: largest number of samples that the judge sees at once, fewer where they are large
            (:data:`ENTRIES_AT_ONCE`); has no influence on the draws.

    Raises:
        ValueError: when an argument is out of range, or the reconstructions do not fit the judge or the classes.

    Examples:
        Test images in place of reconstructions, one of each digit:

        >>> import torch
        >>> from brainleaks_pl import score
        >>> images = torch.stack([data.class_images(digit, "test")[0] for digit in range(10)])
        >>> score(images, ann).attack_accuracy
        Stat(mean=0.8, std=0.0)
        >>> score(images, network, encoder=data.encoder, draws=20).confidence.std > 0  # spikes are drawn anew
        True
    """
    shapes = {judge.input_shape}
    if encoder is not None and reconstructions.ndim == 4:
        shapes.add(encoder.image_shape(judge.input_shape))
    if reconstructions.ndim not in (4, 5) or tuple(reconstructions.shape[-3:]) not in shapes:
        raise ValueError(
            "reconstructions must be (M, C, H, W) or (T, M, C, H, W) "
            f"with (C, H, W) = {' or '.join(map(str, sorted(shapes)))}, got {tuple(reconstructions.shape)}."
        )
    if not reconstructions.isfinite().all():
        raise ValueError("the reconstructions hold values that are not finite; the attack has diverged.")
    if reconstructions.ndim == 5 and not ((reconstructions >= 0) & (reconstructions <= 1)).all():
        raise ValueError(
            "spikes and spike probabilities must lie in [0, 1], got values from "
            f"{reconstructions.min().item():.3g} to {reconstructions.max().item():.3g}."
        )
    count = reconstructions.shape[-4]
    checked = checked_classes(range(count) if classes is None else classes, count, judge.num_classes)
    x = reconstructions.detach().to(judge.device, torch.float32)
    if rescale:
        x = min_max_rescale(x)
    sample, random = judge_inputs(x, judge, encoder)
    # judging what is not random once is enough; min leaves an invalid number of draws invalid
    return _score_draws(sample, judge, checked, draws if random else min(draws, 1), seed, batch_size)


def nulls(
    data: BaseDataModule,
    judge: Classifier,
    classes: Sequence[int] | None = None,
    *,
    time_steps: int | None = None,
    draws: int = 1,
    rescale: bool = False,
    seed: int = 0,
    batch_size: int = 250,
) -> dict[str, Scores]:
    """Score what is no attack at all: the baselines to read every score against.

    Which they are, the data set says: :meth:`ImageDataModule.nulls`, :meth:`EventDataModule.nulls`.

    Args:
        data: the data set of the judge.
        judge: the classifier that scored the attack.
        classes: the attacked classes; None means all of the data set.
        time_steps: T of the reconstructions that they stand beside, for event data.
        draws: number of draws, at least 1.
        rescale: stretch each input to [0, 1] first, as in :func:`score`.
        seed: seed of the draws.
        batch_size: largest number of samples that the judge sees at once.

    Raises:
        ValueError: when an argument is out of range, the judge does not fit the data, or a class has no sample.

    Examples:
        >>> from brainleaks_pl import nulls
        >>> images = data.for_network(takes_spikes=False)
        >>> scores = nulls(images, ann, draws=20)
        >>> {name: round(own.attack_accuracy.mean, 1) for name, own in scores.items()}
        {'noise': 0.1, 'black': 0.1, 'class_mean': 1.0, 'real': 0.8}
    """
    if classes is None:
        classes = range(data.num_classes)
    checked = checked_classes(classes, len(classes), data.num_classes)
    if judge.takes_spikes and not data.spiking:
        raise ValueError(f"{judge.name} takes spikes: give {type(data).__name__} an encoder.")

    def scored(null: Null) -> Scores:
        def sample(generator: Generator) -> Tensor:
            x = null.sample(generator)
            return data.encode(min_max_rescale(x) if rescale else x, generator)

        return _score_draws(sample, judge, checked, draws if null.random else min(draws, 1), seed, batch_size)

    return {name: scored(null) for name, null in data.nulls(checked, time_steps, judge.device).items()}


def min_max_rescale(x: Tensor) -> Tensor:
    """Stretch each sample of ``(M, C, H, W)`` or ``(T, M, C, H, W)`` to [0, 1]; a constant one is left unchanged."""
    x = x.float()
    dims = [dim for dim in range(x.ndim) if dim != x.ndim - 4]
    low, high = x.amin(dims, keepdim=True), x.amax(dims, keepdim=True)
    return torch.where(high > low, (x - low) / (high - low), x)


def judge_inputs(x: Tensor, judge: Classifier, encoder: Encoder | None) -> tuple[Sampler, bool]:
    """Return how reconstructions become the judge's input, and whether chance has a part in it.

    Args:
        x: images ``(M, C, H, W)``, or spikes or spike probabilities ``(T, M, C, H, W)``.
        judge: the judge.
        encoder: turns images into the input of a spiking judge, and scenes into that of any.

    Raises:
        ValueError: when a spiking judge would get images.
    """
    if x.ndim == 5 and not ((x == 0) | (x == 1)).all():
        return lambda generator: torch.bernoulli(x, generator=generator), True
    if x.ndim == 5 or (not judge.takes_spikes and tuple(x.shape[-3:]) == judge.input_shape):
        return lambda _: x, False
    if encoder is None:
        raise ValueError(f"{judge.name} takes spikes: images need an encoder, got encoder=None.")
    return lambda generator: encoder.encode(x, generator), True


def _score_draws(
    sample: Sampler, judge: Classifier, classes: tuple[int, ...], draws: int, seed: int, batch_size: int
) -> Scores:
    for name, value in (("draws", draws), ("batch_size", batch_size)):
        if value < 1:
            raise ValueError(f"{name} must be at least 1, got {value}.")
    generator = Generator(judge.device).manual_seed(seed)
    confidences: list[Tensor] = []
    pending: list[Tensor] = []
    with evaluating(judge), torch.inference_mode():
        for draw in range(draws):
            pending.append(sample(generator))
            at_once = _at_once(pending[0], batch_size)
            if draw == draws - 1 or (len(pending) + 1) * len(classes) > at_once:
                parts = torch.cat(pending, dim=-4).split(at_once, dim=-4)
                confidences += [judge.confidences(part).cpu() for part in parts]
                pending = []
    matrices = torch.cat(confidences).double().unflatten(0, (draws, len(classes)))
    if not matrices.isfinite().all():
        raise ValueError(f"{judge.name} returned confidences that are not finite; check its weights.")
    parts = class_metrics(matrices, classes)
    stats = {
        name: Stat(values.mean().item(), values.mean(-1).std(correction=0).item()) for name, values in parts.items()
    }
    means = {name: values.mean(0) for name, values in parts.items()}
    return Scores(classes=classes, matrix=matrices.mean(0), **stats, parts=means)


def _at_once(x: Tensor, batch_size: int) -> int:
    """Return how many samples like those of ``x`` a judge sees at once: the activations of all steps are in memory."""
    return max(1, min(batch_size, ENTRIES_AT_ONCE * x.shape[-4] // x.numel()))
