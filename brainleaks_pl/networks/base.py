"""What the package's own networks share: they remember their arguments and know the shape of their input."""

from __future__ import annotations

from typing import ClassVar

from torch import nn

from brainleaks_pl.networks.captured import Captured


class Network(Captured, nn.Module):
    """Base of the package's own networks: plain modules, which know neither Lightning nor attacks.

    Spiking ones take ``(T, B, C, H, W)`` and return the output membranes ``(T, B, K)``; non-spiking ones take images
    ``(B, C, H, W)`` and return logits ``(B, K)``. A network of your own need not derive from it.

    Args:
        input_shape: (C, H, W) of the input, of one time step where there are several; None is MNIST's, (1, 28, 28).
        num_classes: K, at least 2; None is MNIST's, 10. The command line fills in those of the data.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        One of your own:

        >>> import torch
        >>> from brainleaks_pl import LIF, Network, wrap
        >>> class OneLayer(Network):
        ...     takes_spikes = True
        ...
        ...     def __init__(self, input_shape=None, num_classes=None):
        ...         super().__init__(input_shape, num_classes)
        ...         self.output = torch.nn.Linear(self.input_shape[-2] * self.input_shape[-1], self.num_classes)
        ...         self.neurons = LIF()
        ...
        ...     def forward(self, x):
        ...         return self.neurons(self.output(x.flatten(2)))[1]
        >>> OneLayer()(torch.ones(5, 2, 1, 28, 28)).shape
        torch.Size([5, 2, 10])
        >>> wrap(OneLayer(), time_steps=5).spiking
        True
    """

    takes_spikes: ClassVar[bool]
    """Whether the input is a spike train, ``(T, B, C, H, W)``, rather than images."""

    def __init__(self, input_shape: tuple[int, int, int] | None = None, num_classes: int | None = None) -> None:
        super().__init__()
        input_shape = (1, 28, 28) if input_shape is None else input_shape
        num_classes = 10 if num_classes is None else num_classes
        if len(input_shape) != 3 or min(input_shape) < 1:
            raise ValueError(f"input_shape must be three positive numbers (C, H, W), got {tuple(input_shape)}.")
        if num_classes < 2:
            raise ValueError(f"num_classes must be at least 2, got {num_classes}.")
        self.input_shape = (input_shape[0], input_shape[1], input_shape[2])
        self.num_classes = num_classes
        remembered = self.constructor_arguments or {}  # as they came to be: a checkpoint depends on no default
        for name, value in (("input_shape", self.input_shape), ("num_classes", num_classes)):
            if remembered.get(name, value) is None:
                remembered[name] = value


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
