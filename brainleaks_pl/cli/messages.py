"""Messages of a running command, and which of Lightning's own are shown."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

from brainleaks_pl.engine.quiet import quiet_lightning


@rank_zero_only
def say(words: str) -> None:
    """Print a line on standard error, once for all processes."""
    Console(stderr=True).print(words, highlight=False, markup=False, soft_wrap=True)


@rank_zero_only
def warn(words: str) -> None:
    """Print a warning on standard error, once for all processes."""
    Console(stderr=True).print(f"Warning: {words}", highlight=False, markup=False, soft_wrap=True)


def _one_line(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """Return a warning as people read it, without the line of code that it comes from."""
    return f"Warning: {' '.join(str(message).split())}\n"


@contextmanager
def quiet(verbose: bool = False) -> Iterator[None]:
    """Hold back what Lightning says of devices, of other products and of its own course; warnings are a line each.

    Args:
        verbose: hold nothing back.
    """
    if verbose:
        yield
        return
    formatwarning = warnings.formatwarning
    warnings.formatwarning = _one_line
    try:
        with quiet_lightning():
            yield
    finally:
        warnings.formatwarning = formatwarning
