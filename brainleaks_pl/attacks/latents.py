"""What attacks share that look for the latents of a prior instead of pixels."""

from __future__ import annotations

import torch
from torch import Tensor

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.attacks.finite import require_finite
from brainleaks_pl.attacks.functional import unit_view
from brainleaks_pl.attacks.gradient import GradientInversion
from brainleaks_pl.attacks.streams import FIRST_IMAGES
from brainleaks_pl.priors.base import Prior


@torch.no_grad()
def start_from_latents(attack: InversionModule, prior: Prior) -> None:
    """Give an attack its prior; each of its units starts from first latents of its own, unless they are pixels.

    Args:
        attack: the attack, whose candidates have the shape of the latents.
        prior: the prior; frozen and put in evaluation mode.
    """
    attack.prior = prior.requires_grad_(False).eval()
    if prior.keeps_pixels:
        return
    attack.candidates.copy_(prior.first(attack.normal(0, prior.latent_shape, FIRST_IMAGES)))
    attack.best.copy_(attack.candidates)


@torch.no_grad()
def begin_with(attack: InversionModule, images: Tensor) -> None:
    """Let each unit begin with an image of its own, ``(N, C, H, W)``: its pixels, or a prior's latents near it.

    Raises:
        ValueError: when the prior has no latents for given images.
    """
    if attack.prior is not None:
        images = attack.prior.near(images, attack.normal(0, attack.prior.latent_shape, FIRST_IMAGES))
    attack.candidates.copy_(images)
    attack.best.copy_(images)


@torch.no_grad()
def choose_start(attack: GradientInversion, prior: Prior, starts: int) -> None:
    """Let each unit begin with the first latents that cost least, of several; all are encoded with the same draws.

    Args:
        attack: the attack, which begins with the first of them.
        prior: its prior.
        starts: how many there are, at least 1.

    Raises:
        ValueError: when the target's costs are not finite.
    """
    least = torch.full_like(attack.best_cost, torch.inf)
    chosen = attack.candidates.detach().clone()
    for draw in range(starts):
        attack.candidates.copy_(prior.first(attack.normal(draw, prior.latent_shape, FIRST_IMAGES)))
        costs = attack.evaluate(0, differentiate=False).costs
        require_finite(costs, "costs", f"start {draw}")
        better = costs.mean(1) < least
        least = torch.where(better, costs.mean(1), least)
        chosen = torch.where(unit_view(better, chosen), attack.candidates, chosen)
    attack.candidates.copy_(chosen)
    attack.best.copy_(chosen)


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
