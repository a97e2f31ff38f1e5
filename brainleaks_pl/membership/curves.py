"""ROC curves of membership scores, the rates read from them, and the precision where members are rare."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from brainleaks_pl.membership.halves import Members
from brainleaks_pl.membership.scores import Array

NON_MEMBERS_PER_RATE = 10
"""False positives that a rate must rest on: a false positive rate f takes ``10 / f`` non-members."""


class TooFewError(ValueError):
    """A rate would rest on too few non-members.

    Args:
        rate: the false positive rate.
        there: non-members at hand.
    """

    def __init__(self, rate: float, there: int) -> None:
        needed = non_members_for(rate)
        super().__init__(
            f"a false positive rate of {rate:g} takes {needed} non-members, so that {NON_MEMBERS_PER_RATE} of them "
            f"are false positives, and there are {there}."
        )
        self.needed = needed


def non_members_for(rate: float) -> int:
    """Return how many non-members a false positive rate takes.

    Raises:
        ValueError: when the rate is not in (0, 1).
    """
    if not 0 < rate < 1:
        raise ValueError(f"a false positive rate must lie in (0, 1), got {rate}.")
    return int(np.ceil(NON_MEMBERS_PER_RATE / rate - 1e-9))


@dataclass(frozen=True)
class Curve:
    """A ROC curve: one point a distinct score, the largest first, from (0, 0) to (1, 1).

    Args:
        false_positives: weight of non-members that score at least so much, as a share, rising.
        true_positives: weight of members that do, as a share.
        non_members: how many non-members there are.
    """

    false_positives: Array
    true_positives: Array
    non_members: int

    @cached_property
    def auc(self) -> float:
        """The probability that a member scores higher than a non-member, equal scores counting half."""
        return float(np.trapezoid(self.true_positives, self.false_positives))

    def true_positive_rate(self, rate: float) -> float:
        """Return the largest share of members that is found with at most a share ``rate`` of false positives.

        Raises:
            TooFewError: when there are fewer non-members than :func:`non_members_for` asks for.
        """
        if self.non_members < non_members_for(rate):
            raise TooFewError(rate, self.non_members)
        return self.at(rate)[1]

    def at(self, rate: float) -> tuple[float, float]:
        """Return false and true positive rate at the lowest threshold with at most ``rate`` false positives."""
        place = int(np.searchsorted(self.false_positives, rate * (1 + 1e-9), side="right")) - 1
        return float(self.false_positives[place]), float(self.true_positives[place])

    def points(self, number: int = 60) -> list[tuple[float, float]]:
        """Return at most so many points, evenly spaced on a logarithmic axis of false positives, for a plot."""
        least = 1 / max(2, self.non_members)
        return [(float(rate), self.at(float(rate))[1]) for rate in np.geomspace(least, 1.0, number)]


class Ranking:
    """Scores of pairs of a network and a sample, sorted once: curves under any weights of networks and samples.

    Args:
        scores: ``(S, N)``, finite.
        members: which network was trained on which sample, ``(S, N)``; some must be, and some not.

    Raises:
        ValueError: when scores are not finite, shapes differ, or there are no members or no non-members.
    """

    def __init__(self, scores: Array, members: Members) -> None:
        if scores.shape != members.shape or scores.ndim != 2:
            raise ValueError(
                f"scores and members must have one shape (networks, samples), got {scores.shape} and {members.shape}."
            )
        if not np.isfinite(scores).all():
            raise ValueError(f"scores must be finite, got {scores[~np.isfinite(scores)][0]}.")
        if members.all() or not members.any():
            raise ValueError("a curve needs members and non-members, and there is only one kind.")
        flat = scores.ravel()
        order = np.argsort(-flat, kind="stable")
        self._shape, self._order = scores.shape, order
        self._member = members.ravel()[order].astype(np.float64)
        self._last: NDArray[np.int64] = np.flatnonzero(np.append(np.diff(flat[order]) != 0, True))
        self._non_members = int((~members).sum())

    def curve(self, networks: Array | None = None, samples: Array | None = None) -> Curve:
        """Return the ROC curve, each pair weighted by the product of its network's and its sample's weight.

        Args:
            networks: weights, ``(S,)``; None weighs all alike.
            samples: weights, ``(N,)``; likewise.
        """
        of_networks = np.ones(self._shape[0]) if networks is None else networks
        of_samples = np.ones(self._shape[1]) if samples is None else samples
        weights = np.outer(of_networks, of_samples).ravel()[self._order]
        held = weights * self._member
        true, false = np.cumsum(held)[self._last], np.cumsum(weights - held)[self._last]
        if true[-1] <= 0 or false[-1] <= 0:  # a draw without members, say: no better than chance
            return Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), self._non_members)
        return Curve(np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1]), self._non_members)


def precision(true_positive_rate: float, false_positive_rate: float, prior: float) -> float | None:
    """Return which share of those called members are members, where a share ``prior`` of all samples is.

    None where nobody is called a member.
    """
    right, wrong = prior * true_positive_rate, (1 - prior) * false_positive_rate
    return None if right + wrong == 0 else right / (right + wrong)
