"""The commands, version and help of ``brainleaks``, shown before anything heavy is imported."""

from __future__ import annotations

import shutil
import textwrap

from brainleaks_pl import __version__
from brainleaks_pl.system.suggestions import did_you_mean

COMMANDS = {
    "fit": "Train the target and its judges, or a prior, and write them to the folder of checkpoints.",
    "check": "Check the target and its judges: can the scores of an attack be trusted?",
    "invert": "Attack the target, let the judges score what was reconstructed, and write the results.",
    "audit": "Compare targets under one protocol: fit, attack and score for each seed, and write one report.",
    "export": "Write the spikes of an attack as event files or animations, or a network as a NIR graph.",
    "validate": "Measure the trained target on the validation set.",
    "test": "Measure the trained target on the test set.",
    "predict": "Write the trained target's predictions for the test set as a CSV file.",
}
"""Every command, and what it does."""

VERSION = f"brainleaks_pl {__version__}"
_OPTIONS = {
    "-h, --help": "Show this text; after a command, the keys of its config.",
    "--version": "Show the version.",
    "-v, --verbose": "Show Lightning's own messages as well; it goes anywhere on the command line.",
    "--print_completion SHELL": "Print what makes bash or zsh complete commands and keys.",
}
_START = """Start with `brainleaks fit --config configs/quickstart.yaml`, then `brainleaks invert` with the same config.
`brainleaks COMMAND --help` explains the keys of a config, which can all be given on the command line too."""


def overview() -> str:
    """Return the help of ``brainleaks`` itself, as wide as the terminal."""
    width = min(shutil.get_terminal_size().columns, 100)
    lines = ["usage: brainleaks COMMAND --config FILE [--KEY VALUE ...]", ""]
    lines += textwrap.wrap("What does a trained spiking network give away of its training data?", width)
    for title, rows, column in (("commands", COMMANDS, 12), ("options", _OPTIONS, 28)):
        lines += ["", f"{title}:"]
        for name, words in rows.items():
            head = f"  {name:<{column - 2}}"
            lines += textwrap.wrap(words, width, initial_indent=head, subsequent_indent=" " * column)
    return "\n".join([*lines, "", *textwrap.wrap(_START, width)])


def check_command(arguments: list[str]) -> None:
    """See that arguments begin with a command, or with options, among which a config may name one.

    Raises:
        ValueError: when they do not; says which command was most likely meant.
    """
    if not arguments:
        raise ValueError(f"name a command: {', '.join(COMMANDS)}. `brainleaks --help` explains them.")
    name = arguments[0]
    if not name.startswith("-") and name not in COMMANDS:
        meant = did_you_mean(name, COMMANDS)
        raise ValueError(f"there is no command `{name}`{meant} `brainleaks --help` lists them.")
