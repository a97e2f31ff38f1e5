"""Guided denoising: pictures that come out of noise step by step, while the target's gradient pulls at them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from brainleaks_pl.priors.base import Prior, unclamped
from brainleaks_pl.priors.denoiser import Denoiser
from brainleaks_pl.targets.training import Training

_STEEPNESS = 7  # of the noise levels' schedule


class GuidedDenoising(Prior):
    """A denoiser as a prior: the latents are a picture with noise, less of it in every step.

    In each step the denoiser says what picture is behind the noise, and the target sees that. The gradient of its loss
    goes back through the denoiser to the noisy picture, which moves against it by ``guidance`` times the noise
    level (its direction alone counts); then most of the noise that is left is kept, and some taken away (as DDIM,
    Song et al., ICLR 2021, with the noise levels of Karras et al., NeurIPS 2022). A larger ``guidance`` makes the
    target surer of the picture, a smaller one leaves more to the prior.

    Args:
        weights: file of a trained prior; None builds a new one, to be trained.
        guidance: length of a step along the target's gradient, in noise levels, > 0.
        most_noise: standard deviation of the first step's noise, of pixels in [-1, 1], > ``least_noise``.
        least_noise: that of the last step's, > 0.
        width: channels at the first of the denoiser's three levels, a multiple of 8; of trained ones their file says.
        patch: side of the squares of pixels that it takes as one, which saves time with large pictures; likewise.
        alone: pictures drawn for the null, at least 1.
        training: how ``fit`` trains it.

    Raises:
        ValueError: when an argument is out of range.
    """

    anneals = True
    network: Denoiser

    def __init__(
        self,
        weights: str | None = None,
        guidance: float = 0.7,
        most_noise: float = 8.0,
        least_noise: float = 0.03,
        width: int = 16,
        patch: int = 1,
        alone: int = 500,
        training: Training = Training(lr=1e-3, epochs=10, batch_size=64),
    ) -> None:
        if not 0 < guidance < math.inf:
            raise ValueError(f"guidance must be positive and finite, got {guidance}.")
        if not 0 < most_noise < math.inf:
            raise ValueError(f"most_noise must be positive and finite, got {most_noise}.")
        if not 0 < least_noise < most_noise:
            raise ValueError(f"least_noise must be positive and below most_noise, {most_noise}, got {least_noise}.")
        super().__init__(weights, alone, training, width=width, patch=patch)
        self.guidance = guidance
        self.most_noise = most_noise
        self.least_noise = least_noise

    def build(self, input_shape: tuple[int, int, int], *, width: int, patch: int) -> Denoiser:  # type: ignore[override]
        """Return the untrained denoiser."""
        return Denoiser(input_shape, width, patch)

    def loss(self, images: Tensor) -> Tensor:
        """Return the denoiser's loss."""
        return self.network.loss(2 * images - 1)

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """That of the pictures."""
        return self.input_shape

    def spread(self, step: int, steps: int) -> float:
        """Return the noise level of a step, 0 after the last."""
        if step >= steps:
            return 0.0
        most, least = (own ** (1 / _STEEPNESS) for own in (self.most_noise, self.least_noise))
        return float((most + step / max(1, steps - 1) * (least - most)) ** _STEEPNESS)

    def first(self, noise: Tensor) -> Tensor:
        """Return nothing but noise."""
        return self.most_noise * noise

    def images(self, latents: Tensor, step: int, steps: int) -> Tensor:
        """Return what the denoiser makes of noisy pictures; after the last step the pictures themselves."""
        if step < steps:
            latents = self.network(latents, torch.full_like(latents[:, 0, 0, 0], self.spread(step, steps)))
        return unclamped((latents + 1) / 2)

    def guided(self, gradient: Tensor, step: int, steps: int) -> Tensor:
        """Return the gradient's direction, as long as the guidance and the noise say."""
        length = torch.linalg.vector_norm(gradient, dim=(1, 2, 3), keepdim=True)
        direction: Tensor = gradient / length.where(length > 0, 1.0)
        return self.guidance * self.spread(step, steps) * direction

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build what steps along a gradient as it is."""
        return torch.optim.SGD(parameters, lr=1.0)

    def advance(self, latents: Tensor, images: Tensor, step: int, steps: int) -> Tensor:
        """Take away the noise above the next step's level."""
        clean = 2 * images - 1
        return clean + self.spread(step + 1, steps) / self.spread(step, steps) * (latents - clean)

    def settled(self, latents: Tensor, images: Tensor) -> Tensor:
        """Return the pictures themselves."""
        return 2 * images - 1
