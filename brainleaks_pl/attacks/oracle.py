"""What an attacker without gradients can do: send inputs, see scores or classes, and have each query counted."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from torch import Tensor

from brainleaks_pl.attacks.finite import require_finite
from brainleaks_pl.targets.classifier import Classifier


class Oracle(ABC):
    """A classifier behind an interface: the one place where attacks without gradients call their target.

    It never builds a graph, counts the inputs it was sent by unit, and refuses what goes beyond the budget.

    Args:
        target: the trained classifier.
        units: N, number of those who ask.
        budget: queries that each of them has.
    """

    shows: ClassVar[str]
    """What it answers with, as reports say it of the target: "its scores"."""

    def __init__(self, target: Classifier, units: int, budget: int) -> None:
        self._target = target
        self.budget = budget
        self.spent = torch.zeros(units, dtype=torch.long)

    def __call__(self, inputs: Tensor, units: Tensor) -> Tensor:
        """Return what the target answers to each of B inputs; each is one query.

        Args:
            inputs: spikes ``(T, B, C, H, W)`` for spiking targets, images ``(B, C, H, W)`` for non-spiking ones.
            units: the unit, from 0 to N - 1, that sends each input, ``(B,)``.

        Raises:
            RuntimeError: when a unit asks more than its budget allows; the target is then not called.
            ValueError: when the target's answers are not finite.
        """
        spent = self.spent + torch.bincount(units.cpu(), minlength=len(self.spent))
        if int(spent.max()) > self.budget:
            raise RuntimeError(f"the budget is {self.budget} queries per unit, but {int(spent.max())} were asked for.")
        self.spent = spent
        with torch.no_grad():
            outputs = self._target.logits(inputs).float()
        require_finite(outputs, "answers of the target", f"query {int(spent.max())}")
        return self._answer(outputs)

    @staticmethod
    @abstractmethod
    def _answer(outputs: Tensor) -> Tensor:
        """Return what leaves the interface of outputs ``(T, B, K)``."""


class ScoreOracle(Oracle):
    """Answers with scores: the log-softmax of the outputs' mean over time, ``(B, K)``, all at most 0."""

    shows = "its scores"

    @staticmethod
    def _answer(outputs: Tensor) -> Tensor:
        return outputs.mean(0).log_softmax(-1)


class LabelOracle(Oracle):
    """Answers with the predicted class alone (argmax of the outputs summed over time): int64 ``(B,)``."""

    shows = "the class that it predicts"

    @staticmethod
    def _answer(outputs: Tensor) -> Tensor:
        return outputs.sum(0).argmax(-1)
