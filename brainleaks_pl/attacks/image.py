"""What attacks that look for an image share: how it is varied before the target sees it, and kept natural."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from brainleaks_pl.attacks.assumed import check_margin
from brainleaks_pl.attacks.found_before import found_before
from brainleaks_pl.attacks.functional import differing, gaussian_blur, roll_units, smooth_noise, unit_deviation
from brainleaks_pl.attacks.gradient import GradientInversion
from brainleaks_pl.attacks.latents import choose_starts, pictures, start_from_latents
from brainleaks_pl.attacks.spending import Spending
from brainleaks_pl.attacks.streams import FIRST_IMAGES, NOISE, SHIFTS
from brainleaks_pl.priors.base import Prior
from brainleaks_pl.priors.bounds import blacken_margin
from brainleaks_pl.targets.classifier import Classifier

_COARSE = 4
"""Rows and columns of the noise by which the restarts' first images differ, before it is made as large as they are."""


class ImageInversion(GradientInversion):
    """Base of the attacks whose candidates are images; see :class:`GradientInversion` for the hooks.

    What the attacker draws in a step (shifts, noise, the encoder's spikes) is drawn for each member of the population.
    The first restart of a class starts as it is told to. Every later one, of any attack, starts from an image of its
    own, so that no two restarts of an attack that draws nothing are the same: smooth noise is added to it, and what
    falls below 0 or above 1 is mirrored there.

    With a prior, the candidates are its latents, and all restarts start from latents of their own. The gradient of the
    image goes back through the prior; ``optimizer``, ``clamp``, ``start`` and ``restart_spread`` play no part, unless
    the prior's latents are the pixels (:class:`~brainleaks_pl.priors.plug_and_play.PlugAndPlay`).

    Args:
        target: the trained classifier.
        image_shape: (C, H, W) of the images.
        optimizer: builds the optimizer of the images.
        clamp: keep pixels in [0, 1] (published for MI-FACE: on MNIST, not on faces).
        total_variation: weight of the mean absolute difference of neighbouring pixels, >= 0.
        smoothing: standard deviation, in pixels, of the Gaussian that blurs the gradient, >= 0 and at most the image's
            longer side.
        scale_gradient: divide each image's gradient by its standard deviation: the step size is then in pixel values.
        noise: standard deviation of the Gaussian noise added to the images before the target sees them, >= 0.
        max_shift: largest random shift of the images, in pixels, before the target sees them, >= 0.
        margin: pixels on every side that stay black, as the format of the data may have them (MNIST: 4), >= 0.
        restart_spread: most that a pixel of a later restart's first image differs from that of the first restart, in
            [0, 1].
        population: inputs that the target sees of each image in a step, at least 1; no more than can differ.
        prior: what keeps the images among natural ones, trained on public data; None looks among all images.
        first: results folder of an earlier attack on the same target: each class begins with the images that it found,
            the best one first. What that attack spent is not counted again.
        starts: first pictures of the prior, drawn at random, of which each class begins with those that the target
            likes best, one per restart (as Plug & Play Attacks do, Struppek et al., ICML 2022). They take answers of
            the target, and no gradients. 0 begins with random latents.
        kwargs: those of :class:`GradientInversion`.

    Raises:
        ValueError: when an argument is out of range, all restarts would be the same, or the prior makes pictures of
            another shape.
    """

    def __init__(
        self,
        target: Classifier,
        *,
        image_shape: tuple[int, int, int],
        optimizer: OptimizerCallable,
        clamp: bool = True,
        total_variation: float = 0.0,
        smoothing: float = 0.0,
        scale_gradient: bool = False,
        noise: float = 0.0,
        max_shift: int = 0,
        margin: int = 0,
        restart_spread: float = 0.2,
        population: int = 1,
        prior: Prior | None = None,
        first: str | None = None,
        starts: int = 0,
        **kwargs: Any,
    ) -> None:
        for name, value in (
            ("total_variation", total_variation),
            ("smoothing", smoothing),
            ("noise", noise),
            ("max_shift", max_shift),
        ):
            if not 0 <= value < math.inf:
                raise ValueError(f"{name} must be finite and not negative, got {value}.")
        if not 0 <= restart_spread <= 1:
            raise ValueError(f"restart_spread must lie in [0, 1], got {restart_spread}.")
        if population < 1:
            raise ValueError(f"population must be at least 1, got {population}.")
        if smoothing > max(image_shape[1:]):
            raise ValueError(f"smoothing must be at most the image's {max(image_shape[1:])} pixels, got {smoothing}.")
        check_margin(margin, image_shape)
        if starts and (prior is None or prior.keeps_pixels):
            raise ValueError(f"starts are a prior's pictures, and there is no prior with latents: leave out {starts=}.")
        if starts and first is not None:
            raise ValueError(f"an attack that begins with images chooses no starts: leave out `first` or {starts=}.")
        if prior is not None:
            prior.check_shape(image_shape)
        super().__init__(target, candidate_shape=image_shape if prior is None else prior.latent_shape, **kwargs)
        if starts and starts < self.restarts:
            raise ValueError(f"starts must be 0, or at least as many as the {self.restarts} restarts, got {starts}.")
        images = None
        if first is not None:
            images, self.begun_with = found_before(Path(first), target, self.units, image_shape)
        if prior is not None:
            start_from_latents(self, prior, images)
        self.pixels = prior is None or prior.keeps_pixels
        self.starts = starts
        self.image_shape = image_shape
        self.optimizer = optimizer
        self.clamp = clamp
        self.total_variation = total_variation
        self.smoothing = smoothing
        self.scale_gradient = scale_gradient
        self.noise = noise
        self.max_shift = max_shift
        self.margin = margin
        self.population = int(min(population, self.variations))
        if self.pixels and self.restarts > 1 and not restart_spread and self.population == self.variations:
            raise ValueError(
                f"all {self.restarts} restarts of a class would be the same: {type(self).__name__} sees the same "
                f"inputs in all of them, and restart_spread is {restart_spread}. Give a restart_spread above 0, noise, "
                "a larger max_shift, or one restart."
            )
        self._latents = self._images = torch.empty(0)
        self._step = 0
        if self.pixels:
            with torch.no_grad():
                if images is None:
                    self._spread_restarts(restart_spread)
                else:
                    self.candidates.copy_(images)
                self.confine()
                self.best.copy_(self.candidates)

    @property
    def variations(self) -> float:
        """How many different inputs can be drawn from an image in a step: 1 where nothing is drawn at random."""
        if self.noise or (self.encoder is not None and self.encoder.draws):
            return math.inf
        return self._span**2

    @property
    def midpoint(self) -> float:
        """The value above which a random flip lowers an entry: half a pixel, or half of a prior's latents."""
        return 0.5 if self.pixels else 0.0

    def images(self, step: int) -> Tensor:
        """Return the images that the candidates stand for in a step, ``(N, C, H, W)``, without a gradient.

        :meth:`back` takes the images' own gradient back to the candidates.
        """
        self._step = step
        self._latents = self.candidates.detach().clone()
        if self.prior is None:
            return self._latents
        with torch.enable_grad():
            self._images = self.prior.images(self._latents.requires_grad_(), step, self.steps)
        return self._images.detach()

    def back(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the candidates, of one of the last :meth:`images`; both as :meth:`natural` has it."""
        gradient = self.natural(gradient)
        if self.prior is None:
            return gradient
        (estimate,) = torch.autograd.grad(self._images, self._latents, gradient)
        return self.prior.guided(estimate, self._step, self.steps)

    def reconstruction(self, candidates: Tensor) -> Tensor:
        """Return the images themselves, or what latents stand for at the end, ``(N, C, H, W)``."""
        return candidates if self.prior is None else pictures(self, self.prior, candidates, self.steps)

    def worth_keeping(self) -> Tensor:
        """Return the candidates, those of an unfinished picture as if it were finished."""
        candidates = super().worth_keeping()
        return candidates if self.prior is None else self.prior.settled(candidates, self._images.detach())

    def varied(self, images: Tensor, step: int) -> Tensor:
        """Return a unit's members as the target sees them: shifted and with noise, if so asked.

        Args:
            images: of N units, ``(N, C, H, W)``.
            step: the iteration; the last judgement is without shifts and noise.

        Returns:
            ``(N * n, C, H, W)``, where n is the population.
        """
        members = images.repeat_interleave(self.population, 0)
        if step >= self.steps:
            return members
        if self.max_shift:
            members = roll_units(members, *self._shifts(step))
        if self.noise:
            noise = self.normal(step, (self.population, *self.image_shape), NOISE)
            members = members + self.noise * noise.movedim(0, 1).flatten(0, 1)
        return members

    def shifted_back(self, gradient: Tensor, step: int) -> Tensor:
        """Return the gradient of shifted members, ``(N * n, C, H, W)``, as that of the images that were shifted."""
        if not self.max_shift or step >= self.steps:
            return gradient
        rows, columns = self._shifts(step)
        return roll_units(gradient, -rows, -columns)

    def natural(self, gradient: Tensor) -> Tensor:
        """Return the gradient of the images, smoothed and scaled if so asked; the margin has no part in it."""
        gradient = self._without_margin(gradient)
        if self.smoothing:
            gradient = gaussian_blur(gradient, self.smoothing)
        return unit_deviation(gradient) if self.scale_gradient else gradient

    @property
    def spending(self) -> Spending:
        """What has been spent on each class so far; ``starts`` are answers that all classes share."""
        return super().spending._replace(queries=self.starts if self.steps_taken.any() else 0)

    def on_train_start(self) -> None:
        """Choose the latents with which the attack begins, unless it is resumed."""
        if self.prior is not None and self.starts and self.first_step == 0:
            with self.trainer.precision_plugin.train_step_context():
                choose_starts(self, self.prior, self.starts)

    def project(self) -> None:
        """Let a prior go on to its next step; keep pixels in their domain."""
        if self.prior is not None:
            self.candidates.copy_(self.prior.advance(self.candidates, self._images.detach(), self._step, self.steps))
        if self.pixels:
            self.confine()

    def confine(self) -> None:
        """Clamp the pixels to [0, 1] and blacken the margin, in place, if so asked."""
        if self.clamp:
            self.candidates.clamp_(0, 1)
        self.candidates.copy_(self._without_margin(self.candidates))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Build the optimizer of the images, or of a prior's latents."""
        return (self.optimizer if self.prior is None or self.pixels else self.prior.optimizer)([self.candidates])

    def _without_margin(self, images: Tensor) -> Tensor:
        return blacken_margin(images, self.margin)

    @property
    def _span(self) -> int:
        """Number of different shifts in one direction."""
        return 2 * self.max_shift + 1

    def _shifts(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the rows and columns of each member's shift, ``(N * n,)``; within a unit they differ, if they can."""
        draws = self.uniform(step, (self.population, 2, 1, 1, 1), SHIFTS).flatten(2)
        rows, columns = (draws * self._span).long().unbind(1)
        cells = differing((rows * self._span + columns).T, self._span**2).flatten()
        return cells // self._span - self.max_shift, cells % self._span - self.max_shift

    def _spread_restarts(self, spread: float) -> None:
        """Add smooth noise to the first images of all restarts but the first, mirrored at 0 and 1."""
        if self.restarts == 1 or not spread:
            return
        channels, *size = self.image_shape
        coarse = self.uniform(0, (channels, *(min(_COARSE, side) for side in size)), FIRST_IMAGES)
        images = self.candidates + spread * smooth_noise(coarse, size)
        later = torch.tensor([restart > 0 for _, restart in self.units])
        self.candidates[later] = (1 - (1 - images.abs()).abs())[later]
