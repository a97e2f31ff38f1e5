"""Finds the config files on a command line and checks them before the parser reads them: their size, their form."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from brainleaks_pl.engine.composing import read_config
from brainleaks_pl.system.suggestions import closest

_NETWORKS = ("SpikingMLP", "SpikingCNN", "MLP", "CNN")
_OF_AUDITS = {"targets", "attacks", "seeds", "measures", "controls"}
_LONGEST = 10_000  # characters of an argument
_CONFIG, _JOINED = ("--config", "-c"), "--config="
_PACKAGE = Path(__file__).parents[1]  # which the shipped configs travel with


def configs_first(arguments: Iterable[str]) -> list[str]:
    """Return a command line with its configs, in their order, before its options: an option changes what a config says.

    The parser takes all in the order in which they are named, and an option of an attack that no config has named yet
    means nothing to it.

    Args:
        arguments: the command line.
    """
    arguments = list(arguments)
    places = _places(arguments)
    named = [place in places or argument in _CONFIG for place, argument in enumerate(arguments)]
    configs = [argument for argument, own in zip(arguments, named, strict=True) if own]
    others = [argument for argument, own in zip(arguments, named, strict=True) if not own]
    return [*others[:1], *configs, *others[1:]]


def with_shipped(arguments: Iterable[str]) -> list[str]:
    """Return a command line with the package's own configs in place of those that it names and that are not there.

    Outside a checkout ``configs/quickstart.yaml`` is thus the shipped one; a file of that name in the working directory
    comes first.

    Args:
        arguments: the command line.
    """
    found = list(arguments)
    for place in _places(found):
        path = found[place].removeprefix(_JOINED)
        found[place] = found[place].removesuffix(path) + _shipped(path)
    return found


def _places(arguments: list[str]) -> list[int]:
    """Return the places of a command line that name a config, after its option or joined to it."""
    return [
        place
        for place, argument in enumerate(arguments)
        if argument.startswith(_JOINED) or (place and arguments[place - 1] in _CONFIG)
    ]


def _shipped(name: str) -> str:
    """Return the file of a shipped config, where a name is one and nothing else is there; else the name."""
    shipped = {path.relative_to(_PACKAGE): str(path) for path in (_PACKAGE / "configs").rglob("*.yaml")}
    own = shipped.get(Path(name))
    return own if own is not None and not Path(name).exists() else name


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
    for path in (Path(arguments[place].removeprefix(_JOINED)) for place in _places(arguments)):
        _check_there(path)
        if not path.is_file():
            continue  # a pipe, which is read once
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
        _check_command(config, path, arguments[0])


def _check_there(path: Path) -> None:
    """See that there is a file, unless what is named is the text of a config itself.

    Raises:
        FileNotFoundError: when there is none; says which one was most likely meant.
    """
    try:
        if path.is_dir():
            raise FileNotFoundError(f"{path} is a folder: name one of the configs in it.")
        if path.exists() or any(mark in str(path) for mark in "\n{:"):
            return
        folder = path.parent if path.parent.is_dir() or path.parts[:1] != ("configs",) else _PACKAGE / path.parent
        others = sorted(own.name for own in folder.iterdir()) if folder.is_dir() else []
    except FileNotFoundError:
        raise
    except OSError:
        return  # the parser says what is wrong
    meant = closest(path.name, [name for name in others if name.endswith((".yaml", ".yml", ".json"))])
    hint = (
        f"; did you mean {path.with_name(meant)}?"
        if meant
        else "."
        if path.parent.is_dir()
        else f", nor {path.parent}."
    )
    raise FileNotFoundError(f"there is no config {path}{hint}")


def _check_command(config: Any, path: Path, command: str) -> None:
    """See that a config is not one of another command.

    Raises:
        ValueError: when it is.
    """
    keys = set(config) if isinstance(config, dict) else set()
    if command != "audit" and len(keys & _OF_AUDITS) > 1:
        raise ValueError(f"{path} is a config of `brainleaks audit`, and {command} takes one with a model.")
    if command == "audit" and "model" in keys:
        raise ValueError(f"{path} is a config of fit and invert, and an audit takes one with targets and attacks.")


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
