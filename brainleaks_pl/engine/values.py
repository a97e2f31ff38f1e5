"""The values of a parsed config that no constructor can take: ``null`` where none is meant, ``.nan``, ``2**63``."""

from __future__ import annotations

import inspect
import math
import pydoc
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from jsonargparse import Namespace

STRICT: dict[str, Any] = {"allow_abbrev": False, "exit_on_error": False}
"""Of parsers: an abbreviated key is a misspelt key, and errors are said in one line, where all are."""

_LARGEST = 2**63 - 1


def check_values(config: Mapping[str, Any], kinds: Mapping[str, Any]) -> None:
    """See that a parsed config holds no value that would only be noticed where it is used.

    The parser lets ``null`` pass for every type, and any number for a number.

    Args:
        config: the config, plain values and namespaces.
        kinds: the types of its keys, where these are known.

    Raises:
        ValueError: names the key, the value and what is expected.
    """
    for key, value in config.items():
        _check(key, value, kinds.get(key, Any))


def _check(key: str, value: Any, kind: Any, ours: bool = True) -> None:
    if isinstance(value, Namespace):
        value = value.as_dict()
    if isinstance(value, Mapping):
        own = value.get("class_path")
        members = value.get("init_args") or {} if isinstance(own, str) else value
        made = _imported(own) if isinstance(own, str) else _class_in(kind)
        kinds, ours = arguments_of(made), str(getattr(made, "__module__", "brainleaks_pl")).startswith("brainleaks_pl")
        for name, member in dict(members).items():
            _check(f"{key}.{name}", member, kinds.get(name, Any), ours)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for member in value:
            _check(key, member, Any, ours)
    elif value is None and not _takes_none(kind):
        raise ValueError(f"{key} is null, and must be {_words(kind)}: set it, or leave it out for its default.")
    elif isinstance(value, float) and (math.isnan(value) or (ours and math.isinf(value))):  # others may mean infinity
        raise ValueError(f"{key} is {value}: give a finite number.")
    elif isinstance(value, int) and abs(value) > _LARGEST:
        raise ValueError(f"{key} is {value}, which is too large: numbers must be at most {_LARGEST}.")


def _imported(path: str) -> Any:
    try:
        return pydoc.locate(path)
    except Exception:  # whatever a user's own module raises, the parser or the constructor says it
        return None


def _class_in(kind: Any) -> Any:
    """Return the class whose arguments a mapping holds, of a type that allows for one."""
    return next((part for part in (kind, *get_args(kind)) if isinstance(part, type) and part is not NoneType), None)


def arguments_of(kind: Any) -> dict[str, Any]:
    """Return the types of the arguments of a class, those that it hands on to its bases included."""
    found: dict[str, Any] = {}
    if not isinstance(kind, type) or kind in (dict, list, tuple):
        return found
    for base in reversed(kind.__mro__):
        if "__init__" not in vars(base):
            continue
        try:
            hints = get_type_hints(base if is_dataclass(base) else vars(base)["__init__"])
            signature = inspect.signature(vars(base)["__init__"])
        except Exception:  # of other people's classes, whose types cannot be known
            continue
        for name, parameter in signature.parameters.items():
            found[name] = Any if parameter.default is None else hints.get(name, Any)
    return found


def _takes_none(kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType):
        return any(_takes_none(part) for part in get_args(kind))
    return kind in (Any, None, NoneType, object) or isinstance(kind, TypeVar)


def _words(kind: Any) -> str:
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(_words(part) for part in get_args(kind))
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text", dict: "names and values"}
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    return names.get(kind, f"of the type {getattr(kind, '__name__', str(kind))}")
