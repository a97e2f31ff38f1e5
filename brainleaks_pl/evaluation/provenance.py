"""Which code, on which machine, a result comes from."""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

PACKAGE = Path(__file__).parents[1]
ROOMS = (
    "attacks", "data", "encoders", "engine", "evaluation", "events", "leakage", "membership", "networks", "priors",
    "targets",
)  # fmt: skip
"""The rooms of the package that decide what an attack finds and what it scores."""
_MEASURES = tuple(f"measures/{name}" for name in ("gradient_leakage", "membership", "over_time"))
BESIDE = tuple(f"audit/{name}.py" for name in ("adversarial", "association", "cells", *_MEASURES))
"""Files of other rooms that do; the rest plan, draw and write."""


def provenance() -> dict[str, Any]:
    """Return the package's ``version``, the ``commit`` of its checkout, ``code``, and torch's version and threads.

    ``code`` is a digest of the source that decides a result (:data:`ROOMS` and :data:`BESIDE`), which tells changes
    that were not committed; ``commit`` is None where the package is not a checkout.
    """
    return {
        "version": version("brainleaks_pl"),
        "commit": _commit(),
        "code": _code(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


@cache
def _code() -> str:
    """Return 16 hexadecimal digits that stand for the source that decides results when this process first asked."""
    content = hashlib.sha256()
    own = [path for room in ROOMS for path in (PACKAGE / room).rglob("*.py")]
    for path in sorted([*own, *(PACKAGE / name for name in BESIDE)]):
        content.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return content.hexdigest()[:16]


@cache
def _commit() -> str | None:
    """Return the commit of the package's checkout, or None where it has none of its own."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--show-toplevel", "HEAD"],
            cwd=PACKAGE,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    top, commit = done.stdout.split("\n")[:2]
    return commit if Path(top).resolve() == PACKAGE.parent.resolve() else None  # else that of somebody's project
