"""The published targets: one hidden layer, of sigmoid units or of spiking neurons."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor, nn

from brainleaks_pl.networks.base import Network
from brainleaks_pl.networks.lif import LIF, neurons_and_linear
from brainleaks_pl.networks.scan import Reset
from brainleaks_pl.networks.sparse_linear import spike_linear
from brainleaks_pl.networks.surrogates import Surrogate


def _checked_hidden(hidden: int) -> int:
    if hidden < 1:
        raise ValueError(f"hidden must be at least 1, got {hidden}.")
    return hidden


class MLP(Network):
    """One hidden layer of sigmoid units (the published ANN targets: 784-3000-10 and 10304-3000-40).

    Args:
        input_shape: (C, H, W) of the images; None is the data's in a config, and (1, 28, 28) in Python.
        num_classes: K, at least 2; None is the data's in a config, and 10 in Python.
        hidden: hidden units, at least 1.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import MLP
        >>> MLP(input_shape=(1, 28, 28), num_classes=10, hidden=100)
        MLP(
          (hidden): Linear(in_features=784, out_features=100, bias=True)
          (output): Linear(in_features=100, out_features=10, bias=True)
        )
        >>> MLP(hidden=100)(torch.rand(2, 1, 28, 28)).shape
        torch.Size([2, 10])
    """

    takes_spikes: ClassVar[bool] = False

    def __init__(
        self, input_shape: tuple[int, int, int] | None = None, num_classes: int | None = None, hidden: int = 3000
    ) -> None:
        super().__init__(input_shape, num_classes)
        self.hidden = nn.Linear(math.prod(self.input_shape), _checked_hidden(hidden))
        self.output = nn.Linear(hidden, self.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of images ``(B, C, H, W)``."""
        logits: Tensor = self.output(self.hidden(x.flatten(1)).sigmoid())
        return logits


class SpikingMLP(Network):
    """One hidden layer of spiking neurons (the published SNN targets: 784-3000-10, 1156-3000-10, ...).

    Args:
        input_shape: (C, H, W) of one time step; None is the data's in a config, and (1, 28, 28) in Python.
        num_classes: K, at least 2; None is the data's in a config, and 10 in Python.
        hidden: hidden neurons, at least 1.
        beta: decay of the membranes per step, in [0, 1].
        threshold: firing threshold, > 0.
        surrogate: gradient of a spike with respect to its membrane; None means the published fast sigmoid, slope 40.
        reset: what a spike does to the membrane in the next step.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import SpikingMLP, RateEncoder
        >>> target = SpikingMLP(hidden=100, beta=0.9)
        >>> spikes = RateEncoder(time_steps=5).encode(torch.rand(2, 1, 28, 28))
        >>> target(spikes).shape
        torch.Size([5, 2, 10])
    """

    takes_spikes: ClassVar[bool] = True

    def __init__(
        self,
        input_shape: tuple[int, int, int] | None = None,
        num_classes: int | None = None,
        hidden: int = 3000,
        beta: float = 0.7,
        threshold: float = 1.0,
        surrogate: Surrogate | None = None,
        reset: Reset = "subtract",
    ) -> None:
        super().__init__(input_shape, num_classes)
        self.hidden = nn.Linear(math.prod(self.input_shape), _checked_hidden(hidden))
        self.neurons = LIF(beta, threshold, surrogate, reset)
        self.output = nn.Linear(hidden, self.num_classes)
        self.output_neurons = LIF(beta, threshold, surrogate, reset)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output membranes ``(T, B, K)`` of spikes ``(T, B, C, H, W)``."""
        current = spike_linear(self.hidden, x.flatten(2))
        membranes: Tensor = self.output_neurons(neurons_and_linear(self.neurons, current, self.output))[1]
        return membranes
