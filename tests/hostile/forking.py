"""A process that has imported everything and forks, so that a command costs no imports (run as a script).

It reads requests, one JSON object a line. ``{"arguments", "folder", "said"}`` starts a command in a child, whose output
goes to the files ``said.out`` and ``said.err``; the answer has its ``pid``. ``{"wait": pid, "seconds": limit}`` is
answered with its ``status`` (null while it runs), ``peak``, the most memory it took, in bytes, the processor's
``seconds``, and how many ``processes`` it was. A child leaves as any Python process does: through the end of its main
module, its threads and its exit handlers.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

EVERYTHING = (
    "brainleaks_pl.cli.main", "h5py", "nir", "matplotlib.pyplot", "torch.utils.tensorboard", "scipy.stats",
    "mlxtend.data", "tonic", "PIL.Image", "processes",
)  # fmt: skip

MEMORY = 16 * 2**30
"""Bytes of addresses that a command may have; those of torch alone are a third of it."""
PROCESSES = 8
"""What starts more than these is ended."""


def processes_of(group: int) -> int:
    """Count the processes of a group."""
    count = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            count += path.read_text().rpartition(")")[2].split()[2] == str(group)
        except OSError:  # it has ended meanwhile
            continue
    return count


def end(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def wait(pid: int, seconds: float) -> dict[str, Any]:
    """Wait for a child, which does not outlive the tests, nor fill the machine with processes."""
    begun, parent, looked, most = time.monotonic(), os.getppid(), 0.0, 1
    while True:
        found, status, used = os.wait4(pid, os.WNOHANG)
        if found:
            end(pid)  # what it has started and left behind
            took = {"peak": used.ru_maxrss * 1024, "seconds": used.ru_utime + used.ru_stime, "processes": most}
            return {"status": os.waitstatus_to_exitcode(status), **took}
        now = time.monotonic()
        if now > begun + seconds:
            return {"status": None}
        if now > looked + 0.2:
            looked, most = now, max(most, processes_of(pid))
            if most > PROCESSES or os.getppid() != parent:
                end(pid)
        time.sleep(0.005)


def serve() -> dict[str, Any]:
    """Answer requests; return in children alone, with what they were asked."""
    running: set[int] = set()
    with os.fdopen(os.dup(1), "w") as answers:
        print("ready", file=answers, flush=True)
        while line := sys.stdin.readline():
            request: dict[str, Any] = json.loads(line)
            if "wait" in request:
                answer = wait(request["wait"], request["seconds"])
                if answer["status"] is not None:
                    running.discard(request["wait"])
            else:
                pid = os.fork()
                if pid == 0:
                    os.setpgid(0, 0)
                    return request
                with suppress(OSError):  # the child has been faster
                    os.setpgid(pid, pid)
                running.add(pid)
                answer = {"pid": pid}
            print(json.dumps(answer), file=answers, flush=True)
    for pid in running:
        end(pid)
    os._exit(0)


def start(request: dict[str, Any]) -> None:
    """Be the process of a command."""
    from processes import become

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    printed, said = (Path(f"{request['said']}.{kind}") for kind in ("out", "err"))
    become(request["arguments"], Path(request["folder"]), printed, said)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell passes it on ignored
    sys.path[0] = str(Path(__file__).parents[1])
    for module in EVERYTHING:
        importlib.import_module(module)
    gc.freeze()
    start(serve())
