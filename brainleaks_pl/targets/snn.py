"""Spiking networks: layers computed for all time steps at once, with one scan of the neurons after each."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.scan import lif_linear, lif_scan
from brainleaks_pl.networks.sparse_linear import spike_linear
from brainleaks_pl.networks.surrogates import FastSigmoid, Surrogate
from brainleaks_pl.targets.ann import convolution_features
from brainleaks_pl.targets.base import TargetClassifier, Training


class SpikingClassifier(TargetClassifier):
    """Base of the spiking networks: leaky integrate-and-fire neurons that start at rest in every forward.

    A subclass implements :meth:`forward` with :meth:`hidden_spikes` (or, before a linear layer,
    :meth:`neurons_and_linear`) after each hidden layer and :meth:`neurons` after the last.

    Args:
        input_shape: (C, H, W) of one time step.
        num_classes: K, at least 2.
        beta: decay of the membranes per step, in [0, 1].
        threshold: firing threshold, > 0.
        surrogate: gradient of a spike with respect to its membrane; None means the published fast sigmoid, slope 40.
        training: how ``fit`` trains it.
        spike_penalty: weight in the training loss of the hidden layers' spikes a neuron and step, >= 0.

    Raises:
        ValueError: when an argument is out of range.
    """

    spiking: ClassVar[bool] = True

    def __init__(
        self,
        input_shape: tuple[int, int, int],
        num_classes: int,
        beta: float,
        threshold: float,
        surrogate: Surrogate | None,
        training: Training,
        spike_penalty: float = 0.0,
    ) -> None:
        super().__init__(input_shape, num_classes, training)
        if not 0 <= beta <= 1:
            raise ValueError(f"beta must lie in [0, 1], got {beta}.")
        if not threshold > 0:
            raise ValueError(f"threshold must be positive, got {threshold}.")
        if not spike_penalty >= 0:
            raise ValueError(f"spike_penalty must not be negative, got {spike_penalty}.")
        self.spike_penalty = spike_penalty
        self._rates: list[Tensor] = []
        self.beta = beta
        self.threshold = threshold
        self.surrogate = FastSigmoid(slope=40.0) if surrogate is None else surrogate

    def neurons(self, current: Tensor) -> tuple[Tensor, Tensor]:
        """Return spikes and membranes, ``(T, ...)``, of neurons driven by ``current``, ``(T, ...)``."""
        return lif_scan(current, beta=self.beta, threshold=self.threshold, surrogate=self.surrogate)

    def hidden_spikes(self, current: Tensor) -> Tensor:
        """Return the spikes, ``(T, ...)``, of a hidden layer's neurons; training may hold their number against them."""
        spikes, _ = self.neurons(current)
        if self._penalised:
            self._rates.append(spikes.mean())
        return spikes

    @property
    def _penalised(self) -> bool:
        return self.training and self.spike_penalty > 0

    def penalty(self) -> Tensor | float:
        """Return the weighted spike rates, summed over the hidden layers."""
        return self.spike_penalty * torch.stack(self._rates).sum() if self._rates else 0.0

    def neurons_and_linear(self, current: Tensor, layer: nn.Linear) -> Tensor:
        """Return ``layer(spikes)`` of neurons driven by ``current``, ``(T, B, H)``, which is overwritten.

        Equals :meth:`neurons` and then the layer, and moves half the memory.
        """
        if self._penalised or type(self).neurons is not SpikingClassifier.neurons:  # a subclass has its own
            outputs: Tensor = layer(self.hidden_spikes(current))
            return outputs
        return lif_linear(
            current,
            layer.weight,
            layer.bias,
            beta=self.beta,
            threshold=self.threshold,
            surrogate=self.surrogate,
        )

    def logits(self, x: Tensor) -> Tensor:
        """Return the output membranes, ``(T, B, K)``, always in full precision.

        Products in half precision would flip spikes; mixed precision is for the products of the gradient.
        """
        self._rates.clear()
        with torch.autocast(x.device.type, enabled=False):
            return super().logits(x)

    @contextmanager
    def using_surrogate(self, surrogate: Surrogate | None) -> Iterator[None]:
        """Differentiate with another surrogate inside the block (None: with the network's own)."""
        own = self.surrogate
        self.surrogate = own if surrogate is None else surrogate
        try:
            yield
        finally:
            self.surrogate = own

    def recipe(self) -> dict[str, Any]:
        """Add the penalty on spikes and the surrogate."""
        surrogate = {"class": type(self.surrogate).__qualname__, **asdict(self.surrogate)}
        return {**super().recipe(), "spike_penalty": self.spike_penalty, "surrogate": surrogate}

    def architecture(self) -> dict[str, Any]:
        """Add the neurons' constants (not the surrogate, which no output depends on)."""
        return {**super().architecture(), "beta": self.beta, "threshold": self.threshold}


