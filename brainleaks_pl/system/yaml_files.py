"""YAML files, read into nodes within limits that no config reaches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_LARGEST = 1_000_000  # bytes of a file
_MOST = 20_000  # values in it, aliases counted as often as they are used
_DEEPEST = 50


def read_node(path: Path) -> yaml.Node | None:
    """Return what a YAML file holds as a node, or None where it is empty.

    Raises:
        OSError: when it cannot be read.
        ValueError: when it is not valid YAML, larger or deeper than any experiment needs, or refers to itself.
    """
    size = path.stat().st_size
    if size > _LARGEST:
        raise ValueError(f"{path} is not a config: it is {size} bytes long, more than {_LARGEST}.")
    try:
        return parse_node(path.read_text(encoding="utf-8"), path)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}): save it as UTF-8.") from error


def parse_node(text: str, path: Path) -> yaml.Node | None:
    """Return what a YAML text holds as a node, or None where it is empty.

    Args:
        text: the text.
        path: where it comes from, for messages.

    Raises:
        ValueError: as :func:`read_node`.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        check_size(node, path)
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not valid YAML: {problem(error)}") from error
    except RecursionError:
        raise ValueError(f"{path} is nested too deeply.") from None
    return node


def check_size(root: yaml.Node | None, path: Path) -> None:
    """See that a node is neither too large once its aliases are written out nor too deep.

    Args:
        root: the node.
        path: where it comes from, for messages.

    Raises:
        ValueError: when it is.
    """
    sizes: dict[int, int] = {}

    def size(node: yaml.Node, depth: int) -> int:
        if depth > _DEEPEST:
            raise ValueError(f"{path} is nested more than {_DEEPEST} deep, or holds an alias to itself.")
        if id(node) not in sizes:
            parts: list[yaml.Node] = []
            if isinstance(node, yaml.MappingNode):
                parts = [part for pair in node.value for part in pair]
            elif isinstance(node, yaml.SequenceNode):
                parts = node.value
            sizes[id(node)] = 1 + sum(size(part, depth + 1) for part in parts)
        return sizes[id(node)]

    if root is not None and (count := size(root, 0)) > _MOST:
        raise ValueError(f"{path} is not a config: it holds {count} values, aliases written out, over {_MOST}.")


def plain_values(node: yaml.Node | None, path: Path) -> Any:
    """Return what a node stands for: dictionaries, lists, texts and numbers.

    Args:
        node: the node.
        path: where it comes from, for messages.

    Raises:
        ValueError: when a value is none, such as an impossible date.
    """
    loader = yaml.SafeLoader("")
    try:
        return None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{path} is not valid YAML: {problem(error)}") from error
    finally:
        loader.dispose()


def problem(error: Exception) -> str:
    """Return what is wrong with a YAML, after the line and the column that it is in."""
    mark, what = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}." if mark and what else str(error)
