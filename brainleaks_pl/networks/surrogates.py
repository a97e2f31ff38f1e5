"""Surrogate gradients: what stands in for the derivative of a spike."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import snntorch.surrogate
import torch
from torch import Tensor

SpikeFunction = Callable[[Tensor], Tensor]
"""Maps ``u - threshold`` to spikes in {0, 1}; its autograd backward is a surrogate gradient."""


@dataclass(frozen=True)
class Surrogate(ABC):
    """Base of the surrogate gradients: a Heaviside step forward, a smooth derivative backward.

    A subclass is a small dataclass whose fields are the surrogate's constants and which implements
    :meth:`spike_function`, usually by naming one of :mod:`snntorch.surrogate`.

    Examples:
        One of your own, a triangle about the threshold; ``SpikingMLP(surrogate=Triangle())`` trains with it:

        >>> import torch
        >>> from dataclasses import dataclass
        >>> from brainleaks_pl import Surrogate
        >>> class Step(torch.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, centred):
        ...         ctx.save_for_backward(centred)
        ...         return (centred > 0).float()
        ...
        ...     @staticmethod
        ...     def backward(ctx, gradient):
        ...         (centred,) = ctx.saved_tensors
        ...         return gradient * (1 - centred.abs()).clamp(min=0)
        >>> @dataclass(frozen=True)
        ... class Triangle(Surrogate):
        ...     def spike_function(self):
        ...         return Step.apply
        >>> Triangle().derivative(torch.tensor([-2.0, -0.5, 0.0, 0.5]))
        tensor([0.0000, 0.5000, 1.0000, 0.5000])
    """

    @abstractmethod
    def spike_function(self) -> SpikeFunction:
        """Return the differentiable spike function of ``u - threshold``."""

    def derivative(self, centred: Tensor) -> Tensor:
        """Return the surrogate derivative at ``centred = u - threshold`` (any shape)."""
        with torch.enable_grad():
            point = centred.detach().requires_grad_()
            spikes = self.spike_function()(point)
            (slope,) = torch.autograd.grad(spikes, point, torch.ones_like(spikes))
        return slope


def _check_steepness(name: str, value: float) -> None:
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be positive and finite, got {value}.")


@dataclass(frozen=True)
class FastSigmoid(Surrogate):
    """Fast sigmoid, derivative ``1 / (1 + slope * |u - threshold|)^2`` (the published targets: slope 40).

    Args:
        slope: steepness, > 0.

    Raises:
        ValueError: when it is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import FastSigmoid
        >>> FastSigmoid(slope=10.0).derivative(torch.tensor([-1.0, -0.1, 0.0, 0.1]))
        tensor([0.0083, 0.2500, 1.0000, 0.2500])
    """

    slope: float = 40.0

    def __post_init__(self) -> None:
        _check_steepness("slope", self.slope)

    def spike_function(self) -> SpikeFunction:
        """Return :func:`snntorch.surrogate.fast_sigmoid`."""
        return snntorch.surrogate.fast_sigmoid(self.slope)  # type: ignore[no-any-return]

    def derivative(self, centred: Tensor) -> Tensor:
        """Return ``1 / (1 + slope * |centred|)^2``."""
        return torch.add(centred.new_ones(()), centred.abs(), alpha=self.slope).pow_(-2)


@dataclass(frozen=True)
class ATan(Surrogate):
    """Arctangent, derivative ``alpha/2 / (1 + (pi/2 * alpha * (u - threshold))^2)`` (event judges: alpha 1.5).

    Args:
        alpha: steepness, > 0.

    Raises:
        ValueError: when it is out of range.

    Examples:
        A spike forward, a smooth slope backward:

        >>> import torch
        >>> from brainleaks_pl import ATan
        >>> above_threshold = torch.tensor([-0.5, 0.5], requires_grad=True)
        >>> spikes = ATan(alpha=2.0).spike_function()(above_threshold)
        >>> spikes.sum().backward()
        >>> spikes.tolist()
        [0.0, 1.0]
        >>> above_threshold.grad
        tensor([0.2884, 0.2884])
    """

    alpha: float = 2.0

    def __post_init__(self) -> None:
        _check_steepness("alpha", self.alpha)

    def spike_function(self) -> SpikeFunction:
        """Return :func:`snntorch.surrogate.atan`."""
        return snntorch.surrogate.atan(self.alpha)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Sigmoid(Surrogate):
    """Logistic sigmoid, derivative ``slope * e / (e + 1)^2`` with ``e = exp(-slope * (u - threshold))``.

    Args:
        slope: steepness, > 0.

    Raises:
        ValueError: when it is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import Sigmoid
        >>> Sigmoid(slope=4.0).derivative(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([0.0707, 1.0000, 0.0707])
    """

    slope: float = 25.0

    def __post_init__(self) -> None:
        _check_steepness("slope", self.slope)

    def spike_function(self) -> SpikeFunction:
        """Return :func:`snntorch.surrogate.sigmoid`."""
        return snntorch.surrogate.sigmoid(self.slope)  # type: ignore[no-any-return]

    def derivative(self, centred: Tensor) -> Tensor:
        """Return ``slope * s * (1 - s)`` with ``s = sigmoid(-slope * |centred|)``: it is even, and this tail is exact.

        snntorch's own backward overflows to NaN where ``slope * centred`` is below about -88; this form does not.
        """
        s = centred.abs().mul_(-self.slope).sigmoid_()
        return (1 - s).mul_(s).mul_(self.slope)


@dataclass(frozen=True)
class StraightThrough(Surrogate):
    """Straight-through estimator: derivative 1 everywhere.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import StraightThrough
        >>> StraightThrough().derivative(torch.tensor([-1.0, 0.0, 1.0]))
        tensor([1., 1., 1.])
    """

    def spike_function(self) -> SpikeFunction:
        """Return :func:`snntorch.surrogate.straight_through_estimator`."""
        return snntorch.surrogate.straight_through_estimator()  # type: ignore[no-any-return]
