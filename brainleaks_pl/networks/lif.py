"""Leaky integrate-and-fire neurons as a module."""

from __future__ import annotations

import math
from typing import get_args

from torch import Tensor, nn

from brainleaks_pl.networks.plain_layers import is_listened_to, is_plain_linear
from brainleaks_pl.networks.scan import Reset, lif_linear, lif_scan
from brainleaks_pl.networks.surrogates import FastSigmoid, Surrogate

PUBLISHED_SURROGATE = FastSigmoid(slope=40.0)
"""The surrogate gradient of the published targets."""


class LIF(nn.Module):
    """A layer of leaky integrate-and-fire neurons, which start at rest in every forward (:func:`lif_scan`).

    Every layer of a network has its own, with its own constants. ``surrogate`` may be replaced at any time: the next
    forward takes it.

    Args:
        beta: decay of the membranes per step, in [0, 1].
        threshold: firing threshold, > 0.
        surrogate: gradient of a spike with respect to its membrane; None means the published fast sigmoid, slope 40.
        reset: what a spike does to the membrane in the next step: ``subtract`` takes the threshold from it, ``zero``
            sets it to zero.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        A constant current charges the membrane until it exceeds the threshold:

        >>> import torch
        >>> from brainleaks_pl import LIF
        >>> neurons = LIF(beta=0.5, threshold=1.0)
        >>> spikes, membranes = neurons(torch.full((4, 1), 0.75))
        >>> spikes.flatten().tolist()
        [0.0, 1.0, 0.0, 0.0]
        >>> membranes.flatten().tolist()
        [0.75, 1.125, 0.3125, 0.90625]
    """

    def __init__(
        self,
        beta: float = 0.7,
        threshold: float = 1.0,
        surrogate: Surrogate | None = None,
        reset: Reset = "subtract",
    ) -> None:
        super().__init__()
        if not 0 <= beta <= 1:
            raise ValueError(f"beta must lie in [0, 1], got {beta}.")
        if not 0 < threshold < math.inf:
            raise ValueError(f"threshold must be positive and finite, got {threshold}.")
        if reset not in get_args(Reset):
            raise ValueError(f"reset must be 'subtract' or 'zero', got {reset!r}.")
        self.beta = beta
        self.threshold = threshold
        self.surrogate = PUBLISHED_SURROGATE if surrogate is None else surrogate
        self.reset = reset

    def forward(self, current: Tensor) -> tuple[Tensor, Tensor]:
        """Return spikes and membranes, ``(T, ...)``, of neurons driven by ``current``, ``(T, ...)``."""
        return lif_scan(current, beta=self.beta, threshold=self.threshold, surrogate=self.surrogate, reset=self.reset)

    def extra_repr(self) -> str:
        """Return the constants that outputs depend on."""
        return f"beta={self.beta}, threshold={self.threshold}, reset={self.reset}"


def neurons_and_linear(neurons: nn.Module, current: Tensor, layer: nn.Linear) -> Tensor:
    """Return ``layer(spikes)`` of neurons driven by ``current``, ``(T, B, H)``, which is overwritten.

    Equals the neurons followed by the layer. Where both are plain, the neurons :class:`LIF` with the reset
    ``subtract``, and no hook listens to either, the spikes are not kept, which moves half the memory
    (:func:`lif_linear`).
    """
    if type(neurons) is not LIF or neurons.reset != "subtract" or is_listened_to(neurons) or not is_plain_linear(layer):
        spikes, _ = neurons(current)
        outputs: Tensor = layer(spikes)
        return outputs
    return lif_linear(
        current,
        layer.weight,
        layer.bias,
        beta=neurons.beta,
        threshold=neurons.threshold,
        surrogate=neurons.surrogate,
    )
