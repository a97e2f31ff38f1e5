"""LightningCLI with this package's parsers."""

from __future__ import annotations

from typing import Any

from jsonargparse import ActionConfigFile  # type: ignore[attr-defined]
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from brainleaks_pl.cli.completion import PrintCompletion
from brainleaks_pl.cli.overview import COMMANDS
from brainleaks_pl.cli.parser import CommandParser, TrainerHelp

_SEED = "Seed of all that is random; true draws one."


class CommandCLI(LightningCLI):
    """LightningCLI whose errors say what was most likely meant, and whose help puts our keys first."""

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """Build the parser of a command, or the one of all commands."""
        parser = CommandParser(**kwargs)
        parser.add_argument("-c", "--config", action=ActionConfigFile, help="A config, a file in YAML or JSON.")
        return parser

    def setup_parser(self, *args: Any, **kwargs: Any) -> None:
        """Build the parsers, with help in our words."""
        super().setup_parser(*args, **kwargs)
        assert isinstance(self.parser, CommandParser)
        self.parser.add_argument("--print_completion", action=PrintCompletion)
        for name, parser in self.parser.commands().items():
            parser.usage = f"brainleaks {name} --config FILE [--KEY VALUE ...]"
            parser.description = COMMANDS[name]
            parser.add_argument("--help-trainer", action=TrainerHelp)
            for action in parser._actions:
                if action.dest == "seed_everything":
                    action.help = _SEED

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse the arguments of the command, which need not be those of the process."""
        self.config = parser.parse_args(args)
