"""How much memory there is, asked before it is taken."""

from __future__ import annotations

import os
from pathlib import Path

from brainleaks_pl.system.storage import in_bytes

_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def memory_limit() -> int | None:
    """Return the bytes of memory that this machine, or this container, has; None where that cannot be known."""
    try:
        limit = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None
    try:
        return min(limit, int(_CONTAINER.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return limit


def require_memory(what: str, size: float, remedy: str) -> None:
    """See that something can fit into memory.

    Args:
        what: what takes it, as the subject of a sentence.
        size: the bytes that it takes at least.
        remedy: what to do, as a sentence.

    Raises:
        ValueError: when it cannot.
    """
    limit = memory_limit()
    if limit is not None and size > limit:
        raise ValueError(
            f"{what} would take {in_bytes(size)} of memory, but there are only {in_bytes(limit)}: {remedy}"
        )
