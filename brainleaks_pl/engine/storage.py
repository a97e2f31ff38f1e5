"""Files that are written whole or not at all, and the checkpoints of networks."""

from __future__ import annotations

import os
import pickle
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.targets.base import TargetClassifier

_FORMAT = "brainleaks_pl.network/1"

UNREADABLE = (RuntimeError, EOFError, LookupError, ValueError, TypeError, AttributeError)
"""What :func:`torch.load` has raised on damaged files, beside :class:`pickle.UnpicklingError`."""


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; when the block ends well it becomes ``path``, otherwise it vanishes.

    Args:
        path: the file to replace. Its folder is made if need be.

    Raises:
        OSError: when the folder cannot be made or written to.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Write a text file, whole or not at all.

    Raises:
        OSError: as :func:`atomic_write`.
    """
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def check_writable(folder: Path, option: str) -> None:
    """Make a folder, and see that files can be written there, before hours are spent.

    Args:
        folder: where files will go.
        option: the key of the command line that names it.

    Raises:
        OSError: when they cannot.
    """
    try:
        with atomic_write(folder / "trial"):
            raise _OnlyTried
    except _OnlyTried:
        return
    except OSError as error:
        raise OSError(
            f"the {option} folder {folder} cannot be written to ({error}). Name another with --{option}."
        ) from error


class _OnlyTried(Exception):  # noqa: N818 - not an error
    """Leaves no file behind."""


def save_network(path: Path, network: TargetClassifier, data: BaseDataModule, test_accuracy: float, seed: int) -> None:
    """Write a trained network's weights and what they fit, as plain values that ``weights_only`` loading reads.

    Args:
        path: the checkpoint's file.
        network: the trained network.
        data: the data module that it was trained on.
        test_accuracy: its accuracy on the test images, in [0, 1].
        seed: the seed of the run that trained it.

    Raises:
        OSError: when the file cannot be written; an older file at ``path`` is then left as it was.
    """
    content = {
        "format": _FORMAT,
        "architecture": network.architecture(),
        "data": data.describe(),
        "time_steps": data.time_steps,
        "test_accuracy": test_accuracy,
        "seed": seed,
        "recipe": network.recipe(),
        "state_dict": network.state_dict(),
    }
    with atomic_write(path) as temporary:
        torch.save(content, temporary)


def load_network(path: Path, network: TargetClassifier, data: BaseDataModule) -> dict[str, Any]:
    """Load a checkpoint's weights into ``network``, after checking that they fit it and the data.

    Args:
        path: the checkpoint's file.
        network: the network of the same architecture.
        data: the data module of the same data set and encoder.

    Returns:
        What the checkpoint says beside the weights: ``test_accuracy``, ``time_steps``, ``seed``, ...

    Raises:
        FileNotFoundError: when there is no such file.
        ValueError: when it is not a checkpoint of ours, is damaged, or fits another architecture or data set.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} is not a plain checkpoint of weights and was not loaded: it may be damaged, or run code when "
            f"unpickled. Train it again with `brainleaks fit`."
        ) from error
    except (*UNREADABLE, OSError) as error:
        raise ValueError(f"{path} is damaged and cannot be read. Train it again with `brainleaks fit`.") from error
    needed = {"architecture", "data", "time_steps", "state_dict"}
    if not isinstance(content, dict) or content.get("format") != _FORMAT or not needed <= content.keys():
        raise ValueError(f"{path} is not a checkpoint that `brainleaks fit` wrote.")
    _check_same(path, "network", content["architecture"], network.architecture())
    _check_same(path, "data set", content["data"], data.describe())
    try:
        network.load_state_dict(content["state_dict"])
    except RuntimeError as error:
        raise ValueError(f"{path} does not fit {type(network).__name__}: {error}") from error
    network.time_steps = content["time_steps"]
    return {key: value for key, value in content.items() if key != "state_dict"}


def _check_same(path: Path, what: str, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    differing = [key for key in {**stored, **wanted} if stored.get(key) != wanted.get(key)]
    if differing:
        differences = "; ".join(f"{key}: {stored.get(key)} there, {wanted.get(key)} here" for key in differing)
        raise ValueError(
            f"{path} belongs to another {what} ({differences}). Train one for this config with `brainleaks fit`, "
            "or name another folder as `checkpoints`."
        )
