"""Trains several small networks of one shape at once: weights in one tensor, one product for all of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from brainleaks_pl.networks.lif import LIF
from brainleaks_pl.networks.mlp import MLP, SpikingMLP
from brainleaks_pl.networks.plain_layers import is_listened_to, is_plain_linear
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.interfaces.guess import own_interface
from brainleaks_pl.targets.training import Training

AT_ONCE = 2**19
"""Hidden values (networks, time steps, samples and units) of a step up to which one product for all is the faster way.

Above, the product of a single network fills the processor, and several only fall out of its cache."""


def can_be_stacked(classifier: Classifier) -> bool:
    """Tell whether a network can be trained together with others: one hidden layer of the package's own, untouched."""
    network = classifier.network
    if type(network) not in (MLP, SpikingMLP) or classifier.spike_penalty or classifier.weights is not None:
        return False
    if classifier.training_recipe.max_shift:  # each network's samples are shifted by themselves
        return False
    if classifier.interface != own_interface(network) or type(classifier) is not Classifier:
        return False
    neurons = [module for module in network.modules() if isinstance(module, LIF)]
    plain = all(type(own) is LIF and not is_listened_to(own) for own in neurons)
    return plain and all(is_plain_linear(network.get_submodule(name)) for name in ("hidden", "output"))


class Stack(nn.Module):
    """The weights of M networks of one shape, and their answers to M different batches.

    Args:
        classifiers: the networks, each of which :func:`can_be_stacked`.
    """

    def __init__(self, classifiers: Sequence[Classifier]) -> None:
        super().__init__()
        self._first = classifiers[0].network
        states = [own.network.state_dict() for own in classifiers]
        self.weights = nn.ParameterDict(
            {name.replace(".", "_"): torch.stack([state[name] for state in states]) for name in states[0]}
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return logits with time first, ``(T', M, B, K)``.

        Args:
            x: of each network its own batch, ``(M, T, B, C, H, W)`` or ``(M, B, C, H, W)``; networks that take images
                see the mean over time of the former.
        """
        if not isinstance(self._first, SpikingMLP):
            x = (x.mean(1) if x.ndim == 6 else x).unsqueeze(1)
        rows = x.flatten(3)
        networks, steps, batch = rows.shape[:3]
        currents = self._linear("hidden", rows.flatten(1, 2)).view(networks, steps, batch, -1).transpose(0, 1)
        if not isinstance(self._first, SpikingMLP):
            return self._linear("output", currents[0].sigmoid()).unsqueeze(0)
        spikes, _ = self._first.neurons(currents)
        outputs = self._linear("output", spikes.transpose(0, 1).flatten(1, 2))
        membranes: Tensor = self._first.output_neurons(outputs.view(networks, steps, batch, -1).transpose(0, 1))[1]
        return membranes

    def losses(self, x: Tensor, labels: Tensor) -> Tensor:
        """Return each network's training loss, ``(M,)``: cross-entropy, summed over time, mean over the batch.

        Args:
            x: as of :meth:`forward`.
            labels: ``(M, B)``.
        """
        logits = self(x)
        steps, networks, batch, _ = logits.shape
        each = F.cross_entropy(logits.flatten(0, 2), labels.expand(steps, -1, -1).flatten(), reduction="none")
        return each.view(steps, networks, batch).sum(0).mean(1)

    def clip(self, largest: float) -> None:
        """Scale down each network's gradient whose norm exceeds ``largest``, as torch clips that of one network."""
        gradients = [weights.grad for weights in self.weights.values() if weights.grad is not None]
        norms = torch.stack([own.flatten(1).norm(dim=1) for own in gradients]).norm(dim=0)
        scale = (largest / (norms + 1e-6)).clamp(max=1.0)
        for own in gradients:
            own.mul_(scale.view(-1, *[1] * (own.ndim - 1)))

    def states(self) -> list[dict[str, Tensor]]:
        """Return each network's weights, as its ``state_dict`` has them."""
        names = {name.replace(".", "_"): name for name in self._first.state_dict()}
        count = len(next(iter(self.weights.values())))
        return [
            {names[key]: weights[place].detach().clone() for key, weights in self.weights.items()}
            for place in range(count)
        ]

    def _linear(self, layer: str, rows: Tensor) -> Tensor:
        weight, bias = self.weights[f"{layer}_weight"], self.weights[f"{layer}_bias"]
        return torch.baddbmm(bias.unsqueeze(1), rows, weight.transpose(1, 2))


def together(classifier: Classifier, training: Training, batch_size: int, most: int) -> int:
    """Return how many networks like one are best trained at once, at most so many; 1 where they cannot be stacked."""
    if not can_be_stacked(classifier):
        return 1
    hidden = len(classifier.network.state_dict()["hidden.bias"])
    one = (classifier.time_steps or 1) * (training.batch_size or batch_size) * hidden
    return max(1, min(most, AT_ONCE // one))
