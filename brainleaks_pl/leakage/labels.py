"""Reads the classes of a batch off the gradient of the output layer's bias."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from brainleaks_pl.leakage.layers import output_layer
from brainleaks_pl.leakage.shared import SharedGradient, gradient_of
from brainleaks_pl.targets.classifier import Classifier


def recover_labels(network: Classifier, shared: SharedGradient, seed: int = 0) -> list[int]:
    """Return the classes of a batch, in ascending order, each as often as it seems to be there.

    Cross-entropy pulls the bias of a sample's own class up and pushes the others down, so that with one sample the
    class is that of the negative entry (iDLG, arXiv 2001.02610). With several, one at a time is taken away: the class
    of the most negative entry, and with it what a sample of this class sends on average (as in LLG, arXiv 2105.09369),
    which the server measures by sending noise through the network.

    Args:
        network: the network as the server sent it.
        shared: what the participant sent.
        seed: seed of the noise.

    Raises:
        NotApplicableError: when no linear layer with a bias gives the answer.
    """
    name = output_layer(network)
    left = shared.gradient[name].double().cpu() * shared.samples
    if shared.samples == 1:
        return [int(left.argmin())]
    impacts = _impacts(network, shared.time_steps, name, seed)
    labels: list[int] = []
    for _ in range(shared.samples):
        label = int((left / impacts.diagonal().abs()).argmin())
        labels.append(label)
        left = left - impacts[label]
    return sorted(labels)


def counted(true: Sequence[int], found: Sequence[int]) -> float:
    """Return the share of a batch's classes that were found, each as often as it is there."""
    left = list(found)
    right = 0
    for label in true:
        if label in left:
            left.remove(label)
            right += 1
    return right / len(true)


def _impacts(network: Classifier, time_steps: int, name: str, seed: int) -> Tensor:
    """Return by class what a sample of that class sends to the answer's bias, ``(K, K)``, measured on sparse noise."""
    generator = torch.Generator().manual_seed(seed)
    rates = torch.rand(16, 1, 1, 1, generator=generator) / 2
    if network.takes_spikes:
        draws = torch.rand(time_steps, len(rates), *network.input_shape, generator=generator)
        noise = (draws < rates).float()
    else:
        noise = torch.rand(len(rates), *network.input_shape, generator=generator) * rates
    noise = noise.to(network.device)
    return torch.stack(
        [
            gradient_of(network, noise, torch.full((len(rates),), k, device=network.device))[name].double().cpu()
            for k in range(network.num_classes)
        ]
    )
