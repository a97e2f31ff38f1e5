"""Ends of the intervals of means and of paired differences, for any number of audits at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t

Matrix = NDArray[np.float64]
Ends = tuple[Matrix, Matrix]

NEAREST = 0.001
"""Means of a seed or of a class that are nearer to a bound count as this far from it where their logits are taken."""


def mean_ends(values: Matrix, level: float, bounded: bool = True) -> list[Ends]:
    """Return where the intervals of means end: ``fixed`` and ``sampled``, as far as there are seeds and classes.

    Args:
        values: scores ``(..., S, K)``, in [0, 1] where bounded.
        level: coverage.
        bounded: whether the scores have bounds.
    """
    mean = values.mean((-2, -1))
    errors = _squared_errors(values, level)
    if not bounded:
        return [(mean - error, mean + error) for error in map(np.sqrt, errors)]
    inner = mean.clip(1e-6, 1 - 1e-6)
    counted = _counted(values, level)
    ends = []
    slope = inner * (1 - inner)
    widened = _widened([error / slope**2 for error in errors], [skew**2 for skew in _skews(values, level)])
    for error, width in zip(errors, map(np.sqrt, widened), strict=True):
        lows, highs = [expit(logit(inner) - width), counted[0], mean], [expit(logit(inner) + width), counted[1], mean]
        if values.shape[-2] == 2:  # 13 standard errors to each side: the logit's slope does not tell where they end
            lows, highs = [*lows, (mean - np.sqrt(error)).clip(0)], [*highs, (mean + np.sqrt(error)).clip(None, 1)]
        ends.append((np.minimum.reduce(lows), np.maximum.reduce(highs)))
    return ends


def difference_ends(first: Matrix, second: Matrix, level: float, bounded: bool = True) -> list[Ends]:
    """Return where the intervals of paired differences end, as :func:`mean_ends`."""
    apart = first - second
    mean = apart.mean((-2, -1))
    errors = _squared_errors(apart, level)
    if not bounded:
        return [(mean - error, mean + error) for error in map(np.sqrt, errors)]
    means = [scores.mean((-2, -1)) for scores in (first, second)]
    skews = [
        [own * (1 - own) * skew for skew in _skews(scores, level)]
        for own, scores in zip(means, (first, second), strict=True)
    ]
    hidden: list[Matrix] = []
    for one, other, axis in zip(*skews, (-1, -2), strict=False):
        # two samples' variances correlate by the square of the samples' correlation
        alike = _squared_correlation(first.mean(axis), second.mean(axis))
        hidden.append(one**2 + other**2 - 2 * alike * one * other)
    (low, high), (other_low, other_high) = (_counted(scores, level) for scores in (first, second))
    below = np.hypot(means[0] - low, other_high - means[1])
    above = np.hypot(high - means[0], means[1] - other_low)
    ends = []
    for width in map(np.sqrt, _widened(errors, hidden)):
        ends.append(((mean - np.maximum(width, below)).clip(-1), (mean + np.maximum(width, above)).clip(None, 1)))
    return ends


def _squared_errors(values: Matrix, level: float) -> list[Matrix]:
    """Return the squares of what lies on each side of a mean, for fixed and sampled classes."""
    seeds, classes = values.shape[-2:]
    if seeds < 2:
        return []
    rows, columns = values.mean(-1), values.mean(-2)
    of_seeds = rows.var(-1, ddof=1) / seeds
    fixed = _quantile(level, seeds - 1) ** 2 * of_seeds
    if classes < 2:
        return [fixed]
    rest = values - rows[..., None] - columns[..., None, :] + values.mean((-2, -1), keepdims=True)
    noise = (rest**2).sum((-2, -1)) / ((seeds - 1) * (classes - 1) * seeds * classes)
    # the variances between seeds and between classes both hold the noise: it is left to the seeds
    of_classes = (columns.var(-1, ddof=1) / classes - noise).clip(0)
    variance = of_seeds + of_classes
    spread = of_seeds**2 / (seeds - 1) + of_classes**2 / (classes - 1)
    freedom = np.maximum(variance**2 / np.maximum(spread, np.finfo(float).tiny), min(seeds, classes) - 1)
    return [fixed, np.maximum(fixed, _quantile(level, freedom) ** 2 * variance)]


def _widened(errors: list[Matrix], hidden: list[Matrix]) -> list[Matrix]:
    """Return squared errors, fixed and sampled, with what seeds and classes may hide.

    Classes hide no more than they show: one class far from the others is seen, and widens the interval as it is.
    """
    return [error + hidden[0] + (np.minimum(hidden[1], error) if index else 0.0) for index, error in enumerate(errors)]


def _skews(values: Matrix, level: float) -> list[Matrix]:
    """Return what crowding near a bound hides of a mean, on the logit scale: by differences of seeds, and of classes.

    Logits that are normal with variance v pull the mean by v (1 - 2 mean) / 2 from the mean's logit, and n samples know
    v to v sqrt(2 / (n - 1)). The power of (1 - 2 mean), and the factor, are those that simulations ask for.
    """
    lean = 1 - 2 * values.mean((-2, -1))
    at_bounds = _at_bounds(values)
    skews = []
    for axis in (-1, -2):
        means, count = values.mean(axis), values.shape[-3 - axis]
        if count > 1:
            nearest = np.maximum(NEAREST, at_bounds / (4 * values.shape[axis]))[..., None]
            spread = logit(means.clip(nearest, 1 - nearest)).var(-1, ddof=1)
            skews.append(_quantile(level, count - 1) * lean**3 * spread / np.sqrt(count - 1))
    return skews


def _counted(values: Matrix, level: float) -> Ends:
    """Return Wilson's interval of a count, as far as scores are 0 or 1; where none is, it has no width.

    Scores of a seed are not independent. Student's quantile of 2 S - 1 degrees of freedom makes up for it: simulations
    ask for more than the normal one.
    """
    mean, share = values.mean((-2, -1)), _at_bounds(values)
    seeds, classes = values.shape[-2:]
    inverse = share * _quantile(level, 2 * seeds - 1) ** 2 / (seeds * classes)
    width = np.sqrt(inverse * (mean * (1 - mean) + inverse / 4))
    return (mean + inverse / 2 - width) / (1 + inverse), (mean + inverse / 2 + width) / (1 + inverse)


def _at_bounds(values: Matrix) -> Matrix:
    """Return the share of scores that are 0 or 1."""
    return np.asarray(((values <= 0) | (values >= 1)).mean((-2, -1)))


def _squared_correlation(first: Matrix, second: Matrix) -> Matrix:
    first, second = (values - values.mean(-1, keepdims=True) for values in (first, second))
    product = (first**2).sum(-1) * (second**2).sum(-1)
    return np.asarray((first * second).sum(-1) ** 2 / np.maximum(product, np.finfo(float).tiny))


def _quantile(level: float, freedom: Matrix | float) -> Matrix:
    return np.asarray(t.ppf((1 + level) / 2, freedom))
