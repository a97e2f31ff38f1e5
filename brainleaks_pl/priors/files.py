"""The files of priors: their weights, and what identifies them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from brainleaks_pl.system.tensors import UnreadableError, read_tensors, write_tensors
from brainleaks_pl.targets.weights import check_trained, digest_of

_FORMAT = "brainleaks_pl.prior/1"
_TYPES = {"class": str, "architecture": dict, "data": dict, "state_dict": dict, "digest": str}


def write_prior(path: Path, content: dict[str, Any]) -> None:
    """Write a prior: its ``class``, ``architecture``, ``data`` and ``state_dict``, and what else is known of it.

    Raises:
        OSError: when the file cannot be written; an older file at ``path`` is then left as it was.
        ValueError: when weights are not finite; nothing is written then.
    """
    check_trained(content["state_dict"], "the prior", path)
    write_tensors(path, {"format": _FORMAT, **content, "digest": digest_of(content["state_dict"])})


def read_prior(path: Path) -> dict[str, Any]:
    """Return what :func:`write_prior` has written.

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is not the file of a prior, or is damaged.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no prior at {path}: train one on public data with `brainleaks fit`.")
    try:
        content = read_tensors(path)
    except UnreadableError as error:
        raise ValueError(
            f"{path} is damaged or not a prior, and was not loaded. Train it with `brainleaks fit`."
        ) from error
    known = isinstance(content, dict) and content.get("format") == _FORMAT
    if not known or not all(isinstance(content.get(key), kind) for key, kind in _TYPES.items()):
        raise ValueError(f"{path} is not a prior that `brainleaks fit` wrote. A network is not a prior.")
    state = content["state_dict"]
    if not all(isinstance(own, Tensor) for own in state.values()) or content["digest"] != digest_of(state):
        raise ValueError(f"{path} is damaged: its content is not what was written. Train it with `brainleaks fit`.")
    return dict(content)
