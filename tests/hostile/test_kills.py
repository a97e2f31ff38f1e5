"""Killed at random moments, fit, invert and audit come to what they come to undisturbed, and nothing is left over."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import pytest
from forked import Server, leftovers, times
from tiny_runs import came_to

pytestmark = pytest.mark.slow

KILLS = 36
"""Of each command."""
COMMANDS = {
    "fit": ["fit", "--config", "c.yaml", "--skip_fitted", "true"],
    "invert": ["invert", "--config", "c.yaml", "--attack.steps", "150", "--resume", "true", "--progress_every", "0"],
    "audit": ["audit", "--config", "audit.yaml"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_kills_lose_nothing(command: str, children: Server, fitted: Path) -> None:
    arguments, kills = COMMANDS[command], times(KILLS)
    written = ["results", "logs"] if command == "invert" else ["results", "logs", "checkpoints"]

    def forget() -> None:
        for name in written:
            shutil.rmtree(fitted / name, ignore_errors=True)

    def left() -> list[str]:
        return leftovers(fitted) + sorted(path.name for path in children.temporary.glob("tmp*"))

    forget()
    begun = time.monotonic()
    undisturbed = children.run(arguments, fitted)
    assert undisturbed.status == 0, undisturbed
    length, expected = time.monotonic() - begun, came_to(fitted)
    forget()
    dice, killed = random.Random(command), 0
    while True:
        run = children.start(arguments, fitted)
        if killed < kills and run.wait(dice.uniform(0.05, 1.1 * length)) is None:
            run.kill()
            came_to(fitted)  # nothing is half-written
            if run.status == -signal.SIGKILL:
                killed += 1
                continue
        assert run.end().status == 0, run
        assert came_to(fitted) == expected, f"after {killed} kills"
        assert not left(), f"after {killed} kills"
        if killed >= kills:
            return
        forget()


@pytest.mark.parametrize("command", COMMANDS)
def test_equal_runs_write_equal_bytes(command: str, children: Server, fitted: Path, tmp_path: Path) -> None:
    if command != "invert":
        shutil.rmtree(fitted / "checkpoints")
    again = Path(shutil.copytree(fitted, tmp_path / "again"))
    for folder in (fitted, again):
        run = children.run([*COMMANDS[command], "--results", "results/other"], folder)
        assert run.status == 0, run
    files = [path.relative_to(fitted) for path in fitted.rglob("*.pt")]
    assert files
    assert not [str(path) for path in files if (fitted / path).read_bytes() != (again / path).read_bytes()]
