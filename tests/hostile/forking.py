"""A process that has imported everything and forks, so that a command costs no imports (run as a script).

It reads requests, one JSON object a line. ``{"arguments", "folder", "said"}`` starts a command in a child, whose output
goes to the files ``said.out`` and ``said.err``; the answer has its ``pid``. ``{"wait": pid, "seconds": limit}`` is
answered with its ``status`` (null while it runs), ``peak``, the most memory it took, in bytes, and the processor's
``seconds``. A child leaves as any Python process does: through the end of its main module, its threads and its exit
handlers.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import runpy
import signal
import sys
import time
from typing import Any

EVERYTHING = (
    "brainleaks_pl.cli.main", "h5py", "nir", "matplotlib.pyplot", "torch.utils.tensorboard", "scipy.stats",
    "mlxtend.data", "tonic", "PIL.Image",
)  # fmt: skip

MEMORY = 16 * 2**30
"""Bytes of addresses that a command may have; those of torch alone are a third of it."""


def wait(pid: int, seconds: float) -> dict[str, Any]:
    """Wait for a child."""
    end = time.monotonic() + seconds
    while True:
        found, status, used = os.wait4(pid, os.WNOHANG)
        if found:
            took = {"peak": used.ru_maxrss * 1024, "seconds": used.ru_utime + used.ru_stime}
            return {"status": os.waitstatus_to_exitcode(status), **took}
        if time.monotonic() > end:
            return {"status": None}
        time.sleep(0.005)


def serve() -> dict[str, Any]:
    """Answer requests; return in children alone, with what they were asked."""
    with os.fdopen(os.dup(1), "w") as answers:
        print("ready", file=answers, flush=True)
        while line := sys.stdin.readline():
            request: dict[str, Any] = json.loads(line)
            if "wait" in request:
                answer = wait(request["wait"], request["seconds"])
            else:
                pid = os.fork()
                if pid == 0:
                    return request
                answer = {"pid": pid}
            print(json.dumps(answer), file=answers, flush=True)
    os._exit(0)


def become(request: dict[str, Any]) -> None:
    """Be the process of a command."""
    os.chdir(request["folder"])
    for descriptor, name in enumerate((os.devnull, f"{request['said']}.out", f"{request['said']}.err")):
        opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(opened, descriptor)
        os.close(opened)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.argv = ["brainleaks", *request["arguments"]]
    sys.path[0] = request["folder"]
    runpy.run_module("brainleaks_pl", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell passes it on ignored
    for module in EVERYTHING:
        importlib.import_module(module)
    gc.freeze()
    become(serve())
