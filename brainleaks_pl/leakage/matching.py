"""Iterative matching: images whose gradient resembles the one that was sent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from brainleaks_pl.attacks.functional import total_variation
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.leakage.base import GradientAttack, Recovered, known
from brainleaks_pl.leakage.labels import recover_labels
from brainleaks_pl.leakage.layers import NotApplicableError
from brainleaks_pl.leakage.shared import Gradient, SharedGradient, gradient_of
from brainleaks_pl.networks.lif import LIF
from brainleaks_pl.targets.classifier import Classifier

Distance = Literal["cosine", "squared"]
"""How far two gradients are apart: by the angle between them (arXiv 2003.14053), or in squares (arXiv 1906.08935)."""


@dataclass(frozen=True)
class GradientMatching(GradientAttack):
    """Gradient descent on a batch of images until their gradient is like the one that was sent.

    The distance is differentiated through the gradient, for which neurons of this package are computed step by step in
    plain operations. A spiking network sees the images as currents that are the same in every step, or through the
    encoder with spikes drawn anew in each step and a gradient straight through them. Labels are those of
    :func:`~brainleaks_pl.leakage.labels.recover_labels`.

    Args:
        steps: steps of Adam, at least 1.
        learning_rate: its learning rate, > 0; a tenth of it from three eighths of the steps on, and again from five
            eighths and seven eighths.
        distance: ``cosine`` (Geiping et al., arXiv 2003.14053) or ``squared`` (DLG, arXiv 1906.08935).
        total_variation: weight of the mean absolute difference of neighbouring pixels, >= 0.
        signed: whether to follow the signs of the gradient alone, as Geiping et al. do.
        spikes: whether a spiking network sees drawn spikes rather than currents.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import GradientMatching
        >>> from brainleaks_pl.leakage import share_gradient
        >>> image = data.class_images(3)[:1]
        >>> shared = share_gradient(ann, image, torch.tensor([3]))
        >>> recovered = GradientMatching(steps=40, learning_rate=0.3).recover(ann, shared)
        >>> recovered.images.shape
        torch.Size([1, 1, 28, 28])
        >>> torch.cosine_similarity(recovered.images.flatten(), image.flatten(), dim=0) > 0.7
        tensor(True)
    """

    steps: int = 300
    learning_rate: float = 0.1
    distance: Distance = "cosine"
    total_variation: float = 0.01
    signed: bool = True
    spikes: bool = False

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}.")
        if self.distance not in get_args(Distance):
            raise ValueError(f"distance must be 'cosine' or 'squared', got {self.distance!r}.")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be positive and finite, got {self.learning_rate}.")
        if not 0 <= self.total_variation < math.inf:
            raise ValueError(f"total_variation must be finite and not negative, got {self.total_variation}.")

    def recover(
        self, network: Classifier, shared: SharedGradient, encoder: Encoder | None = None, seed: int = 0
    ) -> Recovered:
        """Return the images of the lowest distance on the way."""
        shape = network.input_shape if encoder is None else encoder.image_shape(network.input_shape)
        if self.spikes and encoder is None:
            raise NotApplicableError("spikes needs an encoder: it is not known how images become spikes.")
        labels = torch.tensor(recover_labels(network, known(shared), seed), device=network.device)
        wanted = {name: own.to(network.device) for name, own in shared.gradient.items()}
        generator = torch.Generator().manual_seed(seed)
        images = torch.rand(shared.samples, *shape, generator=generator).to(network.device).requires_grad_()
        optimizer = torch.optim.Adam([images], lr=self.learning_rate)
        milestones = [self.steps * eighths // 8 for eighths in (3, 5, 7)]
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones)
        best, lowest = images.detach().clone(), math.inf
        with differentiable_twice(network):
            for _ in range(self.steps):
                inputs = self._inputs(images, network, shared.time_steps, encoder, generator)
                try:
                    sent = gradient_of(network, inputs, labels, create_graph=True)
                    cost = _distance(sent, wanted, self.distance)
                    loss = cost + self.total_variation * total_variation(images).mean()
                    (slope,) = torch.autograd.grad(loss, images)
                except RuntimeError as error:
                    raise NotApplicableError(
                        f"the gradient of {network.name} cannot be differentiated once more: {error}"
                    ) from error
                if loss.item() < lowest:
                    best, lowest = images.detach().clone(), loss.item()
                images.grad = slope.sign() if self.signed else slope
                optimizer.step()
                schedule.step()
                with torch.no_grad():
                    images.clamp_(0, 1)
        return Recovered(best.cpu())

    def _inputs(
        self, images: Tensor, network: Classifier, steps: int, encoder: Encoder | None, generator: torch.Generator
    ) -> Tensor:
        if not network.takes_spikes:
            return images
        if not self.spikes or encoder is None:
            return images.expand(steps, *images.shape)
        return encoder.sample(
            images,
            lambda: torch.rand(steps, len(images), *network.input_shape, generator=generator).to(network.device),
        )


def _distance(sent: Gradient, wanted: Gradient, kind: Distance) -> Tensor:
    """Return how far two gradients are apart."""
    pairs = [(own, wanted[name]) for name, own in sent.items()]
    if kind == "squared":
        return torch.stack([(own - other).square().sum() for own, other in pairs]).sum()
    inner = torch.stack([(own * other).sum() for own, other in pairs]).sum()
    sizes = [torch.stack([own[side].square().sum() for own in pairs]).sum() for side in (0, 1)]
    return 1 - inner / (sizes[0] * sizes[1]).sqrt().clamp(min=1e-30)


@contextmanager
def differentiable_twice(network: Classifier) -> Iterator[None]:
    """Compute the package's own neurons in plain operations inside the block, so that gradients can be differentiated.

    Outputs are the same but for rounding.
    """

    def step_by_step(neurons: nn.Module, inputs: tuple[Tensor, ...], outputs: Any) -> Any:
        assert isinstance(neurons, LIF)
        return plain_scan(neurons, inputs[0])

    def listen(*_: Any) -> None:
        """Be there: nobody may take another way past a layer that a hook listens to."""

    modules = list(nn.Module.modules(network.network))
    hooks = [own.register_forward_hook(step_by_step) for own in modules if isinstance(own, LIF)]
    hooks += [own.register_forward_hook(listen) for own in modules if isinstance(own, nn.Linear)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def plain_scan(neurons: LIF, current: Tensor) -> tuple[Tensor, Tensor]:
    """Return what neurons answer to a current, ``(T, ...)``, as :func:`~brainleaks_pl.networks.scan.lif_scan` does."""
    spike_function = neurons.surrogate.spike_function()
    membranes: list[Tensor] = []
    spikes: list[Tensor] = []
    for own in current:
        membrane = own
        if membranes:
            spiked = (membranes[-1] > neurons.threshold).to(own.dtype)
            if neurons.reset == "subtract":
                membrane = neurons.beta * membranes[-1] + own - neurons.threshold * spiked
            else:
                membrane = neurons.beta * membranes[-1] * (1 - spiked) + own
        membranes.append(membrane)
        spikes.append(spike_function(membrane - neurons.threshold))
    return torch.stack(spikes), torch.stack(membranes)
