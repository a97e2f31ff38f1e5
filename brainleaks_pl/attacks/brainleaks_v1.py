"""BrainLeaks-v1: surrogate gradients projected into the spike domain."""

from __future__ import annotations

import torch
from torch import Tensor

from brainleaks_pl.attacks.base import Keep
from brainleaks_pl.attacks.functional import flip_probability
from brainleaks_pl.attacks.losses import Loss
from brainleaks_pl.attacks.spiking import SpikingInversion
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.base import TargetClassifier

_START = 2  # tells the stream of the first spikes from those of the steps


class BrainLeaksV1(SpikingInversion):
    """Model inversion with binary updates (arXiv 2402.00906, BrainLeaks-v1).

    Spikes start at 0, or at random with the rate ``start``. In each step the gradient's size, min-max scaled over the
    unit's whole input, is the probability of an update (gradient binarisation); its sign is the direction (directional
    fusion); what exceeds {0, 1} is cut off (overflow thresholding): ``x <- [x + d > 0]`` with ``d = sign(g) * m,
    m ~ Bernoulli(p)``.

    Args:
        target: the trained classifier, a spiking network.
        steps: iterations (published: 10, DvsGesture 25).
        start: rate of the first spikes, in [0, 1]; 0, as published, starts from silence.
        classes: classes to attack; None attacks every class.
        restarts: independent runs of each class.
        time_steps: T of the input; None takes the one that the target was trained with.
        loss: what is minimised; None means :class:`~brainleaks_pl.attacks.losses.Confidence`, as published.
        surrogate: surrogate gradient at attack time; None keeps the one of training.
        turnover: share of spikes flipped at random where all gradients are zero.
        keep: return the candidates of the lowest cost (``best``) or of the last step (``last``, as published).
        seed: seed of the random streams; None takes the seed of the run.

    Raises:
        ValueError: when the target is not spiking or an argument is out of range.
    """

    def __init__(
        self,
        target: TargetClassifier,
        steps: int = 10,
        start: float = 0.0,
        classes: list[int] | None = None,
        restarts: int = 1,
        time_steps: int | None = None,
        loss: Loss | None = None,
        surrogate: Surrogate | None = None,
        turnover: float = 0.01,
        keep: Keep = "best",
        seed: int | None = None,
    ) -> None:
        if not 0 <= start <= 1:
            raise ValueError(f"start is a rate and must lie in [0, 1], got {start}.")
        super().__init__(
            target,
            steps=steps,
            start=0.0,
            classes=classes,
            restarts=restarts,
            time_steps=time_steps,
            loss=loss,
            surrogate=surrogate,
            turnover=turnover,
            keep=keep,
            seed=seed,
        )
        if start > 0:
            first = self.uniform(0, (self.time_steps, *target.input_shape), _START) < start
            self.candidates.data.copy_(first)
            self.best.copy_(first)

    def sample(self, step: int) -> Tensor:
        """Return the spikes themselves, ``(T, N, C, H, W)``."""
        return self.candidates.detach().clone()

    def gradient(self, costs: Tensor, gradient: Tensor, step: int) -> Tensor:
        """Return the directions in {-1, 0, 1}, drawn with the gradient's size as probability."""
        chosen = self.uniform(step, (self.time_steps, *self.target.input_shape)) < flip_probability(gradient)
        return gradient.sign() * chosen

    def project(self) -> None:
        """Threshold: ``[x > 0]``."""
        self.candidates.copy_(self.candidates > 0)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return plain descent at rate 1: it subtracts the direction."""
        return torch.optim.SGD([self.candidates], lr=1.0)
