"""MI-FACE: gradient descent on the image, the baseline on non-spiking networks."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from brainleaks_pl.attacks.fitting import WrongTargetError, use_instead
from brainleaks_pl.attacks.functional import total_variation
from brainleaks_pl.attacks.image import ImageInversion
from brainleaks_pl.targets.classifier import Classifier


class MIFace(ImageInversion):
    """Model inversion of networks that take images (Fredrikson, Jha and Ristenpart, CCS 2015, algorithm 1).

    Images start black and follow the gradient of the cost. A class stops when the target's confidence reaches
    ``1 - stop_at``, or after ``patience`` iterations in a row without a lower cost; the others continue. The defaults
    are the published ones; total variation, smoothing, noise, random shifts, other losses and optimizers are ours.

    Args:
        target: the trained classifier, one that takes images.
        steps: most iterations (published: 5000).
        optimizer: builds the optimizer of the images; published: plain gradient descent at 0.1.
        stop_at: stop a class once ``1 - confidence`` is at most this, in [0, 1] (published: 0.01); None never does.
        patience: iterations in a row without a lower cost after which a class stops (published: 100); None never stops
            one.
        kwargs: those of :class:`ImageInversion`.

    Raises:
        WrongTargetError: when the target takes spikes.
        ValueError: when an argument is out of range.

    Examples:
        The target is a non-spiking network:

        >>> import torch
        >>> from brainleaks_pl import MIFace, run_attack
        >>> descent = lambda parameters: torch.optim.SGD(parameters, lr=10.0)
        >>> attack = MIFace(ann, steps=30, optimizer=descent, classes=[3, 8])
        >>> result = run_attack(attack, {}, data)
        >>> images = attack.reconstructions()
        >>> images.shape
        torch.Size([2, 1, 28, 28])
        >>> ann.confidences(images).argmax(1)
        tensor([3, 8])
    """

    def __init__(
        self,
        target: Classifier,
        steps: int = 5000,
        optimizer: OptimizerCallable = lambda parameters: torch.optim.SGD(parameters, lr=0.1),
        stop_at: float | None = 0.01,
        patience: int | None = 100,
        **kwargs: Any,
    ) -> None:
        if target.takes_spikes:
            raise WrongTargetError(f"MIFace looks for images, and {target.name} takes spikes: {use_instead(True)}")
        if stop_at is not None and not 0 <= stop_at <= 1:
            raise ValueError(f"stop_at must lie in [0, 1] or be null, got {stop_at}.")
        if patience is not None and patience < 1:
            raise ValueError(f"patience must be at least 1 or null, got {patience}.")
        super().__init__(target, image_shape=target.input_shape, optimizer=optimizer, steps=steps, start=0.0, **kwargs)
        if self.prior is not None and self.prior.anneals and (stop_at, patience) != (None, None):
            raise ValueError(
                f"{self.prior.name} makes a picture in all of its steps, and an attack that stops before the last one "
                f"leaves it unfinished: set stop_at and patience to null, got {stop_at} and {patience}."
            )
        self.stop_at = stop_at
        self.patience = patience
        self.since_best: Tensor
        self.register_buffer("since_best", torch.zeros(len(self.units), dtype=torch.long))

    def sample(self, step: int) -> Tensor:
        """Return the members of the images, ``(N * n, C, H, W)``, varied if so asked."""
        return self.varied(self.images(step), step)

    def regulariser(self, inputs: Tensor) -> Tensor | float:
        """Return the weighted total variation, ``(N * n,)``."""
        return self.total_variation * total_variation(inputs) if self.total_variation else 0.0

    def candidate_gradient(self, costs: Tensor, sample_gradient: Tensor, step: int) -> Tensor:
        """Return the mean gradient of each image's members, shifted back, and smoothed and scaled if so asked."""
        back = self.shifted_back(sample_gradient, step)
        return self.back(back.unflatten(0, (len(self.units), self.population)).mean(1))

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
