"""What each of two processes runs: all attacks, each leaving what it holds at its end."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from resuming import ATTACKS, everything
from toys import silent_trainer


def main(folder: Path) -> None:
    torch.set_num_threads(1)
    for name, make in ATTACKS.items():
        attack = make()
        trainer = silent_trainer(devices=2, strategy="ddp")
        trainer.invert(attack)
        found = {"units": attack.units, "best_restarts": attack.best_restarts(), "state": everything(attack)}
        torch.save(found, folder / f"{name}-{trainer.global_rank}.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
