"""MI-FACE: gradient descent on the image, the baseline on ordinary networks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from brainleaks_pl.attacks.base import InversionModule, Keep
from brainleaks_pl.attacks.functional import gaussian_blur, roll_units, total_variation, unit_deviation
from brainleaks_pl.attacks.losses import Loss
from brainleaks_pl.targets.base import TargetClassifier

_SHIFTS, _NOISE = 2, 3


class MIFace(InversionModule):
    """Model inversion of ordinary networks (Fredrikson, Jha and Ristenpart, CCS 2015, algorithm 1).

    Images start black and follow the gradient of the cost. A class stops when the target's confidence reaches
    ``1 - stop_at``, or after ``patience`` iterations in a row without a lower cost; the others go on. The defaults are
    the published ones; total variation, smoothing, noise, random shifts, other losses and optimizers go beyond.

    Args:
        target: the trained classifier, an ordinary network.
        steps: most iterations (published: 5000).
        classes: classes to attack; None attacks every class.
        restarts: independent runs of each class.
        loss: what is minimised; None means :class:`~brainleaks_pl.attacks.losses.Confidence`, as published.
        optimizer: builds the optimizer of the images; published: plain gradient descent at 0.1.
        clamp: keep pixels in [0, 1] (published: on MNIST, not on faces).
        stop_at: stop a class once ``1 - confidence`` is at most this (published: 0.01); None never does.
        patience: stop a class after so many iterations in a row without a lower cost (published: 100); None never does.
        total_variation: weight of the mean absolute difference of neighbouring pixels, >= 0.
        smoothing: blur the gradient with a Gaussian of so many pixels, >= 0.
        scale_gradient: divide each image's gradient by its standard deviation: the step size is then in pixel values.
        noise: standard deviation of the Gaussian noise added to the images before the target sees them, >= 0.
        max_shift: shift the images at random by up to so many pixels before the target sees them, >= 0.
        margin: keep so many pixels black on every side, as the format of the data may have them (MNIST: 4), >= 0.
        turnover: share of pixels moved at random where all gradients are zero.
        keep: return the candidates of the lowest cost (``best``) or of the last step (``last``, as published).
        seed: seed of the random streams; None takes the seed of the run.

    Raises:
        ValueError: when the target is spiking or an argument is out of range.
    """

    def __init__(
        self,
        target: TargetClassifier,
        steps: int = 5000,
        classes: list[int] | None = None,
        restarts: int = 1,
        loss: Loss | None = None,
        optimizer: OptimizerCallable = lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        clamp: bool = True,
        stop_at: float | None = 0.01,
        patience: int | None = 100,
        total_variation: float = 0.0,
        smoothing: float = 0.0,
        scale_gradient: bool = False,
        noise: float = 0.0,
        max_shift: int = 0,
        margin: int = 0,
        turnover: float = 0.01,
        keep: Keep = "best",
        seed: int | None = None,
    ) -> None:
        if target.spiking:
            raise ValueError(
                f"MIFace attacks ordinary networks, {type(target).__name__} is spiking: use BrainLeaksV1 or V2."
            )
        if total_variation < 0:
            raise ValueError(f"total_variation must not be negative, got {total_variation}.")
        if smoothing < 0:
            raise ValueError(f"smoothing must not be negative, got {smoothing}.")
        if noise < 0:
            raise ValueError(f"noise must not be negative, got {noise}.")
        if max_shift < 0:
            raise ValueError(f"max_shift must not be negative, got {max_shift}.")
        if not 0 <= 2 * margin < min(target.input_shape[1:]):
            size = "x".join(map(str, target.input_shape[1:]))
            raise ValueError(f"margin must not be negative and leave some of the {size} pixels, got {margin}.")
        if patience is not None and patience < 1:
            raise ValueError(f"patience must be at least 1 or null, got {patience}.")
        super().__init__(
            target,
            steps=steps,
            candidate_shape=target.input_shape,
            start=0.0,
            classes=classes,
            restarts=restarts,
            loss=loss,
            turnover=turnover,
            keep=keep,
            seed=seed,
        )
        self.optimizer = optimizer
        self.clamp = clamp
        self.stop_at = stop_at
        self.patience = patience
        self.total_variation = total_variation
        self.smoothing = smoothing
        self.scale_gradient = scale_gradient
        self.noise = noise
        self.max_shift = max_shift
        self.margin = margin
        self.since_best: Tensor
        self.register_buffer("since_best", torch.zeros(len(self.units), dtype=torch.long))

    def _shifts(self, step: int) -> tuple[Tensor, Tensor]:
        rows, columns = self.uniform(step, (2, 1, 1, 1), _SHIFTS).flatten(1)
        span = 2 * self.max_shift + 1
        return (rows * span).long() - self.max_shift, (columns * span).long() - self.max_shift

    def sample(self, step: int) -> Tensor:
        """Return the images, ``(N, C, H, W)``, shifted and with noise if so asked (the last judgement is without)."""
        images = self.candidates.detach().clone()
        if step >= self.steps:
            return images
        if self.max_shift:
            images = roll_units(images, *self._shifts(step))
        if self.noise:
            uniform = self.uniform(step, self.target.input_shape, _NOISE).clamp(min=torch.finfo(torch.float32).tiny)
            images += self.noise * torch.special.ndtri(uniform)
        return images

    def regulariser(self, inputs: Tensor) -> Tensor | float:
        """Return the weighted total variation, ``(N,)``."""
        return self.total_variation * total_variation(inputs) if self.total_variation else 0.0

    def gradient(self, costs: Tensor, gradient: Tensor, step: int) -> Tensor:
        """Return the gradient, shifted back, and smoothed and scaled if so asked."""
        if self.max_shift:
            rows, columns = self._shifts(step)
            gradient = roll_units(gradient, -rows, -columns)
        if self.smoothing:
            gradient = gaussian_blur(gradient, self.smoothing)
        return unit_deviation(gradient) if self.scale_gradient else gradient

    def project(self) -> None:
        """Clamp the pixels to [0, 1] and blacken the margin, if so asked."""
        if self.clamp:
            self.candidates.clamp_(0, 1)
        if self.margin:
            inner = self.candidates[..., self.margin : -self.margin, self.margin : -self.margin]
            self.candidates.copy_(F.pad(inner, [self.margin] * 4))

    def keep_best(self, costs: Tensor) -> None:
        """Count the iterations since the last lower cost as well."""
        lower = costs.mean(1) < self.best_cost
        self.since_best = torch.where(lower, 0, self.since_best + 1)
        super().keep_best(costs)

    def stop_units(self, costs: Tensor, confidences: Tensor) -> None:
        """Stop the classes that reached the confidence or made no progress for ``patience`` iterations."""
        if self.stop_at is not None:
            self.active &= 1 - confidences.mean(1) > self.stop_at
        if self.patience is not None:
            self.active &= self.since_best < self.patience

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Build the optimizer of the images."""
        return self.optimizer([self.candidates])
