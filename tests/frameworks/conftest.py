"""The tutorials' networks, trained once per run by their frameworks' own loops."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import ModuleType

import pytest
import torch
import tutorial_networks
from torch import nn
from toys import ToyDigits

PACKAGES = {"norse": ["norse", "nirtorch"], "plain": [], "sinabs": ["sinabs"], "rockpool": ["rockpool"]}


@cache
def trained(name: str) -> dict[str, torch.Tensor]:
    data = ToyDigits(batch_size=30)
    images = [data.class_images(label) for label in range(3)]
    labels = torch.arange(3).repeat_interleave(torch.tensor([len(own) for own in images]))
    random = torch.get_rng_state()
    network: nn.Module = getattr(tutorial_networks, f"train_{name}")(torch.cat(images), labels)
    torch.set_rng_state(random)
    return {key: value.detach().clone() for key, value in network.state_dict().items()}


def needs(name: str) -> None:
    package = name.partition("_")[0]
    for wanted in PACKAGES.get(package, [package]):
        pytest.importorskip(wanted)


@pytest.fixture
def weights() -> Callable[[str], dict[str, torch.Tensor]]:
    """Gives the trained state_dict of a network; skips the test where its framework is not installed."""

    def give(name: str) -> dict[str, torch.Tensor]:
        needs(name)
        return trained(name)

    return give


@pytest.fixture
def tutorials() -> ModuleType:
    return tutorial_networks
