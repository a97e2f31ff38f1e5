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
    the layout ``time_in_batch``; whatever batch size such a layer was built with, it is told the one at hand. With the
    other layers they take ``(B, T, ...)``, the layout ``batch_first``. Membranes can be the answer where the output
    layer returns them, as ``ExpLeak`` does.

    Every layer is reset to having no state, as it is built. A surrogate takes the place of ``surrogate_grad_fn``, at
    each threshold of neurons that emit several spikes per step.

    Examples:
        As ``from_model`` converts it; the batch size that it was built for does not matter:

        >>> import torch
        >>> from sinabs.from_torch import from_model
        >>> from brainleaks_pl import Sinabs, wrap
        >>> cnn = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(144, 3), torch.nn.ReLU())
        >>> net = from_model(cnn, batch_size=30).spiking_model
        >>> target = wrap(net, interface=Sinabs(), input_shape=(1, 12, 12), num_classes=3, time_steps=8)
        >>> target.logits(torch.ones(8, 2, 1, 12, 12)).shape
        torch.Size([1, 2, 3])
    """

    answer: Answer = "spike_count"
    layout: Layout = "time_in_batch"

    def reset(self, network: nn.Module, x: Tensor) -> None:
        """Put every layer to rest.

        Its own ``reset_states`` writes zeros into the state it has, which torch refuses where that was made under
        ``inference_mode``, and which stays as large as the last batch: another one would be given states at random.
        """
        for module in network.modules():
            if callable(getattr(module, "init_state_with_shape", None)):
                module.init_state_with_shape((0,))  # type: ignore[operator]

    def call(self, network: nn.Module, x: Tensor) -> Tensor:
        """Call the network at rest, its layers that fold time told the batch at hand."""
        undo: list[Undo] = []
        try:
            if self.layout in ("time_in_batch", "batch_first"):
                for module in network.modules():
                    for name, value in (("batch_size", x.shape[1]), ("num_timesteps", len(x))):
                        if isinstance(getattr(module, name, None), int):
                            undo.append(replace_attribute(module, name, value))
            return super().call(network, x)
        finally:
            for put_back in undo:
                put_back()

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
        return name.rpartition(".")[2] in ("v_mem", "i_syn")
