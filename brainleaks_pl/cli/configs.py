"""The config files on a command line, looked at before the parser takes them: their size, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

from brainleaks_pl.engine.composing import read_config

_NETWORKS = ("SpikingMLP", "SpikingCNN", "MLP", "CNN")
_LONGEST = 10_000  # characters of an argument


def check_configs(arguments: Iterable[str]) -> None:
    """See that the configs on a command line can be taken in, and that they wrap their networks.

    Raises:
        ValueError: when one is larger than any experiment needs, refers to itself, or names a network where a
            ``Classifier`` around it is expected.
    """
    arguments = list(arguments)
    longest = max(map(len, arguments), default=0)
    if longest > _LONGEST:
        raise ValueError(f"an argument is {longest} characters long, more than {_LONGEST}: use a config file.")
    named = [argument.partition("=")[2] for argument in arguments if argument.startswith("--config=")]
    named += [after for before, after in pairwise(arguments) if before in ("--config", "-c")]
    for path in map(Path, named):
        if not path.is_file():
            continue  # a pipe, which is read once; or nothing, which the parser says
        try:
            config = read_config(path)
        except OSError:
            continue  # the parser says what is wrong
        _check_classes(config, path)
        for key, network in _networks(config):
            raise ValueError(
                f"{path}: {key} is a {network}, which is a plain network now. Wrap it: `class_path: Classifier`, and "
                f"as its init_args `network: {{class_path: {network}, init_args: ...}}` and `training`."
            )


def _check_classes(config: Any, path: Path, key: str = "") -> None:
    """See that every class is named, and that its arguments have names.

    Raises:
        ValueError: when one is not.
    """
    if isinstance(config, list):
        for part in config:
            _check_classes(part, path, key)
    if not isinstance(config, dict):
        return
    name, arguments = config.get("class_path", ""), config.get("init_args", {})
    if not isinstance(name, str):
        raise ValueError(f"{path}: {key}.class_path is {_shown(name)}, and must be the name of a class.")
    if "class_path" in config and not isinstance(arguments, dict):
        raise ValueError(
            f"{path}: {key}.init_args is {_shown(arguments)}, and must be the arguments of {name} by name."
        )
    for own, part in config.items():
        _check_classes(part, path, f"{key}.{own}".lstrip("."))


def _shown(value: Any) -> str:
    return "null" if value is None else repr(value)


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
