"""The nearest memorised image of each class, by features that no network has learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from brainleaks_pl.networks.captured import Captured
from brainleaks_pl.networks.hog import FEATURES, hog

AT_ONCE = 250
"""Images that are compared with all references at once."""


def nearest_of_each(
    features: Tensor, references: Tensor, counts: Sequence[int], without: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return how far each of B feature vectors is from the nearest reference of each of K classes, and which that is.

    Args:
        features: ``(B, D)``.
        references: ``(R, D)``, class by class.
        counts: how many of these belong to each class, at least 1 each; their sum is R.
        without: for each vector the place of a reference that does not count, ``(B,)``; its class needs another one.

    Returns:
        Euclidean distances and places in ``references``, both ``(B, K)``; the distances are differentiable.
    """
    with torch.no_grad():
        # half the squared distances, but for what all references of a row share
        closeness = torch.linalg.vector_norm(references, dim=1).square() / 2 - features @ references.mT
        if without is not None:
            closeness.scatter_(1, without.unsqueeze(1), torch.inf)
        starts = torch.tensor([0, *counts[:-1]], device=features.device).cumsum(0)
        places = torch.stack([part.argmin(1) for part in closeness.split(list(counts), 1)], 1) + starts
    # anew from the differences: small distances are lost in the products above
    return torch.linalg.vector_norm(features.unsqueeze(1) - references[places], dim=-1), places


def by_peak(images: Tensor) -> Tensor:
    """Return images ``(N, C, H, W)`` divided by the largest value of each; black ones stay black."""
    peak = images.amax((-3, -2, -1), keepdim=True)
    return images / peak.where(peak > 0, 1.0)


class NearestMember(Captured, nn.Module):
    """Answers with how near the nearest memorised image of each class is, by :func:`~brainleaks_pl.networks.hog.hog`.

    It has no weights to train, :meth:`memorise` takes their place. Logits are distances, negated, divided by a
    temperature.

    Args:
        references: images of each class that are memorised, at least 1; None means all.

    Raises:
        ValueError: when ``references`` is below 1.
    """

    takes_spikes: ClassVar[bool] = False
    features: Tensor
    counts: Tensor
    rates: Tensor
    temperature: Tensor

    def __init__(self, references: int | None = 500) -> None:
        super().__init__()
        if references is not None and references < 1:
            raise ValueError(f"references must be at least 1, or null for all images, got {references}.")
        self.references = references
        self.register_buffer("features", torch.zeros(0, FEATURES))
        self.register_buffer("counts", torch.zeros(0, dtype=torch.long))
        self.register_buffer("rates", torch.tensor(False))
        self.register_buffer("temperature", torch.ones(()))

    def memorise(self, images: Sequence[Tensor], rates: bool) -> None:
        """Take the first images of each class for the references, in place of those known so far.

        Args:
            images: those of each class, ``(N, C, H, W)``, as the network sees them.
            rates: whether they are rate images of events, which are sparse: each is divided by its largest rate.
        """
        own = [self._features(part[: self.references].to(self.features.device), rates) for part in images]
        self.features, self.rates = torch.cat(own), torch.full_like(self.rates, rates)
        self.counts = torch.tensor([len(part) for part in own], device=self.counts.device)

    def distances(self, x: Tensor) -> Tensor:
        """Return how far images ``(B, C, H, W)`` are from the nearest reference of each class, ``(B, K)``.

        Raises:
            ValueError: when nothing has been memorised.
        """
        if not len(self.counts):
            raise ValueError("NearestNeighbour has memorised no images yet: let `brainleaks fit` show it the data.")
        with torch.autocast(x.device.type, enabled=False):
            features = self._features(x, bool(self.rates))
            return nearest_of_each(features, self.features.float(), self.counts.tolist())[0]

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of images ``(B, C, H, W)``."""
        return -self.distances(x) / self.temperature

    def left_out_distances(self, most: int) -> tuple[Tensor, Tensor]:
        """Return how far references are from the nearest other one of each class, ``(N, K)``, and their own class.

        Args:
            most: references that are looked at, spread evenly over the classes; those alone in their class are not.
        """
        counts = self.counts.tolist()
        each = max(1, most // len(counts))
        starts = [sum(counts[:k]) for k in range(len(counts))]
        ranges = [range(start, start + min(each, own) * (own > 1)) for start, own in zip(starts, counts, strict=True)]
        places = torch.tensor([place for own in ranges for place in own], dtype=torch.long, device=self.counts.device)
        labels = torch.repeat_interleave(torch.tensor([len(own) for own in ranges])).to(places)
        distances = [
            nearest_of_each(self.features[some], self.features, counts, without=some)[0]
            for some in places.split(AT_ONCE)
        ]
        return torch.cat(distances), labels

    def _features(self, images: Tensor, rates: bool) -> Tensor:
        return hog((by_peak(images) if rates else images).clamp(0.0, 1.0))

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *further: Any) -> None:
        """Take as many references as were memorised, which is only known from what is loaded."""
        for name in ("features", "counts"):
            stored, own = state_dict.get(prefix + name), getattr(self, name)
            if isinstance(stored, Tensor) and stored.ndim == own.ndim and stored.shape[1:] == own.shape[1:]:
                setattr(self, name, own.new_zeros(stored.shape))
        super()._load_from_state_dict(state_dict, prefix, *further)
