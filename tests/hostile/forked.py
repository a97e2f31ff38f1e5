"""Commands in children of a process that has imported everything (`from forked import ...`), and what they came to."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processes import ENVIRONMENT

QUICK = os.environ.get("HOSTILE") == "quick"
"""Whether the campaign is but tried out: a minute in place of twenty."""
PATIENCE = 120.0
"""Seconds after which a command hangs that takes some, on a machine under load."""


def times(number: int, quick: int = 0) -> int:
    """How many there are in a campaign, or in one that is tried out."""
    return (quick or max(1, number // 25)) if QUICK else number


@dataclass(repr=False)
class Run:
    """A command that was started."""

    pid: int
    said: Path
    ask: Callable[[dict[str, Any]], dict[str, Any]]
    status: int | None = None
    peak: int = 0
    seconds: float = 0.0
    processes: int = 1

    def wait(self, seconds: float = PATIENCE) -> int | None:
        """Return its exit status, negative for a signal; None when it has not ended by then."""
        if self.status is None:
            for name, value in self.ask({"wait": self.pid, "seconds": seconds}).items():
                setattr(self, name, value)
        return self.status

    def end(self, seconds: float = PATIENCE) -> Run:
        """Wait; what hangs is killed, and an error."""
        if self.wait(seconds) is None:
            self.kill()
            raise AssertionError(f"it hangs: {self}")
        return self

    def send(self, number: int) -> None:
        os.kill(self.pid, number)  # until it was waited for, the number is its own

    def kill(self) -> None:
        """End it, and what it has started."""
        os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    @property
    def err(self) -> str:
        path = Path(f"{self.said}.err")
        return path.read_text(errors="replace") if path.exists() else ""  # the child makes it

    def __repr__(self) -> str:
        return f"exit status {self.status}\n{self.err[-3000:]}"


class Server:
    """The process that forks; `start` gives its children work."""

    def __init__(self, said: Path) -> None:
        self.said, self.number, self.temporary = said, 0, said / "tmp"
        self.temporary.mkdir()
        command = [sys.executable, str(Path(__file__).with_name("forking.py"))]
        environment = {**ENVIRONMENT, "TMPDIR": str(self.temporary)}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, start_new_session=True
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it and its children."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def start(self, arguments: list[str], folder: Path) -> Run:
        """Start a command in a folder."""
        self.number += 1
        said = self.said / str(self.number)
        request = {"arguments": arguments, "folder": str(folder), "said": str(said)}
        return Run(self.ask(request)["pid"], said, self.ask)

    def run(self, arguments: list[str], folder: Path, seconds: float = PATIENCE) -> Run:
        """Run a command to its end."""
        return self.start(arguments, folder).end(seconds)


@contextmanager
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="said-") as said:
        made = Server(Path(said))
        try:
            yield made
        finally:
            made.close()


def refusal_problem(run: Run) -> str | None:
    """What is wrong with how a mistake was refused: not by status 2, and one line, the last, that says what it was."""
    lines = [line for line in run.err.splitlines() if line.strip()]
    if run.status != 2:
        return f"exit status {run.status}"
    if "Traceback" in run.err:
        return "a traceback"
    if not lines or not lines[-1].startswith("brainleaks: error: "):
        return "the last line is no error"
    if any(line.startswith(("usage: ", "tip: ", "error: ", "brainleaks: ")) for line in lines[:-1]):
        return "more lines than one"
    return None


def leftovers(folder: Path) -> list[str]:
    """Temporary files."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(".*") if path.is_file())
