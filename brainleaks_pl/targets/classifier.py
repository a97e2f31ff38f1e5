"""The LightningModule that wraps every network: targets under attack and the judges that score the attack."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics.classification import MulticlassAccuracy

from brainleaks_pl.networks.captured import Captured, arguments_of, plain
from brainleaks_pl.networks.lif import LIF
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.interfaces import Interface
from brainleaks_pl.targets.interfaces.guess import own_interface
from brainleaks_pl.targets.learner import Learner
from brainleaks_pl.targets.training import Training
from brainleaks_pl.targets.weights import digest_of, load_weights

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")  # of functions, in what some modules print as


class Classifier(Captured, Learner):
    """A network, whoever wrote or trained it, as a target or a judge.

    It takes spike trains ``(T, B, C, H, W)`` or images ``(B, C, H, W)``, whichever its network takes, and answers with
    logits ``(T', B, K)``: the interface says how. A classifier knows nothing of attacks. ``time_steps`` is the T that
    it was trained with (None where its network takes images): ``fit`` sets it, checkpoints keep it.

    Args:
        network: a function or class that builds the network when called without arguments (in YAML a class path with
            its ``init_args``), or, in Python, the network itself.
        interface: how the network is called; None asks the package's own networks, which say so themselves.
        input_shape: (C, H, W) of the input; None takes the network's own, or the data's.
        num_classes: K, at least 2; None takes the network's own, or the data's.
        weights: file of the trained weights: a ``state_dict``, alone or in a checkpoint, read with ``weights_only``.
        pretrained: whether the network is trained as it is built, because it reads its weights itself. One that brings
            its weights, in either way, is never trained: its accuracy is measured.
        expected_accuracy: the accuracy on test data that the network is known to have, in [0, 1]; the checks before an
            attack hold the measured one against it.
        training: how ``fit`` trains it.
        spike_penalty: weight in the training loss of the spikes per neuron and step, summed over the hidden layers of
            :class:`LIF` neurons, >= 0.

    Raises:
        FileNotFoundError: when there are no weights at that path.
        ValueError: when an argument is out of range, the weights do not fit, or a network that is not the package's own
            comes without an interface.

    Examples:
        Built by a function, so that it can be built and trained anew for every seed:

        >>> import torch
        >>> from functools import partial
        >>> from brainleaks_pl import Classifier, SpikingMLP, Training
        >>> target = Classifier(partial(SpikingMLP, hidden=100), training=Training(lr=1e-3, epochs=3))
        >>> spikes = (torch.rand(5, 2, 1, 28, 28) < 0.2).float()
        >>> target.logits(spikes).shape  # (T, B, K): every step is an answer of its own
        torch.Size([5, 2, 10])
        >>> target.confidences(spikes).shape
        torch.Size([2, 10])
    """

    def __init__(
        self,
        network: Callable[[], nn.Module],
        interface: Interface | None = None,
        input_shape: tuple[int, int, int] | None = None,
        num_classes: int | None = None,
        weights: str | None = None,
        pretrained: bool = False,
        expected_accuracy: float | None = None,
        training: Training = Training(),
        spike_penalty: float = 0.0,
    ) -> None:
        super().__init__(training)
        if expected_accuracy is not None and not 0 <= expected_accuracy <= 1:
            raise ValueError(f"expected_accuracy must lie in [0, 1], got {expected_accuracy}.")
        if not 0 <= spike_penalty < math.inf:
            raise ValueError(f"spike_penalty must be finite and not negative, got {spike_penalty}.")
        self.surrogates_refused: str | None = None  # why; the checks find it out
        self.factory = None if isinstance(network, nn.Module) else network
        self.network = network if isinstance(network, nn.Module) else network()
        if not isinstance(self.network, nn.Module):
            raise ValueError(f"network must build a torch module, got a {type(self.network).__name__}.")
        self.interface = own_interface(self.network) if interface is None else interface
        self.weights = weights
        self.pretrained = pretrained or weights is not None or bool(getattr(self.network, "brings_weights", False))
        self.expected_accuracy = expected_accuracy
        self.spike_penalty = spike_penalty
        self.time_steps: int | None = None
        self._input_shape: tuple[int, int, int] | None = None
        self._num_classes: int | None = None
        self._rates: list[Tensor] = []
        self.fit_to(
            getattr(self.network, "input_shape", None) if input_shape is None else input_shape,
            getattr(self.network, "num_classes", None) if num_classes is None else num_classes,
        )
        if weights is not None:
            load_weights(self.network, self.interface, self.weights_path)
        if spike_penalty and not self._hidden_neurons:
            raise ValueError("spike_penalty needs hidden layers of LIF neurons, and the network has none.")

    def fit_to(self, input_shape: Sequence[int] | None, num_classes: int | None) -> None:
        """Take the shape of the input and the number of classes where they are not known yet; None leaves them so.

        Raises:
            ValueError: when a value is out of range.
        """
        if self._input_shape is None and input_shape is not None:
            if len(input_shape) != 3 or min(input_shape) < 1:
                raise ValueError(f"input_shape must be three positive numbers (C, H, W), got {tuple(input_shape)}.")
            self._input_shape = (input_shape[0], input_shape[1], input_shape[2])
        if self._num_classes is None and num_classes is not None:
            if num_classes < 2:
                raise ValueError(f"num_classes must be at least 2, got {num_classes}.")
            self._num_classes = num_classes
            self.val_accuracy = MulticlassAccuracy(num_classes, average="micro")
            self.test_accuracy = MulticlassAccuracy(num_classes, average="micro")

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the input."""
        if self._input_shape is None:
            raise ValueError(f"the shape of {self.name}'s input is not known: give input_shape, (C, H, W).")
        return self._input_shape

    @property
    def num_classes(self) -> int:
        """K, the number of classes."""
        if self._num_classes is None:
            raise ValueError(f"the number of {self.name}'s classes is not known: give num_classes.")
        return self._num_classes

    @property
    def name(self) -> str:
        """What messages call the network: the name of its class."""
        return type(self.network).__name__

    @property
    def spiking(self) -> bool:
        """Whether the network is a spiking one."""
        return self.interface.spiking

    @property
    def takes_spikes(self) -> bool:
        """Whether its input is a spike train, ``(T, B, C, H, W)``, rather than images, ``(B, C, H, W)``."""
        return self.interface.takes_spikes

    @property
    def has_surrogates(self) -> bool:
        """Whether it has neurons that take another surrogate gradient, as far as interface and checks know."""
        return self.surrogates_refused is None and bool(self.interface.neurons(self.network))

    @property
    def weights_path(self) -> Path:
        """The file of the weights that the network brought."""
        if self.weights is None:
            raise ValueError(f"{self.name} brought no file of weights.")
        return Path(self.weights)

    def forward(self, x: Tensor) -> Tensor:
        """Return :meth:`logits`."""
        return self.logits(x)

    def logits(self, x: Tensor) -> Tensor:
        """Return the answers with time first, ``(T', B, K)``; T' is 1 unless every step is an answer of its own.

        Spiking networks are computed in full precision: products in half precision would flip spikes; mixed precision
        is for the products of the gradient.

        Args:
            x: the network's own kind of input; one that takes images also takes ``(T, B, C, H, W)`` and sees the mean
                over time (the rate image).

        Raises:
            ValueError: when ``x`` is not an input of this network, or it does not answer with K values per sample.
        """
        expected = "(T, B, C, H, W)" if self.takes_spikes else "(B, C, H, W)"
        if tuple(x.shape[-3:]) != self.input_shape or x.ndim not in ((5,) if self.takes_spikes else (4, 5)):
            raise ValueError(f"{self.name} takes {expected} with (C, H, W) = {self.input_shape}, got {tuple(x.shape)}.")
        with self._counting(), torch.autocast(x.device.type, enabled=False) if self.spiking else nullcontext():
            answers = self.interface.logits(self.network, x if self.takes_spikes or x.ndim == 4 else x.mean(0))
        if answers.ndim != 3 or tuple(answers.shape[1:]) != (x.shape[-4], self.num_classes):
            raise ValueError(
                f"{self.name} answered {x.shape[-4]} inputs with {tuple(answers.shape)}, where (T, B, K) = (T, "
                f"{x.shape[-4]}, {self.num_classes}) is expected: batch and time may be exchanged. Set "
                "interface.layout, interface.output or num_classes."
            )
        return answers

    def confidences(self, x: Tensor) -> Tensor:
        """Return the mean over the answers of their softmax, ``(B, K)``."""
        return self.logits(x).softmax(-1).mean(0)

    @contextmanager
    def using_surrogate(self, surrogate: Surrogate | None) -> Iterator[None]:
        """Differentiate with another surrogate inside the block (None: with the network's own)."""
        with self.interface.using_surrogate(self.network, surrogate):
            yield

    def architecture(self) -> dict[str, Any]:
        """Return the plain values that decide what the network computes beside its weights.

        They are captured, not listed: the class and the arguments that the network was built with (but for the
        surrogate, which no output depends on), or what it prints as where these are not known; and the interface.
        """
        arguments = arguments_of(self.network, self.factory) or {"structure": _ADDRESS.sub("", repr(self.network))}
        return {
            "class": type(self.network).__qualname__,
            **{name: value for name, value in arguments.items() if name != "surrogate"},
            "input_shape": list(self.input_shape),
            "num_classes": self.num_classes,
            "interface": plain(self.interface),
        }

    def recipe(self) -> dict[str, Any]:
        """Return the plain values that decide how ``fit`` trains it."""
        recipe = asdict(self.training_recipe)
        for name in ("max_shift", "keep"):
            if recipe[name] == getattr(Training, name):  # as in checkpoints that are older than it
                del recipe[name]
        surrogates = [plain(neurons.surrogate) for neurons in self._neurons]
        if not surrogates:
            return recipe
        same = all(surrogate == surrogates[0] for surrogate in surrogates)
        return {**recipe, "spike_penalty": self.spike_penalty, "surrogate": surrogates[0] if same else surrogates}

    def digest(self) -> str:
        """Return a digest of the network's weights and buffers."""
        return digest_of(self.network.state_dict())

    def penalty(self) -> Tensor | float:
        """Return what training adds to the loss of the batch whose :meth:`logits` were asked for last."""
        return self.spike_penalty * torch.stack(self._rates).sum() if self._rates else 0.0

    @property
    def _hidden_neurons(self) -> list[LIF]:
        return self._neurons[:-1]

    @property
    def _neurons(self) -> list[LIF]:
        """The package's own; torch's ``modules`` is asked by name, as some frameworks have one of another kind."""
        return [module for module in nn.Module.modules(self.network) if isinstance(module, LIF)]

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Count the spikes of the hidden layers where training pays for them; else they need not be kept."""
        self._rates.clear()
        paid_for = self._hidden_neurons if self.training and self.spike_penalty else []
        hooks = [
            neurons.register_forward_hook(lambda _, __, output: self._rates.append(output[0].mean()))
            for neurons in paid_for
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
