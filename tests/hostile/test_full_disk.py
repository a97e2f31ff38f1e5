"""Full disks: one line that names the folder, nothing half-written, and the same command works once there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forked import Run, Server, leftovers, refusal_problem
from processes import wait_for
from tiny_runs import came_to, config, network, recordings, write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root mounts a small disk"),
]

SIZE = 3 * 2**20
FRAMES = {"frame_time": 10_000, "time_steps": 3}
NETWORKS = {"model": network(side=34), "judges": {}}
SOURCE = {"class_path": "MNIST", "init_args": {"root": "data", "val_size": 10}}
SIMULATED = {"root": "disk/data", "source": SOURCE, "frames": FRAMES}
CASES: dict[str, list[str]] = {
    "checkpoints": ["fit", "--config", "large.yaml", "--checkpoints", "disk/c"],
    "results": ["invert", "--config", "c.yaml", "--results", "disk/r"],
    "logs": ["fit", "--config", "c.yaml", "--logs", "disk/l"],
    "cache": ["fit", "--config", "cached.yaml"],
    "simulated": ["fit", "--config", "simulated.yaml"],
    "audit's cells": ["audit", "--config", "audit.yaml", "--results", "disk/a"],
    "audit's networks": ["audit", "--config", "audit.yaml", "--checkpoints", "disk/n"],
    "export": ["export", "--results", "results/c", "--format", "tonic", "--output", "disk/e"],
}
STATUS = {"logs": (0, 2), "audit's cells": (2, 3, 4), "audit's networks": (2, 3, 4)}
"""Logs are no results; an audit that fails in part says so by 3, in all by 4."""


@pytest.fixture
def disk(fitted: Path, finished: Path) -> Iterator[Path]:
    """A small disk in a working directory, with configs that write there."""
    folder = fitted / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], check=False)
    if mounted.returncode != 0:
        pytest.skip("no disk can be mounted")
    shutil.copytree(finished / "results" / "c", fitted / "results" / "c")
    write(fitted, "large.yaml", config(model=network(hidden=500)))
    write(fitted, "cached.yaml", config(data=recordings(cache="disk/cache"), **NETWORKS))
    simulated = {"class_path": "SimulatedNMNIST", "init_args": {**SIMULATED, "cache": None}}
    write(fitted, "simulated.yaml", config(data=simulated, **NETWORKS))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, room: int) -> Path:
    """Fill a disk but for so many bytes."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        file.truncate(0)
        free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        file.write(bytes(free - room))
    return filler


def is_sound(run: Run, statuses: tuple[int, ...], folder: str) -> None:
    assert run.status in statuses, run
    assert "Traceback" not in run.err, run
    if run.status == 2:
        assert refusal_problem(run) is None, run
        assert folder in run.err.splitlines()[-1], run


@pytest.mark.parametrize("room", [0, 20_000])
@pytest.mark.parametrize("case", CASES)
def test_a_full_disk(case: str, room: int, children: Server, disk: Path) -> None:
    here = disk.parent
    filler = fill(disk, room)
    run = children.run(CASES[case], here)
    wrote_all = (0,) if case == "export" and room else ()
    is_sound(run, (*STATUS.get(case, (2,)), *wrote_all), "disk/")
    assert not leftovers(disk)
    came_to(here)
    filler.unlink()
    again = children.run(CASES[case], here)
    assert again.status == 0, again
    assert not leftovers(disk)


def test_an_attack_goes_on_without_its_progress(children: Server, disk: Path) -> None:
    filler = fill(disk, 0)
    arguments = ["invert", "--config", "c.yaml", "--attack.steps", "3000", "--progress_every", "0.1"]
    run = children.start([*arguments, "--results", "disk/r"], disk.parent)
    warned: Callable[[], bool] = lambda: "progress" in run.err or run.wait(0) is not None  # noqa: E731
    wait_for(warned)
    assert run.status is None, run
    filler.unlink()
    assert run.end().status == 0, run
    assert "Traceback" not in run.err
    names = {"scores.json", "reconstructions.pt", "reconstructions.png"}
    assert {path.name for path in (disk / "r").iterdir()} == names
