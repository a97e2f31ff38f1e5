"""Errors as people read them: one line each."""

from __future__ import annotations

import re
from argparse import ArgumentError
from functools import partial

from brainleaks_pl.system.memory import memory_limit
from brainleaks_pl.system.storage import in_bytes
from brainleaks_pl.system.suggestions import closest, did_you_mean

_WRAPPED = "Does not validate against any of the Union subtypes"
_ALLOCATION = re.compile(r"tried to allocate (\d+) bytes", re.IGNORECASE)
_LAYER = re.compile(
    r"""Parser\ key\ "(?P<key>[^"]*)":
    | Problem\ with\ given\ class_path\ '[^']*':
    | Type\ collections\.abc\.Callable.*?\ expects\ a\ function\ or\ a\ callable\ class:
    | Not\ of\ type\ .*?\.\ (?=Import|No\ module|Expected)""",
    re.VERBOSE,
)
_TYPE = re.compile(r"Expected a <class '(?:\w+\.)*(\w+)'>")
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "list": "a list, such as [1,2]",
    "dict": "names and values",
}
_CLASS = re.compile(
    r"(?:Expected a dot import path string:|No brainleaks_pl attribute|Expected a path but) ([^\s;]+)"
    r"(?: either not accessible or invalid)?"
)
_LITERAL = re.compile(r"Expected a typing\.Literal\[([^\]]*)\](?:, got (.*))?")
_MISSING = re.compile(r"the following arguments are required: (.*)")
_UNKNOWN = re.compile(r"Option '([^']*)' is not accepted(?:: (.*))?")
_MODULE = re.compile(r"No module named '([^']*)'")
_NESTED = re.compile(r"NestedArg\(key='([^']*)', val=(.*)\)")
_INNER = ("Namespace(", "{")
_NOISE = (_WRAPPED, "Subtypes:", "Errors:", "Given value type:", "Got value:", "Expected a <class 'NoneType'>")
_FOR_PEOPLE = ("MisconfigurationException",)  # of Lightning, which is not imported for it
_LONGEST = 600
_LESS = "Fewer restarts, classes, time steps or draws take less, as do smaller batches and networks."


def plain_message(error: BaseException) -> str:
    """Return what went wrong, on one line, without the layers that parsers of nested classes wrap round it."""
    while str(error).startswith(_WRAPPED) and error.__cause__ is not None:
        error = error.__cause__
    message = str(error)
    allocated = _ALLOCATION.search(message)
    if isinstance(error, MemoryError) or allocated:
        return _of_memory(int(allocated[1]) if allocated else None, message)
    if isinstance(error, ArgumentError) or message.startswith(_WRAPPED):
        message = _of_parser(message)
    elif isinstance(error, OverflowError):
        message = f"a number is too large ({message})"
    message = " ".join(message.split())
    return message if len(message) <= _LONGEST else f"{message[:_LONGEST]} ..."


def full_message(error: BaseException) -> str:
    """Return :func:`plain_message`; where the error was not made for people, with its type, and how to see more."""
    message, kind = plain_message(error), type(error).__name__
    expected = isinstance(error, ValueError | OSError | ImportError | MemoryError | ArgumentError | OverflowError)
    if message and (expected or kind in _FOR_PEOPLE or _ALLOCATION.search(str(error))):
        return message
    return f"{kind}: {message or 'no more is known'} (set BRAINLEAKS_DEBUG=1 to see where)"


def _of_memory(size: int | None, message: str) -> str:
    limit = memory_limit()
    wanted = f", {in_bytes(size)} were asked for at once" if size else f" ({message})" if message else ""
    there = f", and there are {in_bytes(limit)}" if limit else ""
    return f"not enough memory{wanted}{there}. {_LESS}"


def _of_parser(message: str) -> str:
    """Return what a parser says, after the keys that it says it of: of several reasons the first that is one."""
    keys: list[str] = []
    reasons: list[str] = []
    given = ""
    for line in message.splitlines():
        words = line.strip().removeprefix("- ")
        while (found := _LAYER.match(words)) is not None:
            keys += [found["key"]] if found["key"] and not reasons else []
            words = words[found.end() :].strip()
        if words.startswith("Given value: "):
            given = given or words.removeprefix("Given value: ")
        elif words and not words.startswith(_NOISE):
            reasons.append(words)
    reason = next((own for own in reasons if not own.startswith("Expected a <")), reasons[0] if reasons else message)
    reason = reason.partition(". Got value: Namespace(")[0].replace(". Got value:", ", got")
    reason = _TYPE.sub(lambda found: f"expected {_WORDS.get(found[1], found[1])}", reason)
    keys = list(dict.fromkeys(keys))
    if (unknown := _UNKNOWN.search(reason)) is not None:
        return f"{'.'.join([*keys, unknown[1]])}: {unknown[2] or 'there is no such key'}"
    if (missing := _MISSING.search(reason)) is not None:
        names = missing[1].split(", ")
        said = f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing: name a config with --config, or "
        reason = said + " ".join(f"give --{'.'.join([*keys, name])}." for name in names[:1])
        return f"{'.'.join(keys)}: {reason}" if keys else reason
    reason = _CLASS.sub(r"there is no class \1 that fits here", reason)
    reason = _LITERAL.sub(partial(_of_choice, given), reason)
    reason = _MODULE.sub(r"there is no module \1 (`python -m brainleaks_pl` finds those of the working folder)", reason)
    given = given.partition(". Got value:")[0]
    nested = _NESTED.fullmatch(given)
    if nested is not None:
        known = nested[1] in reason or nested[1].rpartition(".")[2] in ".".join(keys).split(".")
        given = "" if known else f"{nested[1]}={nested[2]}"
    shown = given in reason or "got" in reason or reason.endswith("?") or given.startswith(_INNER)
    got = "" if shown else f", got {given}"
    return f"{'.'.join(keys)}: {reason}{got}" if keys else reason


def _of_choice(given: str, choices: re.Match[str]) -> str:
    """Return which values there are, and which of them was most likely meant."""
    known = [choice.strip(" '\"") for choice in choices[1].split(",")]
    nested = _NESTED.fullmatch(given)
    word = (choices[2] or (nested[2] if nested else given)).strip("'\"")
    return f"expected {' or '.join(known)}, got {word}{did_you_mean(word, known) if closest(word, known) else ''}"


def error_words(error: Exception) -> str:
    """Return what went wrong, with the kind of error, in one line."""
    return f"{type(error).__name__}: {plain_message(error)}"
