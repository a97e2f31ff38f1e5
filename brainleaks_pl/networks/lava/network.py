"""Networks for Intel's Loihi that Lava-DL exported as ``.net`` files, run in its integer arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from brainleaks_pl.networks.captured import Captured
from brainleaks_pl.networks.lava.blocks import Affine, Average, Block, Conv, Dense, Reading
from brainleaks_pl.networks.lava.file import BlockEntry, read_blocks
from brainleaks_pl.networks.lava.neurons import MANTISSA, LoihiNeurons
from brainleaks_pl.networks.limits import output_shape
from brainleaks_pl.networks.surrogates import Surrogate

Shape = tuple[int, ...]


class LavaNetwork(Captured, nn.Module):
    """A network in Lava-DL's ``.net`` format (that of ``netx``), read with h5py alone.

    The blocks ``input``, ``dense``, ``conv``, ``pool``, ``flatten`` and ``average`` are run, with neurons of the types
    CUBA and LOIHI, biases and axonal delays, in the whole numbers that the chip computes in
    (:func:`~brainleaks_pl.networks.lava.neurons.loihi_scan`). Every forward starts at rest. The weights are buffers,
    for a step of an optimiser would make them fractions.

    An input block with neurons drives them with the current ``64 * floor(weight * x + bias)``, weight and bias from the
    file. Lava's own scripts give it pixels x in [-1, 1]: normalise yours with ``mean: 0.5, std: 0.5``. One without
    neurons takes spikes or event counts as they are.

    ``network.blocks[i].neurons.surrogate`` is the surrogate gradient of block i and may be replaced at any time.

    Args:
        path: the ``.net`` file.
        surrogate: gradient of a spike with respect to ``(v - threshold) / threshold``, for all neurons; None means
            ``ATan(2.0)``.
        input_shape: (C, H, W) of the input, as many values as the file states; None takes the file's, and where that
            is a single number N makes it (1, S, S) when N is the square of S and (1, 1, N) otherwise.
        delay_shift: whether the spikes of every block arrive one step later, as on the chip and in networks trained by
            Lava's ``slayer.block`` (the argument of the same name there, which the file does not hold; it is off in
            ``bootstrap``).
        fires_at_threshold: whether a membrane at the threshold fires, or only one above it, as in Lava-DL 0.6 itself.

    Raises:
        FileNotFoundError: when there is no such file.
        ImportError: when h5py is not installed.
        ValueError: when the file is no HDF5 file or damaged, is not one of Lava-DL's, contradicts itself or
            ``input_shape``, or holds what is not supported: another type of block or neuron, recurrent or complex
            weights, graded spikes, weights that are no whole numbers.

    Examples:
        A file of one dense block without neurons, as Lava-DL writes it:

        >>> import h5py
        >>> import torch
        >>> from brainleaks_pl import LavaNetwork
        >>> with h5py.File("network.net", "w") as file:
        ...     block = {"type": [b"dense"], "shape": [2], "inFeatures": 4, "weight": [[2, 0, 0, 0], [0, 0, 0, -4]]}
        ...     file.create_group("layer/0").update(block)
        >>> network = LavaNetwork("network.net")
        >>> network.input_shape, network.num_classes
        ((1, 2, 2), 2)
        >>> network(torch.ones(3, 1, 1, 2, 2))[0]
        tensor([[ 128., -256.]])
    """

    takes_spikes: ClassVar[bool] = True
    """The input is ``(T, B, C, H, W)``: spikes, event counts or, for an input block with neurons, currents."""

    brings_weights: ClassVar[bool] = True
    """The file holds the trained weights: nothing is left to train."""

    def __init__(
        self,
        path: str | Path,
        surrogate: Surrogate | None = None,
        input_shape: tuple[int, int, int] | None = None,
        delay_shift: bool = False,
        fires_at_threshold: bool = True,
    ) -> None:
        super().__init__()
        self._surrogate = surrogate
        self._delay_shift = delay_shift
        self._fires_at_threshold = fires_at_threshold
        makers: dict[str, Callable[[BlockEntry, Shape], tuple[nn.Module, Shape]]] = {
            "input": self._input,
            "dense": self._dense,
            "conv": self._conv,
            "pool": self._pool,
            "flatten": self._flatten,
            "average": self._average,
        }
        entries = read_blocks(Path(path), makers)
        self._file_shape = _first_shape(entries[0], input_shape)
        self.input_shape = _input_shape(self._file_shape, input_shape, entries[0])
        self.blocks = nn.Sequential()
        shape = self._file_shape
        for entry in entries:
            block, shape = makers[entry.kind](entry, shape)
            self.blocks.append(block)
        self.num_classes = math.prod(shape)

    def forward(self, x: Tensor) -> Tensor:
        """Return what the last block delivers in every step, ``(T, B, K)``.

        That is spikes where it has neurons, whole-numbered currents where it has none; their sum over T is the answer.

        Args:
            x: ``(T, B, C, H, W)``, T at least 1. Half precision is computed in float32.

        Raises:
            ValueError: when the input has another shape.
        """
        if x.ndim != 5 or x.shape[0] == 0 or tuple(x.shape[2:]) != self.input_shape:
            raise ValueError(
                f"the network takes (T, B, {', '.join(map(str, self.input_shape))}) and at least one time step, got an "
                f"input of shape {tuple(x.shape)}."
            )
        # mixed precision would round sums of weights
        with torch.autocast(x.device.type, enabled=False):
            x = x.to(torch.promote_types(x.dtype, torch.float32))
            outputs: Tensor = self.blocks(x.reshape(*x.shape[:2], *self._file_shape))
        return outputs.flatten(2)

    def _input(self, entry: BlockEntry, shape: Shape) -> tuple[nn.Module, Shape]:
        neurons = self._neurons(entry, None)  # its bias shifts what drives the neurons
        if neurons is None:
            return Reading(nn.Identity(), self._delay(entry, shape)), shape
        weight = entry.one("weight") if "weight" in entry else MANTISSA
        bias = entry.one("bias") if "bias" in entry else 0
        affine = Affine(torch.tensor(float(weight)), torch.tensor(float(bias)))
        return Block(affine, neurons, self._delay(entry, shape)), shape

    def _dense(self, entry: BlockEntry, shape: Shape) -> tuple[nn.Module, Shape]:
        weight = entry.whole("weight")
        outputs, inputs = math.prod(entry.shape()), math.prod(shape)
        if weight.size != outputs * inputs:
            raise ValueError(f"{entry.place}: got weights of shape {weight.shape}, expected {(outputs, inputs)}.")
        return self._block(entry, Dense(_tensor(weight.reshape(outputs, inputs))), (outputs,))

    def _conv(self, entry: BlockEntry, shape: Shape) -> tuple[nn.Module, Shape]:
        stride, padding, dilation = (entry.pair(name) for name in ("stride", "padding", "dilation"))
        groups = entry.one("groups") if "groups" in entry else 1
        synapses = Conv(_kernel(entry), stride, padding, dilation, groups)
        return self._block(entry, synapses, _convolved(entry, synapses, shape))

    def _pool(self, entry: BlockEntry, shape: Shape) -> tuple[nn.Module, Shape]:
        kernel = _kernel(entry)
        if len(shape) != 3 or kernel.shape[:2] != (1, 1):
            raise ValueError(f"{entry.place}: pools a shape {shape} with a kernel of shape {tuple(kernel.shape)}.")
        stride, padding, dilation = (entry.pair(name) for name in ("stride", "padding", "dilation"))
        whole_windows = (stride, padding, dilation) == (tuple(kernel.shape[2:]), (0, 0), (1, 1))
        kernels = kernel.expand(shape[0], -1, -1, -1).contiguous()
        synapses = Conv(kernels, stride, padding, dilation, shape[0], whole_windows)
        return self._block(entry, synapses, _convolved(entry, synapses, shape))

    def _flatten(self, _: BlockEntry, shape: Shape) -> tuple[nn.Module, Shape]:
        return Reading(nn.Flatten()), (math.prod(shape),)

    def _average(self, entry: BlockEntry, shape: Shape) -> tuple[nn.Module, Shape]:
        outputs = math.prod(entry.shape())
        if math.prod(shape) % outputs:
            raise ValueError(f"{entry.place}: {math.prod(shape)} neurons are no {outputs} equal populations.")
        return Reading(Average(outputs)), (outputs,)

    def _block(self, entry: BlockEntry, synapses: nn.Module, shape: Shape) -> tuple[nn.Module, Shape]:
        neurons = self._neurons(entry, _by_channel(entry, "bias", shape))
        if neurons is None and "bias" in entry:
            raise ValueError(f"{entry.place}: a bias without neurons is not supported.")
        return Block(synapses, neurons, None if neurons is None else self._delay(entry, shape)), shape

    def _neurons(self, entry: BlockEntry, bias: Tensor | None) -> LoihiNeurons | None:
        constants = entry.neurons()
        if constants is None:
            return None
        try:
            return LoihiNeurons(
                constants.threshold * MANTISSA,
                constants.current_decay,
                constants.voltage_decay,
                None if bias is None else MANTISSA * bias,
                self._surrogate,
                self._fires_at_threshold,
            )
        except ValueError as error:
            raise ValueError(f"{entry.place}: {error}") from error

    def _delay(self, entry: BlockEntry, shape: Shape) -> Tensor | None:
        delay = _by_channel(entry, "delay", shape)
        steps = int(self._delay_shift) + (torch.zeros(()) if delay is None else delay).long()
        if (steps < int(self._delay_shift)).any():
            raise ValueError(f"{entry.place}: delays must be at least 0, got {steps.min()}.")
        return steps if steps.any() else None


def _first_shape(entry: BlockEntry, input_shape: Shape | None) -> Shape:
    if entry.kind == "input":
        return entry.shape()
    if input_shape is not None:
        return tuple(input_shape)
    if entry.kind == "dense":
        return (entry.one("inFeatures"),)
    raise ValueError(f"{entry.place}: a network that does not begin with an input block needs input_shape: [C, H, W].")


def _input_shape(stated: Shape, wanted: Shape | None, entry: BlockEntry) -> tuple[int, int, int]:
    size = math.prod(stated)
    if wanted is None and len(stated) != 3:
        side = math.isqrt(size)
        wanted = (1, side, side) if side**2 == size else (1, 1, size)
    shape = tuple(wanted or stated)
    if len(shape) != 3 or min(shape) < 1 or math.prod(shape) != size:
        raise ValueError(
            f"{entry.place}: input_shape must be three positive numbers whose product is {size}, got {shape}."
        )
    return shape[0], shape[1], shape[2]


def _kernel(entry: BlockEntry) -> Tensor:
    weight = entry.whole("weight")
    if weight.ndim == 5 and weight.shape[-1] == 1:  # older files keep the kernel's extent in time
        weight = weight[..., 0]
    if weight.ndim != 4:
        raise ValueError(f"{entry.place}: a kernel has four dimensions, got weights of shape {weight.shape}.")
    return _tensor(weight)


def _convolved(entry: BlockEntry, synapses: Conv, shape: Shape) -> Shape:
    """Return the shape (D, H, W) that a convolution makes of ``shape``; raises where it cannot, or the file differs."""
    try:
        if len(shape) != 3:
            raise ValueError(f"needs (C, H, W), got {shape}")
        made = output_shape(synapses, shape)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{entry.place}: cannot be applied to a shape {shape} ({error}).") from error
    stated = entry.shape()
    if made != stated and made != (*stated, 1, 1):
        raise ValueError(f"{entry.place}: makes {made} of {shape}, but the file says {stated}.")
    return made


def _by_channel(entry: BlockEntry, name: str, shape: Shape) -> Tensor | None:
    """Return one value for all, one per channel or one per neuron, of a shape that is broadcast to ``shape``."""
    if name not in entry:
        return None
    values = _tensor(entry.whole(name).reshape(-1))
    if values.numel() == 1:
        return values.reshape(())
    if values.numel() == shape[0]:
        return values.reshape(-1, *[1] * (len(shape) - 1))
    if values.numel() == math.prod(shape):
        return values.reshape(shape)
    raise ValueError(f"{entry.place}: '{name}' has {values.numel()} values for neurons of shape {shape}.")


def _tensor(whole: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Tensor:
    return torch.tensor(whole, dtype=torch.float32)
