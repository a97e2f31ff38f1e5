"""Which code a result comes from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from brainleaks_pl.evaluation import provenance as module
from brainleaks_pl.evaluation.provenance import PACKAGE, provenance


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what decides results, in a project of somebody else's."""
    copy = tmp_path / "site-packages" / "brainleaks_pl"
    for room in module.ROOMS:
        shutil.copytree(PACKAGE / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name in module.BESIDE:
        (copy / name).parent.mkdir(exist_ok=True)
        shutil.copy(PACKAGE / name, copy / name)
    monkeypatch.setattr(module, "PACKAGE", copy)
    for cached in (module._code, module._commit):
        cached.cache_clear()
    yield copy
    for cached in (module._code, module._commit):
        cached.cache_clear()


def test_the_code_is_known_by_what_it_says_wherever_it_lies(package: Path) -> None:
    module._code.cache_clear()
    copied = provenance()
    for name in ("attacks/losses.py", "audit/cells.py"):
        (package / name).write_text("# changed\n")
        module._code.cache_clear()
        assert provenance()["code"] != copied["code"]
        shutil.copy(PACKAGE / name, package / name)
    module._code.cache_clear()
    assert provenance() == copied
    assert (copied["torch"], copied["threads"]) == (torch.__version__, torch.get_num_threads())


def test_the_commit_of_somebody_elses_project_is_not_ours(package: Path) -> None:
    root = package.parents[1]
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "theirs"], check=True)
    assert provenance()["commit"] is None
    subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True)


def test_the_commit_of_our_own_checkout_is(package: Path) -> None:
    root = package.parent
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(root)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "ours"], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    assert provenance()["commit"] == head
