"""Messages of a running command, and which of Lightning's own are shown."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console

_LOGGERS = ("lightning.pytorch", "lightning.fabric")
_WARNINGS = (
    ".*_pytree.*",
    ".*LeafSpec.*",
    "The number of training batches.*",
    "Checkpoint directory .* exists and is not empty.*",
)


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
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels, formatwarning = [logger.level for logger in loggers], warnings.formatwarning
    warnings.formatwarning = _one_line
    for logger in loggers:
        logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=PossibleUserWarning)
            for message in _WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            yield
    finally:
        warnings.formatwarning = formatwarning
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
