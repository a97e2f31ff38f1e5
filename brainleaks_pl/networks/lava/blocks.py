"""The blocks of a Lava-DL network: synapses, neurons and delays, over all time steps at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from brainleaks_pl.networks.lava.neurons import MANTISSA, LoihiNeurons


class Affine(nn.Module):
    """Scales what enters an input block, ``floor(weight * x + bias)``, any shape; floor is the identity backwards.

    Args:
        weight: one number.
        bias: one number.
    """

    weight: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the whole numbers."""
        y = self.weight * x + self.bias
        return y.detach().floor() + (y - y.detach())  # the second term is exactly 0


class Dense(nn.Module):
    """Sums of weights, ``(N, ...) -> (N, outputs)``.

    Args:
        weight: ``(outputs, inputs)``.
    """

    weight: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the sums."""
        return F.linear(x.flatten(1), self.weight.to(x.dtype))


class Conv(nn.Module):
    """Sums of a kernel's weights, ``(N, C, H, W) -> (N, D, H', W')``.

    Args:
        weight: ``(D, C / groups, height, width)``.
        stride: of height and width.
        padding: zeros at either end of height and width.
        dilation: of height and width.
        groups: of channels.
        whole_windows: zeros are put at the end of height and width to complete the last window (Lava's pools).
    """

    weight: Tensor

    def __init__(
        self,
        weight: Tensor,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        whole_windows: bool = False,
    ) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups
        self.whole_windows = whole_windows

    def forward(self, x: Tensor) -> Tensor:
        """Return the sums."""
        if self.whole_windows:
            missing_rows, missing_columns = (-x.shape[i - 2] % self.weight.shape[i - 2] for i in (0, 1))
            x = F.pad(x, (0, missing_columns, 0, missing_rows))
        sums: Tensor = F.conv2d(x, self.weight.to(x.dtype), None, self.stride, self.padding, self.dilation, self.groups)
        return sums


class Average(nn.Module):
    """Means of equal populations of neighbours, ``(N, ...) -> (N, outputs)``.

    Args:
        outputs: number of populations.
    """

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return the means."""
        means: Tensor = x.flatten(1).unflatten(1, (self.outputs, -1)).mean(-1)
        return means


class Block(nn.Module):
    """Synapses, then neurons and their delays where there are any, ``(T, B, ...)``.

    Args:
        synapses: what turns the spikes of a step into sums of weights.
        neurons: what the sums drive, times 64; None delivers the current itself.
        delay: steps that each neuron's spikes take, of a shape that is broadcast to the layer's; None: none.
    """

    delay: Tensor | None

    def __init__(self, synapses: nn.Module, neurons: LoihiNeurons | None, delay: Tensor | None) -> None:
        super().__init__()
        self.synapses = synapses
        self.neurons = neurons
        self.register_buffer("delay", delay)

    def forward(self, x: Tensor) -> Tensor:
        """Return spikes, or the current where there are no neurons."""
        sums: Tensor = self.synapses(x.flatten(0, 1))
        current: Tensor = MANTISSA * sums.unflatten(0, x.shape[:2])
        if self.neurons is None:
            return current
        spikes, _ = self.neurons(current)
        return spikes if self.delay is None else delayed(spikes, self.delay)


class Reading(nn.Module):
    """A layer that changes no unit, such as a mean: applied to every step of ``(T, B, ...)``, then delayed.

    Args:
        layer: what is applied to ``(N, ...)``.
        delay: steps that everything takes, one number; None: none.
    """

    delay: Tensor | None

    def __init__(self, layer: nn.Module, delay: Tensor | None = None) -> None:
        super().__init__()
        self.layer = layer
        self.register_buffer("delay", delay)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of every step."""
        y: Tensor = self.layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return y if self.delay is None else delayed(y, self.delay)


def delayed(x: Tensor, steps: Tensor) -> Tensor:
    """Return a signal some steps later, zero before it begins.

    Args:
        x: ``(T, B, ...)``.
        steps: whole numbers, at least 0, of a shape that is broadcast to ``x[0]``.
    """
    time = torch.arange(len(x), device=x.device).view(-1, *[1] * (x.ndim - 1)) - steps
    return torch.where(time >= 0, x.gather(0, time.clamp(min=0).expand(x.shape)), 0)
