"""Commands that run in processes of their own, and a tiny config for them (`from processes import ...`)."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
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


def become(arguments: list[str], folder: Path, printed: Path, said: Path) -> None:
    """Be the process of ``python -m brainleaks_pl`` or, where the first argument is a file, of ``python FILE``.

    Args:
        arguments: of the command.
        folder: where it is run.
        printed: file of what it prints.
        said: file of what it says on standard error.
    """
    os.chdir(folder)
    for descriptor, path in enumerate((os.devnull, printed, said)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.path.insert(0, str(folder))
    if arguments[0].endswith(".py"):
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")
    else:
        sys.argv = ["brainleaks", *arguments]
        runpy.run_module("brainleaks_pl", run_name="__main__", alter_sys=True)


def _forked(arguments: list[str], folder: Path) -> None:
    """Be that process in a child of the tests, which have streams of their own."""
    sys.stdout, sys.stderr = (os.fdopen(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell passes it on ignored
    become(arguments, folder, folder / "printed.txt", folder / "said.txt")


@contextmanager
def running(arguments: list[str], folder: Path) -> Iterator[Callable[..., int]]:
    """Run a command in a child, for which nothing is imported anew; give a function that sends it a signal (Ctrl-C
    unless told otherwise; None lets it end by itself) and returns the exit status.

    What it prints goes to ``printed.txt`` in the folder, what it says on standard error to ``said.txt``.
    """
    process = multiprocessing.get_context("fork").Process(target=_forked, args=(arguments, folder))
    process.start()

    def end(number: int | None = signal.SIGINT) -> int:
        if number is not None:
            os.kill(process.pid or 0, number)
        process.join(300)
        assert process.exitcode is not None, "the command did not end in time"
        return process.exitcode

    try:
        yield end
    finally:
        process.kill()
        process.join()


def run(arguments: list[str], folder: Path) -> str:
    """Run a command in a child to its end, which is a success, and return what it printed."""
    with running(arguments, folder) as end:
        assert end(None) == 0, (folder / "said.txt").read_text()
    return (folder / "printed.txt").read_text()


def wait_for(condition: Callable[[], bool], seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the command did not get there in time"
        time.sleep(0.05)
