"""Two runs of one command at once both end well, and leave what one run leaves."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from forked import Server, leftovers, times
from tiny_runs import came_to

pytestmark = pytest.mark.slow

ROUNDS = 6
COMMANDS = {
    "fit": ["fit", "--config", "c.yaml"],
    "fit on recordings": ["fit", "--config", "events.yaml"],
    "invert": ["invert", "--config", "c.yaml"],
    "invert with progress": ["invert", "--config", "c.yaml", "--resume", "true", "--progress_every", "0"],
    "audit": ["audit", "--config", "audit.yaml"],
    "export": ["export", "--results", "results/c", "--format", "tonic"],
    "export as animations": ["export", "--results", "results/c", "--format", "gif"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_both_end_well(command: str, children: Server, finished: Path, fitted: Path) -> None:
    arguments, dice = COMMANDS[command], random.Random(command)
    if arguments[0] == "export":
        shutil.copytree(finished / "results" / "c", fitted / "results" / "c")
    alone = Path(shutil.copytree(fitted, fitted.parent / "alone"))
    run = children.run(arguments, alone)
    assert run.status == 0, run
    for number in range(times(ROUNDS)):
        folder = Path(shutil.copytree(fitted, fitted.parent / str(number)))
        first = children.start(arguments, folder)
        first.wait(dice.choice([0, dice.uniform(0, 1)]))
        for run in (first, children.start(arguments, folder)):
            assert run.end().status == 0, run
            assert "Traceback" not in run.err, run
        assert came_to(folder) == came_to(alone)
        assert not leftovers(folder)
