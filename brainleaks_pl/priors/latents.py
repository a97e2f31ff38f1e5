"""Priors whose latents are a few numbers that are normally distributed."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from brainleaks_pl.priors.base import Prior
from brainleaks_pl.targets.training import Training


class LatentPrior(Prior):
    """A decoder of L standard normal numbers as a prior.

    Adam moves the latents. Those of more than the length that is usual, the square root of L, are shortened to it: a
    decoder knows no others.

    Args:
        weights: as of :class:`Prior`.
        lr: step size of the latents, whose standard deviation is 1, > 0.
        alone: as of :class:`Prior`.
        training: as of :class:`Prior`.
        latents: L, at least 1; of trained ones their file says.
        building: further arguments of :meth:`build`.

    Raises:
        ValueError: when an argument is out of range.
    """

    def __init__(
        self, weights: str | None, lr: float, alone: int, training: Training, *, latents: int, **building: Any
    ) -> None:
        if not 0 < lr < math.inf:
            raise ValueError(f"lr must be positive and finite, got {lr}.")
        super().__init__(weights, alone, training, latents=latents, **building)
        self.lr = lr

    @abstractmethod
    def decoded(self, latents: Tensor) -> Tensor:
        """Return the pictures of latents ``(N, L)``, ``(N, C, H, W)`` in [0, 1]."""

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """L numbers, in the form of an image."""
        return (int(self.building["latents"]), 1, 1)

    def images(self, latents: Tensor, step: int, steps: int) -> Tensor:
        """Return the decoded pictures, the same in every step."""
        return self.decoded(latents.flatten(1))

    def guided(self, gradient: Tensor, step: int, steps: int) -> Tensor:
        """Return the gradient as it is."""
        return gradient

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build Adam."""
        return torch.optim.Adam(parameters, lr=self.lr)

    def advance(self, latents: Tensor, images: Tensor, step: int, steps: int) -> Tensor:
        """Shorten latents that are longer than usual."""
        length = torch.linalg.vector_norm(latents.flatten(1), dim=1).view(-1, 1, 1, 1)
        shortened: Tensor = latents * (math.sqrt(self.latent_shape[0]) / length).clamp(max=1)
        return shortened
