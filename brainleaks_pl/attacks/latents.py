"""What attacks share that look for the latents of a prior instead of pixels."""

from __future__ import annotations

from functools import partial

import torch
from torch import Generator, Tensor

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.attacks.finite import require_finite
from brainleaks_pl.attacks.functional import standard_normal, unit_uniform
from brainleaks_pl.attacks.gradient import GradientInversion
from brainleaks_pl.attacks.streams import FIRST_IMAGES, STARTS
from brainleaks_pl.priors.base import Prior

_AT_ONCE = 50  # pictures


@torch.no_grad()
def start_from_latents(attack: InversionModule, prior: Prior, images: Tensor | None = None) -> None:
    """Give an attack its prior; each of its units starts from first latents of its own, unless they are pixels.

    Args:
        attack: the attack, whose candidates have the shape of the latents.
        prior: the prior; frozen and put in evaluation mode.
        images: what each unit begins with, ``(N, C, H, W)``: its latents are then those near its image.

    Raises:
        ValueError: when the prior has no latents for given images.
    """
    attack.prior = prior.requires_grad_(False).eval()
    if prior.keeps_pixels:
        return
    noise = attack.normal(0, prior.latent_shape, FIRST_IMAGES)
    attack.candidates.copy_(prior.first(noise) if images is None else prior.near(images, noise))
    attack.best.copy_(attack.candidates)


@torch.no_grad()
def choose_starts(attack: GradientInversion, prior: Prior, starts: int) -> None:
    """Let the restarts of each class begin with those of a prior's first pictures that cost least, in their order.

    All classes choose from the same pictures, each encoded once.

    Args:
        attack: the attack.
        prior: its prior.
        starts: how many pictures there are, at least as many as restarts.

    Raises:
        ValueError: when the target's costs are not finite.
    """
    numbers = [(number,) for number in range(starts)]
    uniform = unit_uniform(prior.latent_shape, numbers, (attack.seed, STARTS), attack.device)
    latents = prior.first(standard_normal(uniform))
    generator = Generator(attack.device).manual_seed(attack.seed)
    costs = []
    for part in latents.split(_AT_ONCE):
        images = prior.images(part, 0, attack.steps)
        inputs = images
        if attack.encoder is not None:
            shape = (attack.encoder.time_steps, len(part), *attack.target.input_shape)
            draw = partial(torch.rand, shape, generator=generator, device=attack.device)
            inputs = attack.encoder.sample(images, draw)
        logits = attack.target.logits(inputs).float()
        labels = [torch.full((len(part),), label, device=attack.device) for label in attack.classes]
        costs.append(torch.stack([attack.loss(logits, own) for own in labels]))
    cost = torch.cat(costs, 1)
    require_finite(cost, "costs", "the choice of a start")
    order = cost.argsort(dim=1, stable=True)
    rows = [order[attack.classes.index(label), restart] for label, restart in attack.units]
    attack.candidates.copy_(latents[torch.stack(rows)])
    attack.best.copy_(attack.candidates)


@torch.no_grad()
def pictures(attack: InversionModule, prior: Prior, latents: Tensor, step: int) -> Tensor:
    """Return what latents stand for in a step of an attack, ``(N, C, H, W)`` in [0, 1], where the latents are.

    Args:
        attack: the attack.
        prior: its prior.
        latents: ``(N, *latent_shape)``.
        step: the step; that after the last one for finished pictures.
    """
    return prior.images(latents.to(attack.device), step, attack.steps).to(latents.device)
