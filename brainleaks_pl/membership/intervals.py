"""Intervals of rates: over networks, over samples, and over both."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import beta
from scipy.stats import t as student

from brainleaks_pl.membership.curves import Curve, Ranking
from brainleaks_pl.membership.scores import Array

Over = Literal["both", "networks", "samples"]
Statistic = Callable[[Curve], float]

REPLICATES = 200
_NEAR = 1e-9


class Range(NamedTuple):
    """A value and its interval."""

    value: float
    low: float
    high: float


def clopper_pearson(found: int, of: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a share, ``found`` of ``of``.

    Raises:
        ValueError: when the numbers are no share.
    """
    if not 0 <= found <= of or of < 1:
        raise ValueError(f"found must be 0 to of, and of at least 1, got {found} of {of}.")
    outside = (1 - level) / 2
    low = 0.0 if found == 0 else float(beta.ppf(outside, found, of - found + 1))
    high = 1.0 if found == of else float(beta.ppf(1 - outside, found + 1, of - found))
    return low, high


class Resampling:
    """Bootstrap weights of pairs of networks and of samples, the same for every score that is to be compared.

    Networks are drawn in pairs that were trained on opposite halves. The standard error of a rate is that of its
    replicates under networks and samples drawn anew (Owen's pigeonhole bootstrap, which errs towards too wide), and
    its interval is Student's, with as many degrees of freedom as there are pairs less one, on the logit scale.

    Args:
        networks: S, even.
        samples: N.
        seed: seed of the draws.
        replicates: how many.
    """

    def __init__(self, networks: int, samples: int, seed: int = 0, replicates: int = REPLICATES) -> None:
        generator = np.random.default_rng(seed)
        self.pairs, self.samples = networks // 2, samples
        pairs = generator.multinomial(self.pairs, np.full(self.pairs, 1 / self.pairs), replicates)
        self._networks: Array = np.repeat(pairs, 2, axis=1).astype(np.float64)
        drawn = generator.multinomial(samples, np.full(samples, 1 / samples), replicates)
        self._samples: Array = drawn.astype(np.float64)

    def replicates(
        self, ranking: Ranking, statistics: Mapping[str, Statistic], over: Over = "both", most: int | None = None
    ) -> dict[str, Array]:
        """Return statistics of the curve under each of the draws, the first ``most`` of them, each ``(R,)``."""
        curves = (
            ranking.curve(None if over == "samples" else own, None if over == "networks" else drawn)
            for own, drawn in zip(self._networks[:most], self._samples[:most], strict=True)
        )
        found = np.array([[statistic(curve) for statistic in statistics.values()] for curve in curves])
        return dict(zip(statistics, found.T, strict=True))

    def interval(self, value: float, replicates: Array, over: Over = "both", level: float = 0.95) -> Range:
        """Return the interval of a share: a rate, or an area under a curve.

        Args:
            value: the statistic without resampling, in [0, 1].
            replicates: what :meth:`replicates` returned.
            over: what was drawn anew.
            level: coverage.
        """
        error, quantile = self._error(replicates, over, level)
        if not _NEAR < value < 1 - _NEAR:  # replicates that are all alike tell nothing: an exact interval does
            count = max(1, self.samples // 2)
            low, high = clopper_pearson(count if value > 0.5 else 0, count, level)
            return Range(value, min(low, value), max(high, value))
        middle, reach = math.log(value / (1 - value)), quantile * error / (value * (1 - value))
        low, high = (1 / (1 + math.exp(-min(max(end, -700.0), 700.0))) for end in (middle - reach, middle + reach))
        return Range(value, low, high)

    def difference(self, value: float, replicates: Array, over: Over = "both", level: float = 0.95) -> Range:
        """Return the interval of a difference of two shares, whose replicates are of the same draws."""
        error, quantile = self._error(replicates, over, level)
        if error == 0:  # the same in every draw, which says no more than as many samples that are alike
            error, quantile = 1 - clopper_pearson(1, 1, level)[0] ** (1 / max(1, self.samples // 2)), 1.0
        return Range(value, max(-1.0, value - quantile * error), min(1.0, value + quantile * error))

    def _error(self, replicates: Array, over: Over, level: float) -> tuple[float, float]:
        units = self.samples if over == "samples" else min(self.pairs, self.samples)
        if units < 2:
            return math.inf, 1.0
        error = float(replicates.std(ddof=1)) * math.sqrt(units / (units - 1))
        return error, float(student.ppf(0.5 + level / 2, units - 1))
