"""The keys of a config that every subcommand shares, besides Lightning's own."""

from __future__ import annotations

from collections.abc import Callable

from lightning.pytorch.cli import LightningArgumentParser

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.targets.checks import Checks
from brainleaks_pl.targets.classifier import Classifier


def add_shared_arguments(parser: LightningArgumentParser) -> None:
    """Declare judges, attack, scoring, and the folders for what is written."""
    parser.add_argument(
        "--judges",
        type=dict[str, Classifier],
        default={},
        help="Classifiers by name that score the reconstructions: trained by fit, never seen by the attack.",
    )
    parser.add_argument(
        "--attack",
        type=Callable[[Classifier], InversionModule] | None,
        default=None,
        help="The attack that invert runs on the target; fit ignores it.",
    )
    parser.add_class_arguments(Checks, "checks", help="How networks are checked before they are attacked, or judge.")
    parser.add_class_arguments(Scoring, "scoring", help="How the judges score reconstructions.")
    parser.add_argument(
        "--checkpoints",
        type=str | None,
        default=None,
        help="Folder of target.pt and <judge>.pt: fit writes it, the other subcommands read it. "
        "Default: checkpoints/<name of the config>.",
    )
    parser.add_argument(
        "--results",
        type=str | None,
        default=None,
        help="Folder that invert writes to. Default: results/<name of the config>.",
    )
    parser.add_argument(
        "--resume",
        type=bool,
        default=False,
        help="Let invert resume an attack of the same settings that was interrupted, or pass over a finished one.",
    )
    parser.add_argument(
        "--progress_every",
        type=float,
        default=30.0,
        help="Seconds after which invert writes its progress again, for --resume; 0: after every step.",
    )
    parser.add_argument(
        "--logs",
        type=str,
        default="logs",
        help="Folder of the TensorBoard logs (used where trainer.logger is not set).",
    )
    parser.add_argument(
        "--skip_fitted",
        type=bool,
        default=False,
        help="Let fit skip networks whose checkpoint is there and fits the config.",
    )
