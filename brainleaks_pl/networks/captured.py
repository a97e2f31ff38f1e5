"""Remembers the arguments that an object was built with, so that nobody has to keep a list of them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any


class Captured:
    """A class whose instances remember the arguments of their construction, defaults included.

    Attributes:
        constructor_arguments: by name; None where an instance was made without its constructor (as copies are).
    """

    constructor_arguments: dict[str, Any] | None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        """Remember the arguments; a wrong one is left to ``__init__`` to refuse."""
        made = super().__new__(cls)
        signature = inspect.signature(cls.__init__)
        try:
            bound = signature.bind(made, *args, **kwargs)
        except TypeError:
            arguments = None
        else:
            bound.apply_defaults()
            arguments = dict(list(bound.arguments.items())[1:])  # without self
            for name, parameter in signature.parameters.items():
                if parameter.kind is parameter.VAR_KEYWORD:
                    arguments |= arguments.pop(name)
        # past the class's own __setattr__, which in torch's modules needs their __init__ first
        object.__setattr__(made, "constructor_arguments", arguments)
        return made


def arguments_of(made: object, factory: Callable[..., Any] | None = None) -> dict[str, Any] | None:
    """Return the arguments that an object was built with, defaults included, as plain values; None where not known.

    Args:
        made: the object; one of a :class:`Captured` class remembers them.
        factory: what built it without further arguments: a class, a function, or a partial of either, as configs make.
    """
    arguments = getattr(made, "constructor_arguments", None)
    if arguments is None and factory is not None:
        arguments = _given(factory)
    return None if arguments is None else {name: plain(value) for name, value in arguments.items()}


def _given(factory: Callable[..., Any]) -> dict[str, Any] | None:
    """Return the arguments that a factory passes on, defaults included."""
    built: Any = factory
    positional: tuple[Any, ...] = ()
    named: dict[str, Any] = {}
    if isinstance(factory, partial):
        built, positional, named = factory.func, factory.args, factory.keywords
        if getattr(built, "__module__", "").startswith("jsonargparse"):  # which is handed what to build
            built, positional = next((own for own in reversed(positional) if isinstance(own, type)), built), ()
    try:
        bound = inspect.signature(built).bind(*positional, **named)
    except (TypeError, ValueError):  # it is none of Python's, or says nothing
        return dict(named) or None
    bound.apply_defaults()
    return dict(bound.arguments) or None


def plain(value: Any) -> Any:
    """Return a value as numbers, strings, lists and dictionaries, which JSON and YAML can hold."""
    if is_dataclass(value) and not isinstance(value, type):
        constants = {own.name: plain(getattr(value, own.name)) for own in fields(value)}
        return {"class": type(value).__qualname__, **constants}
    if isinstance(value, Mapping):
        return {str(key): plain(own) for key, own in value.items()}
    if isinstance(value, str | int | float | bool | None):
        return value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Sequence):
        return [plain(own) for own in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(own) for own in value), key=str)
    if isinstance(value, partial):
        return {"function": plain(value.func), "arguments": plain(value.args), **plain(value.keywords)}
    # where the object lies in memory is no part of it
    return getattr(value, "__qualname__", None) or re.sub(" at 0x[0-9a-fA-F]+", "", repr(value))
