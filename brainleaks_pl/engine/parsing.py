"""A parser that says what somebody most likely meant who misspelt a key, a class or a value."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

import brainleaks_pl
from brainleaks_pl.engine.composing import ComposingParser
from brainleaks_pl.system.suggestions import did_you_mean

_UNKNOWN = re.compile(r"(?:Option|Subcommand|Group) '[^']*' .*?(?:not accept option '([^']*)'|not accepted)")
_OPTION = re.compile(r"Option '([^']*)'")
_KEY = re.compile(r'Parser key "([^"]*)"')
_CLASSES = (
    re.compile(r"Expected a dot import path string: (\w+)"),
    re.compile(r"Expected a path but (\w+) either not accessible or invalid"),
    re.compile(r"No brainleaks_pl attribute (\w+)"),
)
_MISSING = "the following arguments are required: "
_SEPARATE = ("config", "ckpt_path", "weights_only")


class SuggestingParser(ComposingParser):
    """A parser of configs whose errors name what was most likely meant; parsers of nested classes are of its kind."""

    made: str = ""

    def add_class_arguments(self, theclass: type, nested_key: str | None = None, *args: Any, **kwargs: Any) -> Any:
        """Add the arguments of a class, and remember its name where they are all that is parsed."""
        if nested_key is None:
            self.made = theclass.__name__
        return super().add_class_arguments(theclass, nested_key, *args, **kwargs)

    def validate(self, *args: Any, **kwargs: Any) -> None:
        """Check a config as jsonargparse does.

        Raises:
            KeyError: when it holds a key that is not known; says which one was most likely meant.
            TypeError: when a value is not valid.
        """
        try:
            super().validate(*args, **kwargs)
        except KeyError as error:
            message = str(error.args[0]) if error.args else ""
            if _UNKNOWN.match(message):
                error.args = (self._of_key(message),)
            raise

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise an error, in our words where an argument is not known.

        Raises:
            argparse.ArgumentError: always, or SystemExit where the parser is to exit.
        """
        unknown = message.removeprefix("unrecognized arguments: ")
        command = next(iter(getattr(self, "args", ())), "")
        if unknown != message:
            message = self._of_argument(unknown.split(), command)
        elif message.startswith(_MISSING):
            message = message.replace(f" {command}.", " ")
        else:
            message = self.of_subcommand(command).with_class(message)
        super().error(message, ex)

    def with_class(self, message: str) -> str:
        """Return a message about a class that is not known, with the one that was most likely meant."""
        key = _KEY.search(message)
        action = next((own for own in self._actions if key and own.dest == key[1]), None)
        for pattern in _CLASSES:
            found = pattern.search(message)
            if found and action and message[found.end() : found.end() + 1] != ";":
                ours = {path.rpartition(".")[2] for path in paths_of(action) if path.startswith("brainleaks_pl.")}
                known = sorted(ours) or brainleaks_pl.__all__
                return message[: found.end()] + did_you_mean(found[1], known) + message[found.end() :]
        return message

    def _of_key(self, message: str) -> str:
        found = _UNKNOWN.match(message)
        option = _OPTION.match(message)
        key = (found[1] if found else None) or (option[1] if option else "")
        group = re.match(r"Group '([^']*)'", message)
        key = f"{group[1]}.{key}" if group else key
        own = re.match(r"Subcommand '([^']*)'", message)
        parser = self.of_subcommand(own[1]) if own else self
        return f"Option {parser.unknown(key)}"

    def _of_argument(self, unknown: list[str], command: str) -> str:
        option = next((own for own in unknown if own.startswith("-")), None)
        if option is None:
            return f"`{unknown[0]}` belongs to no key: write `--KEY {unknown[0]}`."
        key = option.lstrip("-").partition("=")[0]
        return f"Option {self.of_subcommand(command).unknown(key)}"

    def commands(self) -> dict[str, SuggestingParser]:
        """Return the parsers of the subcommands by name."""
        return dict(getattr(self._subcommands_action, "_name_parser_map", {}))

    def of_subcommand(self, name: str) -> SuggestingParser:
        """Return the parser of a subcommand, or this one where it has none of that name."""
        return self.commands().get(name, self)

    def unknown(self, key: str) -> str:
        """Return what is said of a key that is not known, such as ``'scoring.drawz' is not accepted``."""
        known = {action.dest for action in self._actions if action.dest != "help"} | set(_SEPARATE)
        right, parts = "", key.split(".")
        for index, part in enumerate(parts):
            here = sorted({own[len(right) :].partition(".")[0] for own in known if own.startswith(right)})
            if part not in here:
                whose = f"{self.made} has no such key" if self.made and not right else "there is no such key"
                return f"'{'.'.join(parts[: index + 1])}' is not accepted: {whose}{did_you_mean(part, here)}"
            right += f"{part}."
        return f"'{key}' is not accepted"


def paths_of(action: argparse.Action) -> list[str]:
    """Return the paths of the known classes that an argument takes."""
    *_, paths = getattr(action, "extra_help", str)().partition("known subclasses: ")
    return [path for path in paths.split(", ") if path]
