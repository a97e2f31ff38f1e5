"""The entry of the command line: which command it is, and what people read when something goes wrong."""

from __future__ import annotations

import os
import sys
import warnings

from lightning.pytorch.cli import ArgsType
from rich.console import Console

from brainleaks_pl.audit.main import audit_main
from brainleaks_pl.cli.command import BrainLeaksCLI
from brainleaks_pl.cli.migration import check_wrapped
from brainleaks_pl.cli.save_config import SaveConfig
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.errors import plain_message
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.export import export_main
from brainleaks_pl.targets.classifier import Classifier


def main(args: ArgsType = None) -> None:
    """Run the command line; an error of use is one line on standard error, with exit status 2.

    With ``BRAINLEAKS_DEBUG`` set in the environment errors keep their traceback.

    Args:
        args: arguments in place of the process's own.
    """
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")  # Lightning 2.6 on newer torch: nothing a user can do
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")  # Lightning's calls, likewise
    arguments = sys.argv[1:] if args is None else args
    try:
        if isinstance(arguments, list):
            check_wrapped(arguments)
        if isinstance(arguments, list) and arguments[:1] == ["export"]:  # needs neither config nor networks
            export_main(arguments[1:])
            return
        if isinstance(arguments, list) and arguments[:1] == ["audit"]:  # its networks are trained seed by seed
            audit_main(arguments[1:])
            return
        BrainLeaksCLI(
            Classifier,
            BaseDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            trainer_class=InversionTrainer,
            save_config_callback=SaveConfig,
            seed_everything_default=0,
            auto_configure_optimizers=False,
            # an abbreviated key is a misspelt key
            parser_kwargs={
                "allow_abbrev": False,
                "description": "Beside these: `brainleaks audit --help` compares targets under one protocol, "
                "`brainleaks export --help` writes reconstructions as event files.",
                **{verb: {"allow_abbrev": False} for verb in BrainLeaksCLI.subcommands()},
            },
            args=args,
        )
    except (ValueError, OSError, ImportError) as error:
        if os.environ.get("BRAINLEAKS_DEBUG"):
            raise
        Console(stderr=True).print(
            f"brainleaks: error: {plain_message(error)}", highlight=False, markup=False, soft_wrap=True
        )
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("brainleaks: interrupted; what was finished before is intact.")
        sys.exit(130)
