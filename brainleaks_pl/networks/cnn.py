"""The published judges: two rounds of convolution and max-pool, with ReLU or with spiking neurons."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.base import Network, convolution_features
from brainleaks_pl.networks.lif import LIF
from brainleaks_pl.networks.scan import Reset
from brainleaks_pl.networks.surrogates import Surrogate


class CNN(Network):
    """The published ANN judge: two rounds of convolution, ReLU and 2x2 max-pool, then a linear layer.

    Args:
        input_shape: (C, H, W) of the images; None is the data's in a config, and (1, 28, 28) in Python.
        num_classes: K, at least 2; None is the data's in a config, and 10 in Python.
        channels: channels of the two convolutions, at least 1 each.
        kernel: side of their kernels.

    Raises:
        ValueError: when an argument is out of range, or the images are too small for the kernels.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import CNN
        >>> judge = CNN(input_shape=(3, 32, 32), num_classes=4)
        >>> judge(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 4])
        >>> sum(weight.numel() for weight in judge.parameters())
        10540
    """

    takes_spikes: ClassVar[bool] = False

    def __init__(
        self,
        input_shape: tuple[int, int, int] | None = None,
        num_classes: int | None = None,
        channels: tuple[int, int] = (12, 24),
        kernel: int = 5,
    ) -> None:
        super().__init__(input_shape, num_classes)
        features = convolution_features(self.input_shape, channels[1], kernel)
        self.first = nn.Conv2d(self.input_shape[0], channels[0], kernel)
        self.second = nn.Conv2d(channels[0], channels[1], kernel)
        self.pool = nn.MaxPool2d(2)
        self.output = nn.Linear(features, self.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of images ``(B, C, H, W)``."""
        features = self.pool(self.second(self.pool(self.first(x).relu())).relu())
        logits: Tensor = self.output(features.flatten(1))
        return logits


class SpikingCNN(Network):
    """The published SNN judge: two rounds of convolution, 2x2 max-pool and neurons, then a linear layer with neurons.

    Args:
        input_shape: (C, H, W) of one time step; None is the data's in a config, and (1, 28, 28) in Python.
        num_classes: K, at least 2; None is the data's in a config, and 10 in Python.
        channels: channels of the two convolutions, at least 1 each.
        kernel: side of their kernels.
        beta: decay of the membranes per step, in [0, 1].
        threshold: firing threshold, > 0.
        surrogate: gradient of a spike with respect to its membrane; None means the published fast sigmoid, slope 40.
        reset: what a spike does to the membrane in the next step.

    Raises:
        ValueError: when an argument is out of range, or the input is too small for the kernels.

    Examples:
        Output membranes at each of five steps:

        >>> import torch
        >>> from brainleaks_pl import SpikingCNN
        >>> judge = SpikingCNN(input_shape=(2, 34, 34), num_classes=10, channels=(4, 8))
        >>> spikes = (torch.rand(5, 3, 2, 34, 34) < 0.1).float()
        >>> judge(spikes).shape
        torch.Size([5, 3, 10])
    """

    takes_spikes: ClassVar[bool] = True

    def __init__(
        self,
        input_shape: tuple[int, int, int] | None = None,
        num_classes: int | None = None,
        channels: tuple[int, int] = (12, 24),
        kernel: int = 5,
        beta: float = 0.7,
        threshold: float = 1.0,
        surrogate: Surrogate | None = None,
        reset: Reset = "subtract",
    ) -> None:
        super().__init__(input_shape, num_classes)
        features = convolution_features(self.input_shape, channels[1], kernel)
        self.first = nn.Conv2d(self.input_shape[0], channels[0], kernel)
        self.first_neurons = LIF(beta, threshold, surrogate, reset)
        self.second = nn.Conv2d(channels[0], channels[1], kernel)
        self.second_neurons = LIF(beta, threshold, surrogate, reset)
        self.pool = nn.MaxPool2d(2)
        self.output = nn.Linear(features, self.num_classes)
        self.output_neurons = LIF(beta, threshold, surrogate, reset)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # halves the time of a training step on CPUs

    def forward(self, x: Tensor) -> Tensor:
        """Return the output membranes ``(T, B, K)`` of spikes ``(T, B, C, H, W)``."""
        time_and_batch = x.shape[:2]
        spikes, _ = self.first_neurons(self.pool(self.first(x.flatten(0, 1))).unflatten(0, time_and_batch))
        spikes, _ = self.second_neurons(self.pool(self.second(spikes.flatten(0, 1))).unflatten(0, time_and_batch))
        membranes: Tensor = self.output_neurons(self.output(spikes.flatten(2)))[1]
        return membranes
