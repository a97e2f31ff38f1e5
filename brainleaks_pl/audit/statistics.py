"""Intervals over target seeds and classes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm, t

Matrix = NDArray[np.float64]
RESAMPLES = 2000
"""Bootstrap resamples of an interval."""


class Interval(NamedTuple):
    """A mean and its interval; ``low`` and ``high`` are None where the data cannot give one."""

    mean: float
    low: float | None
    high: float | None

    def within(self, least: float, most: float) -> Interval:
        """Return what of the interval lies between two bounds that no mean can pass."""
        return Interval(
            self.mean,
            None if self.low is None else max(self.low, least),
            None if self.high is None else min(self.high, most),
        )

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval, and 0 outside it."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class Estimate(NamedTuple):
    """A mean or a difference of means, the variance of its estimate and the degrees of freedom of that variance."""

    value: NDArray[np.float64]
    variance: NDArray[np.float64]
    freedom: NDArray[np.float64]


def mean_interval(values: Matrix, level: float = 0.95, least: float = 0.0, most: float = 1.0) -> Interval:
    """Return the mean of bounded scores over seeds and classes, and its interval.

    Student's interval, with the standard error and the degrees of freedom of :func:`difference_interval`, on the
    logit scale: near a bound it is longer towards the other side, as few samples hold the rare scores that pull a mean
    from its bound. Two seeds that differ leave less than two degrees of freedom, and up to 13 standard errors to each
    side: that is on the plain scale.

    Over simulated audits of 2 to 10 seeds and 10 to 40 classes the 95% interval covers the true mean in 88 to 99% where
    graded scores lie around the middle, in 86 to 98% where they are crowded near a bound (median .92 or .08), and in 81
    to 96% where they are piled up there (median .98): rare failures may be in no sample. Of scores that are 0 or 1 it
    covers less the fewer there are: at a mean of .95, 47% for 2 seeds and 10 classes, 81% for 5. Scores that are all
    equal give an interval of no width, which speaks of this sample alone.

    Args:
        values: scores of S seeds and K classes, ``(S, K)``, between the bounds.
        level: coverage, in (0, 1).
        least: lower bound of the scores.
        most: upper bound of the scores.

    Raises:
        ValueError: when an argument is out of range.
    """
    values = _checked(values, level)

    def ends(found: Estimate) -> tuple[float, float]:
        mean, error = float(found.value), float(t.ppf((1 + level) / 2, found.freedom) * np.sqrt(found.variance))
        if len(values) == 2 and found.freedom < 2:  # so many that the logit's slope says nothing of where they end
            return max(mean - error, least), min(mean + error, most)
        span, share = most - least, (mean - least) / (most - least)
        width = error / (span * share * (1 - share))
        low, high = (float(least + span * expit(logit(share) + way * width)) for way in (-1, 1))
        return low, high

    if values.min() < least or values.max() > most:
        raise ValueError(f"scores must lie in [{least}, {most}], got {values.min()} to {values.max()}.")
    return _interval((values,), ends)


def difference_interval(first: Matrix, second: Matrix, level: float = 0.95, seed: int = 0) -> Interval:
    """Return the difference of two targets' mean scores, and its bootstrap interval over seeds and classes.

    Seeds and classes are crossed random factors: a score is a mean, an effect of its seed, one of its class, and noise.
    Networks of different targets are independent; the classes are the same, so that their effects are paired. Seeds and
    classes are resampled independently (the pigeonhole bootstrap, Owen 2007). As that interval is too narrow for a
    handful of seeds, and too wide where noise prevails, its deviations are scaled to the standard error that the
    variance components give (two-way analysis of variance) and to Student's t with Satterthwaite's degrees of freedom.

    Over simulated audits of 2 to 10 seeds and 10 to 40 classes the 95% interval covers the true difference of Gaussian
    scores in 93 to 98% where seeds or classes differ (92 to 97% where the targets' numbers of seeds do), that of scores
    crowded near 1 in 93 to 99%. Where there is nothing but noise it is too wide (97 to 100%). One seed, or one class,
    gives no interval. Scores that are all equal give one of no width, which speaks of this sample alone: near 0 or 1,
    few seeds often give it by chance.

    Args:
        first: scores of S1 seeds and K classes, ``(S1, K)``.
        second: scores of S2 seeds and the same classes, ``(S2, K)``.
        level: coverage, in (0, 1).
        seed: seed of the resampling.

    Raises:
        ValueError: when an argument is out of range, or the numbers of classes differ.
    """
    first, second = _checked(first, level), _checked(second, level)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"the classes must be the same, got {first.shape[1]} and {second.shape[1]}.")
    groups = (first, second)

    def ends(found: Estimate) -> tuple[float, float]:
        low, high = bounds(groups, found, level, np.random.default_rng(seed))
        return float(low), float(high)

    return _interval(groups, ends)


def estimate(groups: tuple[Matrix, ...]) -> Estimate:
    """Return the mean of one group, or the difference of two, with the variance that its components give.

    Args:
        groups: scores ``(..., S, K)``; S at least 2 may differ between the two, K at least 2 may not.
    """
    columns = [group.mean(-2) for group in groups]
    of_classes = columns[0] if len(groups) == 1 else columns[0] - columns[1]
    classes = of_classes.shape[-1]
    value = of_classes.mean(-1)
    terms = [(of_classes.var(-1, ddof=1) / classes, classes - 1.0)]
    noise = np.zeros_like(value)
    for group, column in zip(groups, columns, strict=True):
        seeds = group.shape[-2]
        rows = group.mean(-1)
        rest = group - rows[..., None] - column[..., None, :] + column.mean(-1)[..., None, None]
        freedom = (seeds - 1.0) * (classes - 1.0)
        own_noise = (rest**2).sum((-2, -1)) / (freedom * seeds * classes)
        terms += [(rows.var(-1, ddof=1) / seeds, seeds - 1.0), (own_noise, freedom)]
        noise = noise + own_noise
    # the variances between seeds and between classes both hold the noise
    variance = np.maximum(sum(part for part, _ in terms) - 2 * noise, noise)
    spread = sum(part**2 / freedom for part, freedom in terms)
    freedom = variance**2 / np.maximum(spread, np.finfo(float).tiny)
    return Estimate(value, variance, np.maximum(freedom, min(of_part for _, of_part in terms)))  # no fewer than any has


def _interval(groups: tuple[Matrix, ...], ends: Callable[[Estimate], tuple[float, float]]) -> Interval:
    """Return the mean of one group, or the difference of two, and where its interval ends, if the data give one."""
    mean = float(groups[0].mean() - (groups[1].mean() if len(groups) > 1 else 0.0))
    if min(min(group.shape) for group in groups) < 2:
        return Interval(mean, None, None)
    found = estimate(groups)
    if not found.variance > np.finfo(float).eps ** 2:
        return Interval(mean, mean, mean)
    return Interval(mean, *ends(found))


def bounds(
    groups: tuple[Matrix, ...], found: Estimate, level: float, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the bounds of the interval of :func:`estimate`, whose variance is not 0."""
    classes = groups[0].shape[-1]
    drawn = _shares(classes, generator)
    means = sum(
        sign * np.einsum("bs,...sk,bk->...b", _shares(group.shape[-2], generator), group, drawn, optimize=True)
        for sign, group in zip((1, -1), groups, strict=False)
    )
    deviations = means - means.mean(-1, keepdims=True)
    scale = deviations.std(-1, keepdims=True)
    deviations = deviations / np.where(scale > 0, scale, 1.0)
    tail = (1 - level) / 2
    width = np.sqrt(found.variance) * t.ppf(1 - tail, found.freedom) / norm.ppf(1 - tail)
    below, above = np.quantile(deviations, [tail, 1 - tail], axis=-1)
    return found.value - above * width, found.value - below * width


def _shares(count: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return how large a share each of ``count`` things has in each resample, ``(RESAMPLES, count)``."""
    return generator.multinomial(count, np.full(count, 1 / count), RESAMPLES) / count


def _checked(values: Matrix, level: float) -> Matrix:
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}.")
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape or not np.isfinite(values).all():
        raise ValueError(f"scores must be finite numbers (seeds, classes), got the shape {values.shape}.")
    return values
