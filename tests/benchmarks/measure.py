"""Times of contenders in one process, their peak memory, and a watch on what other processes do meanwhile."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FOREIGN_CORES = 0.15
"""More of the cores than this in other hands makes a time worthless."""
_BUSY = (0, 1, 2, 5, 6, 7)  # user, nice, system, irq, softirq and stolen, in the order of /proc/stat


class CoresInUseError(RuntimeError):
    """Another process uses the cores."""


class Watch:
    """Looks at how much of this process's cores other processes use, where the system tells (Linux).

    Args:
        allow_load: measure all the same.
    """

    def __init__(self, allow_load: bool = False) -> None:
        self.allow_load = allow_load
        self._then = self._now()

    def look(self, seconds: float = 1.5) -> None:
        """Wait, and raise CoresInUseError when another process used the cores meanwhile."""
        if not self.allow_load:
            self.begin()
            time.sleep(seconds)
            self.check("before measuring")

    def begin(self) -> None:
        """Start to watch."""
        self._then = self._now()

    def check(self, when: str) -> None:
        """Raise CoresInUseError when another process has used the cores since :meth:`begin`."""
        foreign = self.foreign_cores()
        if foreign > FOREIGN_CORES and not self.allow_load:
            raise CoresInUseError(
                f"other processes used {foreign:.2f} cores {when}, at most {FOREIGN_CORES} are allowed: "
                "the times would be worthless. Wait until they have ended, or pass --allow-load to see times that "
                "are not to be reported."
            )

    def foreign_cores(self) -> float:
        """Return how many cores' worth of time other processes took since :meth:`begin`; 0 where it is not known."""
        moment, busy, own = (now - then for now, then in zip(self._now(), self._then, strict=True))
        return max(0.0, busy - own) / moment if moment > 0 else 0.0

    @staticmethod
    def _now() -> tuple[float, float, float]:
        """Return the clock, the busy time of our cores and our own time, in seconds."""
        stat, own = Path("/proc/stat"), os.times()
        busy = 0.0
        if stat.exists():
            ours = {f"cpu{core}" for core in os.sched_getaffinity(0)}
            lines = [line.split() for line in stat.read_text().splitlines()]
            ticks = sum(int(line[1 + column]) for line in lines if line[0] in ours for column in _BUSY)
            busy = ticks / os.sysconf("SC_CLK_TCK")
        return time.monotonic(), busy, sum(own[:4])


@dataclass(frozen=True)
class Contender:
    """Something to time; ``scale`` turns the time of a part into that of the whole."""

    run: Callable[[], Any]
    scale: float = 1.0


@dataclass
class Case:
    """The contenders of one task, and what was measured of them."""

    name: str
    contenders: dict[str, Contender]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak_mb: dict[str, float | None] = field(default_factory=dict)

    def measure(self, rounds: int, watch: Watch) -> Case:
        """Run every contender once to warm up, then all of them in turn for some rounds."""
        watch.begin()
        for name, contender in self.contenders.items():
            self.peak_mb[name] = peak_memory(contender.run)
            self.seconds[name] = []
        for _ in range(rounds):
            for name, contender in self.contenders.items():
                start = time.perf_counter()
                contender.run()
                self.seconds[name].append((time.perf_counter() - start) * contender.scale)
        watch.check(f"during {self.name}")
        return self

    def ratio(self, name: str, reference: str) -> dict[str, float]:
        """Return the median, the least and the largest ratio of two contenders' times in the same round."""
        ratios = [ours / theirs for ours, theirs in zip(self.seconds[name], self.seconds[reference], strict=True)]
        return {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}

    def rows(self) -> list[dict[str, Any]]:
        """Return a row a contender; ratios are to the first one."""
        reference = next(iter(self.contenders))
        return [
            {
                "case": self.name,
                "contender": name,
                "seconds": statistics.median(seconds),
                "ratio_to": reference,
                "ratio": self.ratio(name, reference),
                "peak_mb": self.peak_mb[name],
            }
            for name, seconds in self.seconds.items()
        ]


def peak_memory(run: Callable[[], Any]) -> float | None:
    """Run something and return by how many MB this process grew meanwhile at most; None where that is not known."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    try:
        reset.write_text("5")  # forget the peak so far
        before = _kilobytes(status, "VmRSS")
    except (OSError, KeyError):
        run()
        return None
    run()
    return (_kilobytes(status, "VmHWM") - before) / 1024


def _kilobytes(status: Path, key: str) -> int:
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(fields[key].split()[0])
