"""Which command it is."""

from __future__ import annotations

from lightning.pytorch.cli import LightningArgumentParser

import brainleaks_pl
from brainleaks_pl.audit.main import audit_main
from brainleaks_pl.cli.command import BrainLeaksCLI
from brainleaks_pl.cli.configs import check_configs
from brainleaks_pl.cli.logs import SaveConfig
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.composing import ComposingParser
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.engine.values import STRICT
from brainleaks_pl.export import export_main
from brainleaks_pl.targets.trainee import Trainee

_DESCRIPTION = """Beside these: `brainleaks audit --help` compares targets under one protocol,
`brainleaks export --help` writes reconstructions as event files."""


class ConfigParser(ComposingParser, LightningArgumentParser):
    """Lightning's parser, whose config files may name a base."""


def run(arguments: list[str]) -> None:
    """Run the command that arguments name.

    Args:
        arguments: those after ``brainleaks``.
    """
    for name in brainleaks_pl.__all__:  # the short names of classes resolve once these are imported
        getattr(brainleaks_pl, name)
    check_configs(arguments)
    if arguments[:1] == ["export"]:  # needs neither config nor networks
        export_main(arguments[1:])
        return
    if arguments[:1] == ["audit"]:  # its networks are trained seed by seed
        audit_main(arguments[1:])
        return
    BrainLeaksCLI(
        Trainee,
        BaseDataModule,
        subclass_mode_model=True,
        subclass_mode_data=True,
        trainer_class=InversionTrainer,
        parser_class=ConfigParser,
        save_config_callback=SaveConfig,
        save_config_kwargs={"overwrite": True},
        seed_everything_default=0,
        auto_configure_optimizers=False,
        parser_kwargs={
            **STRICT,
            "description": _DESCRIPTION,
            **{verb: {**STRICT} for verb in BrainLeaksCLI.subcommands()},
        },
        args=arguments,
    )
