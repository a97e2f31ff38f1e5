"""No class that users configure takes NaN or infinity for a number; found by signature: new classes are covered too."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from toys import mlp, spiking_mlp

import brainleaks_pl
from brainleaks_pl import (
    MLP,
    CheckReport,
    InversionModule,
    InversionTrainer,
    MIFace,
    Report,
    Scores,
    write_nir,
)
from brainleaks_pl.attacks import BernoulliRMSprop
from brainleaks_pl.events.filming import Lighting
from brainleaks_pl.events.gestures import Subject

RESULTS = (CheckReport, Report, Scores)
"""Classes that hold what was measured, NaN where there is nothing."""
LEFT_TO_LIGHTNING = (InversionTrainer,)
"""Its arguments are those of Lightning's Trainer."""
NOT_ASKED = {(MIFace, "start")}
"""What a class sets itself: it is no argument of it."""
OTHER_NAMES = {(BernoulliRMSprop, "lr"): "eta"}
"""What a message calls an argument, where it is not the argument's name: the name that users of the attack know."""


def classes() -> list[type]:
    public = [getattr(brainleaks_pl, name) for name in brainleaks_pl.__all__]
    found = [own for own in public if inspect.isclass(own)] + [BernoulliRMSprop, Lighting, Subject]
    return [own for own in found if not inspect.isabstract(own) and not issubclass(own, RESULTS + LEFT_TO_LIGHTNING)]


def arguments(own: type) -> dict[str, inspect.Parameter]:
    """The arguments of a class and of the bases that its ``**kwargs`` go to."""
    found: dict[str, inspect.Parameter] = {}
    for base in own.__mro__:
        if "__init__" not in vars(base) or not base.__module__.startswith("brainleaks_pl"):
            continue
        parameters = list(inspect.signature(base.__init__).parameters.values())[1:]
        for parameter in parameters:
            found.setdefault(parameter.name, parameter)
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return found


def floats(own: type) -> Iterator[tuple[str, bool]]:
    """The arguments that are numbers, and whether they are several."""
    for name, parameter in arguments(own).items():
        if re.match(r"(tuple|list|Sequence)\[float", str(parameter.annotation)):
            yield name, True
        elif re.search(r"\bfloat\b", str(parameter.annotation)):
            yield name, False


def cases() -> Iterator[tuple[type, str, bool, float]]:
    """Every class, argument and bad value."""
    for own in classes():
        for name, several in floats(own):
            if (own, name) in NOT_ASKED:
                continue
            yield own, name, several, math.nan
            yield own, name, several, math.inf


CASES = list(cases())


def nir_file(path: Path) -> Path:
    pytest.importorskip("nir")
    write_nir(spiking_mlp().network, path)
    return path


@pytest.fixture
def given(tmp_path: Path) -> Callable[[type], dict[str, Any]]:
    """Values of the arguments that a class cannot do without."""

    def values(own: type) -> dict[str, Any]:
        needed = {
            name
            for name, parameter in arguments(own).items()
            if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
        }
        known: dict[str, Callable[[], Any]] = {
            "target": mlp if own is MIFace else spiking_mlp,
            "network": lambda: partial(MLP, (1, 6, 6), 3, 12),
            "path": lambda: nir_file(tmp_path / "some.nir"),
            "frame_time": lambda: 1000,
            "origins": lambda: torch.rand(3, 1, 6, 6),
            "takes_spikes": lambda: False,
            "parameters": lambda: [nn.Parameter()],
            "momentum": lambda: 0.5,
            "decay": lambda: 0.5,
            "lr": lambda: 0.5,
            "eps": lambda: 0.5,
        }
        if issubclass(own, InversionModule):  # those that subclasses set themselves are not asked for
            needed &= {"target", "origins"}
        if own is Subject:
            return {name: getattr(Subject.draw(np.random.default_rng(0)), name) for name in needed}
        return {name: known[name]() for name in needed}

    return values


@pytest.mark.parametrize(
    ("own", "name", "several", "bad"), CASES, ids=[f"{own.__name__}-{name}-{bad}" for own, name, _, bad in CASES]
)
def test_what_is_no_number_is_refused_by_name(
    own: type, name: str, several: bool, bad: float, given: Callable[[type], dict[str, Any]]
) -> None:
    small = {"grid": (3, 3), "queries": 500} if "grid" in arguments(own) else {}
    with pytest.raises(ValueError, match=rf"{OTHER_NAMES.get((own, name), name)} .*\b{bad}\b"):
        own(**{**given(own), **small, name: (1.0, bad) if several else bad})


def test_the_search_finds_arguments_of_every_kind() -> None:
    assert {(own.__name__, name) for own, name, _, _ in CASES} > {
        ("BrainLeaksV3", "turnover"),  # of its base's base
        ("MIFace", "stop_at"),  # or None
        ("EventCamera", "floor"),  # of a dataclass
        ("SpikingMLP", "beta"),
        ("NonSpiking", "std"),  # several
    }
