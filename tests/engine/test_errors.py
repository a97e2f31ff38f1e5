"""Errors as people read them: one line, the key first, no layers of parsers."""

from __future__ import annotations

from argparse import ArgumentError

import pytest
from lightning.pytorch.utilities.exceptions import MisconfigurationException

from brainleaks_pl.engine.errors import full_message, plain_message

NESTED = """Parser key "attack":
  Does not validate against any of the Union subtypes
  Subtypes: [collections.abc.Callable[[a.Classifier], a.InversionModule], <class 'NoneType'>]
  Errors:
    - Type collections.abc.Callable[[a.Classifier], a.InversionModule] expects a function or a callable class: Parser \
key "steps":
        Expected a <class 'int'>. Got value: x
        Got value: Namespace(class_path='a.BrainLeaksV1', init_args=Namespace(steps='x'))
    - Expected a <class 'NoneType'>
  Given value type: <class 'jsonargparse._util.NestedArg'>
  Given value: NestedArg(key='steps', val='x')"""


def test_a_parsers_layers_are_taken_off() -> None:
    assert plain_message(ArgumentError(None, NESTED)) == "attack.steps: expected a whole number, got x"


def test_a_key_that_is_not_known_is_named_with_its_value() -> None:
    text = NESTED.replace("Parser key \"steps\":\n        Expected a <class 'int'>. Got value: x", "not accepted")
    assert plain_message(ArgumentError(None, text)) == "attack: not accepted, got steps='x'"


def test_a_class_that_is_not_there() -> None:
    text = 'Parser key "attack":\n  Errors:\n    - Expected a dot import path string: V9\n  Given value: V9'
    assert plain_message(ArgumentError(None, text)) == "attack: there is no class V9 that fits here"
    nearest = text.replace("string: V9", "string: V9; did you mean `V3`?")
    assert (
        plain_message(ArgumentError(None, nearest)) == "attack: there is no class V9 that fits here; did you mean `V3`?"
    )


def test_a_message_of_several_lines_becomes_one_and_a_long_one_ends() -> None:
    assert plain_message(ValueError("one\n  two")) == "one two"
    assert len(plain_message(ValueError("x" * 10_000))) < 700


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ValueError("steps must be at least 1, got 0."), "steps must be at least 1, got 0."),
        (OSError("gone"), "gone"),
        (MisconfigurationException("no GPU"), "no GPU"),
        (OverflowError("int too large"), "a number is too large (int too large)"),
        (KeyError("x"), "KeyError: 'x' (set BRAINLEAKS_DEBUG=1 to see where)"),
        (RuntimeError(), "RuntimeError: no more is known (set BRAINLEAKS_DEBUG=1 to see where)"),
    ],
)
def test_errors_that_were_not_made_for_people_say_their_type(error: Exception, words: str) -> None:
    assert full_message(error) == words


def test_memory_is_said_in_figures() -> None:
    said = full_message(
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 3136000000 bytes.")
    )
    assert said.startswith("not enough memory, 3.1 GB were asked for at once, and there are ")
    assert full_message(MemoryError()).startswith("not enough memory, and there are ")
