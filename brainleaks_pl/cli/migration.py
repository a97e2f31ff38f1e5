"""Configs of before networks were wrapped: recognised, and told how they are written now."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

_NETWORKS = ("SpikingMLP", "SpikingCNN", "MLP", "CNN")


def check_wrapped(arguments: Iterable[str]) -> None:
    """See that the configs on a command line wrap their networks.

    Raises:
        ValueError: when one names a network where a ``Classifier`` around it is expected.
    """
    arguments = list(arguments)
    named = [argument.partition("=")[2] for argument in arguments if argument.startswith("--config=")]
    named += [after for before, after in pairwise(arguments) if before in ("--config", "-c")]
    for path in map(Path, named):
        try:
            config = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue  # the parser says what is wrong
        for key, network in _networks(config):
            raise ValueError(
                f"{path}: {key} is a {network}, which is a plain network now. Wrap it: `class_path: Classifier`, and "
                f"as its init_args `network: {{class_path: {network}, init_args: ...}}` and `training`."
            )


def _networks(config: Any) -> list[tuple[str, str]]:
    """Return the unwrapped networks of a config, by the key that holds them."""
    if not isinstance(config, dict):
        return []
    places = {"model": config.get("model")}
    for group in ("judges", "targets"):
        members = config.get(group)
        places |= {f"{group}.{name}": own for name, own in members.items()} if isinstance(members, dict) else {}
    named = {key: str(own.get("class_path", "")) for key, own in places.items() if isinstance(own, dict)}
    return [(key, path.rpartition(".")[2]) for key, path in named.items() if path.rpartition(".")[2] in _NETWORKS]
