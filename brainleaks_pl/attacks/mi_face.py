"""MI-FACE: gradient descent on the image, the baseline on ordinary networks."""

from __future__ import annotations

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from brainleaks_pl.attacks.base import Keep, WrongTargetError
from brainleaks_pl.attacks.functional import total_variation
from brainleaks_pl.attacks.image import ImageInversion
from brainleaks_pl.attacks.losses import Loss
from brainleaks_pl.targets.base import TargetClassifier


class MIFace(ImageInversion):
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
        WrongTargetError: when the target is spiking.
        ValueError: when an argument is out of range.
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
            raise WrongTargetError(
                f"MIFace attacks ordinary networks, {type(target).__name__} is spiking: use BrainLeaksV1 or V2."
            )
        if patience is not None and patience < 1:
            raise ValueError(f"patience must be at least 1 or null, got {patience}.")
        super().__init__(
            target,
            image_shape=target.input_shape,
            optimizer=optimizer,
            clamp=clamp,
            total_variation=total_variation,
            smoothing=smoothing,
            scale_gradient=scale_gradient,
            noise=noise,
            max_shift=max_shift,
            margin=margin,
            steps=steps,
            start=0.0,
            classes=classes,
            restarts=restarts,
            loss=loss,
            turnover=turnover,
            keep=keep,
            seed=seed,
        )
        self.stop_at = stop_at
        self.patience = patience
        self.since_best: Tensor
        self.register_buffer("since_best", torch.zeros(len(self.units), dtype=torch.long))

    def sample(self, step: int) -> Tensor:
        """Return the images, ``(N, C, H, W)``, varied if so asked."""
        return self.varied(self.candidates.detach().clone(), step)

    def regulariser(self, inputs: Tensor) -> Tensor | float:
        """Return the weighted total variation, ``(N,)``."""
        return self.total_variation * total_variation(inputs) if self.total_variation else 0.0

    def gradient(self, costs: Tensor, gradient: Tensor, step: int) -> Tensor:
        """Return the gradient, shifted back, and smoothed and scaled if so asked."""
        return self.natural(self.shifted_back(gradient, step))

    def keep_best(self, costs: Tensor) -> None:
        """Count the iterations since the last lower cost as well, of the units that have not stopped."""
        lower = (costs.mean(1) < self.best_cost) & self.active
        self.since_best = torch.where(lower, 0, self.since_best + self.active)
        super().keep_best(costs)

    def stop_units(self, costs: Tensor, confidences: Tensor) -> None:
        """Stop the classes that reached the confidence or made no progress for ``patience`` iterations."""
        if self.stop_at is not None:
            self.active &= 1 - confidences.mean(1) > self.stop_at
        if self.patience is not None:
            self.active &= self.since_best < self.patience
