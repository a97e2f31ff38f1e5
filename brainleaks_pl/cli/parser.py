"""The parser of a command, and its help: our keys first, Lightning's on request."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lightning.pytorch.cli import LightningArgumentParser

from brainleaks_pl.engine.parsing import SuggestingParser

_TITLES = {
    "data": "The private data set",
    "model": "The network under attack, or a prior to train",
    "trainer": "Lightning's Trainer",
}
_EPILOG = """The keys of trainer, such as --trainer.max_epochs, are Lightning's: --help-trainer explains them. -v shows
Lightning's own messages."""
_ROLE = re.compile(r":\w+:`~?([^`]*)`")


class CommandParser(SuggestingParser, LightningArgumentParser):
    """The parser of a command: its errors say what was most likely meant, its help leaves Lightning's keys aside."""

    def format_help(self, *args: Any) -> str:
        """Return the help without the keys of Lightning's trainer."""
        with self._showing(trainer=False):
            return super().format_help(*args)

    def format_trainer_help(self) -> str:
        """Return the help of the keys of Lightning's trainer."""
        with self._showing(trainer=True):
            return super().format_help()

    @contextmanager
    def _showing(self, *, trainer: bool) -> Iterator[None]:
        """Hide the trainer's keys, or all others, while the help is made."""
        hidden = [own for own in self._actions if own.dest.startswith("trainer") is not trainer]
        words = {own: own.help for own in self._actions}
        titles = {group: (group.title, group.description) for group in self._action_groups}
        epilog = self.epilog
        for action in self._actions:
            action.help = argparse.SUPPRESS if action in hidden else _plain(action.help)
        for group in self._action_groups:
            if all(own.help == argparse.SUPPRESS for own in group._group_actions):
                group.title = group.description = None
            else:
                group.title = _TITLES.get(_key(group), group.title)
        if not trainer and any(own.dest.startswith("trainer") for own in self._actions):
            self.epilog = _EPILOG
        try:
            yield
        finally:
            self.epilog = epilog
            for action, own in words.items():
                action.help = own
            for group, (title, description) in titles.items():
                group.title, group.description = title, description


class TrainerHelp(argparse.Action):
    """Shows the keys of Lightning's trainer, and ends the command."""

    def __init__(self, option_strings: list[str], **kwargs: Any) -> None:
        super().__init__(
            option_strings,
            dest=argparse.SUPPRESS,
            default=argparse.SUPPRESS,
            nargs=0,
            help="Show the keys of Lightning's trainer and exit.",
        )

    def __call__(self, parser: argparse.ArgumentParser, *_: Any, **__: Any) -> None:
        """Show them."""
        assert isinstance(parser, CommandParser)
        print(parser.format_trainer_help(), end="")
        parser.exit()


def _key(group: Any) -> str:
    """Return the first part of the keys of a group."""
    return next((action.dest.partition(".")[0] for action in group._group_actions), "")


def _plain(words: str | None) -> str | None:
    """Return words without the marks of reStructuredText."""
    return words if words is None else _ROLE.sub(r"`\1`", words).replace("``", "`")
