"""The nulls of attacks with a prior: its unguided pictures, assigned to classes by the target."""

from __future__ import annotations

import torch
from torch import Tensor

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.evaluation.scoring import judge_inputs
from brainleaks_pl.targets.modes import evaluating

_AT_ONCE = 100


@torch.no_grad()
def prior_alone(attack: InversionModule, encoder: Encoder | None, seed: int) -> dict[str, Tensor]:
    """Return what an attack's prior comes to by itself: the baselines that say what the guidance has added.

    Args:
        attack: the attack; without a prior there are none.
        encoder: turns images into the target's input, where that takes spikes.
        seed: seed of the pictures.

    Returns:
        ``prior_alone``, for each class that one of the prior's pictures (:attr:`Prior.alone` of them) of whose class
        the target is surest, and ``prior_mean``, the mean of those that the target takes for the class, or of all where
        it takes none; ``(M, C, H, W)``.
    """
    prior, target = attack.prior, attack.target
    if prior is None:
        return {}
    generator = torch.Generator(attack.device).manual_seed(seed)
    pictures = prior.sample(prior.alone, generator)
    confidences = []
    with evaluating(target):
        for part in pictures.split(_AT_ONCE):
            sample, _ = judge_inputs(part, target, encoder)
            confidences.append(target.confidences(sample(generator)))
    sure = torch.cat(confidences)
    taken = sure.argmax(1)
    means = [pictures[taken == k].mean(0) if bool((taken == k).any()) else pictures.mean(0) for k in attack.classes]
    return {
        "prior_alone": pictures[sure[:, attack.classes].argmax(0)].cpu(),
        "prior_mean": torch.stack(means).cpu(),
    }
