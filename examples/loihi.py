"""A network of your own: an MLP for Intel's Loihi, trained on N-MNIST by slayerPytorch, as a plain torch module.

``loihi_nmnist.npz`` holds its weights in whole numbers, ``fc1`` (512, 2, 34, 34) and ``fc2`` (10, 512). In a config::

    model:
      class_path: Classifier
      init_args:
        network: {class_path: examples.loihi.LoihiMLP, init_args: {path: loihi_nmnist.npz}}
        interface: {class_path: TimeFirst, init_args: {answer: spike_count}}
        pretrained: true
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import FastSigmoid, Surrogate


def trunc(x: Tensor) -> Tensor:
    """Round towards zero; the gradient passes straight through."""
    return x + (x.trunc() - x).detach()


class LoihiNeuron(nn.Module):
    """Loihi's neuron: a current and a voltage that decay in whole numbers, a reset to zero.

    An attack finds ``surrogate`` here, and may set another.
    """

    def __init__(
        self, surrogate: Surrogate, threshold: int = 5120, current_decay: int = 1024, voltage_decay: int = 128
    ):
        super().__init__()
        self.surrogate = surrogate
        self.threshold = threshold
        self.current_left, self.voltage_left = 4096 - current_decay, 4096 - voltage_decay

    def forward(self, sums: Tensor) -> tuple[Tensor, Tensor]:
        """Return spikes and membranes, ``(T, B, N)``, of neurons driven by sums of weights."""
        spike = self.surrogate.spike_function()
        u = v = torch.zeros_like(sums[0], dtype=torch.float64)  # exact, where float32 would round
        spikes, membranes = [], []
        for step in sums:
            u = trunc(u * self.current_left / 4096) + 64 * step
            v = trunc(v * self.voltage_left / 4096) + u
            # the voltage is whole: half below the threshold, "above" means "at least"; a slope is for thresholds of 1
            z = spike((v - self.threshold + 0.5) / self.threshold)
            membranes.append(v)
            spikes.append(z)
            v = v * (1 - z.detach())
        return torch.stack(spikes).to(sums.dtype), torch.stack(membranes)


class LoihiMLP(nn.Module):
    """2312-512-10 neurons: event counts ``(T, B, 2, 34, 34)``, 300 frames of 1 ms, in, spikes ``(T, B, 10)`` out.

    Args:
        path: ``loihi_nmnist.npz``.
        slope: of the fast sigmoid that stands in for the derivative of a spike.
    """

    def __init__(self, path: str, slope: float = 4.0) -> None:
        super().__init__()
        with np.load(Path(path)) as weights:
            for name in ("fc1", "fc2"):
                self.register_buffer(name, torch.tensor(weights[name], dtype=torch.float32).flatten(1))
        self.hidden = LoihiNeuron(FastSigmoid(slope))
        self.readout = LoihiNeuron(FastSigmoid(slope))

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes of the ten output neurons in every step."""
        spikes, _ = self.hidden(F.linear(x.flatten(2), self.fc1))
        late = F.pad(spikes[:-1], (0, 0, 0, 0, 1, 0))  # a spike arrives one step after it was fired
        spikes, _ = self.readout(F.linear(late, self.fc2))
        return spikes
