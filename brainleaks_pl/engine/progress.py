"""Attacks that are resumed where they were interrupted: what they hold, on disk from time to time."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.engine.trainer import InversionCallback
from brainleaks_pl.system.storage import file_digest
from brainleaks_pl.system.tensors import UnreadableError, read_tensors, write_tensors

PROGRESS = "progress.pt"
"""Name of the file in the results folder; it is gone once the results are written."""


_FORMAT = 2  # of what attacks hold: to be raised when they hold something else


def identity(attack: InversionModule, settings: Mapping[str, Any]) -> str:
    """Return a digest of all that decides what an attack finds: its settings, units and seed, and the target's weights.

    Args:
        attack: the attack.
        settings: its arguments and whatever else matters, as plain values.
    """
    facts = {
        "format": _FORMAT,
        "attack": type(attack).__qualname__,
        "target": attack.target.architecture(),
        "settings": settings,
        "units": attack.units,
        "seed": attack.seed,
        **({} if attack.prior is None else {"prior": attack.prior.describe()}),
        **({} if attack.begun_with is None else {"begun_with": attack.begun_with}),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode())
    digest.update(attack.target.digest().encode())
    return digest.hexdigest()


class KeepProgress(InversionCallback):
    """Writes what an attack holds to a file, atomically, and can give it back.

    An attack that :meth:`restore` was called for resumes to the same end as one that was never interrupted, bit for bit
    on the same machine with the same number of threads: all its randomness comes from streams named by the step.

    Args:
        path: the file.
        run: tells the attack from others (:func:`identity`).
        every: seconds between two writes, at least 0; 0 writes after every step. An attack that runs on its units
            block by block writes after each block alone, and one in several processes at its end.

    Raises:
        ValueError: when ``every`` is negative.
    """

    def __init__(self, path: Path, run: str, every: float = 30.0) -> None:
        if not every >= 0:
            raise ValueError(f"progress_every must be at least 0 seconds, got {every}.")
        self.path = path
        self.run = run
        self.every = every
        self.seconds = 0.0
        self._optimizer: dict[str, Any] | None = None
        self._started = self._written = time.monotonic()

    def restore(self, attack: InversionModule) -> bool:
        """Put an attack where the file left it, if there is one; return whether it has finished.

        Raises:
            ValueError: when the file is damaged, or belongs to another attack.
        """
        if not self.path.is_file():
            return False
        try:
            progress = read_tensors(self.path, attack.device)
            run, state, optimizer = progress["run"], progress["state"], progress["optimizer"]
            step, block, finished = progress["step"], progress["block"], progress["finished"]
            seconds = progress["seconds"]
        except (UnreadableError, LookupError, TypeError) as error:
            raise ValueError(f"{self.path} is damaged and cannot be read. Remove it to start again.") from error
        if run != self.run:
            raise ValueError(
                f"{self.path} is the progress of another attack: its settings, its seed or its target differ. Give the "
                "same ones, name other --results, or start again without --resume."
            )
        attack.load_state_dict(state, strict=False)
        attack.first_step, attack.first_block = step, block
        self._optimizer, self.seconds = optimizer, seconds
        return bool(finished)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the optimizer its memory back.

        Raises:
            ValueError: when an attack that one process has begun is to resume in several.
        """
        if trainer.world_size > 1 and self._optimizer is not None:
            raise ValueError(
                f"{self.path} was written by an attack in one process, and can only be resumed in one: give "
                "--trainer.devices 1."
            )
        if self._optimizer is not None:
            trainer.optimizers[0].load_state_dict(self._optimizer)
            self._optimizer = None
        self._started = self._written = time.monotonic()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write, when it is time to."""
        assert isinstance(pl_module, InversionModule)
        last = batch + 1 == pl_module.steps  # to be judged first
        if pl_module.holds_all_units and not last and time.monotonic() - self._written >= self.every:
            self._write(trainer, pl_module, batch + 1, finished=False)

    def on_units_end(self, trainer: Trainer, attack: InversionModule, block: int, *, finished: bool) -> None:
        """Write that a block of units has finished."""
        attack.first_block = block
        self._write(trainer, attack, attack.steps if finished else 0, finished=finished)
        self.seconds += time.monotonic() - self._started

    def _write(self, trainer: Trainer, attack: InversionModule, step: int, *, finished: bool) -> None:
        self._written = time.monotonic()
        if not trainer.is_global_zero:
            return
        state = {
            name: value for name, value in attack.state_dict().items() if not name.startswith(("target.", "prior."))
        }
        optimizer = trainer.optimizers[0].state_dict() if step and not finished else None
        content = {
            "run": self.run,
            "step": step,
            "block": attack.first_block,
            "finished": finished,
            "seconds": self.seconds + self._written - self._started,
            "state": state,
            "optimizer": optimizer,
        }
        try:
            write_tensors(self.path, content)
        except OSError as error:
            rank_zero_warn(f"the progress of the attack could not be written; the attack continues without it: {error}")


def is_finished(results: Path, run: str, scoring: Mapping[str, Any], judges: Mapping[str, str]) -> bool:
    """Tell whether a folder holds all results of an attack, whole, scored in the same way by the same judges.

    Args:
        results: the folder.
        run: the attack's :func:`identity`.
        scoring: the settings of the scoring.
        judges: by name the digests of the judges' weights.
    """
    try:
        scores = json.loads((results / "scores.json").read_bytes())
        judged = {name: judge["digest"] for name, judge in scores["judges"].items()}
        if (scores["run"], scores["scoring"], judged) != (run, dict(scoring), dict(judges)):
            return False
        return all(file_digest(results / name) == digest for name, digest in scores["files"].items())
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False
