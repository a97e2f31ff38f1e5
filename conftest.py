"""Runs the examples in docstrings: each in a folder of its own, with what they find ready (`tests/ready.py`)."""

from __future__ import annotations

import pytest
from ready import frameworks_of, names_for


@pytest.fixture(autouse=True)
def _ready(request: pytest.FixtureRequest) -> None:
    """Give a docstring's examples what they name, a fixed seed and an empty folder to write to."""
    if not isinstance(request.node, pytest.DoctestItem):
        return
    import torch

    source = "".join(example.source for example in request.node.dtest.examples)
    for framework in frameworks_of(source):
        pytest.importorskip(framework)
    request.node.dtest.globs.update(names_for(source))
    torch.manual_seed(0)
    request.getfixturevalue("monkeypatch").chdir(request.getfixturevalue("tmp_path"))
