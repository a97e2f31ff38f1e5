"""Shapes and numbers of classes that a config leaves to its data."""

from __future__ import annotations

import pydoc
from typing import Any

from jsonargparse import Namespace

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.networks.base import Network


def fill_shapes(config: Any, data: BaseDataModule) -> None:
    """Give the package's networks in a parsed config the data's shape and number of classes where none are given.

    Networks that read both from a file keep theirs.

    Args:
        config: the config or a part of it; changed in place.
        data: the private data set.
    """
    if isinstance(config, dict | Namespace):
        if isinstance(config, Namespace) and _takes_shapes(config.get("class_path")):
            arguments = config.init_args
            for name, known in (("input_shape", tuple(data.input_shape)), ("num_classes", data.num_classes)):
                if name in arguments and arguments[name] is None:
                    arguments[name] = known
        for part in (vars(config) if isinstance(config, Namespace) else config).values():
            fill_shapes(part, data)


def _takes_shapes(path: Any) -> bool:
    kind = pydoc.locate(path) if isinstance(path, str) else None
    return isinstance(kind, type) and issubclass(kind, Network) and not getattr(kind, "brings_weights", False)
