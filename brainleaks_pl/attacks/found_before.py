"""What an earlier attack found in the same network, for another one to begin with."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from brainleaks_pl.system.tensors import UnreadableError, read_tensors
from brainleaks_pl.targets.classifier import Classifier

_KEYS = {"reconstructions", "classes", "costs", "target"}


def digest_bytes(network: Classifier) -> Tensor:
    """Return the digest of a network's weights as a tensor of bytes, as ``reconstructions.pt`` holds it."""
    return torch.tensor(list(network.digest().encode()), dtype=torch.uint8)


def found_before(
    folder: Path, target: Classifier, units: Sequence[tuple[int, int]], shape: Sequence[int]
) -> tuple[Tensor, str]:
    """Read the images that an earlier attack found, for the units of another.

    Args:
        folder: results folder of the earlier attack.
        target: the network that both attack.
        units: class and restart of each unit of the new attack: its restarts begin with the images that the target
            likes best, in that order.
        shape: (C, H, W) of the images.

    Returns:
        The images, ``(N, C, H, W)`` in [0, 1], and a digest of them.

    Raises:
        FileNotFoundError: when the folder holds no reconstructions.
        ValueError: when they are damaged, of another network, not images of this shape, or fewer than are needed.
    """
    path = folder / "reconstructions.pt"
    try:
        tensors = read_tensors(path)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"no reconstructions.pt in {folder}: `first` names the results folder of an earlier attack. Run that one "
            "first."
        ) from error
    except UnreadableError as error:
        raise ValueError(f"{path} is damaged and cannot be read. Run the earlier attack again.") from error
    if not isinstance(tensors, dict) or not tensors.keys() >= _KEYS:
        raise ValueError(f"{path} does not say what it was found in, or at which cost. Run the earlier attack again.")
    images, classes, costs = tensors["reconstructions"], tensors["classes"], tensors["costs"]
    if not torch.equal(tensors["target"], digest_bytes(target).to(tensors["target"].device)):
        raise ValueError(
            f"{folder} holds what was found in another network: its weights are not the target's. Run the earlier "
            "attack on this target."
        )
    if tuple(images.shape[1:]) != tuple(shape):
        raise ValueError(
            f"{folder} holds reconstructions of the shape {tuple(images.shape[1:])}, and this attack looks for images "
            f"of the shape {tuple(shape)}: begin with what an attack on images found."
        )
    chosen = []
    for label, restart in units:
        own = (classes == label).nonzero().flatten()
        if restart >= len(own):
            raise ValueError(
                f"{folder} holds {len(own)} images of class {label}, and this attack needs one per restart: give at "
                "most as many restarts as the earlier attack, and attack the same classes."
            )
        chosen.append(own[costs[own].argsort(stable=True)[restart]])
    begun = images[torch.stack(chosen)].clamp(0, 1)
    return begun, hashlib.sha256(begun.contiguous().numpy().tobytes()).hexdigest()
