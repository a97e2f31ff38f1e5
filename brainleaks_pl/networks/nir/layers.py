"""The nodes of a NIR graph as torch modules; see :mod:`brainleaks_pl.networks.nir.neurons` for the neurons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from brainleaks_pl.networks.nir.neurons import LeakyIntegrator, SpikingNeurons, ThresholdUnits
from brainleaks_pl.networks.nir.scan import Discretisation
from brainleaks_pl.networks.sparse_linear import spike_linear
from brainleaks_pl.networks.surrogates import Surrogate

Shape = tuple[int, ...]
"""Of one sample in one time step."""


class OverTime(nn.Module):
    """A layer that knows no time, applied to all steps at once.

    Args:
        layer: takes ``(N, ...)``.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return the layer's output, ``(T, B, ...)``, for an input ``(T, B, ...)``."""
        outputs: Tensor = self.layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return outputs


class SpikeAffine(nn.Module):
    """A linear layer with a bias, whose product is sparse where few inputs are not 0.

    Args:
        layer: with a bias.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(T, B, K)`` for an input ``(T, B, N)``."""
        return spike_linear(self.layer, x)


class Scale(nn.Module):
    """Multiplies its input by constants.

    Args:
        scale: one value or of the input's shape.
    """

    def __init__(self, scale: Tensor) -> None:
        super().__init__()
        self.scale = nn.Parameter(scale)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(T, B, ...)`` for an input ``(T, B, ...)``."""
        scaled: Tensor = x * self.scale
        return scaled


def build(node: Any, shape: Shape, how: Discretisation, surrogate: Surrogate) -> nn.Module:
    """Return the module of a node, which maps ``(T, B, *shape)`` to ``(T, B, ...)``.

    Args:
        node: of a type in :data:`BUILDERS`.
        shape: of its input, for one sample in one time step.
        how: how its equation becomes steps.
        surrogate: gradient of its spikes.

    Raises:
        ValueError: when the node's values make no sense, or do not suit the shape.
    """
    return BUILDERS[type(node).__name__](_Values(node, shape), how, surrogate)


class _Values:
    """The values of a node, checked as they are read."""

    def __init__(self, node: Any, shape: Shape) -> None:
        self.node = node
        self.shape = shape

    def numbers(self, field: str) -> Tensor:
        """Return an array in double precision."""
        array = np.asarray(getattr(self.node, field))
        if array.dtype.kind not in "fiub":
            raise ValueError(f"{field} must hold real numbers, got dtype {array.dtype}.")
        numbers = torch.from_numpy(array.astype(np.float64))
        if not bool(numbers.isfinite().all()):
            raise ValueError(f"{field} must be finite, got {int((~numbers.isfinite()).sum())} other values.")
        return numbers

    def each(self, field: str) -> Tensor:
        """Return a constant of the neurons, as one value where all have the same."""
        numbers = self.numbers(field)
        if numbers.numel() != 1 and tuple(numbers.shape) != self.shape:
            raise ValueError(f"{field} is of shape {tuple(numbers.shape)}, its input of {self.shape}.")
        first = numbers.flatten()[0]
        return first if bool((numbers == first).all()) else numbers

    def weight(self, dims: int, field: str = "weight") -> nn.Parameter:
        """Return a weight of ``dims`` dimensions."""
        numbers = self.numbers(field)
        if numbers.ndim != dims:
            raise ValueError(f"{field} must have {dims} dimensions, got shape {tuple(numbers.shape)}.")
        return nn.Parameter(numbers.float())

    def whole(self, field: str) -> Any:
        """Return a number, several or a word, as torch takes them for strides and paddings."""
        value = getattr(self.node, field)
        if isinstance(value, str):
            return value
        array = np.asarray(value)
        if array.dtype.kind not in "iu":
            raise ValueError(f"{field} must hold whole numbers, got {value!r}.")
        return int(array) if array.ndim == 0 else tuple(int(size) for size in array)

    def decay(self, field: str, dt: float) -> Tensor:
        """Return ``dt / tau``, which must not exceed 1."""
        tau = self.each(field)
        if not bool((tau > 0).all()):
            raise ValueError(f"{field} must be positive, got {float(tau.min())}.")
        if not bool((dt / tau <= 1 + 1e-6).all()):
            raise ValueError(
                f"{field} = {float(tau.min()):g} is shorter than the time step dt = {dt:g}: the step must be given in "
                "the unit of the graph's time constants."
            )
        return (dt / tau).clamp(max=1)


Builder = Callable[[_Values, Discretisation, Surrogate], nn.Module]


def _linear(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Linear:
    weight = values.weight(2)
    if values.shape != (weight.shape[1],):
        raise ValueError(f"its weight takes an input of shape {(weight.shape[1],)}, got {values.shape}.")
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")  # draws no random weights
    layer.weight = weight
    return layer


def _affine(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
    layer = _linear(values, how, surrogate)
    layer.bias = _bias(values, layer.out_features)
    return SpikeAffine(layer)


def _bias(values: _Values, outputs: int) -> nn.Parameter:
    bias = values.weight(1, "bias")
    if len(bias) != outputs:
        raise ValueError(f"bias must hold {outputs} values, one per output, got {len(bias)}.")
    return bias


def _convolution(kind: type[nn.Conv1d] | type[nn.Conv2d], dims: int) -> Builder:
    def convolution(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
        weight, groups = values.weight(dims + 2), values.whole("groups")
        layer = kind(
            weight.shape[1] * groups,
            weight.shape[0],
            tuple(weight.shape[2:]),  # type: ignore[arg-type]
            **{field: values.whole(field) for field in ("stride", "padding", "dilation")},
            groups=groups,
            device="meta",
        )
        layer.weight, layer.bias = weight, _bias(values, weight.shape[0])
        return OverTime(layer)

    return convolution


def _pool(divisor: int | None) -> Builder:
    def pool(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
        sizes = {field: values.whole(field) for field in ("kernel_size", "stride", "padding")}
        return OverTime(nn.AvgPool2d(**sizes, divisor_override=divisor))

    return pool


def _flatten(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
    start, end = values.whole("start_dim"), values.whole("end_dim")
    return nn.Flatten(*(dim + 2 if dim >= 0 else dim for dim in (start, end)))  # after time and batch


def _scale(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
    return Scale(values.each("scale").float())


def _threshold(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
    return ThresholdUnits(values.each("threshold").float(), surrogate)


def _integrate_and_fire(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
    v_reset = values.each("v_reset")
    one, zero = torch.ones(()), torch.zeros(())
    return _spiking(values, one, how.dt * values.each("r"), zero, v_reset, how, surrogate)


def _leaky(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
    decay, v_leak = values.decay("tau", how.dt), values.each("v_leak")
    return _spiking(values, 1 - decay, decay * values.each("r"), decay * v_leak, v_leak, how, surrogate)


def _current_based(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
    of_current, of_membrane = values.decay("tau_syn", how.dt), values.decay("tau_mem", how.dt)
    v_leak, zero = values.each("v_leak"), torch.zeros(())
    currents = _integrator(1 - of_current, of_current * values.each("w_in"), zero, zero)
    gain = of_membrane * values.each("r")
    membranes = _spiking(values, 1 - of_membrane, gain, of_membrane * v_leak, v_leak, how, surrogate)
    return nn.Sequential(currents, membranes)


def _leaky_integrator(values: _Values, how: Discretisation, surrogate: Surrogate) -> nn.Module:
    decay, v_leak = values.decay("tau", how.dt), values.each("v_leak")
    return _integrator(1 - decay, decay * values.each("r"), decay * v_leak, v_leak)


def _integrator(*constants: Tensor) -> LeakyIntegrator:
    return LeakyIntegrator(*(constant.float() for constant in constants))


def _spiking(
    values: _Values,
    keep: Tensor,
    gain: Tensor,
    drift: Tensor,
    start: Tensor,
    how: Discretisation,
    surrogate: Surrogate,
) -> SpikingNeurons:
    constants = (keep, gain, drift, start, values.each("v_threshold"), values.each("v_reset"))
    return SpikingNeurons(how, surrogate, *(constant.float() for constant in constants))


BUILDERS: dict[str, Builder] = {
    "Affine": _affine,
    "Linear": _linear,
    "Conv1d": _convolution(nn.Conv1d, 1),
    "Conv2d": _convolution(nn.Conv2d, 2),
    "SumPool2d": _pool(1),
    "AvgPool2d": _pool(None),
    "Flatten": _flatten,
    "Scale": _scale,
    "Threshold": _threshold,
    "IF": _integrate_and_fire,
    "LIF": _leaky,
    "LI": _leaky_integrator,
    "CubaLIF": _current_based,
}
"""What makes the module of a node, by the node's type."""

TIME_CONSTANTS = ("tau", "tau_mem", "tau_syn")
"""Fields of nodes that depend on the length of a time step."""
