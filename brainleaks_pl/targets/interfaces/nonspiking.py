"""Non-spiking networks (ANNs)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor, nn

from brainleaks_pl.targets.interfaces.base import Interface


@dataclass(frozen=True)
class NonSpiking(Interface):
    """Non-spiking networks (ANNs): images ``(B, C, H, W)`` in, logits ``(B, K)`` out.

    Of spike trains, ``(T, B, C, H, W)``, such a network sees the mean over time (the rate image).

    Examples:
        >>> import torch
        >>> from brainleaks_pl import NonSpiking, wrap
        >>> cnn = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 32 * 32, 5))
        >>> target = wrap(cnn, interface=NonSpiking(mean=(0.5,), std=(0.5,)), input_shape=(3, 32, 32), num_classes=5)
        >>> target.logits(torch.rand(2, 3, 32, 32)).shape
        torch.Size([1, 2, 5])
    """

    spiking: ClassVar[bool] = False

    def outputs(self, network: nn.Module, x: Tensor) -> Tensor:
        """Return the logits, ``(B, K)``."""
        return self.pick(network(x), 0)

    def answers(self, outputs: Tensor) -> Tensor:
        """Return the logits as the answer of one step, ``(1, B, K)``."""
        return outputs.unsqueeze(0)
