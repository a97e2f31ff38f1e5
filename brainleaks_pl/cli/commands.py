"""Finds the command that a command line names, and runs it."""

from __future__ import annotations

import brainleaks_pl
from brainleaks_pl.audit.main import audit_main
from brainleaks_pl.cli.command import BrainLeaksCLI
from brainleaks_pl.cli.configs import check_configs, configs_first, with_shipped
from brainleaks_pl.cli.logs import SaveConfig
from brainleaks_pl.cli.messages import quiet
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.engine.values import STRICT
from brainleaks_pl.export import export_main
from brainleaks_pl.targets.trainee import Trainee


def run(arguments: list[str], *, verbose: bool = False) -> None:
    """Run the command that arguments name.

    Args:
        arguments: those after ``brainleaks``.
        verbose: whether Lightning says what it has to say.
    """
    for name in brainleaks_pl.__all__:  # the short names of classes resolve once these are imported
        getattr(brainleaks_pl, name)
    arguments = with_shipped(configs_first(arguments))
    check_configs(arguments)
    with quiet(verbose):
        if arguments[0] == "export":  # needs neither config nor networks
            export_main(arguments[1:])
        elif arguments[0] == "audit":  # its networks are trained seed by seed
            audit_main(arguments[1:])
        else:
            kind = _of_one_command(arguments[0])
            kind.verbose = verbose
            kind(
                Trainee,
                BaseDataModule,
                subclass_mode_model=True,
                subclass_mode_data=True,
                trainer_class=InversionTrainer,
                save_config_callback=SaveConfig,
                save_config_kwargs={"overwrite": True},
                seed_everything_default=0,
                auto_configure_optimizers=False,
                parser_kwargs={**STRICT, **{name: {**STRICT} for name in kind.subcommands()}},
                args=arguments,
            )


def _of_one_command(name: str) -> type[BrainLeaksCLI]:
    """Return a command line that knows one command, where it is one: each takes a parser, and time to build it."""
    known = BrainLeaksCLI.subcommands()
    own = {name: known[name]} if name in known else known
    return type("BrainLeaksCLI", (BrainLeaksCLI,), {"subcommands": staticmethod(lambda: own)})
