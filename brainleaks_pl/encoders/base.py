"""The base class of the encoders: how an image becomes a spike train (or a current) over T time steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Generator, Tensor

Uniform = Callable[[], Tensor]
"""Gives uniform numbers in [0, 1), one per entry of the network's input, ``(T, B, C, H, W)``."""


@dataclass(frozen=True)
class Encoder(ABC):
    """Base of the encoders.

    A subclass is a dataclass that implements :meth:`encode`; its fields are its constants. One that draws nothing at
    random sets ``draws`` to False, so that attacks do not ask a target about the same input several times.

    Args:
        time_steps: T, the number of time steps of the encoded input, at least 1.

    Raises:
        ValueError: when ``time_steps`` is below 1.

    Examples:
        One of your own, through which attacks differentiate without further code:

        >>> import torch
        >>> from dataclasses import dataclass
        >>> from brainleaks_pl import Encoder
        >>> @dataclass(frozen=True)
        ... class Threshold(Encoder):
        ...     draws = False
        ...
        ...     def encode(self, images, generator=None):
        ...         return (images > 0.5).float().expand(self.time_steps, *images.shape)
        >>> Threshold(time_steps=4).encode(torch.tensor([[[[0.2, 0.9]]]])).squeeze()
        tensor([[0., 1.],
                [0., 1.],
                [0., 1.],
                [0., 1.]])
    """

    time_steps: int = 25
    draws: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.time_steps < 1:
            raise ValueError(f"time_steps must be at least 1, got {self.time_steps}.")

    @abstractmethod
    def encode(self, images: Tensor, generator: Generator | None = None) -> Tensor:
        """Encode ``images (B, C, H, W)`` in [0, 1] as ``(T, B, C, H, W)``.

        Args:
            images: pixels in [0, 1].
            generator: source of the randomness, on the device of ``images``; None draws from torch's global one.
        """

    def decode(self, inputs: Tensor) -> Tensor | None:
        """Return the images ``(B, C, H, W)`` in [0, 1] that inputs ``(T, B, C, H, W)`` stand for.

        None where that is not known, as here.
        """
        return None

    def image_shape(self, input_shape: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the shape of the images, (C, H, W), that become inputs of the shape ``input_shape``; here the same.

        Raises:
            ValueError: when no image does.
        """
        return input_shape

    def variant(self, generator: np.random.Generator) -> Encoder:
        """Return the encoder with the constants that are not known for certain drawn anew; here itself."""
        return self

    def sample(self, images: Tensor, uniform: Uniform) -> Tensor:
        """Encode with a gradient: the same spikes as :meth:`encode` draws, differentiable in the images.

        By default the gradient goes straight through: that of every step's input reaches the pixel as it is.

        Args:
            images: pixels in [0, 1], ``(B, C, H, W)``.
            uniform: gives uniform numbers in [0, 1), ``(T, B, C, H, W)``; called by encoders that draw.

        Returns:
            ``(T, B, C, H, W)``.
        """
        return straight_through(self.encode(images.detach()), images.expand(self.time_steps, *images.shape))


def straight_through(values: Tensor, differentiable: Tensor) -> Tensor:
    """Return ``values`` with the gradient of ``differentiable``, a tensor of the same shape."""
    return _StraightThrough.apply(values, differentiable)  # type: ignore[no-any-return]


def draw_spikes(rates: Tensor, uniform: Tensor) -> Tensor:
    """Draw spikes in {0, 1} of probabilities ``rates``; their gradient is that of the probabilities, straight through.

    Args:
        rates: spike probabilities, of any shape; what lies above 1 spikes always.
        uniform: numbers in [0, 1), of the same shape.
    """
    return straight_through((uniform < rates).to(rates.dtype), rates)


def draw_counts(rates: Tensor, uniform: Tensor) -> Tensor:
    """Draw whole numbers whose expectation is ``rates``, each of the two nearest; their gradient is that of the rates.

    Args:
        rates: expected numbers, of any shape, at least 0.
        uniform: numbers in [0, 1), of the same shape.
    """
    whole = rates.detach().floor()
    return straight_through(whole + (uniform < rates - whole), rates)


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, differentiable: Tensor) -> Tensor:
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        return None, gradient


def describe_encoder(encoder: Encoder | None) -> dict[str, Any] | None:
    """Return an encoder's class and constants as plain values."""
    return None if encoder is None else {"class": type(encoder).__qualname__, **asdict(encoder)}
