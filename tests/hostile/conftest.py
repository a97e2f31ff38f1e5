"""What the campaign's tests share: a server of children, and a folder where all has been run once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from forked import Server, server
from tiny_runs import prepared, with_recordings


@pytest.fixture(scope="session")
def children() -> Iterator[Server]:
    with server() as made:
        yield made


@pytest.fixture(scope="session")
def finished(children: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory where fit, invert and audit have been run, undisturbed; tests must not change it."""
    here = prepared(tmp_path_factory.mktemp("finished"))
    with_recordings(here, cache="cache")
    for command, name in (("fit", "c.yaml"), ("invert", "c.yaml"), ("audit", "audit.yaml")):
        run = children.run([command, "--config", name], here)
        assert run.status == 0, run
    return here


@pytest.fixture
def here(finished: Path, tmp_path: Path) -> Path:
    """A copy of the data and configs, where nothing has been run."""
    shutil.copytree(finished, tmp_path / "a" / "b", ignore=shutil.ignore_patterns("checkpoints", "results", "logs"))
    return tmp_path / "a" / "b"


@pytest.fixture
def fitted(finished: Path, here: Path) -> Path:
    """The same, with the networks of fit."""
    shutil.copytree(finished / "checkpoints" / "c", here / "checkpoints" / "c")
    return here
