"""Whether a network recognises test data better than chance: one that has learnt nothing leaks nothing."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.targets.checks.measure import uncertainty


@dataclass(frozen=True)
class Skill:
    """What a network knows of test data.

    Args:
        accuracy: its accuracy on them.
        samples: how many samples that rests on.
        chance: what one that gives all samples the same answer reaches.
        margin: three standard errors of an accuracy at chance.
    """

    accuracy: float
    samples: int
    chance: float
    margin: float

    @property
    def at_chance(self) -> bool:
        """Whether the accuracy may be due to chance alone, or is no number."""
        return not self.accuracy > self.chance + self.margin

    def __str__(self) -> str:
        return f"{self.accuracy:.3f} on {self.samples} test samples, chance {self.chance:.3f}"


def skill(data: BaseDataModule, accuracy: float, samples: int | None = None) -> Skill:
    """Return what an accuracy says of a network.

    Args:
        data: the data set.
        accuracy: on test samples.
        samples: how many of them; None means all.
    """
    labels = torch.as_tensor(data.split("test").labels).long()
    seen = labels if samples is None else labels[:samples]  # as far as their number goes
    chance = max(1 / data.num_classes, labels.bincount().max().item() / len(labels))
    return Skill(accuracy, len(seen), chance, uncertainty(chance, len(seen)))
