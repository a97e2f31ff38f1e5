"""Puts a network into evaluation mode for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from brainleaks_pl.targets.classifier import Classifier


@contextmanager
def evaluating(network: Classifier) -> Iterator[None]:
    """Put a network in evaluation mode, and each of its modules back as it was afterwards."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
