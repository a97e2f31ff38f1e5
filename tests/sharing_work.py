"""What each of two processes runs: all attacks, each leaving what it holds at its end. As a script, it becomes both."""

from __future__ import annotations

import os
import socket
import sys
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from resuming import ATTACKS, everything
from torch import Tensor
from toys import mlp, silent_trainer, spiking_mlp

from brainleaks_pl import BrainLeaksV1, MIFace
from brainleaks_pl.attacks.sharing import blocks


class OneStops(MIFace):
    """The units of one class stop at their first step, those of the other class never."""

    def __init__(self, stopping: int) -> None:
        super().__init__(mlp(), steps=250, classes=[0, 1], seed=1)
        self.stopping = stopping

    def stop_units(self, costs: Tensor, confidences: Tensor) -> None:
        self.active &= self.labels != self.stopping


BLOCKS = "blocks"
"""The attack of which every process holds one unit at a time."""
SHARED = {
    **ATTACKS,
    BLOCKS: lambda: BrainLeaksV1(spiking_mlp(), steps=5, restarts=2, seed=1),
    **{f"{label}_stops": lambda label=label: OneStops(label) for label in (0, 1)},
}


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    for name, make in SHARED.items():
        attack = make()
        trainer = silent_trainer(devices=2, strategy="ddp")
        with patch("brainleaks_pl.engine.trainer.blocks", partial(blocks, at_once=1) if name == BLOCKS else blocks):
            trainer.invert(attack)
        found = {"units": attack.units, "best_restarts": attack.best_restarts(), "state": everything(attack)}
        torch.save(found, folder / f"{name}-{trainer.global_rank}.pt")


def become_two() -> int:
    """Fork into the ranks of a group, so that the imports are paid for once; return the other's process, 0 in it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    other = os.fork()
    rank = "1" if other == 0 else "0"
    os.environ |= {"RANK": rank, "LOCAL_RANK": rank, "GROUP_RANK": "0", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    # as torchrun would have it
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "TORCHELASTIC_RUN_ID": "tests"}
    return other


if __name__ == "__main__":
    other = become_two()
    main(Path(sys.argv[1]))
    if other:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]))
