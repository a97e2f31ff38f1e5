"""Attacks that run in processes of their own, to be killed there (`from resuming import ...`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from toys import mlp, silent_trainer, spiking_mlp

from brainleaks_pl import BlackBox, BrainLeaksV1, BrainLeaksV2, BrainLeaksV3, InversionModule, LabelOnly, MIFace
from brainleaks_pl.engine.progress import KeepProgress
from brainleaks_pl.system.storage import atomic_write

STEPS = 25
ATTACKS: dict[str, Callable[[], InversionModule]] = {
    "v1": lambda: BrainLeaksV1(spiking_mlp(), steps=STEPS, seed=1),
    "v2": lambda: BrainLeaksV2(spiking_mlp(), steps=STEPS, eta=0.05, second_moment="averaged", seed=1),
    "v3": lambda: BrainLeaksV3(spiking_mlp(), steps=STEPS, noise=0.1, max_shift=1, seed=1),
    "mi_face": lambda: MIFace(mlp(), steps=STEPS, patience=6, seed=1),
    "black_box": lambda: BlackBox(spiking_mlp(), queries=STEPS * 8 + 3, pairs=4, grid=(3, 3), seed=1),
    "label_only": lambda: LabelOnly(spiking_mlp(), queries=STEPS * 8 + 3, pairs=4, grid=(3, 3), seed=1),
}


class Mortal(Callback):
    """Takes its time over each step, and in one of them waits to be killed: no machine is too fast for the killer.

    Args:
        last: the step in which it waits; None for none.
    """

    def __init__(self, last: int | None) -> None:
        self.last = last

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: int, batch_idx: int) -> None:
        time.sleep(300 if batch == self.last else 0.02)


def everything(attack: InversionModule) -> dict[str, Any]:
    """What an attack holds at its end, but for its target."""
    return {name: value for name, value in attack.state_dict().items() if not name.startswith("target.")}


def assert_equal(one: Any, other: Any, *, rounded: bool = False) -> None:
    """See that two nested documents are the same, their numbers perhaps only up to rounding."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_equal(one[key], other[key], rounded=rounded)
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_equal(mine, theirs, rounded=rounded)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif rounded and isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-3, abs=1e-5)
    else:
        assert one == other


def work(name: str, folder: str, last: int | None) -> None:
    """Go on with an attack, or begin; leave ``done.pt``, or wait in a step to be killed."""
    torch.set_num_threads(1)
    attack = ATTACKS[name]()
    progress = KeepProgress(Path(folder) / "progress.pt", name, every=0.0)
    if not progress.restore(attack):
        silent_trainer(callbacks=[Mortal(last), progress]).invert(attack)
    with atomic_write(Path(folder) / "done.pt") as path:
        torch.save(everything(attack), path)
