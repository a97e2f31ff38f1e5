"""Networks of spikingjelly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.interfaces.base import Answer, SpikingInterface
from brainleaks_pl.targets.interfaces.exchange import Undo, exchange_function


@dataclass(frozen=True)
class SpikingJelly(SpikingInterface):
    """Networks of spikingjelly (2.0), as its tutorials write them; the answer is by default the spike count.

    In step mode ``m`` they take ``(T, B, ...)``, the layout ``time_first``; in step mode ``s`` a step at a time, the
    layout ``step_by_step``; those that repeat an image over time themselves, the layout ``image``. The count and not
    the tutorials' rate is the default, as a softmax over rates of ten classes never exceeds .23.

    Membranes can be the answer where the output layer returns them, as ``NonSpikingLIFNode`` does; without a ``decode``
    it gives a list over time, which is put together.

    Neurons are reset as ``functional.reset_net`` does. A surrogate takes the place of ``surrogate_function``.

    Examples:
        >>> import torch
        >>> from spikingjelly.activation_based import functional, layer, neuron
        >>> from brainleaks_pl import SpikingJelly, wrap
        >>> net = torch.nn.Sequential(layer.Flatten(), layer.Linear(144, 3), neuron.LIFNode())
        >>> functional.set_step_mode(net, "m")
        >>> target = wrap(net, interface=SpikingJelly(), input_shape=(1, 12, 12), num_classes=3, time_steps=8)
        >>> target.logits(torch.ones(8, 2, 1, 12, 12)).shape
        torch.Size([1, 2, 3])
    """

    answer: Answer = "spike_count"

    def reset(self, network: nn.Module, x: Tensor) -> None:
        """Put every module that has a memory to rest."""
        for module in network.modules():
            if callable(getattr(module, "reset", None)):
                module.reset()  # type: ignore[operator]
            elif hasattr(module, "neuronal_charge"):  # NonSpikingLIFNode starts anew by itself, but keeps what it held
                vars(module).pop("v", None)

    def neurons(self, network: nn.Module) -> list[nn.Module]:
        """Return the modules with a ``surrogate_function``."""
        return [module for module in network.modules() if callable(getattr(module, "surrogate_function", None))]

    def exchange(self, neuron: nn.Module, surrogate: Surrogate) -> Undo:
        """Replace ``surrogate_function``."""
        return exchange_function(neuron, "surrogate_function", surrogate)

    def pick(self, output: Any, default: int | None = None) -> Tensor:
        """Return the tensor that is meant of what a network returned; a list holds one per step."""
        if isinstance(output, list) and self.output is None:
            return torch.stack(output)
        return super().pick(output, default)
