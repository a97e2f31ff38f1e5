"""Whose is a reconstruction? Identification and verification by features that no network has learnt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.networks.hog import FEATURES, hog
from brainleaks_pl.networks.nearest import AT_ONCE, nearest_of_each

ONE_IN = 100
"""Of so many pairs of a test image and another class than its own one passes at the threshold of verification."""
IMPOSTORS = 250
"""Test images of each class at most that the threshold rests on, the first ones."""


@dataclass(frozen=True, eq=False)
class Verification:
    """How the training images of the classes tell real test images apart.

    Args:
        threshold: distance to the nearest training image of a class below which an image passes for one of the class.
        pairs: how many pairs of a test image and another class than its own the threshold rests on; one in a hundred
            may pass, and none where there are fewer than a hundred.
        accepted: share of the test images that pass for their own class.
        recognised: share of the test images to whose class the nearest training image belongs.
    """

    threshold: float
    pairs: int
    accepted: float
    recognised: float

    def as_dict(self) -> dict[str, float | int]:
        """Return plain numbers, ready for JSON."""
        return {
            "false_acceptance": self.pairs // ONE_IN / self.pairs if self.pairs else 0.0,
            "threshold": self.threshold,
            "pairs": self.pairs,
            "true_acceptance": self.accepted,
            "recognised": self.recognised,
        }


@dataclass(eq=False)
class Gallery:
    """The features of the images of every class.

    Args:
        train: those of the training images, class by class, ``(R, FEATURES)``.
        counts: how many of these belong to each class; their sum is R.
        test: those of the test images of each class, ``(N, FEATURES)``; N is 0 where a class has none.
        verification: what they tell apart.
        kept: what else has been computed of these images.
    """

    train: Tensor
    counts: list[int]
    test: list[Tensor]
    verification: Verification
    kept: dict[Any, Any] = field(default_factory=dict)


_GALLERIES: WeakKeyDictionary[Any, Gallery] = WeakKeyDictionary()


def gallery(data: BaseDataModule) -> Gallery:
    """Return the features of a data set's images, as displayed; computed once for as long as its images are in memory.

    A class without training images is as far as can be from everything.
    """
    images = data.split("train")  # shared by copies with another encoder
    try:
        known = _GALLERIES.get(images)
    except TypeError:  # neither a hash nor weak references
        return _gallery(data)
    if known is None:
        known = _GALLERIES[images] = _gallery(data)
    return known


def _gallery(data: BaseDataModule) -> Gallery:
    train, test = (_features(data, split) for split in ("train", "test"))
    together, counts = torch.cat(train), [len(part) for part in train]
    return Gallery(together, counts, test, verification(together, counts, test))


def _features(data: BaseDataModule, split: str) -> list[Tensor]:
    """Return the features of the images of every class, ``(N, FEATURES)``; N is 0 where a split has none."""
    present = set(torch.as_tensor(data.split(split).labels).tolist())
    return [
        hog(data.display(data.class_images(k, split))) if k in present else torch.zeros(0, FEATURES)
        for k in range(data.num_classes)
    ]


def verification(train: Tensor, counts: Sequence[int], test: Sequence[Tensor]) -> Verification:
    """Choose the threshold at which one in a hundred of the pairs of a test image and another class passes.

    Args:
        train: features of the training images, class by class, ``(R, D)``.
        counts: how many of these belong to each of the K classes.
        test: features of the test images of each class, ``(N, D)``, of which the first :data:`IMPOSTORS` are taken.
    """
    probes = [features[:IMPOSTORS] for features in test]
    labels = torch.arange(len(test)).repeat_interleave(torch.tensor([len(part) for part in probes]))
    distances = _to_classes(torch.cat(probes), train, counts)
    own = F.one_hot(labels, len(counts)).bool()
    impostors, members = distances[~own].sort().values, distances[own]
    threshold = impostors[len(impostors) // ONE_IN].item()
    recognised = (distances.argmin(1) == labels).double().mean().item()
    return Verification(threshold, len(impostors), (members < threshold).double().mean().item(), recognised)


def _to_classes(features: Tensor, train: Tensor, counts: Sequence[int]) -> Tensor:
    """Return how far features ``(B, D)`` are from the nearest of each class, ``(B, K)``; infinite where it has none."""
    there = [k for k, count in enumerate(counts) if count]
    found = torch.full((len(features), len(counts)), torch.inf)
    known = [counts[k] for k in there]
    found[:, there] = torch.cat([nearest_of_each(part, train, known)[0] for part in features.split(AT_ONCE)])
    return found


def identify(
    images: Tensor, classes: Sequence[int], data: BaseDataModule, left_out: Sequence[int] | None = None
) -> list[dict[str, int | float]]:
    """Say of each image which class it is most like, and whether its class's training images are nearer than others.

    Distances are Euclidean, between histograms of oriented gradients (:func:`~brainleaks_pl.networks.hog.hog`).

    Args:
        images: as displayed, in [0, 1], ``(M, C, H, W)``.
        classes: the class of each image.
        data: the private data set.
        left_out: for each image the place of one among the test images of its class that does not count, as the image
            is that one itself; None leaves none out. Where it is the only one, nothing is said of test images.

    Returns:
        For each image:

        - ``rank``: the place of its class where classes are ordered by their nearest training image, 1 is best; ties
          count against it;
        - ``verified``: 1 where the nearest training image of its class is so near that only one in a hundred pairs of a
          real test image and a class that is not its own is as near (see :class:`Verification`), else 0;
        - ``distance_member`` and ``distance_non_member``: to the nearest training and the nearest test image of its
          class;
        - ``member_nearer``: the probability that of equally many training and test images of its class, drawn at
          random, a training image is the nearest; see :func:`member_nearer`.

    Raises:
        ValueError: when a class has no training or no test image.
    """
    for k in set(classes):
        data.class_indices(k, "test")  # says what is missing
    known = gallery(data)
    features = hog(images)
    distances, members_of = _to_classes(features, known.train, known.counts), known.train.split(known.counts)
    rows: list[dict[str, int | float]] = []
    for index, k in enumerate(classes):
        others = known.test[k]
        if left_out is not None:
            others = torch.cat([others[: left_out[index]], others[left_out[index] + 1 :]])
        members, non_members = (
            torch.linalg.vector_norm(part - features[index], dim=1) for part in (members_of[k], others)
        )
        row: dict[str, int | float] = {
            "rank": int((distances[index] <= distances[index, k]).sum()),
            "verified": float(distances[index, k] < known.verification.threshold),
            "distance_member": members.min().item(),
        }
        if len(non_members):
            row["distance_non_member"] = non_members.min().item()
            row["member_nearer"] = member_nearer(members, non_members)
        rows.append(row)
    return rows


def member_nearer(members: Tensor, non_members: Tensor) -> float:
    """Return the probability that the nearest of n members is nearer than the nearest of n non-members.

    n is the number of the fewer; as many of the others are drawn, without replacement, and a tie counts one half. .5
    says nothing of the members themselves; 1 that what is looked at is nearer to them in general than to others of
    their class. A copy of a single one of N members comes to about .5 + n / 2N alone, as that one is drawn or not: read
    it beside the distances themselves.

    Args:
        members: distances to the members, ``(N,)``.
        non_members: distances to the non-members, ``(N',)``.
    """
    fewer, more = (members, non_members) if len(members) <= len(non_members) else (non_members, members)
    nearest, total, drawn = fewer.min(), len(more), len(fewer)
    nearer = int((more < nearest).sum())
    as_near = int((more <= nearest).sum())
    none_nearer, none_as_near = (_none_drawn(total, count, drawn) for count in (nearer, as_near))
    lost = (1 - none_nearer) + (none_nearer - none_as_near) / 2  # by the fewer
    return lost if more is members else 1 - lost


def _none_drawn(total: int, marked: int, drawn: int) -> float:
    """Return the probability that none of the marked is among so many drawn from all."""
    if drawn > total - marked:
        return 0.0
    logarithm = sum(
        sign * math.lgamma(number + 1)
        for sign, number in ((1, total - marked), (-1, total - marked - drawn), (-1, total), (1, total - drawn))
    )
    return math.exp(logarithm)
