"""Leakage over time: what a judge sees in the first steps of a reconstruction."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.evaluation.scoring import judge_inputs, min_max_rescale
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.modes import evaluating

MOST_BEGINNINGS = 100
"""Most beginnings of an input that a judge is asked about one by one."""


def confidence_over_time(
    reconstructions: Tensor,
    judge: Classifier,
    classes: Sequence[int],
    *,
    encoder: Encoder | None = None,
    draws: int = 1,
    rescale: bool = False,
    seed: int = 0,
) -> list[float] | None:
    """Return a judge's mean confidence in the attacked classes on the first 1, 2, ..., T steps of its input.

    A spiking judge is causal: where every step is an answer of its own, its confidence on the first t steps is the mean
    over them of the softmax of its answers. One that reduces time first is asked about every beginning by itself. A
    non-spiking one sees the rate image of the first t steps.

    Args:
        reconstructions: images ``(M, C, H, W)``, or spikes or spike probabilities ``(T, M, C, H, W)``, as in
            :func:`brainleaks_pl.evaluation.scoring.score`.
        judge: the judge.
        classes: the class of each reconstruction.
        encoder: turns images into the input of a spiking judge, and scenes into that of any.
        draws: number of draws of a random input, at least 1.
        rescale: stretch each reconstruction to [0, 1] first.
        seed: seed of the draws.

    Returns:
        T numbers in [0, 1], or None where the judge's input, an image, has no time, or where it would have to be asked
        about more than :data:`MOST_BEGINNINGS`.
    """
    x = reconstructions.detach().to(judge.device, torch.float32)
    sample, random = judge_inputs(min_max_rescale(x) if rescale else x, judge, encoder)
    generator = torch.Generator(judge.device).manual_seed(seed)
    labels = torch.tensor(list(classes), device=judge.device)
    curves = []
    with evaluating(judge), torch.inference_mode():
        for _ in range(draws if random else 1):
            inputs = sample(generator)
            if inputs.ndim == 4:
                return None
            counts = torch.arange(1, len(inputs) + 1, device=inputs.device).view(-1, 1, 1)
            if judge.takes_spikes:
                answers = judge.logits(inputs)
                if len(answers) == len(inputs):
                    confidences = answers.softmax(-1).cumsum(0) / counts
                elif len(inputs) > MOST_BEGINNINGS:
                    return None
                else:
                    confidences = torch.stack([judge.confidences(inputs[: t + 1]) for t in range(len(inputs))])
            else:
                rates = inputs.cumsum(0) / counts[..., None, None]
                confidences = torch.stack([judge.confidences(images) for images in rates])
            curves.append(confidences[:, torch.arange(len(labels)), labels].double().mean(1))
    curve: list[float] = torch.stack(curves).mean(0).tolist()
    return curve
