"""Networks of norse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.interfaces.base import Answer, SpikingInterface
from brainleaks_pl.targets.interfaces.exchange import Undo, replace_attribute, with_surrogate

Threshold = Callable[[Tensor, str, Any], Tensor]
"""Maps ``v - threshold``, the name of a method and its ``alpha`` to spikes."""


@dataclass(frozen=True)
class Norse(SpikingInterface):
    """Networks of norse (1.1), as its tutorials write them; the answer is by default the largest voltage over time.

    They take ``(T, B, ...)``, start from the state None in every forward, and return the voltages of leaky integrators
    over time, ``(T, B, K)``, alone or beside their state, as ``SequentialState`` and ``Lift`` do. Networks of cells,
    called with a state, a step at a time, have the layout ``step_by_step``: the state is handed on.

    A surrogate takes the place of the threshold function that a cell's ``activation`` calls, whatever its ``method``
    and ``alpha`` (which norse 1.1 does not read for ``super``: its derivative is ``1 / (1 + |v - threshold|)^2``).

    Examples:
        >>> import torch
        >>> import norse.torch as norse
        >>> from brainleaks_pl import Norse, wrap
        >>> net = norse.SequentialState(torch.nn.Flatten(2), torch.nn.Linear(144, 3), norse.LI())
        >>> target = wrap(net, interface=Norse(), input_shape=(1, 12, 12), num_classes=3, time_steps=8)
        >>> target.logits(torch.ones(8, 2, 1, 12, 12)).shape
        torch.Size([1, 2, 3])
    """

    answer: Answer = "membrane_max"

    def call(self, network: nn.Module, x: Tensor) -> Tensor:
        """Call the network at rest; step by step, with the state that it returned before."""
        if self.layout != "step_by_step":
            return super().call(network, x)
        outputs, state = [], None
        for step in x:
            output = network(step, state)
            outputs.append(self.pick(output, self.default_output))
            state = output[-1]
        return torch.stack(outputs)

    def neurons(self, network: nn.Module) -> list[nn.Module]:
        """Return the cells that spike: those whose parameters name a ``method``."""
        return [module for module in network.modules() if _spikes(getattr(module, "p", None))]

    def exchange(self, neuron: nn.Module, surrogate: Surrogate) -> Undo:
        """Replace ``activation`` by a copy that calls another threshold function.

        Raises:
            ValueError: when it calls none: with the method ``adjoint``, or in cells that are not norse's.
        """
        names = ("activation", "activation_sparse")
        copies = {name: _copy(getattr(neuron, name, None), surrogate) for name in names}
        if copies["activation"] is None:
            raise ValueError(
                f"{type(neuron).__name__} does not take another surrogate, as no step function of norse in its "
                "`activation` calls a threshold. Those of LIFCell, LIF, LIFRecurrent and their kin do, with any method "
                "but 'adjoint'."
            )
        undo = [replace_attribute(neuron, name, copy) for name, copy in copies.items() if copy is not None]

        def put_back() -> None:
            for each in undo:
                each()

        return put_back


def _spikes(parameters: Any) -> bool:
    """Tell whether parameters of a cell, or those in them, name the ``method`` that it spikes with."""
    inner = parameters if isinstance(parameters, tuple) else ()
    return any(isinstance(getattr(part, "method", None), str) for part in (parameters, *inner))


def _copy(step: Any, surrogate: Surrogate) -> FunctionType | None:
    """Return a copy of a step function whose threshold has a surrogate's gradient; None where it calls none.

    A function finds ``threshold``, and other step functions, under their names in its module: the copy has names of its
    own, so that no other network sees any of it.
    """
    if not isinstance(step, FunctionType):
        return None
    exchanged: dict[str, Any] = {}
    for name in step.__code__.co_names:
        value = step.__globals__.get(name)
        if name == "threshold" and callable(value):
            exchanged[name] = _with_surrogate(value, surrogate)
        elif value is not step and str(getattr(value, "__module__", "")).startswith("norse."):
            exchanged[name] = _copy(value, surrogate) or value
    if all(value is step.__globals__[name] for name, value in exchanged.items()):
        return None
    names = {**step.__globals__, **exchanged}
    copy = FunctionType(step.__code__, names, step.__name__, step.__defaults__, step.__closure__)
    copy.__kwdefaults__ = step.__kwdefaults__
    return copy


def _with_surrogate(threshold: Threshold, surrogate: Surrogate) -> Threshold:
    return lambda x, method, alpha: with_surrogate(threshold(x.detach(), method, alpha), x, surrogate)
