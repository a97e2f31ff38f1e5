"""Ordinary (non-spiking) networks."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from torch import Tensor, nn

from brainleaks_pl.targets.base import TargetClassifier, Training


def convolved_size(size: int, kernel: int) -> int:
    """Return the side length that two rounds of an unpadded convolution and a 2x2 max-pool leave of ``size``."""
    return ((size - kernel + 1) // 2 - kernel + 1) // 2


def convolution_features(input_shape: tuple[int, int, int], channels: int, kernel: int) -> int:
    """Return how many features two such rounds leave of an input ``(C, H, W)``.

    Raises:
        ValueError: when the input is too small for the kernel.
    """
    _, height, width = input_shape
    features = channels * max(convolved_size(height, kernel), 0) * max(convolved_size(width, kernel), 0)
    if features == 0:
        raise ValueError(
            f"an input of shape {input_shape} is too small for two {kernel}x{kernel} convolutions and pools."
        )
    return features


class MLP(TargetClassifier):
    """One hidden layer of sigmoid units (the published ANN targets: 784-3000-10 and 10304-3000-40).

    Args:
        input_shape: (C, H, W) of the images.
        num_classes: K, at least 2.
        hidden: hidden units, at least 1.
        training: how ``fit`` trains it.

    Raises:
        ValueError: when an argument is out of range.
    """

    spiking: ClassVar[bool] = False

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        hidden: int = 3000,
        training: Training = Training(lr=5e-5, epochs=50, batch_size=1000),
    ) -> None:
        super().__init__(input_shape, num_classes, training)
        if hidden < 1:
            raise ValueError(f"hidden must be at least 1, got {hidden}.")
        self.hidden = nn.Linear(math.prod(input_shape), hidden)
        self.output = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of images ``(B, C, H, W)``."""
        logits: Tensor = self.output(self.hidden(x.flatten(1)).sigmoid())
        return logits

    def architecture(self) -> dict[str, Any]:
        """Add the hidden size."""
        return {**super().architecture(), "hidden": self.hidden.out_features}


class CNN(TargetClassifier):
    """The published ANN judge: two rounds of convolution, ReLU and 2x2 max-pool, then a linear layer.

    Args:
        input_shape: (C, H, W) of the images.
        num_classes: K, at least 2.
        channels: channels of the two convolutions, at least 1 each.
        kernel: side of their kernels.
        training: how ``fit`` trains it.

    Raises:
        ValueError: when an argument is out of range, or the images are too small for the kernels.
    """

    spiking: ClassVar[bool] = False

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        channels: tuple[int, int] = (12, 24),
        kernel: int = 5,
        training: Training = Training(lr=1e-3, epochs=10, batch_size=100),
    ) -> None:
        super().__init__(input_shape, num_classes, training)
        features = convolution_features(self.input_shape, channels[1], kernel)
        self.first = nn.Conv2d(input_shape[0], channels[0], kernel)
        self.second = nn.Conv2d(channels[0], channels[1], kernel)
        self.pool = nn.MaxPool2d(2)
        self.output = nn.Linear(features, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of images ``(B, C, H, W)``."""
        features = self.pool(self.second(self.pool(self.first(x).relu())).relu())
        logits: Tensor = self.output(features.flatten(1))
        return logits

    def architecture(self) -> dict[str, Any]:
        """Add the channels and the kernel size."""
        channels = [self.first.out_channels, self.second.out_channels]
        return {**super().architecture(), "channels": channels, "kernel": self.first.kernel_size[0]}
