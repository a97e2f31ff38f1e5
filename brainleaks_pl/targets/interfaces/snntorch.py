"""Networks of snntorch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.interfaces.base import Answer, SpikingInterface
from brainleaks_pl.targets.interfaces.exchange import Undo, exchange_function

_STATES = {"mem", "spk", "syn", "syn_exc", "syn_inh", "syn_pre", "syn_post"}


@dataclass(frozen=True)
class Snntorch(SpikingInterface):
    """Networks of snntorch (1.0), as its tutorials write them; the answer is by default the spike count.

    - A module that loops over ``(T, B, ...)`` itself and returns ``(spikes, membranes)`` over time: the layout
      ``time_first``. Where its input is a flat ``(T, B, features)``, ``flatten: true``.
    - A module that loops over an image, its own time steps: the layout ``image``.
    - A ``Sequential`` of ``init_hidden=True`` neurons, called step by step: the layout ``step_by_step``. Its membranes
      can be the answer where the last neurons have ``output=True``.

    Every neuron is reset by its own ``reset_mem``, also in nested modules (``snntorch.utils.reset`` misses those, and
    clears other networks). A surrogate takes the place of ``spike_grad``.

    Examples:
        A ``Sequential`` of neurons that keep their state, called step by step; the answer is each class's spike count:

        >>> import snntorch
        >>> import torch
        >>> from brainleaks_pl import Snntorch, wrap
        >>> neurons = snntorch.Leaky(beta=0.5, init_hidden=True, output=True)
        >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 3), neurons)
        >>> interface = Snntorch(layout="step_by_step")
        >>> target = wrap(net, interface=interface, input_shape=(1, 12, 12), num_classes=3, time_steps=8)
        >>> target.logits(torch.ones(8, 2, 1, 12, 12)).shape
        torch.Size([1, 2, 3])
    """

    answer: Answer = "spike_count"

    @property
    def default_output(self) -> int | None:
        """The spikes come first, the membranes last, behind the currents of neurons that have those."""
        return 0 if self.counts_spikes else -1

    def reset(self, network: nn.Module, x: Tensor) -> None:
        """Put every neuron to rest."""
        for module in network.modules():
            if callable(getattr(module, "reset_mem", None)):
                module.reset_mem()  # type: ignore[operator]

    def neurons(self, network: nn.Module) -> list[nn.Module]:
        """Return the modules with a ``spike_grad``."""
        return [module for module in network.modules() if callable(getattr(module, "spike_grad", None))]

    def exchange(self, neuron: nn.Module, surrogate: Surrogate) -> Undo:
        """Replace ``spike_grad``."""
        return exchange_function(neuron, "spike_grad", surrogate)

    def transient(self, name: str) -> bool:
        """Tell whether it is a membrane or the like, which some versions store."""
        return name.rpartition(".")[2] in _STATES
