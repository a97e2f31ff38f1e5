"""Plug and play: pictures that descend the target's loss and are denoised a little after every step."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Generator, Tensor, nn

from brainleaks_pl.priors.guided_denoising import GuidedDenoising
from brainleaks_pl.targets.training import Training


class PlugAndPlay(GuidedDenoising):
    """A denoiser that takes the pictures of an attack towards natural ones, a part of the way after each of its steps.

    The candidates are the pixels themselves, and the attack's own optimizer, margin and bounds apply; so it suits
    targets of which a gradient is to be had and whose loss is too rough to be followed through noise
    (:class:`GuidedDenoising`). After each step noise is added to every picture, the same to all, and the picture goes
    ``strength`` of the way to what the denoiser makes of it. The noise falls from ``first_level`` to ``last_level``
    (plug-and-play priors, Venkatakrishnan et al., GlobalSIP 2013, with falling levels as Zhang et al., TPAMI 2021).
    Files of :class:`GuidedDenoising` are taken as they are.

    Args:
        weights: file of a trained denoiser; None builds a new one, to be trained.
        strength: share of the way, in (0, 1].
        first_level: standard deviation of the first step's noise, of pixels in [-1, 1], > 0.
        last_level: that of the last step, in (0, ``first_level``].
        width: channels at the first of the denoiser's three levels, a multiple of 8; of trained ones their file says.
        patch: side of the squares of pixels that it takes as one; likewise.
        alone: pictures drawn for the null, at least 1, as :class:`GuidedDenoising` draws them.
        training: how ``fit`` trains it.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        The candidates are pictures, here moved for two steps by a small, untrained denoiser:

        >>> from brainleaks_pl import BrainLeaksV3, PlugAndPlay, run_attack
        >>> prior = PlugAndPlay(width=8, strength=0.5, alone=1)
        >>> prior.fit_to((1, 28, 28))
        >>> attack = BrainLeaksV3(ann, steps=2, prior=prior, classes=[3])
        >>> result = run_attack(attack, {}, data)
        >>> attack.reconstructions().shape
        torch.Size([1, 1, 28, 28])
        >>> [round(prior.spread(step, steps=5), 2) for step in range(5)]  # the noise of each step
        [1.0, 0.67, 0.45, 0.3, 0.2]
    """

    stored_as = "GuidedDenoising"
    keeps_pixels = True
    anneals = True

    def __init__(
        self,
        weights: str | None = None,
        strength: float = 0.2,
        first_level: float = 1.0,
        last_level: float = 0.2,
        width: int = 16,
        patch: int = 1,
        alone: int = 500,
        training: Training = Training(lr=1e-3, epochs=10, batch_size=64),
    ) -> None:
        if not 0 < strength <= 1:
            raise ValueError(f"strength must lie in (0, 1], got {strength}.")
        if not 0 < first_level < math.inf:
            raise ValueError(f"first_level must be positive and finite, got {first_level}.")
        if not 0 < last_level <= first_level:
            raise ValueError(f"last_level must lie in (0, {first_level}], got {last_level}.")
        super().__init__(weights, width=width, patch=patch, alone=alone, training=training)
        self.strength = strength
        self.first_level = first_level
        self.last_level = last_level

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """That of the pictures."""
        return self.input_shape

    def spread(self, step: int, steps: int) -> float:
        """Return the noise level of a step."""
        progress = min(1.0, step / max(1, steps - 1))
        return float(self.first_level * (self.last_level / self.first_level) ** progress)

    def images(self, latents: Tensor, step: int, steps: int) -> Tensor:
        """Return the pictures, which the latents are."""
        return latents

    def guided(self, gradient: Tensor, step: int, steps: int) -> Tensor:
        """Return the gradient as it is."""
        return gradient

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Refuse: pictures are moved by the attack's own optimizer."""
        raise NotImplementedError("the attack's own optimizer moves the pictures.")

    def advance(self, latents: Tensor, images: Tensor, step: int, steps: int) -> Tensor:
        """Take the pictures towards what the denoiser makes of them."""
        level = self.spread(step, steps)
        generator = Generator(latents.device).manual_seed(step)
        noise = level * torch.randn(latents.shape[1:], generator=generator, device=latents.device)
        noisy = 2 * latents.clamp(0, 1) - 1 + noise
        found = (self.network(noisy, latents.new_full((len(latents),), level)) + 1) / 2
        return torch.lerp(latents, found.clamp(0, 1), self.strength)

    def settled(self, latents: Tensor, images: Tensor) -> Tensor:
        """Return the pictures as they are."""
        return latents

    @torch.no_grad()
    def sample(self, count: int, generator: Generator, steps: int = 30) -> Tensor:
        """Draw pictures as :class:`GuidedDenoising` does where nothing guides it, ``(count, C, H, W)`` in [0, 1]."""
        unguided = GuidedDenoising()
        unguided._input_shape, unguided.network = self.input_shape, self.network
        return unguided.sample(count, generator, steps)
