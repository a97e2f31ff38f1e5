"""The files of priors: their weights, and all that says what these are."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from torch import Tensor

from brainleaks_pl.system.tensors import UnreadableError, read_tensors, write_tensors
from brainleaks_pl.targets.weights import digest_of, not_finite

_FORMAT = "brainleaks_pl.prior/1"
_TYPES = {"class": str, "architecture": dict, "data": dict, "state_dict": dict, "digest": str}


def write_prior(path: Path, content: dict[str, Any]) -> None:
    """Write a prior: its ``class``, ``architecture``, ``data`` and ``state_dict``, and what else is known of it.

    Raises:
        OSError: when the file cannot be written; an older file at ``path`` is then left as it was.
        ValueError: when weights are not finite; nothing is written then.
    """
    if bad := not_finite(content["state_dict"]):
        raise ValueError(
            f"the prior was trained to weights that are not finite ({bad}), and {path} was not written: lower "
            "training.lr."
        )
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
            f"{path} is damaged, or no prior, and was not loaded. Train it with `brainleaks fit`."
        ) from error
    known = isinstance(content, dict) and content.get("format") == _FORMAT
    if not known or not all(isinstance(content.get(key), kind) for key, kind in _TYPES.items()):
        raise ValueError(f"{path} is not a prior that `brainleaks fit` wrote. A network is no prior.")
    state = content["state_dict"]
    if not all(isinstance(own, Tensor) for own in state.values()) or content["digest"] != digest_of(state):
        raise ValueError(f"{path} is damaged: its content is not what was written. Train it with `brainleaks fit`.")
    return dict(content)


def prior_digest(path: Path) -> str | None:
    """Return the digest of the weights in a prior's file; None where it cannot be read."""
    try:
        return _digest_at(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=64)
def _digest_at(path: Path, modified: int) -> str:
    return str(read_prior(path)["digest"])
