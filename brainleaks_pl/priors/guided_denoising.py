"""Guided denoising: pictures that emerge from noise step by step, guided by the target's gradient."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from brainleaks_pl.priors.base import Prior, unclamped
from brainleaks_pl.priors.bounds import blacken_margin, bound_mean
from brainleaks_pl.priors.denoiser import Denoiser
from brainleaks_pl.targets.training import Training

_STEEPNESS = 7  # of the noise levels' schedule
_NOTHING_BUT_NOISE = 8.0
_RISE = 100  # steps of training
_FINE = 0.4  # the noise below which details alone are open
_MOVED = (7, 11)  # rows and columns by which the noise of a round lies away from that of the one before


class GuidedDenoising(Prior):
    """A denoiser as a prior: the latents are several draws of a picture with noise, less of it in every step.

    In each step the denoiser says what pictures are behind the draws, and the target sees their mean. The gradient of
    its loss goes back through the denoiser to each draw, which moves against it by ``guidance`` times the noise
    level (its direction alone counts). The denoiser looks again, and most of the noise that is left is kept, and some
    taken away (as DDIM, Song et al., ICLR 2021, with the noise levels of Karras et al., NeurIPS 2022). A larger
    ``guidance`` makes the target surer of the picture, a smaller one leaves more to the prior.

    This is done in rounds. The first starts from nothing but noise, each later one from the mean of the draws that the
    last has come to, with new noise, less than before: what the draws agree on stays, and the denoiser mends the rest.

    Args:
        weights: file of a trained prior; None builds a new one, to be trained.
        guidance: length of a step along the target's gradient, in noise levels, > 0.
        fine_guidance: the same where the noise is below 0.4, and details alone are still open, > 0.
        rounds: standard deviation of the noise that each round starts with, of pixels in [-1, 1], > ``least_noise``.
            The first round takes twice as many of an attack's steps as the others.
        least_noise: that of the last step of each round, > 0.
        draws: how many, at least 1.
        margin: pixels on every side that are black, as the format of the data may have them (MNIST: 4), >= 0.
        max_mean: largest mean of a picture's pixels, in (0, 1]; None sets no bound.
        width: channels at the first of the denoiser's three levels, a multiple of 8; of trained ones their file says.
        patch: side of the squares of pixels that it takes as one, which saves time with large pictures; likewise.
        alone: pictures drawn for the null, at least 1.
        training: how ``fit`` trains it.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        An untrained one of the smallest size; ``brainleaks fit`` trains it, and writes the file for ``weights``.

        >>> import torch
        >>> from brainleaks_pl import BrainLeaksV3, GuidedDenoising
        >>> prior = GuidedDenoising(width=8, draws=2)
        >>> prior.fit_to((1, 28, 28))
        >>> prior.sample(2, torch.Generator().manual_seed(0), steps=3).shape
        torch.Size([2, 1, 28, 28])
        >>> BrainLeaksV3(ann, prior=prior, classes=[3, 8]).candidates.shape
        torch.Size([2, 4, 28, 28])
    """

    anneals = True
    network: Denoiser

    def __init__(
        self,
        weights: str | None = None,
        guidance: float = 2.0,
        fine_guidance: float = 0.6,
        rounds: Sequence[float] = (8.0, 2.0, 1.5, 1.0),
        least_noise: float = 0.03,
        draws: int = 4,
        margin: int = 0,
        max_mean: float | None = None,
        width: int = 16,
        patch: int = 1,
        alone: int = 500,
        training: Training = Training(lr=1e-3, epochs=10, batch_size=64),
    ) -> None:
        for name, value in (("guidance", guidance), ("fine_guidance", fine_guidance), ("least_noise", least_noise)):
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {value}.")
        if not rounds or not all(least_noise < own < math.inf for own in rounds):
            raise ValueError(f"rounds must be noise levels above least_noise, {least_noise}, got {list(rounds)}.")
        if draws < 1:
            raise ValueError(f"draws must be at least 1, got {draws}.")
        if margin < 0:
            raise ValueError(f"margin must not be negative, got {margin}.")
        if max_mean is not None and not 0 < max_mean <= 1:
            raise ValueError(f"max_mean must lie in (0, 1], got {max_mean}.")
        super().__init__(weights, alone, training, width=width, patch=patch)
        self.guidance = guidance
        self.fine_guidance = fine_guidance
        self.rounds = tuple(rounds)
        self.least_noise = least_noise
        self.draws = draws
        self.margin = margin
        self.max_mean = max_mean

    def build(self, input_shape: tuple[int, int, int], *, width: int, patch: int) -> Denoiser:  # type: ignore[override]
        """Return the untrained denoiser."""
        return Denoiser(input_shape, width, patch)

    def configure_optimizers(self) -> Any:
        """Return Adam, whose learning rate rises for a hundred steps and then falls to 0 by the last one."""
        optimizer = super().configure_optimizers()
        steps = self.trainer.estimated_stepping_batches

        def share(step: int) -> float:
            return min(1.0, (step + 1) / _RISE) * (1 + math.cos(math.pi * min(1.0, step / steps))) / 2

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def loss(self, images: Tensor) -> Tensor:
        """Return the denoiser's loss."""
        return self.network.loss(2 * images - 1)

    def check_shape(self, wanted: Sequence[int]) -> None:
        """See that it makes pictures of a shape (C, H, W), and that its margin leaves some of them.

        Raises:
            ValueError: when it makes others, is not trained, or the margin leaves nothing.
        """
        super().check_shape(wanted)
        if 2 * self.margin >= min(wanted[1:]):
            raise ValueError(f"margin must leave some of the {wanted[1]}x{wanted[2]} pixels, got {self.margin}.")

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """The draws, and the noise that later rounds add to them, one behind the other, ``(2 * draws * C, H, W)``."""
        channels, *size = self.input_shape
        return (2 * self.draws * channels, size[0], size[1])

    def spread(self, step: int, steps: int) -> float:
        """Return the noise level of a step, 0 after the last."""
        if step >= steps:
            return 0.0
        start, place, count = self._round(step, steps)
        most, least = (own ** (1 / _STEEPNESS) for own in (start, self.least_noise))
        return float((most + place / max(1, count - 1) * (least - most)) ** _STEEPNESS)

    def first(self, noise: Tensor) -> Tensor:
        """Return nothing but noise."""
        draws, later = noise.chunk(2, 1)
        return torch.cat([self.rounds[0] * draws, later], 1)

    def near(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return the images with the first round's noise, as all draws: 1 leaves their strokes, 8 leaves nothing."""
        draws, later = self.first(noise).chunk(2, 1)
        return torch.cat([(2 * images - 1).repeat(1, self.draws, 1, 1) + draws, later], 1)

    def images(self, latents: Tensor, step: int, steps: int) -> Tensor:
        """Return the mean of what the denoiser makes of the draws; after the last step that of the draws themselves."""
        draws = self._drawn(latents)
        if step < steps:
            return self._pictures(draws, self.spread(step, steps)).mean(1)
        return unclamped((draws.mean(1) + 1) / 2)

    def guided(self, gradient: Tensor, step: int, steps: int) -> Tensor:
        """Return the direction of each draw's gradient, as long as the guidance and the noise say."""
        own = self._drawn(gradient)
        length = torch.linalg.vector_norm(own, dim=(2, 3, 4), keepdim=True)
        level = self.spread(step, steps)
        along = (self.guidance if level > _FINE else self.fine_guidance) * level * own / length.where(length > 0, 1.0)
        return torch.cat([along.flatten(1, 2), torch.zeros_like(gradient.chunk(2, 1)[1])], 1)

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build what steps along a gradient as it is."""
        return torch.optim.SGD(parameters, lr=1.0)

    @torch.no_grad()
    def advance(self, latents: Tensor, images: Tensor, step: int, steps: int) -> Tensor:
        """Take away the noise above the next step's level; after a round's last step begin the next."""
        draws, later = self._drawn(latents), latents.chunk(2, 1)[1]
        level, (_, place, count) = self.spread(step, steps), self._round(step, steps)
        following = self.spread(step + 1, steps)
        clean = 2 * self._pictures(draws, level) - 1
        if place + 1 < count or step + 1 == steps:
            draws = clean + following / level * (draws - clean)
        else:
            later = later.roll(_MOVED, (-2, -1))
            draws = clean.mean(1, keepdim=True) + following * self._drawn(torch.cat([later, later], 1))
        return torch.cat([draws.flatten(1, 2), later], 1)

    def settled(self, latents: Tensor, images: Tensor) -> Tensor:
        """Return the pictures themselves, as all draws."""
        later = latents.chunk(2, 1)[1]
        return torch.cat([(2 * images - 1).repeat(1, self.draws, 1, 1), later], 1)

    @torch.no_grad()
    def sample(self, count: int, generator: Generator, steps: int = 30) -> Tensor:
        """Draw pictures that nothing guides, ``(count, C, H, W)`` in [0, 1]: each begins with nothing but noise."""
        outer = self.draws, self.rounds
        self.draws, self.rounds = 1, (max(_NOTHING_BUT_NOISE, self.rounds[0]),)
        try:
            return super().sample(count, generator, steps)
        finally:
            self.draws, self.rounds = outer

    def _round(self, step: int, steps: int) -> tuple[float, int, int]:
        """Return the noise that the round of a step starts with, the step's place in it, and how many it takes."""
        share = steps / (len(self.rounds) + 1)
        ends = [0, *(round(share * (place + 2)) for place in range(len(self.rounds)))]
        place = next(place for place, end in enumerate(ends[1:]) if step < end)
        return self.rounds[place], step - ends[place], ends[place + 1] - ends[place]

    def _drawn(self, latents: Tensor) -> Tensor:
        """Return the draws, ``(N, draws, C, H, W)``, of latents."""
        draws: Tensor = latents.chunk(2, 1)[0].unflatten(1, (self.draws, -1))
        return draws

    def _pictures(self, draws: Tensor, level: float) -> Tensor:
        """Return the pictures in [0, 1] behind draws with so much noise, both ``(N, draws, C, H, W)``."""
        noisy = draws.flatten(0, 1)
        found = self.network(noisy, torch.full_like(noisy[:, 0, 0, 0], level))
        pictures = blacken_margin(unclamped((found + 1) / 2), self.margin)
        if self.max_mean is not None:
            pictures = pictures + (bound_mean(pictures.detach(), self.max_mean) - pictures).detach()
        apart: Tensor = pictures.unflatten(0, draws.shape[:2])
        return apart
