"""BrainLeaks-v3: the image behind the spikes, found through the encoder."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from brainleaks_pl.attacks.assumed import assumed_encoder
from brainleaks_pl.attacks.base import Keep
from brainleaks_pl.attacks.functional import total_variation as total_variation_of
from brainleaks_pl.attacks.functional import turned
from brainleaks_pl.attacks.image import ImageInversion
from brainleaks_pl.attacks.losses import Loss, MeanNLL
from brainleaks_pl.attacks.streams import ENCODED_SPIKES, ENCODER, TURNS
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.priors.bounds import bound_mean
from brainleaks_pl.targets.classifier import Classifier


class BrainLeaksV3(ImageInversion):
    """Model inversion through the encoder: the candidates are images, of which the target sees encoded draws.

    BrainLeaks-v1 and v2 search among all spike trains, most of which no encoder could have produced. Whoever attacks a
    network knows its input format, and with it the encoding; what is left to find is an image. In each step every image
    is varied and encoded ``population`` times, the gradient of the loss goes back through the encoder
    (:meth:`~brainleaks_pl.encoders.base.Encoder.sample`) to the image, is smoothed and scaled, and the optimizer steps.

    The reconstruction is the image; judges see it encoded as the data are. Before networks that take images there is no
    encoder: so spiking and non-spiking networks meet the same attack.

    Args:
        target: the trained classifier, spiking or not.
        encoder: the encoding that the attacker assumes; None means :class:`RateEncoder` with the T that a target that
            takes spikes was trained with, and none for networks that take images.
        steps: iterations.
        loss: what is minimised; None means :class:`~brainleaks_pl.attacks.losses.MeanNLL`.
        optimizer: builds the optimizer of the images.
        population: draws of each image in a step, at least 1: each has its own shift, noise and spikes. There are no
            more than can differ: one, where nothing is drawn.
        start: first value of every pixel, in [0, 1].
        smoothing: standard deviation, in pixels, of the Gaussian that blurs the gradient, >= 0.
        scale_gradient: divide each image's gradient by its standard deviation: the step size is then in pixel values.
        rotation: largest random rotation of each member, in degrees, in [0, 180].
        zoom: scale each member at random, by a factor between ``1 / (1 + zoom)`` and ``1 + zoom``, >= 0.
        max_mean: largest mean of an image's pixels, in (0, 1]; a brighter one becomes the nearest that is not. How much
            the data spike is known to whoever knows their format (MNIST: 0.13). None sets no bound.
        min_mean: least mean of an image's pixels, in [0, 1], and at most ``max_mean``: no class is an empty image. A
            darker one becomes the nearest that is not; its margin stays black.
        keep: return the candidates of the lowest cost (``best``) or of the last step (``last``).
        kwargs: those of :class:`ImageInversion`.

    Raises:
        ValueError: when an argument is out of range, or the encoder does not fit the target.

    Examples:
        What it finds is an image, which another network recognises as well:

        >>> from brainleaks_pl import BrainLeaksV3, run_attack
        >>> attack = BrainLeaksV3(network, data.encoder, steps=30, margin=4, classes=[3, 8], seed=0)
        >>> result = run_attack(attack, {"ann": ann}, data)
        >>> images = attack.reconstructions()
        >>> images.shape
        torch.Size([2, 1, 28, 28])
        >>> ann.confidences(images).argmax(1)
        tensor([3, 8])
    """

    def __init__(
        self,
        target: Classifier,
        encoder: Encoder | None = None,
        steps: int = 30,
        loss: Loss | None = None,
        optimizer: OptimizerCallable = lambda parameters: torch.optim.SGD(parameters, lr=0.01, momentum=0.9),
        population: int = 1,
        start: float = 0.4,
        smoothing: float = 1.0,
        scale_gradient: bool = True,
        rotation: float = 0.0,
        zoom: float = 0.0,
        max_mean: float | None = None,
        min_mean: float = 0.0,
        keep: Keep = "last",
        **kwargs: Any,
    ) -> None:
        encoder = assumed_encoder(target, encoder)
        if not 0 <= start <= 1:
            raise ValueError(f"start must lie in [0, 1], got {start}.")
        if max_mean is not None and not 0 < max_mean <= 1:
            raise ValueError(f"max_mean must lie in (0, 1], got {max_mean}.")
        if not 0 <= min_mean <= (1 if max_mean is None else max_mean):
            raise ValueError(f"min_mean must lie in [0, 1] and not above max_mean, {max_mean}, got {min_mean}.")
        if not 0 <= rotation <= 180:
            raise ValueError(f"rotation must lie in [0, 180] degrees, got {rotation}.")
        if not 0 <= zoom < math.inf:
            raise ValueError(f"zoom must be finite and not negative, got {zoom}.")
        self.rotation, self.zoom = rotation, zoom
        self.max_mean, self.min_mean = max_mean, min_mean
        self.encoder = encoder
        super().__init__(
            target,
            image_shape=target.input_shape if encoder is None else encoder.image_shape(target.input_shape),
            optimizer=optimizer,
            clamp=True,
            smoothing=smoothing,
            scale_gradient=scale_gradient,
            steps=steps,
            start=start,
            loss=MeanNLL() if loss is None else loss,
            keep=keep,
            population=population,
            **kwargs,
        )
        self._seen, self._inputs = torch.empty(0), torch.empty(0)

    def sample(self, step: int) -> Tensor:
        """Return encoded draws, ``(T, N * n, C, H, W)``, or images, ``(N * n, C, H, W)``, and keep their graph."""
        with torch.enable_grad():
            self._seen = self.images(step).clone().requires_grad_()
            members = self._turned(self.varied(self._seen, step), step)
            if self.encoder is None:
                self._inputs = members
            else:
                draw = partial(self._draw, step, self.encoder.time_steps)
                self._inputs = self._assumed(step, self.encoder).sample(members.clamp(0, 1), draw)
        return self._inputs.detach()

    def candidate_gradient(self, costs: Tensor, sample_gradient: Tensor, step: int) -> Tensor:
        """Return the gradient back through encoder and prior, with that of the total variation, smoothed and scaled."""
        outputs, gradients = [self._inputs], [sample_gradient / self.population, None]
        if self.total_variation:
            with torch.enable_grad():
                outputs.append(self.total_variation * total_variation_of(self._seen).sum())
        (estimate,) = torch.autograd.grad(outputs, self._seen, gradients[: len(outputs)])
        return self.back(estimate)

    def confine(self) -> None:
        """Keep the pixels in [0, 1], the margin black and the mean within its bounds."""
        super().confine()
        if self.max_mean is not None:
            self.candidates.copy_(bound_mean(self.candidates, self.max_mean))
        if self.min_mean:
            rows, columns = (slice(self.margin, side - self.margin) for side in self.image_shape[1:])
            inner = self.candidates[..., rows, columns]
            least = min(1.0, self.min_mean * self.candidates[0].numel() / inner[0].numel())
            self.candidates[..., rows, columns] = 1 - bound_mean(1 - inner, 1 - least)

    @property
    def variations(self) -> float:
        """How many different inputs can be drawn from an image in a step."""
        return math.inf if self.rotation or self.zoom else super().variations

    def _turned(self, members: Tensor, step: int) -> Tensor:
        """Return members turned and scaled about their middle, if so asked; not for the last judgement."""
        if step >= self.steps or not (self.rotation or self.zoom):
            return members
        draws = 2 * self.uniform(step, (self.population, 2, 1, 1, 1), TURNS).flatten(2) - 1
        turns, sizes = (own.T.flatten() for own in draws.unbind(1))
        return turned(members, self.rotation * turns, (1 + self.zoom) ** sizes)

    def _assumed(self, step: int, encoder: Encoder) -> Encoder:
        """Return the encoder of a step, the same for all units; the last judgement is by the likeliest."""
        return encoder if step >= self.steps else encoder.variant(np.random.default_rng((self.seed, ENCODER, step)))

    def _draw(self, step: int, time_steps: int) -> Tensor:
        shape = (self.population, time_steps, *self.target.input_shape)
        return self.uniform(step, shape, ENCODED_SPIKES).movedim(0, 2).flatten(1, 2)
