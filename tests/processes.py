"""Commands that run in processes of their own, and a tiny config for them (`from processes import ...`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def tiny_config(*, judge_epochs: int, steps: int) -> str:
    """A config on tiny files of MNIST in `data/`: a target, one judge, and BrainLeaks-v1."""
    return f"""
data:
  class_path: MNIST
  init_args:
    {{root: data, val_size: 10, batch_size: 10, encoder: {{class_path: RateEncoder, init_args: {{time_steps: 2}}}}}}
model:
  class_path: Classifier
  init_args:
    network: {{class_path: SpikingMLP, init_args: {{hidden: 5}}}}
    training: {{lr: 0.05, epochs: 1}}
judges:
  judge:
    class_path: Classifier
    init_args:
      network: {{class_path: SpikingMLP, init_args: {{hidden: 5}}}}
      training: {{lr: 0.05, epochs: {judge_epochs}}}
attack: {{class_path: BrainLeaksV1, init_args: {{steps: {steps}}}}}
trainer: {{accelerator: cpu, enable_progress_bar: false, enable_model_summary: false}}
"""


@contextmanager
def running(arguments: list[str], folder: Path) -> Iterator[Callable[..., int]]:
    """Run a command; give a function that presses Ctrl-C, or sends another signal, and returns the exit status.

    What it says on standard error goes to ``said.txt`` in the folder.
    """
    command = [sys.executable, "-m", "brainleaks_pl", *arguments]
    with (folder / "said.txt").open("w") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=said,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell passes it on ignored
        )

    def interrupt(number: int = signal.SIGINT) -> int:
        process.send_signal(number)
        return process.wait(300)

    try:
        yield interrupt
    finally:
        process.kill()
        process.wait()


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the command did not get there in time"
        time.sleep(0.05)
