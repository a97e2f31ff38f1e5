"""Holds back what Lightning says of devices, of other products and of its own course."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from lightning.fabric.utilities.warnings import PossibleUserWarning

_LOGGERS = ("lightning.pytorch", "lightning.fabric")
_WARNINGS = (
    ".*_pytree.*",
    ".*LeafSpec.*",
    "The number of training batches.*",
    "Checkpoint directory .* exists and is not empty.*",
)


@contextmanager
def quiet_lightning(*, warnings_too: bool = False) -> Iterator[None]:
    """Run a block in which Lightning says nothing that nobody can act upon; our own warnings are heard.

    Args:
        warnings_too: hold back all of its warnings as well.
    """
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR if warnings_too else logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=PossibleUserWarning)
            for message in _WARNINGS:
                warnings.filterwarnings("ignore", message=message)
            if warnings_too:
                warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
