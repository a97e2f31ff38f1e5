"""Networks of your own: an MLP and a CNN for Intel's Loihi that slayerPytorch trained, as plain torch modules.

``loihi_nmnist.npz`` holds the weights of the MLP for N-MNIST in whole numbers, ``fc1`` (512, 2, 34, 34) and ``fc2``
(10, 512). In a config::

    model:
      class_path: Classifier
      init_args:
        network: {class_path: examples.loihi.LoihiMLP, init_args: {path: loihi_nmnist.npz}}
        interface: {class_path: TimeFirst, init_args: {answer: spike_count}}
        pretrained: true

``loihi_dvsgesture.npz`` holds those of the CNN for DvsGesture, ``conv1`` (16, 2, 5, 5), ``conv2`` (32, 16, 3, 3),
``fc1`` (512, 2048) and ``fc2`` (11, 512), and the one weight of each pool, ``pool1`` to ``pool3``.
"""

from __future__ import annotations

from collections.abc import Callable
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


class LoihiCNN(nn.Module):
    """Seven layers of neurons: events ``(T, B, 2, 128, 128)``, 1450 frames of 1 ms, in, spikes ``(T, B, 11)`` out.

    Channel 0 holds OFF events, channel 1 ON events. More than one event of a pixel in a frame counts as one, as when
    the network was trained. The classes are those of DvsGesture in its own order, the last one being other gestures.
    A recording takes about 1 GB while it is computed: give it a few at a time.

    Args:
        path: ``loihi_dvsgesture.npz``.
        slope: of the fast sigmoid that stands in for the derivative of a spike.
    """

    def __init__(self, path: str, slope: float = 4.0) -> None:
        super().__init__()
        with np.load(Path(path)) as weights:
            for name in ("conv1", "conv2", "fc1", "fc2"):
                self.register_buffer(name, torch.tensor(weights[name], dtype=torch.float32))
            self.pools = [int(weights[f"pool{number}"].flat[0]) for number in (1, 2, 3)]
        self.neurons = nn.ModuleList(LoihiNeuron(FastSigmoid(slope)) for _ in range(7))

    def forward(self, x: Tensor) -> Tensor:
        """Return the spikes of the eleven output neurons in every step."""
        layers: tuple[Callable[[Tensor], Tensor], ...] = (
            lambda z: self._pool(z, 0, 4),
            lambda z: F.conv2d(z, self.conv1, padding=2),
            lambda z: self._pool(z, 1, 2),
            lambda z: F.conv2d(z, self.conv2, padding=1),
            lambda z: self._pool(z, 2, 2),
            lambda z: F.linear(z.flatten(1), self.fc1),
            lambda z: F.linear(z, self.fc2),
        )
        spikes = x.clamp(max=1)
        for layer, neurons in zip(layers, self.neurons, strict=True):
            sums = layer(spikes.flatten(0, 1))
            spikes, _ = neurons(sums.unflatten(0, x.shape[:2]))
            # a spike arrives one step after it was fired
            spikes = torch.cat([torch.zeros_like(spikes[:1]), spikes[:-1]])
        return spikes

    def _pool(self, z: Tensor, number: int, side: int) -> Tensor:
        return self.pools[number] * F.avg_pool2d(z, side, divisor_override=1)
