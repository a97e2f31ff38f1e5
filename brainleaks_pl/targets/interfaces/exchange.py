"""Gives neurons of any framework another surrogate gradient, without changing their spikes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import Surrogate

Undo = Callable[[], None]
"""Puts back what was replaced."""


class _Differentiated(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, centred: Tensor, spikes: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(centred)
        ctx.surrogate = surrogate
        return spikes.view_as(spikes)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (centred,) = ctx.saved_tensors
        return ctx.surrogate.derivative(centred).to(grad.dtype) * grad, None, None


def with_surrogate(spikes: Tensor, centred: Tensor, surrogate: Surrogate) -> Tensor:
    """Return spikes as they are, with a surrogate's gradient with respect to ``centred``, membrane less threshold."""
    return _Differentiated.apply(centred, spikes.detach(), surrogate)  # type: ignore[no-any-return]


def about_nearest_threshold(membranes: Tensor, threshold: Tensor | float, most: float = float("inf")) -> Tensor:
    """Return membranes less the nearest multiple of the threshold: where one spike more or less is due.

    Neurons that emit several spikes per step have as many thresholds; the surrogate stands at each of them.

    Args:
        membranes: of any shape.
        threshold: of one spike.
        most: spikes that a neuron can emit per step, at least 1.
    """
    return membranes - threshold * (membranes / threshold).round().clamp(1, most)


class FunctionModule(nn.Module):
    """A function in the place of a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: Any) -> Any:
        """Call the function."""
        return self.function(*args)


def replace_attribute(holder: Any, name: str, value: Any) -> Undo:
    """Replace an attribute, and return what puts the old one back; a function takes a module's place as a module."""
    own = getattr(holder, name)
    if isinstance(holder, nn.Module) and name in holder._modules and not isinstance(value, nn.Module):
        value = FunctionModule(value)
    setattr(holder, name, value)
    return lambda: setattr(holder, name, own)


def exchange_function(neuron: nn.Module, name: str, surrogate: Surrogate) -> Undo:
    """Replace a neuron's function of membrane less threshold by one of the same spikes and another gradient."""
    own: Callable[[Tensor], Tensor] = getattr(neuron, name)

    def spikes(centred: Tensor) -> Tensor:
        return with_surrogate(own(centred.detach()), centred, surrogate)

    return replace_attribute(neuron, name, spikes)
