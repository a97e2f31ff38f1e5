"""Docstrings: everything public has an example, which shows something, and which can be copied as it stands."""

from __future__ import annotations

import ast
import builtins
import doctest
from typing import Any

import pytest
from ready import READY, frameworks_of

import brainleaks_pl
import brainleaks_pl.audit

PUBLIC = [(module, name) for module in (brainleaks_pl, brainleaks_pl.audit) for name in module.__all__]
SKIPPED: set[str] = set()
"""The public names of which an example is shown and never run, five at most."""
WITH_FRAMEWORKS = {"Norse", "Rockpool", "Sinabs", "SpikingJelly"}
"""Those whose examples are run where their frameworks are installed (`.ci/run` installs them)."""


def examples(module: Any, name: str) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(getattr(module, name).__doc__ or "", name)


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=[name for _, name in PUBLIC])
def test_everything_public_has_an_example(module: Any, name: str) -> None:
    own = examples(module, name)
    source = "".join(example.source for example in own)
    assert "    Examples:\n" in (getattr(module, name).__doc__ or ""), f"{name} has no section Examples."
    assert any(example.want for example in own), f"no example of {name} shows what comes out."
    assert name in source, f"no example of {name} uses it."
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
    imported = {alias.asname or alias.name.partition(".")[0] for alias in _aliases(source)}
    known = {node.id for node in nodes if isinstance(node.ctx, ast.Store)} | imported | _defined(source)
    strange = {node.id for node in nodes} - known - set(dir(builtins)) - READY.keys()
    assert not strange, f"the examples of {name} neither import nor define {sorted(strange)}."


def _aliases(source: str) -> list[ast.alias]:
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.alias)]


def _defined(source: str) -> set[str]:
    """Return the names of functions, classes and arguments."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def test_few_examples_are_not_run() -> None:
    skipped, framed = set(), set()
    for module, name in PUBLIC:
        own = examples(module, name)
        if any(example.options.get(doctest.SKIP) for example in own):
            skipped.add(name)
        if frameworks_of("".join(example.source for example in own)):
            framed.add(name)
    assert skipped == SKIPPED
    assert len(SKIPPED) <= 5
    assert framed == WITH_FRAMEWORKS
