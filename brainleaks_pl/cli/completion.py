"""Shell completion of the commands and the keys of their configs."""

from __future__ import annotations

import argparse
import pydoc
from collections.abc import Mapping
from typing import Any

from jsonargparse import ArgumentParser

from brainleaks_pl.audit.main import audit_parser
from brainleaks_pl.cli.overview import COMMANDS
from brainleaks_pl.engine.parsing import SuggestingParser, paths_of
from brainleaks_pl.engine.values import arguments_of
from brainleaks_pl.export.main import export_parser

_SHELLS = ("bash", "zsh")
_CLASSES = ("data", "model", "attack")
_NOT_GIVEN = {"self", "args", "kwargs", "target"}
_SCRIPT = """_brainleaks() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
    if [ "$COMP_CWORD" -eq 1 ]; then
        COMPREPLY=($(compgen -W "@COMMANDS@" -- "$word"))
    elif [[ $word != -* ]] || [ "$before" = --config ]; then
        COMPREPLY=($(compgen -f -- "$word"))
    else
        case ${COMP_WORDS[1]} in
@CASES@
        esac
    fi
}
complete -o filenames -F _brainleaks brainleaks"""


def completion(shell: str, commands: Mapping[str, ArgumentParser]) -> str:
    """Return the script of a shell.

    Args:
        shell: ``bash`` or ``zsh``.
        commands: by name of a command its parser.

    Raises:
        ValueError: when the shell is not known.
    """
    if shell not in _SHELLS:
        raise ValueError(f"--print_completion takes {' or '.join(_SHELLS)}, got {shell!r}.")
    cases = [
        f'            {name}) COMPREPLY=($(compgen -W "{" ".join(_keys(parser))}" -- "$word"));;'
        for name, parser in commands.items()
    ]
    head = "autoload -U +X bashcompinit && bashcompinit\n" if shell == "zsh" else ""
    return head + _SCRIPT.replace("@COMMANDS@", " ".join(COMMANDS)).replace("@CASES@", "\n".join(cases))


class PrintCompletion(argparse.Action):
    """Prints the script of a shell, and ends the command."""

    def __init__(self, option_strings: list[str], **kwargs: Any) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, default=argparse.SUPPRESS, metavar="SHELL")

    def __call__(self, parser: argparse.ArgumentParser, _: Any, values: Any, *__: Any) -> None:
        """Print it."""
        assert isinstance(parser, SuggestingParser)
        commands = {**parser.commands(), "audit": audit_parser(), "export": export_parser()}
        print(completion(str(values), commands))
        parser.exit()


def _keys(parser: ArgumentParser) -> list[str]:
    """Return the options of a parser, and the keys of the package's own classes that its arguments may be of."""
    keys: dict[str, None] = {}
    for action in parser._actions:
        if action.help != argparse.SUPPRESS:
            keys |= dict.fromkeys(own for own in action.option_strings if own.startswith("--") and own[-1] != "+")
        for path in paths_of(action):
            if path.startswith("brainleaks_pl") and action.dest in _CLASSES:
                names = arguments_of(pydoc.locate(path)).keys() - _NOT_GIVEN
                keys |= dict.fromkeys(f"--{action.dest}.{name}" for name in names)
    return sorted(keys)
