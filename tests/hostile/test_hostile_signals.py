"""Ctrl-C and SIGTERM at random moments of every phase: one exit status, one message, and what was finished intact."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from forked import Run, Server, leftovers, times
from processes import ENVIRONMENT, wait_for
from tiny_runs import audit, came_to, config, network, write

pytestmark = pytest.mark.slow

STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143}
PATIENCE = 30.0
IMPORTS, SECONDS = 6, 5
PHASES = {"training": 12, "attack": 12, "scoring": 8, "audit": 12}
"""How many signals of each kind reach each phase; with those during imports, 50 of each."""
AUDITED = ["--checkpoints", "checkpoints/audit", "--results", "results/audit"]
ENDLESS = {
    "training": ["fit", "--config", "c.yaml", "--config", "endless.yaml", "--skip_fitted", "true"],
    "attack": ["invert", "--config", "c.yaml", "--attack.steps", "10000000", "--progress_every", "0"],
    "scoring": ["invert", "--config", "c.yaml", "--scoring.draws", "10000000", "--results", "results/scored"],
    "audit": ["audit", "--config", "endless_audit.yaml", *AUDITED],
}
ENDING = {
    "training": ["fit", "--config", "c.yaml", "--skip_fitted", "true"],
    "attack": ["invert", "--config", "c.yaml"],
    "scoring": ["invert", "--config", "c.yaml", "--results", "results/scored"],
    "audit": ["audit", "--config", "audit.yaml"],
}
BOTH = pytest.mark.parametrize("number", STATUS, ids=lambda number: number.name)


@contextmanager
def unchanged(*folders: Path) -> Iterator[None]:
    """What was finished stays as it was, but for the progress of attacks."""

    def content() -> dict[Path, bytes]:
        files = (path for folder in folders for path in folder.rglob("[!.]*") if path.is_file())
        return {path: path.read_bytes() for path in files if path.name != "progress.pt"}

    before = content()
    yield
    after = content()
    assert {path: after.get(path) for path in before} == before


def check(run: Run, number: int) -> None:
    assert run.wait(PATIENCE) == STATUS[signal.Signals(number)], run
    assert "Traceback" not in run.err, run
    assert run.err.splitlines()[-1].startswith("brainleaks: interrupted"), run


@pytest.fixture
def endless(fitted: Path, finished: Path) -> Path:
    """A folder where all has been run once, and configs that do not end."""
    for part in ("results", "checkpoints/audit"):
        shutil.copytree(finished / part, fitted / part)
    write(fitted, "endless.yaml", {"judges": {**config()["judges"], "endless": network(epochs=10_000_000)}})
    longer = {"class_path": "MIFace", "init_args": {"steps": 10_000_000, "patience": None, "stop_at": None}}
    write(fitted, "endless_audit.yaml", audit(attacks={"mi_face": longer}))
    return fitted


@BOTH
@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_ends_it(phase: str, number: int, children: Server, endless: Path) -> None:
    arguments, dice = ENDLESS[phase], random.Random(phase)
    expected = came_to(endless)
    for _ in range(times(PHASES[phase])):
        with unchanged(endless / "checkpoints", endless / "results"):
            run = children.start(arguments, endless)
            wait_for(Path(f"{run.said}.err").exists)
            assert run.wait(dice.uniform(0.1, SECONDS)) is None, run
            run.send(number)
            check(run, number)
    ended = children.run(ENDING[phase], endless)
    assert ended.status == 0, ended
    assert not leftovers(endless)
    assert {name: found for name, found in came_to(endless).items() if name in expected} == expected


@BOTH
@pytest.mark.parametrize("phase", PHASES)
def test_a_second_signal_ends_it_at_once(phase: str, number: int, children: Server, endless: Path) -> None:
    for pause in (0.0, 0.01, 0.2)[: times(3)]:
        run = children.start(ENDLESS[phase], endless)
        assert run.wait(SECONDS) is None, run
        run.send(number)
        if run.wait(pause) is None:
            run.send(number)
        begun = time.monotonic()
        assert run.wait(PATIENCE) in (STATUS[signal.Signals(number)], -number), run
        assert time.monotonic() - begun < 5
        assert "Traceback" not in run.err, run
    came_to(endless)  # nothing is half-written


def interrupted_during_imports(number: int, pause: float, folder: Path, said: Path) -> int:
    """Return the exit status."""
    with said.open("w") as err:
        process = subprocess.Popen(
            [sys.executable, "-m", "brainleaks_pl", "fit", "--config", "c.yaml"],
            cwd=folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=err,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell passes it on ignored
        )
        try:
            maps = Path(f"/proc/{process.pid}/maps")
            wait_for(lambda: "libtorch" in maps.read_text())  # the package's own code is running
            time.sleep(pause)
            process.send_signal(number)
            return process.wait(PATIENCE)
        finally:
            process.kill()
            process.wait()


@BOTH
def test_a_signal_during_imports(number: int, fitted: Path, tmp_path: Path) -> None:
    dice, said = random.Random(0), tmp_path / "err"
    for _ in range(times(IMPORTS)):
        status = interrupted_during_imports(number, dice.uniform(0, 3), fitted, said)
        text = said.read_text()
        assert (status, "Traceback" in text) == (STATUS[signal.Signals(number)], False), text[-2000:]
        assert text.splitlines()[-1].startswith("brainleaks: interrupted")
