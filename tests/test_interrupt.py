"""Ctrl-C in the middle of fit and of invert: what was finished before is intact, and nothing half-written remains."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from datafiles import write_mnist_files

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
CONFIG = """
data:
  class_path: MNIST
  init_args: {root: data, val_size: 10, batch_size: 10, encoder: {class_path: RateEncoder, init_args: {time_steps: 2}}}
model: {class_path: SpikingMLP, init_args: {hidden: 5, training: {epochs: 1}}}
judges: {endless: {class_path: SpikingMLP, init_args: {hidden: 5, training: {epochs: 1000000}}}}
attack: {class_path: BrainLeaksV1, init_args: {steps: 2}}
trainer: {accelerator: cpu, enable_progress_bar: false, enable_model_summary: false}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_mnist_files(tmp_path / "data", train=30)
    (tmp_path / "c.yaml").write_text(CONFIG)
    return tmp_path


@contextmanager
def running(arguments: list[str], folder: Path) -> Iterator[Callable[[], int]]:
    """Run a command; give a function that presses Ctrl-C and returns the exit status."""
    command = [sys.executable, "-m", "brainleaks_pl", *arguments]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell passes it on ignored
    )

    def interrupt() -> int:
        process.send_signal(signal.SIGINT)
        return process.wait(60)

    try:
        yield interrupt
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the command did not get there in time"
        time.sleep(0.05)


def wait_for_steps(logs: Path) -> None:
    """Wait until a trainer logs to a folder, and a little longer: it is then in its first steps."""
    wait_for(lambda: any(logs.rglob("events.*")))
    time.sleep(1)


def test_what_fit_and_invert_finished_outlives_an_interrupt(folder: Path) -> None:
    checkpoints = folder / "checkpoints" / "c"
    with running(["fit", "--config", "c.yaml"], folder) as interrupt:
        wait_for_steps(folder / "logs" / "c" / "endless")
        assert interrupt() != 0
    assert [path.name for path in checkpoints.iterdir()] == ["target.pt"]
    torch.load(checkpoints / "target.pt", weights_only=True)

    invert = [sys.executable, "-m", "brainleaks_pl", "invert", "--config", "c.yaml", "--judges", "{}"]
    subprocess.run(invert, cwd=folder, env=ENVIRONMENT, check=True, capture_output=True)
    results = folder / "results" / "c"
    finished = {path.name: path.read_bytes() for path in results.iterdir()}
    assert set(finished) == {"scores.json", "reconstructions.pt", "reconstructions.png"}
    endless = ["invert", "--config", "c.yaml", "--judges", "{}", "--attack.steps", "1000000", "--logs", "other"]
    with running(endless, folder) as interrupt:
        wait_for_steps(folder / "other")
        assert interrupt() != 0
    assert {path.name: path.read_bytes() for path in results.iterdir()} == finished
