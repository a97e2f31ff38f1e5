"""Finds the layers at which a shared gradient is read: the dense one that sees the input, and the output layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from brainleaks_pl.targets.classifier import Classifier

_EXACT = 1e-4


class NotApplicableError(ValueError):
    """An attack on gradients does not apply to a network, or to what was sent; the message says why."""


@dataclass(frozen=True)
class InputLayer:
    """A dense layer that sees the whole input.

    Args:
        weight: the name of its weight, ``(H, C * H * W)``.
        bias: the name of its bias, ``(H,)``.
        scale: the layer sees ``scale * x + shift``.
        shift: see ``scale``.
    """

    weight: str
    bias: str
    scale: float = 1.0
    shift: float = 0.0

    def read(self, gradient: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Return the gradients of weight, as if the layer saw the input as it is, and bias, in double precision."""
        weight, bias = gradient[self.weight].double().cpu(), gradient[self.bias].double().cpu()
        return (weight - self.shift * bias.unsqueeze(1)) / self.scale, bias


def input_layer(network: Classifier, time_steps: int = 1) -> InputLayer:
    """Return the dense layer that sees the whole input of a network.

    It is found by asking the network about noise, and looking which linear layer is shown just that.

    Args:
        network: the network.
        time_steps: T of the noise, where the network takes spikes.

    Raises:
        NotApplicableError: when no linear layer with a bias sees the whole input.
    """
    shape = (time_steps, 1, *network.input_shape) if network.takes_spikes else (1, *network.input_shape)
    noise = torch.rand(shape, generator=torch.Generator().manual_seed(0)).round_(decimals=3).to(network.device)
    wanted = noise.flatten(-3).flatten(0, -2).double()
    seen: dict[str, list[Tensor]] = {}
    _ask_listening(network, noise, seen)
    unbiased = False
    for name, rows in seen.items():
        shown = torch.cat([own.reshape(-1, own.shape[-1]) for own in rows]).double()
        fitted = _affine(wanted, shown)
        if fitted is None:
            continue
        if f"{name}.bias" in dict(network.network.named_parameters()):
            return InputLayer(f"{name}.weight", f"{name}.bias", *fitted)
        unbiased = True
    why = "its layer has no bias" if unbiased else "no linear layer sees it"
    raise NotApplicableError(f"the input of {network.name} cannot be read off a gradient in closed form: {why}.")


def output_layer(network: Classifier) -> str:
    """Return the name of the bias of the last linear layer with as many outputs as there are classes.

    Raises:
        NotApplicableError: when there is none, or it has no bias.
    """
    layers = [
        name
        for name, module in network.network.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == network.num_classes and module.bias is not None
    ]
    if not layers:
        raise NotApplicableError(
            f"labels cannot be read off a gradient of {network.name}: it has no linear layer with a bias and "
            f"{network.num_classes} outputs."
        )
    return f"{layers[-1]}.bias"


@torch.no_grad()
def _ask_listening(network: Classifier, x: Tensor, seen: dict[str, list[Tensor]]) -> None:
    """Ask a network, and note by name what its linear layers are shown."""

    def listener(name: str) -> Any:
        def note(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen.setdefault(name, []).append(inputs[0].detach())

        return note

    layers = [(name, own) for name, own in network.network.named_modules() if isinstance(own, nn.Linear)]
    hooks = [layer.register_forward_pre_hook(listener(name)) for name, layer in layers]
    try:
        network.logits(x)
    finally:
        for hook in hooks:
            hook.remove()


def _affine(wanted: Tensor, shown: Tensor) -> tuple[float, float] | None:
    """Return scale and shift that make the one out of the other; None where there are none."""
    if shown.shape != wanted.shape:
        return None
    if torch.equal(shown, wanted):
        return 1.0, 0.0
    centred = wanted - wanted.mean()
    scale = ((shown * centred).sum() / centred.square().sum()).item()
    shift = shown.mean().item() - scale * wanted.mean().item()
    close = (scale * wanted + shift - shown).abs().max() <= _EXACT * shown.abs().max()
    return (scale, shift) if close and scale else None
