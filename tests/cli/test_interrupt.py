"""Ctrl-C in the middle of fit, SIGTERM in that of invert: what was finished is intact, nothing half-written remains."""

import signal
import time
from pathlib import Path

import pytest
import torch
from datafiles import write_mnist_files
from processes import running, tiny_config, wait_for

from brainleaks_pl.cli.main import main

INTERRUPTED = "brainleaks: interrupted; what was finished before is intact.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_mnist_files(tmp_path / "data", train=30)
    (tmp_path / "c.yaml").write_text(tiny_config(judge_epochs=1_000_000, steps=2))
    return tmp_path


def wait_for_steps(logs: Path) -> None:
    """Wait until a trainer logs to a folder, and a little longer: it is then in its first steps."""
    wait_for(lambda: any(logs.rglob("events.*")))
    time.sleep(1)


def test_what_fit_and_invert_finished_outlives_an_interrupt(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = folder / "checkpoints" / "c"
    with running(["fit", "--config", "c.yaml"], folder) as interrupt:
        wait_for_steps(folder / "logs" / "c" / "judge")
        assert interrupt() == 130
    assert (folder / "said.txt").read_text().endswith(INTERRUPTED)
    assert [path.name for path in checkpoints.iterdir()] == ["target.pt"]
    torch.load(checkpoints / "target.pt", weights_only=True)

    monkeypatch.chdir(folder)
    main(["invert", "--config", "c.yaml", "--judges", "{}"])
    results = folder / "results" / "c"
    finished = {path.name: path.read_bytes() for path in results.iterdir()}
    assert set(finished) == {"scores.json", "reconstructions.pt", "reconstructions.png"}
    endless = ["invert", "--config", "c.yaml", "--judges", "{}", "--attack.steps", "1000000", "--logs", "other"]
    with running(endless, folder) as interrupt:
        wait_for_steps(folder / "other")
        assert interrupt(signal.SIGTERM) == 143
    assert (folder / "said.txt").read_text().endswith(INTERRUPTED)
    assert {path.name: path.read_bytes() for path in results.iterdir()} == finished