class SpikingMLP(SpikingClassifier):
    """One hidden layer of spiking neurons (the published SNN targets: 784-3000-10, 1156-3000-10, ...).

    Args:
        input_shape: (C, H, W) of one time step.
        num_classes: K, at least 2.
        hidden: hidden neurons, at least 1.
        beta: decay of the membranes per step, in [0, 1].
        threshold: firing threshold, > 0.
        surrogate: gradient of a spike with respect to its membrane; None means the published fast sigmoid, slope 40.
        training: how ``fit`` trains it.
        spike_penalty: weight in the training loss of the hidden layers' spikes a neuron and step, >= 0.

    Raises:
        ValueError: when an argument is out of range.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        hidden: int = 3000,
        beta: float = 0.7,
        threshold: float = 1.0,
        surrogate: Surrogate | None = None,
        training: Training = Training(lr=5e-5, epochs=10, batch_size=100),
        spike_penalty: float = 0.0,
    ) -> None:
        super().__init__(input_shape, num_classes, beta, threshold, surrogate, training, spike_penalty)
        if hidden < 1:
            raise ValueError(f"hidden must be at least 1, got {hidden}.")
        self.hidden = nn.Linear(math.prod(input_shape), hidden)
        self.output = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output membranes ``(T, B, K)`` of spikes ``(T, B, C, H, W)``."""
        outputs = self.neurons_and_linear(spike_linear(self.hidden, x.flatten(2)), self.output)
        _, membranes = self.neurons(outputs)
        return membranes

    def architecture(self) -> dict[str, Any]:
        """Add the hidden size."""
        return {**super().architecture(), "hidden": self.hidden.out_features}


class SpikingCNN(SpikingClassifier):
    """The published SNN judge: two rounds of convolution, 2x2 max-pool and neurons, then a linear layer with neurons.

    Args:
        input_shape: (C, H, W) of one time step.
        num_classes: K, at least 2.
        channels: channels of the two convolutions, at least 1 each.
        kernel: side of their kernels.
        beta: decay of the membranes per step, in [0, 1].
        threshold: firing threshold, > 0.
        surrogate: gradient of a spike with respect to its membrane; None means the published fast sigmoid, slope 40.
        training: how ``fit`` trains it.
        spike_penalty: weight in the training loss of the hidden layers' spikes a neuron and step, >= 0.

    Raises:
        ValueError: when an argument is out of range, or the input is too small for the kernels.
    """

    def __init__(
        self,
        input_shape: tuple[int, int, int] = (1, 28, 28),
        num_classes: int = 10,
        channels: tuple[int, int] = (12, 24),
        kernel: int = 5,
        beta: float = 0.7,
        threshold: float = 1.0,
        surrogate: Surrogate | None = None,
        training: Training = Training(lr=2e-3, epochs=2, batch_size=100),
        spike_penalty: float = 0.0,
    ) -> None:
        super().__init__(input_shape, num_classes, beta, threshold, surrogate, training, spike_penalty)
        features = convolution_features(self.input_shape, channels[1], kernel)
        self.first = nn.Conv2d(input_shape[0], channels[0], kernel)
        self.second = nn.Conv2d(channels[0], channels[1], kernel)
        self.pool = nn.MaxPool2d(2)
        self.output = nn.Linear(features, num_classes)
        self.to(memory_format=torch.channels_last)  # halves the time of a training step on CPUs

    def forward(self, x: Tensor) -> Tensor:
        """Return the output membranes ``(T, B, K)`` of spikes ``(T, B, C, H, W)``."""
        time_and_batch = x.shape[:2]
        spikes = self.hidden_spikes(self.pool(self.first(x.flatten(0, 1))).unflatten(0, time_and_batch))
        spikes = self.hidden_spikes(self.pool(self.second(spikes.flatten(0, 1))).unflatten(0, time_and_batch))
        _, membranes = self.neurons(self.output(spikes.flatten(2)))
        return membranes

    def architecture(self) -> dict[str, Any]:
        """Add the channels and the kernel size."""
        channels = [self.first.out_channels, self.second.out_channels]
        return {**super().architecture(), "channels": channels, "kernel": self.first.kernel_size[0]}
