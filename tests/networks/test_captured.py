"""Arguments remembered as an object is built, and what they are as plain values."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from brainleaks_pl import ATan, EventCamera, FastSigmoid, Sigmoid, SpikingMLP, Surrogate
from brainleaks_pl.networks.captured import Captured, arguments_of, plain


class Plain(Captured):
    def __init__(self, first: int, second: str = "two", *, third: float = 3.0) -> None:
        self.first = first


class Open(Captured):
    def __init__(self, first: int, **others: Any) -> None:
        self.first = first


class Grandchild(Plain):
    def __init__(self, own: int = 7, **others: Any) -> None:
        super().__init__(1, **others)


class Module(Captured, nn.Module):
    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.layer = nn.Linear(width, 1)


@pytest.mark.parametrize(
    ("made", "arguments"),
    [
        (Plain(1), {"first": 1, "second": "two", "third": 3.0}),
        (Plain(1, "zwei", third=4.0), {"first": 1, "second": "zwei", "third": 4.0}),
        (Plain(second="zwei", first=1), {"first": 1, "second": "zwei", "third": 3.0}),
        (Open(1), {"first": 1}),
        (Open(1, beta=2, gamma=3), {"first": 1, "beta": 2, "gamma": 3}),
        (Grandchild(second="zwei"), {"own": 7, "second": "zwei"}),
        (Module(width=3), {"width": 3}),
    ],
)
def test_arguments_are_remembered_with_their_defaults(made: Captured, arguments: dict[str, Any]) -> None:
    assert made.constructor_arguments == arguments
    assert arguments_of(made) == arguments


def test_wrong_arguments_are_left_to_the_constructor() -> None:
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'first'"):
        Plain()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="unexpected keyword argument 'fourth'"):
        Plain(1, fourth=4)  # type: ignore[call-arg]


def test_copies_keep_the_arguments_and_the_weights() -> None:
    network = SpikingMLP((1, 3, 3), 2, 4, surrogate=ATan())
    expected = network.constructor_arguments
    for twin in (copy.deepcopy(network), copy.copy(network), pickle.loads(pickle.dumps(network))):
        assert twin.constructor_arguments == expected
        assert all(torch.equal(a, b) for a, b in zip(twin.parameters(), network.parameters(), strict=True))
    twin = copy.deepcopy(network)
    with torch.no_grad():
        twin.hidden.weight.zero_()
    assert network.hidden.weight.any()


def test_an_object_made_without_its_constructor_knows_no_arguments() -> None:
    assert Plain.__new__(Plain).constructor_arguments is None
    assert arguments_of(Plain.__new__(Plain)) is None


def test_arguments_of_a_factory_are_those_of_its_config() -> None:
    factory = partial(nn.Linear, in_features=3, out_features=2)
    assert arguments_of(factory(), factory) == {
        "in_features": 3,
        "out_features": 2,
        "bias": True,
        "device": None,
        "dtype": None,
    }
    assert arguments_of(factory()) is None
    assert arguments_of(factory(), partial(nn.Linear, 3, out_features=2)) == arguments_of(factory(), factory)
    assert arguments_of(factory(), lambda: factory()) is None
    own = partial(SpikingMLP, input_shape=(1, 2, 2), hidden=3)
    assert arguments_of(own(), own) == {  # what the network itself remembers, defaults included
        "input_shape": [1, 2, 2],
        "num_classes": 10,
        "hidden": 3,
        "beta": 0.7,
        "threshold": 1.0,
        "surrogate": None,
        "reset": "subtract",
    }


def test_plain_values_can_be_written_and_tell_things_apart() -> None:
    values = {
        "number": 1,
        "share": 0.5,
        "name": "a",
        "switch": True,
        "nothing": None,
        "pair": (1, (2, 3)),
        "set": {4},
        "path": Path("a/b"),
        "surrogate": ATan(1.5),
        "nested": {"camera": [EventCamera()]},
        5: nn.ReLU,
        "function": nn.functional.relu,
    }
    written = plain(values)
    assert json.loads(json.dumps(written)) == written
    assert written["pair"] == [1, [2, 3]]
    assert written["set"] == [4]
    assert written["path"] == "a/b"
    assert written["surrogate"] == {"class": "ATan", "alpha": 1.5}
    assert written["nested"]["camera"][0]["class"] == "EventCamera"
    assert written["5"] == "ReLU"
    assert written["function"] == "relu"
    assert plain(ATan(1.5)) != plain(ATan(2.0))


def relu(x: torch.Tensor, slope: float) -> torch.Tensor:
    return x


class Holder:
    pass


@dataclass(frozen=True)
class Around:
    surrogate: Surrogate


def test_plain_values_are_the_same_in_the_next_process() -> None:
    """Where an object lies in memory is no part of it."""
    for value in (Holder(), [Holder()], partial(relu, slope=2.0), Plain(1), Plain(1).__init__):
        assert "0x" not in str(plain(value))
    assert plain({"b", "a", "c"}) == ["a", "b", "c"]
    assert plain(partial(relu, slope=2.0)) != plain(partial(relu, slope=3.0))
    assert plain(nn.LeakyReLU(0.2)) != plain(nn.LeakyReLU(0.3))


def test_classes_are_told_apart_inside_a_dataclass_too() -> None:
    assert plain(Around(FastSigmoid(2.0))) == {"class": "Around", "surrogate": {"class": "FastSigmoid", "slope": 2.0}}
    assert plain(Around(FastSigmoid(2.0))) != plain(Around(Sigmoid(2.0)))
