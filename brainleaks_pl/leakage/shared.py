"""What a federated participant sends: the gradient of its batch, or the change of the weights after local steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from brainleaks_pl.targets.classifier import Classifier

Gradient = dict[str, Tensor]
"""A gradient by the names of the network's parameters."""


@dataclass(frozen=True)
class Protection:
    """What the participant does to its gradient before it sends it (DP-SGD, Abadi et al. 2016).

    Args:
        clip: largest norm of a sample's gradient, > 0; longer ones are shortened. None leaves them.
        noise_multiplier: standard deviation of the Gaussian noise that is added to the sum of the clipped gradients, in
            units of ``clip``, >= 0.

    Raises:
        ValueError: when a value is out of range, or there is noise without clipping.

    Examples:
        A gradient of norm 5 is shortened to norm 1; noise without clipping is refused:

        >>> import torch
        >>> from brainleaks_pl import Protection
        >>> Protection(clip=1.0).apply([{"weight": torch.tensor([3.0, 4.0])}])
        {'weight': tensor([0.6000, 0.8000])}
        >>> Protection(noise_multiplier=1.0)
        Traceback (most recent call last):
            ...
        ValueError: noise_multiplier is in units of clip: give clip, the largest norm of a sample's gradient.
    """

    clip: float | None = None
    noise_multiplier: float = 0.0

    def __post_init__(self) -> None:
        if self.clip is not None and not 0 < self.clip < math.inf:
            raise ValueError(f"clip must be positive and finite, got {self.clip}.")
        if not 0 <= self.noise_multiplier < math.inf:
            raise ValueError(f"noise_multiplier must be finite and not negative, got {self.noise_multiplier}.")
        if self.noise_multiplier and self.clip is None:
            raise ValueError(
                "noise_multiplier is in units of clip: give clip, the largest norm of a sample's gradient."
            )

    def apply(self, parts: Sequence[Gradient], generator: Generator | None = None) -> Gradient:
        """Return the mean of gradients, one per sample, each clipped and all together with noise."""
        clipped = [self._clipped(part) for part in parts]
        summed = {name: torch.stack([part[name] for part in clipped]).sum(0) for name in clipped[0]}
        if self.noise_multiplier and self.clip is not None:
            spread = self.noise_multiplier * self.clip
            summed = {
                name: own + spread * torch.randn(own.shape, generator=generator).to(own) for name, own in summed.items()
            }
        return {name: own / len(parts) for name, own in summed.items()}

    def _clipped(self, part: Gradient) -> Gradient:
        if self.clip is None:
            return part
        norm = torch.stack([own.norm() for own in part.values()]).norm()
        factor = (self.clip / norm.clamp(min=self.clip)).item()
        return {name: own * factor for name, own in part.items()}


@dataclass(frozen=True, eq=False)
class SharedGradient:
    """What the server receives of one participant, and what it knows of the batch.

    Args:
        gradient: by the names of the network's parameters; the mean over the batch.
        samples: B, the batch size.
        local_steps: how many steps it is the mean of.
        time_steps: T of the inputs; 1 for a network that takes images.
    """

    gradient: Mapping[str, Tensor]
    samples: int
    local_steps: int = 1
    time_steps: int = 1

    @property
    def frames(self) -> int:
        """How many inputs of the first layer the gradient is a sum over, T of each sample in each local step."""
        return self.samples * self.local_steps * self.time_steps


def gradient_of(network: Classifier, x: Tensor, labels: Tensor, *, create_graph: bool = False) -> Gradient:
    """Return the gradient of the training loss of a batch, by the names of the network's parameters.

    Args:
        network: the network, in evaluation mode.
        x: inputs as the network takes them, ``(T, B, C, H, W)`` or ``(B, C, H, W)``.
        labels: ``(B,)``.
        create_graph: whether the gradient is to be differentiated once more.
    """
    with torch.enable_grad(), _trainable(network):
        named = dict(network.network.named_parameters())
        loss = network.loss(network.logits(x), labels)
        parts = torch.autograd.grad(loss, list(named.values()), create_graph=create_graph, allow_unused=True)
    return {
        name: torch.zeros_like(parameter) if part is None else part
        for (name, parameter), part in zip(named.items(), parts, strict=True)
    }


def share_gradient(
    network: Classifier,
    x: Tensor,
    labels: Tensor,
    protection: Protection = Protection(),
    generator: Generator | None = None,
) -> SharedGradient:
    """Return what a participant sends that computes one gradient of its batch (federated SGD).

    Args:
        network: the network as the server sent it.
        x: the private inputs as the network takes them, ``(T, B, C, H, W)`` or ``(B, C, H, W)``.
        labels: their classes, ``(B,)``.
        protection: what is done to the gradient; each sample's is clipped.
        generator: source of the noise; None draws from torch's global one.
    """
    if protection.clip is None:
        gradient = gradient_of(network, x, labels)
    else:
        singles = zip(x.split(1, -4), labels.split(1), strict=True)
        gradient = protection.apply([gradient_of(network, own, label) for own, label in singles], generator)
    return SharedGradient(gradient, len(labels), 1, len(x) if x.ndim == 5 else 1)


def share_update(
    network: Classifier,
    batches: Sequence[tuple[Tensor, Tensor]],
    learning_rate: float,
    protection: Protection = Protection(),
    generator: Generator | None = None,
) -> SharedGradient:
    """Return what a participant sends that takes several steps of gradient descent by itself (federated averaging).

    The change of the weights, divided by the learning rate and the number of steps, is the mean gradient on the way.

    Args:
        network: the network as the server sent it; it is left as it is.
        batches: private inputs and their classes, one batch per step, as in :func:`share_gradient`.
        learning_rate: of the steps, > 0.
        protection: what is done to the update, which is clipped as a whole: a participant counts as one sample.
        generator: source of the noise; None draws from torch's global one.

    Raises:
        ValueError: when there is no batch, batches differ in size, or the learning rate is out of range.
    """
    if not 0 < learning_rate < math.inf:
        raise ValueError(f"learning_rate must be positive and finite, got {learning_rate}.")
    sizes = {(tuple(x.shape), len(labels)) for x, labels in batches}
    if len(sizes) != 1:
        raise ValueError(f"there must be at least one batch, and all of the same shape, got {len(sizes)} shapes.")
    local = deepcopy(network)
    for x, labels in batches:
        gradient = gradient_of(local, x, labels)
        with torch.no_grad():
            for name, parameter in local.network.named_parameters():
                parameter.sub_(gradient[name], alpha=learning_rate)
    now = dict(local.network.named_parameters())
    moved: Gradient = {
        name: (before.detach() - now[name].detach()) / (learning_rate * len(batches))
        for name, before in network.network.named_parameters()
    }
    x, labels = batches[0]
    sent = protection.apply([moved], generator)
    return SharedGradient(sent, len(labels), len(batches), len(x) if x.ndim == 5 else 1)


@contextmanager
def _trainable(network: Classifier) -> Iterator[None]:
    """Have gradients of all parameters inside the block: networks under attack are frozen."""
    frozen = [parameter for parameter in network.network.parameters() if not parameter.requires_grad]
    try:
        for parameter in frozen:
            parameter.requires_grad_()
        yield
    finally:
        for parameter in frozen:
            parameter.requires_grad_(False)
