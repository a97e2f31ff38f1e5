"""Estimates how long an audit will still take."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from statistics import mean

Task = tuple[Hashable, ...]
"""What is to be done, the general before the particular: ``("fit", "snn")`` resembles other tasks of ``("fit",)``."""


class Clock:
    """Estimates how long tasks take from how long those like them have taken."""

    def __init__(self) -> None:
        self._seconds: dict[Task, list[float]] = defaultdict(list)

    def took(self, task: Task, seconds: float) -> None:
        """Remember how long a task has taken."""
        for length in range(len(task) + 1):
            self._seconds[task[:length]].append(seconds)

    def estimate(self, tasks: Iterable[Task]) -> float | None:
        """Return the seconds that tasks will take: none take no time; None before the first has been done."""
        tasks = list(tasks)
        return sum(self._one(task) for task in tasks) if self._seconds or not tasks else None

    def _one(self, task: Task) -> float:
        alike = next(task[:length] for length in range(len(task), -1, -1) if task[:length] in self._seconds)
        return mean(self._seconds[alike])


def duration(seconds: float) -> str:
    """Return a time as people say it: ``45 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
