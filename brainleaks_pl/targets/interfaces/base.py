"""How a network is called: what it takes, how it is reset, what of its output is the answer."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.interfaces.exchange import Undo

Answer = Literal[
    "membranes",
    "membrane_sum",
    "membrane_mean",
    "membrane_max",
    "membrane_last",
    "spike_count",
    "spike_rate",
]
"""What a network's outputs over time come to: ``membranes`` leaves every time step an answer of its own, whose softmax
is averaged over time (the paper's confidence); the others reduce time first, and take one softmax."""

Layout = Literal["time_first", "batch_first", "time_in_batch", "time_last", "step_by_step", "image"]
"""Where the time of an input is: ``(T, B, ...)``, ``(B, T, ...)``, ``(B * T, ...)`` with the steps of a sample side by
side, ``(B, ..., T)``, one call a step, or nowhere: the network takes an image, and makes its own time steps of it."""


@dataclass(frozen=True)
class Interface(ABC):
    """Base of the interfaces: a small dataclass that says how one kind of network is called.

    An interface of your own derives from :class:`SpikingInterface`, sets the defaults that are true of the kind, and
    overrides what differs of three hooks: :meth:`reset`, :meth:`neurons` and :meth:`exchange`.

    Args:
        output: which element of the network's output is meant where that is a tuple or a list; None takes the one that
            the kind of network puts the answer in.
        scale: factor on the inputs before they are normalised.
        mean: subtracted from the scaled inputs, by channel or one for all.
        std: the scaled inputs are then divided by it, by channel or one for all, > 0.
        temperature: what the answers are divided by before the softmax, > 0; above 1 where a network is too certain of
            itself. ``brainleaks check`` says which one fits.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        For a network trained on pixels normalised by mean 0.5 and standard deviation 0.25:

        >>> import torch
        >>> from brainleaks_pl import Interface, NonSpiking
        >>> interface: Interface = NonSpiking(mean=(0.5,), std=(0.25,))
        >>> interface.normalise(torch.tensor([[[0.0, 0.5, 1.0]]]))
        tensor([[[-2.,  0.,  2.]]])
        >>> NonSpiking(std=(0.0,))
        Traceback (most recent call last):
            ...
        ValueError: std must be positive and finite, got [0.0].
    """

    output: int | None = None
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    temperature: float = 1.0

    spiking: ClassVar[bool]
    """Whether the network is a spiking one."""

    def __post_init__(self) -> None:
        if not 0 < self.temperature < math.inf:
            raise ValueError(f"temperature must be positive and finite, got {self.temperature}.")
        if not math.isfinite(self.scale) or self.scale == 0:
            raise ValueError(f"scale must be finite and not 0, got {self.scale}.")
        if not all(map(math.isfinite, self.mean)):
            raise ValueError(f"mean must be finite, got {list(self.mean)}.")
        if not self.std or any(not 0 < value < math.inf for value in self.std):
            raise ValueError(f"std must be positive and finite, got {list(self.std)}.")
        if len(self.mean) != len(self.std) and 1 not in (len(self.mean), len(self.std)):
            raise ValueError(
                f"mean and std must have one value or one per channel, got {list(self.mean)} and {list(self.std)}."
            )

    @property
    def takes_spikes(self) -> bool:
        """Whether the input is a spike train, ``(T, B, C, H, W)``, rather than images, ``(B, C, H, W)``."""
        return False

    @abstractmethod
    def outputs(self, network: nn.Module, x: Tensor) -> Tensor:
        """Return what the network says of normalised inputs, before it is reduced: ``(T, B, K)`` or ``(B, K)``."""

    @abstractmethod
    def answers(self, outputs: Tensor) -> Tensor:
        """Reduce outputs to answers, ``(T', B, K)``: T' is 1 unless every step is an answer of its own."""

    def logits(self, network: nn.Module, x: Tensor) -> Tensor:
        """Return the answers to inputs as they are, ``(T', B, K)``, whose softmax, averaged over T', is the confidence.

        Args:
            network: the network.
            x: spike trains ``(T, B, C, H, W)`` or images ``(B, C, H, W)``, whichever it takes.
        """
        answers = self.answers(self.outputs(network, self.normalise(x)))
        return answers if self.temperature == 1 else answers / self.temperature

    def normalise(self, x: Tensor) -> Tensor:
        """Return inputs ``(..., C, H, W)`` scaled, and then normalised by channel."""
        if self.scale != 1:
            x = x * self.scale
        if self.mean == (0.0,) and all(value == 1 for value in self.std):
            return x
        mean, std = (x.new_tensor(values).view(-1, 1, 1) for values in (self.mean, self.std))
        return (x - mean) / std

    def reset(self, network: nn.Module, x: Tensor) -> None:  # noqa: B027 - nothing to do is a right answer
        """Put the neurons to rest before a forward with ``x``, ``(T, B, ...)``. Here there is nothing to do."""

    def neurons(self, network: nn.Module) -> list[nn.Module]:
        """Return the modules whose surrogate gradient can be exchanged; none unless the kind has them."""
        return []

    def exchange(self, neuron: nn.Module, surrogate: Surrogate) -> Undo:
        """Give one of :meth:`neurons` another surrogate, and return what puts its own back.

        Raises:
            ValueError: when the neuron cannot take it.
        """
        raise ValueError(f"{type(self).__name__} does not know how {type(neuron).__name__} takes a surrogate.")

    @contextmanager
    def using_surrogate(self, network: nn.Module, surrogate: Surrogate | None) -> Iterator[None]:
        """Differentiate with another surrogate inside the block (None: with the network's own)."""
        undo: list[Undo] = []
        try:
            if surrogate is not None:
                for neuron in self.neurons(network):
                    undo.append(self.exchange(neuron, surrogate))
            yield
        finally:
            for put_back in reversed(undo):
                put_back()

    def transient(self, name: str) -> bool:
        """Tell whether an entry of a stored state_dict is the state of a neuron, and no weight; here none is."""
        return False

    def read_weights(self, network: nn.Module, path: Path) -> bool:
        """Load a file in the framework's own format into the network; False where there is no such format, as here."""
        return False

    def pick(self, output: Any, default: int | None = None) -> Tensor:
        """Return the tensor that is meant of what a network returned.

        Raises:
            ValueError: when there is none.
        """
        index = default if self.output is None else self.output
        if isinstance(output, tuple | list):
            if index is None or not -len(output) <= index < len(output):
                raise ValueError(
                    f"the network returned {len(output)} values, but output {index} is asked for: set interface.output "
                    f"to one of 0 to {len(output) - 1}."
                )
            output = output[index]
        if not isinstance(output, Tensor):
            raise ValueError(
                f"the network returned a {type(output).__name__} where a tensor is expected: set interface.output, or "
                "another interface."
            )
        return output


@dataclass(frozen=True)
class SpikingInterface(Interface):
    """Base of the interfaces of spiking networks; see :class:`Interface` for the other arguments.

    Args:
        answer: what the outputs over time come to.
        layout: where the time of an input is.
        flatten: whether the network takes features, ``(..., C * H * W)``, rather than ``(..., C, H, W)``.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        Two neurons over three steps, whose spikes are counted:

        >>> import torch
        >>> from dataclasses import dataclass
        >>> from brainleaks_pl import SpikingInterface, TimeFirst
        >>> spikes = torch.tensor([[[0.0, 1.0]], [[1.0, 1.0]], [[0.0, 1.0]]])
        >>> TimeFirst(answer="spike_count").answers(spikes)
        tensor([[[1., 3.]]])

        One of your own, for neurons that keep their state in an attribute ``v``:

        >>> @dataclass(frozen=True)
        ... class Mine(SpikingInterface):
        ...     def reset(self, network, x):
        ...         for module in network.modules():
        ...             if hasattr(module, "v"):
        ...                 module.v = None
        >>> Mine(layout="batch_first").takes_spikes
        True
    """

    answer: Answer = "membranes"
    layout: Layout = "time_first"
    flatten: bool = False

    spiking: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value, known in (("answer", self.answer, Answer), ("layout", self.layout, Layout)):
            if value not in get_args(known):
                raise ValueError(f"{name} must be one of {', '.join(get_args(known))}, got {value!r}.")

    @property
    def takes_spikes(self) -> bool:
        """Whether the network takes spike trains, rather than images of which it makes its own time steps."""
        return self.layout != "image"

    @property
    def counts_spikes(self) -> bool:
        """Whether the answer is made of spikes, rather than of membranes."""
        return self.answer.startswith("spike")

    @property
    def default_output(self) -> int | None:
        """Which element of a tuple is meant where ``output`` does not say; a kind of network may know."""
        return 0

    def outputs(self, network: nn.Module, x: Tensor) -> Tensor:
        """Return what the network says over time, ``(T, B, K)``, or ``(B, K)`` where it has reduced time itself.

        The network's neurons are put to rest before it is called, and left at rest: no state of this batch gets into a
        checkpoint or a copy of the network.
        """
        self.reset(network, x)
        try:
            return self.call(network, x.flatten(-3) if self.flatten else x)
        finally:
            self.reset(network, x)

    def call(self, network: nn.Module, x: Tensor) -> Tensor:
        """Call the network at rest on what ``layout`` says; an interface may know a call of its own."""
        match self.layout:
            case "batch_first":
                output = self.pick(network(x.transpose(0, 1)), self.default_output)
                return output.transpose(0, 1) if output.ndim == 3 else output
            case "time_in_batch":
                steps, samples = x.shape[:2]
                output = self.pick(network(x.transpose(0, 1).flatten(0, 1)), self.default_output)
                if output.ndim == 3:
                    return output.transpose(0, 1)
                if len(output) != steps * samples:
                    return output
                return torch.unflatten(output, 0, (samples, steps)).transpose(0, 1)
            case "time_last":
                output = self.pick(network(x.movedim(0, -1)), self.default_output)
                return output.movedim(-1, 0) if output.ndim == 3 else output
            case "step_by_step":
                return torch.stack([self.pick(network(step), self.default_output) for step in x])
        return self.pick(network(x), self.default_output)

    def answers(self, outputs: Tensor) -> Tensor:
        """Reduce outputs over time as ``answer`` says; where the network has done so itself, they are the answers."""
        if outputs.ndim == 2:
            return outputs.unsqueeze(0)
        match self.answer:
            case "membranes":
                return outputs
            case "membrane_sum" | "spike_count":
                reduced = outputs.sum(0)
            case "membrane_mean" | "spike_rate":
                reduced = outputs.mean(0)
            case "membrane_max":
                reduced = outputs.amax(0)
            case "membrane_last":
                reduced = outputs[-1]
        return reduced.unsqueeze(0)
