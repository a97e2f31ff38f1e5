"""Weights that a user brings: read without running code, put where they belong."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from brainleaks_pl.system.tensors import UnreadableError, read_tensors
from brainleaks_pl.targets.interfaces import Interface

_HOLDERS = ("state_dict", "model_state_dict", "model", "net", "network", "weights")
_PREFIXES = ("module.", "_orig_mod.", "network.", "model.", "net.")
_MOST_NAMES = 5


def digest_of(state: Mapping[str, Any]) -> str:
    """Return a digest of a state_dict: of the names, types, shapes and values in it."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        if isinstance(value, Tensor):
            value = value.detach().cpu().contiguous()
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
            digest.update(value.view(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
        else:
            digest.update(f"{name} {value!r}".encode())
    return digest.hexdigest()


def not_finite(state: Mapping[str, Any]) -> str:
    """Return the names of what is not finite in a state_dict, the first of them, as they are read; none is empty."""
    bad = [
        name
        for name, value in state.items()
        if isinstance(value, Tensor) and value.is_floating_point() and not bool(value.isfinite().all())
    ]
    return _names(bad) if bad else ""


def check_trained(state: Mapping[str, Any], what: str, path: Path) -> None:
    """See that the weights that a training came to are finite, before they are written.

    Args:
        state: the state_dict.
        what: what was trained.
        path: the file that they are for.

    Raises:
        ValueError: when they are not.
    """
    if bad := not_finite(state):
        raise ValueError(
            f"{what} was trained to weights that are not finite ({bad}), and {path} was not written: lower training.lr."
        )


def load_weights(network: nn.Module, interface: Interface, path: Path) -> None:
    """Load trained weights into a network.

    The file holds a ``state_dict``, alone or in a checkpoint under one of the usual keys; a prefix that all names share
    (``module.`` of DataParallel, ``model.`` of Lightning) is dropped, as is the state that neurons were left in.

    Args:
        network: the network.
        interface: how it is called; it knows the framework's own formats.
        path: the file.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when the file cannot be read without running code, holds no weights, or others than the network has.
    """
    if not path.is_file():
        raise FileNotFoundError(f"there are no weights at {path}: set `weights` to the file of a state_dict.")
    if path.suffix == ".json":
        if not interface.read_weights(network, path):
            raise ValueError(
                f"{type(interface).__name__} cannot read weights from JSON, got {path}: give a state_dict."
            )
        return
    try:
        content = read_tensors(path, checked=False)
    except UnreadableError as error:
        if not error.unsafe:
            raise
        raise ValueError(
            f"{path} holds more than plain weights and was not loaded, because it could run code: save the state_dict "
            "alone, torch.save(network.state_dict(), path)."
        ) from error
    state = {name: value for name, value in _state_in(path, content).items() if not interface.transient(name)}
    wanted = {name: value for name, value in network.state_dict().items() if not interface.transient(name)}
    state = _without_prefix(state, wanted)
    missing, unexpected = sorted(wanted.keys() - state.keys()), sorted(state.keys() - wanted.keys())
    if missing or unexpected:
        raise ValueError(
            f"{path} does not fit {type(network).__name__}: it lacks {_names(missing)} and has {_names(unexpected)} "
            "that the network does not have. Build the network with the arguments that it was trained with."
        )
    shapes = [name for name in wanted if tuple(state[name].shape) != tuple(wanted[name].shape)]
    if shapes:
        name = shapes[0]
        raise ValueError(
            f"{path} does not fit {type(network).__name__}: {name} has the shape {tuple(state[name].shape)} there and "
            f"{tuple(wanted[name].shape)} here. Build the network with the arguments that it was trained with."
        )
    if bad := not_finite(state):
        raise ValueError(f"{path}: the weights {bad} are not finite. The training has diverged.")
    network.load_state_dict(state, strict=False)  # what is missing now is the state of neurons


def _state_in(path: Path, content: Any) -> dict[str, Any]:
    """Return the state_dict of a file's content."""
    for _ in range(3):  # a holder may lie in another
        if isinstance(content, Mapping):
            if content and all(isinstance(value, Tensor) for value in content.values()):
                return dict(content)
            holder = next((key for key in _HOLDERS if isinstance(content.get(key), Mapping)), None)
            if holder is not None:
                content = content[holder]
                continue
            tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
            if tensors:
                return tensors
    raise ValueError(f"{path} holds no state_dict: save one with torch.save(network.state_dict(), path).")


def _without_prefix(state: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Drop a prefix that all names share, where more of them are the network's without it."""
    for prefix in _PREFIXES:
        if state and all(name.startswith(prefix) for name in state):
            shorter = _without_prefix({name.removeprefix(prefix): value for name, value in state.items()}, wanted)
            if len(shorter.keys() & wanted.keys()) > len(state.keys() & wanted.keys()):
                return shorter
    return state


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return (", ".join(names[:_MOST_NAMES]) or "nothing") + more
