"""The membership attacks by name: how each scores a target's answers against those of its shadows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from brainleaks_pl.membership import scores
from brainleaks_pl.membership.halves import Members, shadows_of
from brainleaks_pl.membership.questions import Answers
from brainleaks_pl.membership.scores import Array

OFFLINE_A = 0.3
"""How RMIA scales what shadows without a sample say where none with it are at hand: the authors' own default."""


@dataclass(frozen=True)
class Panel:
    """What all networks of a pool said. Each is the target in turn, and its shadows are :func:`shadows_of` it.

    Args:
        answers: of each of S networks.
        members: which network was trained on which sample, ``(S, N)``.
        labels: the true classes, ``(N,)``.
    """

    answers: Sequence[Answers]
    members: Members
    labels: NDArray[np.int64]

    def has(self, kind: str) -> bool:
        """Tell whether all networks gave a kind of answer."""
        return all(kind in own for own in self.answers)

    def stacked(self, kind: str) -> Array:
        """Return a kind of answer of the networks that gave it, the first ones, ``(S, ...)``."""
        stacked: Array = torch.stack([own[kind] for own in self.answers if kind in own]).double().numpy()
        return stacked

    def in_turn(self, score: Callable[[int, NDArray[np.int64]], Array]) -> Array:
        """Return the scores of every network as the target, ``(S, N)``: of a network and of its shadows."""
        networks = len(self.answers)
        return np.stack([score(target, shadows_of(target, networks)) for target in range(networks)])


Attack = Callable[[Panel], Array]
"""Returns the scores of the networks, the first ones where it does not attack all, ``(S', N)``."""


def _pairwise(score: Callable[[Array, Array, Members], Array], kind: str) -> Attack:
    """Return an attack that compares a target's answers with its shadows'."""

    def attack(panel: Panel) -> Array:
        values = panel.stacked(kind)
        values = values[:, 0] if kind == "confidence" else values
        return panel.in_turn(lambda own, others: score(values[own], values[others], panel.members[others]))

    return attack


def _all_draws(panel: Panel) -> Array:
    values = panel.stacked("confidence").mean(1)
    return panel.in_turn(lambda own, others: scores.lira_online(values[own], values[others], panel.members[others]))


def _rmia(kind: str, population: str, offline_a: float | None = None) -> Attack:
    def attack(panel: Panel) -> Array:
        values, others = panel.stacked(kind), panel.stacked(population)
        return panel.in_turn(
            lambda own, shadows: scores.rmia(
                values[own], values[shadows], panel.members[shadows], others[own], others[shadows], offline_a
            )
        )

    return attack


@dataclass(frozen=True)
class Entry:
    """An attack, the kinds of answers that it takes, and what it is in words.

    Args:
        attack: the attack.
        needs: kinds of answers.
        words: a line for the report.
        draws: encodings that it takes at least.
    """

    attack: Attack
    needs: tuple[str, ...]
    words: str
    draws: int = 1

    def fits(self, panel: Panel) -> bool:
        """Tell whether the networks gave the answers that it takes; of labels alone, some networks suffice."""
        there = all(panel.has(kind) or (kind in LABELS and kind in panel.answers[0]) for kind in self.needs)
        return there and (self.draws == 1 or panel.answers[0]["confidence"].shape[0] >= self.draws)


LABELS = ("shifted", "noisy")
"""Answers that labels alone give."""

ATTACKS: Mapping[str, Entry] = {
    "loss": Entry(lambda panel: panel.stacked("confidence")[:, 0], ("confidence",), "loss of the true class"),
    "entropy": Entry(
        lambda panel: scores.entropy(panel.stacked("classes")), ("classes",), "entropy of the confidences"
    ),
    "modified_entropy": Entry(
        lambda panel: scores.modified_entropy(panel.stacked("classes"), panel.labels), ("classes",), "modified entropy"
    ),
    "lira_online": Entry(
        _pairwise(scores.lira_online, "confidence"), ("confidence",), "LiRA, shadows with and without"
    ),
    "lira_offline": Entry(_pairwise(scores.lira_offline, "confidence"), ("confidence",), "LiRA, shadows without"),
    "rmia_online": Entry(_rmia("probability", "population"), ("probability",), "RMIA, shadows with and without"),
    "rmia_offline": Entry(
        _rmia("probability", "population", OFFLINE_A), ("probability",), f"RMIA, shadows without, a = {OFFLINE_A}"
    ),
    "bavaria": Entry(_pairwise(scores.bavaria, "confidence"), ("confidence",), "BaVarIA, Student predictive"),
    "lira_draws": Entry(_all_draws, ("confidence",), "LiRA on the mean over encodings of one image", 2),
    "rmia_dropout": Entry(_rmia("dropout", "dropout_population"), ("dropout",), "RMIA under input dropout"),
    "spike_counts": Entry(
        _pairwise(scores.likelihood_ratio, "spikes"), ("spikes",), "likelihood ratio of spike counts over time"
    ),
    "membranes": Entry(
        _pairwise(scores.likelihood_ratio, "membranes"), ("membranes",), "likelihood ratio of the membranes over time"
    ),
    "shifted_labels": Entry(lambda panel: panel.stacked("shifted"), ("shifted",), "labels of shifted images alone"),
    "noisy_labels": Entry(lambda panel: panel.stacked("noisy"), ("noisy",), "labels of noisy images alone"),
}
