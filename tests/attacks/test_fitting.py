"""Which attacks fit a target: what errors say is what the attacks take."""

from __future__ import annotations

import inspect

import pytest
from toys import mlp, spiking_mlp

from brainleaks_pl import attacks
from brainleaks_pl.attacks import InversionModule, QueryInversion
from brainleaks_pl.attacks.fitting import FITTING, WrongTargetError


@pytest.mark.parametrize("spiking", [True, False])
def test_errors_name_every_attack_that_fits(spiking: bool) -> None:
    fitting = set()
    for name in attacks.__all__:
        own = getattr(attacks, name)
        if not (inspect.isclass(own) and issubclass(own, InversionModule)) or inspect.isabstract(own):
            continue
        if "origins" in inspect.signature(own).parameters:  # it starts from private data, and is a control
            continue
        small = {"grid": (3, 3)} if issubclass(own, QueryInversion) else {}
        try:
            own(spiking_mlp() if spiking else mlp(), **small)
        except WrongTargetError:
            continue
        fitting.add(name)
    assert fitting == set(FITTING[spiking])
