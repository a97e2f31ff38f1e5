"""BrainLeaks-v1: surrogate gradients projected into the spike domain."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from brainleaks_pl.attacks.functional import flip_probability
from brainleaks_pl.attacks.spiking import SpikingInversion
from brainleaks_pl.attacks.streams import FIRST_SPIKES
from brainleaks_pl.targets.classifier import Classifier


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
        kwargs: those of :class:`SpikingInversion`.

    Raises:
        ValueError: when the target is not spiking or an argument is out of range.

    Examples:
        >>> from brainleaks_pl import BrainLeaksV1, run_attack
        >>> attack = BrainLeaksV1(network, steps=10, classes=[3, 8], seed=0)
        >>> result = run_attack(attack, {}, data)
        >>> spikes = attack.reconstructions()
        >>> spikes.shape, spikes.unique()
        (torch.Size([5, 2, 1, 28, 28]), tensor([0., 1.]))
        >>> network.confidences(spikes).argmax(1)
        tensor([3, 8])
    """

    def __init__(
        self,
        target: Classifier,
        steps: int = 10,
        start: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if not 0 <= start <= 1:
            raise ValueError(f"start is a rate and must lie in [0, 1], got {start}.")
        super().__init__(target, steps=steps, start=0.0, **kwargs)
        if start > 0:
            first = self.uniform(0, (self.time_steps, *target.input_shape), FIRST_SPIKES) < start
            self.candidates.data.copy_(first)
            self.best.copy_(first)

    def sample(self, step: int) -> Tensor:
        """Return the spikes themselves, ``(T, N, C, H, W)``."""
        return self.candidates.detach().clone()

    def candidate_gradient(self, costs: Tensor, sample_gradient: Tensor, step: int) -> Tensor:
        """Return the directions in {-1, 0, 1}, drawn with the gradient's size as probability."""
        chosen = self.uniform(step, (self.time_steps, *self.target.input_shape)) < flip_probability(sample_gradient)
        return sample_gradient.sign() * chosen

    def project(self) -> None:
        """Threshold: ``[x > 0]``."""
        self.candidates.copy_(self.candidates > 0)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return plain descent at rate 1: it subtracts the direction."""
        return torch.optim.SGD([self.candidates], lr=1.0)
