"""Networks of sinabs."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.interfaces.base import Answer, Layout, SpikingInterface
from brainleaks_pl.targets.interfaces.exchange import Undo, about_nearest_threshold, replace_attribute


@dataclass(frozen=True)
class Sinabs(SpikingInterface):
    """Networks of sinabs (3.1), as its tutorials and its conversion write them; the answer is the spike count.

    With squeezing layers (``IAFSqueeze`` and its kin), which are what ``from_model`` makes, they take ``(B * T, ...)``,
    the layout ``time_in_batch``; the batch size that such a layer was built with is set anew before every forward. With
    the other layers they take ``(B, T, ...)``, the layout ``batch_first``.

    Every layer is reset by its own ``reset_states``. A surrogate takes the place of ``surrogate_grad_fn``, at each
    threshold of neurons that emit several spikes per step.
    """

    answer: Answer = "spike_count"
    layout: Layout = "time_in_batch"

    def reset(self, network: nn.Module, x: Tensor) -> None:
        """Put every layer to rest, and tell squeezing ones how many samples there are."""
        for module in network.modules():
            if callable(getattr(module, "reset_states", None)):
                module.reset_states()  # type: ignore[operator]
            if hasattr(module, "batch_size") and hasattr(module, "num_timesteps"):
                module.batch_size, module.num_timesteps = -1, len(x)  # type: ignore[assignment]

    def neurons(self, network: nn.Module) -> list[nn.Module]:
        """Return the layers with a ``surrogate_grad_fn``."""
        return [module for module in network.modules() if callable(getattr(module, "surrogate_grad_fn", None))]

    def exchange(self, neuron: nn.Module, surrogate: Surrogate) -> Undo:
        """Replace ``surrogate_grad_fn``."""
        single = "Single" in getattr(getattr(neuron, "spike_fn", None), "__name__", "")

        def derivative(membranes: Tensor, threshold: Tensor | float) -> Tensor:
            return surrogate.derivative(about_nearest_threshold(membranes, threshold, 1 if single else float("inf")))

        return replace_attribute(neuron, "surrogate_grad_fn", derivative)

    def transient(self, name: str) -> bool:
        """Tell whether it is a membrane or a current."""
        return name.rpartition(".")[2] in ("v_mem", "i_syn", "b")
