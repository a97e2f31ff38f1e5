"""Configs that build on others: the key ``base`` names files whose keys a config takes over and may change."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import ArgumentParser, Namespace

from brainleaks_pl.system.yaml_files import check_size, parse_node, plain_values, problem, read_node

BASE = "base"
"""The key that names the files a config builds on: a path, or a list of paths of which later ones win."""
_MOST = 50  # files that a config may be composed of


class ComposingParser(ArgumentParser):
    """A parser whose config files may name a base."""

    def parse_string(self, content: str, path: str | os.PathLike[str] = "", *args: Any, **kwargs: Any) -> Namespace:
        """Parse a config, its bases merged in.

        Args:
            content: the text of the config.
            path: the file that it comes from.
            args: as of jsonargparse.
            kwargs: as of jsonargparse.

        Raises:
            ValueError: when a base cannot be taken.
        """
        parsed: Namespace = super().parse_string(with_bases(content, Path(path)), path, *args, **kwargs)
        return parsed


def read_config(path: Path) -> Any:
    """Return what a config holds, its bases merged in, as plain values.

    Raises:
        OSError: when it cannot be read.
        ValueError: when it, or a base, is no config.
    """
    return plain_values(compose(read_node(path), path), path)


def with_bases(text: str, path: Path) -> str:
    """Return the text of a config with its bases merged in; one without a base stays as it is.

    Args:
        text: the config.
        path: its file, from whose folder the paths of bases lead.

    Raises:
        ValueError: when a base cannot be taken.
    """
    if BASE not in text:
        return text
    own = parse_node(text, path)
    composed = compose(own, path)
    # nodes, not values, so that every scalar keeps its style: "1e3" in quotes stays a text
    return text if composed is own else yaml.serialize(composed, Dumper=yaml.SafeDumper)


def compose(node: yaml.Node | None, path: Path) -> yaml.Node | None:
    """Return a config with its bases merged in; one without a base as it is.

    Mappings are merged key by key, and the config's own keys win. Where it names another class than its base does, the
    base's arguments of that class are dropped.

    Args:
        node: the config.
        path: its file, from whose folder the paths of bases lead.

    Raises:
        ValueError: when a base is missing, names itself, directly or through others, or is no config; or when the whole
            is too large.
    """
    try:
        composed = _Composition().of(node, path, ())
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {problem(error)}") from error
    if composed is not node:
        check_size(composed, path)
    return composed


class _Composition:
    """The files that one config is composed of."""

    def __init__(self) -> None:
        self.files = 0

    def of(self, node: yaml.Node | None, path: Path, above: tuple[Path, ...]) -> yaml.Node | None:
        if not isinstance(node, yaml.MappingNode):
            return node
        own = _pairs(node)
        if BASE not in own:
            return node
        _, named = own.pop(BASE)
        composed: yaml.Node = yaml.MappingNode(node.tag, [])
        for base in _paths(named, path):
            composed = _merged(composed, self.read(base, path, (*above, path)))
        return _merged(composed, yaml.MappingNode(node.tag, list(own.values())))

    def read(self, base: Path, path: Path, above: tuple[Path, ...]) -> yaml.MappingNode:
        self.files += 1
        if self.files > _MOST:
            raise ValueError(f"{above[0]} builds on more than {_MOST} files, each counted as often as it is named.")
        real = base.resolve()
        if real in [own.resolve() for own in above]:
            chain = " -> ".join(map(str, (*above, base)))
            raise ValueError(f"{above[0]} builds on itself: {chain}. Take one `base` out.")
        try:
            found = self.of(read_node(base), base, above)
        except OSError as error:
            reason = "is not there" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
            raise ValueError(
                f"{path}: its base {base} {reason}. The path of a base leads from the folder of the file that names it."
            ) from error
        if not isinstance(found, yaml.MappingNode):
            raise ValueError(f"{path}: its base {base} is not a config: it must hold keys and values.")
        return found


def _paths(node: yaml.Node, path: Path) -> list[Path]:
    named = node.value if isinstance(node, yaml.SequenceNode) else [node]
    for own in named:
        if not isinstance(own, yaml.ScalarNode) or own.tag != "tag:yaml.org,2002:str" or not own.value:
            value = plain_values(own, path)
            shown = "null" if value is None else repr(value)
            raise ValueError(f"{path}: base is {shown}, and must be the path of a YAML file, or a list of paths.")
    return [path.parent / Path(own.value).expanduser() for own in named]


def _pairs(node: yaml.MappingNode) -> dict[Any, tuple[yaml.Node, yaml.Node]]:
    """Return the pairs of a mapping by their keys, those that ``<<`` brings among them."""
    loader = yaml.SafeLoader("")
    loader.flatten_mapping(node)
    return {key.value if isinstance(key, yaml.ScalarNode) else id(key): (key, value) for key, value in node.value}


def _merged(base: yaml.Node, own: yaml.Node) -> yaml.Node:
    if not isinstance(own, yaml.MappingNode):
        return own
    given = _pairs(own)
    if isinstance(base, yaml.ScalarNode) and "init_args" in given and "class_path" not in given:
        base = yaml.MappingNode(own.tag, [(yaml.ScalarNode("tag:yaml.org,2002:str", "class_path"), base)])
    if not isinstance(base, yaml.MappingNode):
        return own
    pairs = _pairs(base)
    if "class_path" in given and _class(pairs) not in (None, _class(given)):
        return own
    for name, (key, value) in given.items():
        pairs[name] = (key, _merged(pairs[name][1], value) if name in pairs else value)
    return yaml.MappingNode(own.tag, list(pairs.values()))


def _class(pairs: dict[Any, tuple[yaml.Node, yaml.Node]]) -> Any:
    return pairs["class_path"][1].value if "class_path" in pairs else None
