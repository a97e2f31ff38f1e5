"""The progress of a command: one bar for everything it trains, attacks and scores, with the time left."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from torch import Tensor

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.attacks.sharing import blocks
from brainleaks_pl.audit.clock import duration
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.targets.classifier import Classifier

ATTACK = "attack"
SCORING = "scoring"
"""Name of the part in which judges score; what they score before it only tells how long that takes."""
_NULLS = 4  # beside each attack


@dataclass
class Part:
    """A part of a command's work.

    Args:
        total: its units: batches, steps or inputs; as far as is known.
        done: how many are done.
        seconds: how long ``timed`` of them have taken.
        timed: units that were timed.
    """

    total: float
    done: float = 0.0
    seconds: float = 0.0
    timed: float = 0.0


class Course:
    """The parts of a command's work, and how long what is left will take.

    Args:
        totals: units of each part, in their order; a guess will do.
    """

    def __init__(self, totals: Mapping[str, float]) -> None:
        self.parts = {name: Part(total) for name, total in totals.items()}
        self.words = ""

    def advance(self, name: str, units: float, seconds: float, *, rehearsed: bool = False) -> None:
        """Note that units of a part have taken so long; those that were rehearsed remain to be done."""
        part = self.parts[name]
        part.seconds += seconds
        part.timed += units
        part.done += 0 if rehearsed else units
        part.total = max(part.total, part.done)

    def finish(self, name: str) -> None:
        """Note that nothing of a part is left."""
        self.parts[name].total = self.parts[name].done

    def scale(self, name: str, total: float) -> None:
        """Note what a part that begins comes to; the later ones, guessed alike, come to as much more or less."""
        factor = total / self.parts[name].total
        names = list(self.parts)
        for later in names[names.index(name) :]:
            self.parts[later].total *= factor

    @property
    def left(self) -> float | None:
        """Seconds left, a part that has not begun at the pace of the others; None before anything was timed."""
        timed = sum(part.timed for part in self.parts.values())
        if not timed:
            return None
        pace = sum(part.seconds for part in self.parts.values()) / timed
        return sum((own.total - own.done) * (own.seconds / own.timed if own.timed else pace) for own in self._parts)

    @property
    def fraction(self) -> float:
        """Share of the time that has passed, in [0, 1]."""
        if self.left is None:
            return 0.0
        past = sum(own.done * own.seconds / own.timed for own in self._parts if own.timed)
        return past / (past + self.left) if past else 0.0

    @property
    def _parts(self) -> list[Part]:
        return list(self.parts.values())


def course_of(networks: Mapping[str, Classifier], epochs: int | None, batch_size: int) -> Course:
    """Return the course of a training, in batches of as many samples as there are.

    Args:
        networks: by part what is trained.
        epochs: of each, where the trainer says so.
        batch_size: of the data, for a network that has none of its own.
    """
    recipes = {part: network.training_recipe for part, network in networks.items()}
    return Course({part: (epochs or own.epochs) / (own.batch_size or batch_size) for part, own in recipes.items()})


def course_of_attack(attack: InversionModule, judges: int, scoring: Scoring, processes: int = 1) -> Course:
    """Return the course of an attack, in steps, and of its scoring, in inputs that judges see.

    Args:
        attack: the attack, not yet run, or put where it was interrupted.
        judges: how many there are.
        scoring: how they score.
        processes: that share the attack.
    """
    number = len(blocks(len(attack.units), attack.entries_per_unit, processes)) - attack.first_block
    inputs = judges * len(attack.classes) * (scoring.draws + _NULLS * scoring.null_draws)
    return Course({ATTACK: max(0, number * attack.steps - attack.first_step), SCORING: inputs})


class CourseBar(Callback):
    """Shows a course on a terminal while a trainer, or one after another, works through its parts.

    Args:
        course: the parts.
        shown: whether it is shown, where there is a terminal.
    """

    def __init__(self, course: Course, *, shown: bool = True) -> None:
        self.course = course
        console = Console(stderr=True)
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self.bar = Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal))
        self._task = self.bar.add_task("starting", total=1.0, left="")
        self._part = next(iter(course.parts), "")
        self._title = ""
        self._last = 0.0

    @contextmanager
    def running(self) -> Iterator[None]:
        """Show the bar inside the block."""
        with self.bar:
            yield

    def begin(self, part: str, title: str, trainer: Trainer) -> None:
        """Turn to a part, which a trainer works through; what came before is finished."""
        if trainer.world_size == 1:  # others could not take a terminal with them
            trainer.callbacks.append(self)  # type: ignore[attr-defined]
        for name in self.course.parts:
            if name == part:
                break
            self.course.finish(name)
        self._part, self._title, self._last = part, title, time.monotonic()
        self._show(title)

    def advance(self, units: float, title: str, *, part: str | None = None, rehearsed: bool = False) -> None:
        """Note that units of a part, the current one by default, are done since the last call."""
        now = time.monotonic()
        self.course.advance(part or self._part, units, now - self._last, rehearsed=rehearsed)
        self._last = now
        self._show(title)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Learn how many batches there are."""
        epochs = (trainer.max_epochs or 1) - trainer.current_epoch
        batches = float(trainer.num_training_batches) * max(1, epochs)
        if trainer.max_steps > 0:
            batches = min(batches, trainer.max_steps - trainer.global_step)
        if math.isfinite(batches) and not isinstance(pl_module, InversionModule):
            self.course.scale(self._part, batches)
        self._last = time.monotonic()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any) -> None:
        """Note that a batch, or a step of an attack, is done."""
        epochs = trainer.max_epochs or 1
        self.advance(1, f"{self._title}, epoch {trainer.current_epoch + 1}/{epochs}" if epochs > 1 else self._title)

    @contextmanager
    def counting(self, judges: Mapping[str, Classifier]) -> Iterator[None]:
        """Count the inputs that judges score inside the block: before the attack ends, to learn how long one takes."""
        with ExitStack() as stack:
            for judge in judges.values():
                stack.enter_context(self._counted(judge))
            yield

    @contextmanager
    def _counted(self, judge: Classifier) -> Iterator[None]:
        judged = judge.confidences

        def confidences(x: Tensor) -> Tensor:
            self._last = time.monotonic()
            answers = judged(x)
            over = self.course.parts[self._part].done >= self.course.parts[self._part].total
            title = "letting the judges score" if over else self._title
            self.advance(x.shape[-4], title, part=SCORING, rehearsed=not over)
            return answers

        judge.confidences = confidences  # type: ignore[method-assign]
        try:
            yield
        finally:
            del judge.confidences

    def _show(self, title: str) -> None:
        left = self.course.left
        words = "" if left is None else f"about {duration(left)} left"
        self.bar.update(self._task, completed=self.course.fraction, description=title, left=words)
