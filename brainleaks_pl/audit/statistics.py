"""Intervals of an audit's means and differences, over target seeds and over classes.

An audit yields a score for each target seed and each class. Two questions are asked of them: what would other seeds
give for these very classes (``fixed``), and what would other seeds give for other classes like these (``sampled``)?
In a seed the same judges score all targets, and the classes are the same, so a difference is taken score by score.

How often the 95% intervals cover the truth, in 4,000 simulated audits of each kind that share judges and classes as an
audit does: 10 and 40 classes, and ten mixtures of effects (judges, a target's own seeds, classes, a target's own
classes, a judge's classes, noise), together of standard deviation 1.5 on the logit scale. Scores are called crowded
where most lie near one bound, and piled up where hardly any lies elsewhere. The lowest and the highest of all four
intervals (means and differences, fixed and sampled):

==============================================  ===========  ===========  ===========  ===========
Scores                                          2 seeds      3 seeds      5 seeds      10 seeds
==============================================  ===========  ===========  ===========  ===========
Gaussian, or graded with a median of .5         .94 to .99   .94 to .97   .94 to .96   .94 to .96
graded, crowded (median .92 or .08)             .94 to 1.00  .93 to .99   .94 to .99   .94 to .99
graded, piled up (median .98)                   .93 to 1.00  .90 to 1.00  .91 to .99   .93 to .99
difference of two of these (.98/.5, .92/.08)    .95 to 1.00  .93 to .99   .93 to .99   .94 to .99
0 or 1, mean .5                                 .96 to 1.00  .96 to 1.00  .94 to 1.00  .93 to .99
0 or 1, crowded or piled up, or two of these    .96 to 1.00  .95 to 1.00  .95 to 1.00  .94 to .99
==============================================  ===========  ===========  ===========  ===========

The lowest are those of audits in which hardly anything but the judges of a seed differs and scores are piled up. Where
noise prevails near a bound, or scores are 0 or 1, intervals tend to be too wide. Those of two seeds are always wide.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from brainleaks_pl.audit.interval_ends import Ends, Matrix, difference_ends, mean_ends

__all__ = ["Interval", "Matrix", "Readings", "Without", "difference_intervals", "mean_intervals", "without_one_class"]


class Interval(NamedTuple):
    """A mean and its interval; ``low`` and ``high`` are None where the data cannot give one."""

    mean: float
    low: float | None
    high: float | None

    @property
    def excludes_zero(self) -> bool:
        """Whether there is an interval, and 0 outside it."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


class Readings(NamedTuple):
    """A mean with its two intervals: over seeds for these very classes, and for other classes like these too."""

    mean: float
    fixed: Interval
    sampled: Interval


class Without(NamedTuple):
    """The mean difference without one class, and its interval over seeds for the other classes."""

    class_index: int
    mean: float
    low: float | None
    high: float | None


def mean_intervals(values: Matrix, level: float = 0.95, least: float = 0.0, most: float = 1.0) -> Readings:
    """Return the mean of scores over seeds and classes, and its intervals.

    ``fixed`` is Student's interval of the seeds' means. ``sampled`` adds the variance between classes beyond the noise
    (two-way analysis of variance, Satterthwaite's degrees of freedom); it is never narrower. Bounded scores have both
    on the logit scale: longer towards the far bound, and longer still where scores are crowded near a bound and differ
    there, as few seeds hold the rare scores that pull a mean from its bound. As far as scores are 0 or 1 an interval is
    at least as long as that of a count (Wilson's): scores that are all 1 leave room below. Scores that are all equal
    elsewhere give an interval of no width, which speaks of this sample alone.

    One seed gives no interval, one class no ``sampled`` one.

    Args:
        values: scores of S seeds and K classes, ``(S, K)``, between the bounds.
        level: coverage, in (0, 1).
        least: lower bound of the scores; -infinity where they have none (then ``most`` must be infinite too).
        most: upper bound of the scores.

    Raises:
        ValueError: when an argument is out of range.
    """
    values = _checked(values, level, least, most)
    bounded, span = math.isfinite(most), most - least
    ends = mean_ends((values - least) / span if bounded else values, level, bounded)
    if bounded:
        ends = [(least + span * low, least + span * high) for low, high in ends]
    return _readings(float(values.mean()), ends)


def difference_intervals(
    first: Matrix, second: Matrix, level: float = 0.95, least: float = 0.0, most: float = 1.0
) -> Readings:
    """Return the difference of two targets' mean scores, and its intervals.

    The two are paired: row s of both is the same seed, judged by the same judges, and column k the same class. The
    intervals are those of :func:`mean_intervals` for the differences of the scores, on the plain scale: ``fixed`` is
    the paired t interval of the seeds' means. Bounded scores add what their crowding near a bound may hide, and as far
    as scores are 0 or 1 the interval is at least as long as that of the difference of two counts (Newcombe's). It ends
    at the largest difference that the bounds allow.

    Args:
        first: scores of S seeds and K classes, ``(S, K)``, between the bounds.
        second: scores of the same seeds and classes in the same order, ``(S, K)``.
        level: coverage, in (0, 1).
        least: lower bound of the scores (not of their differences); -infinity where they have none.
        most: upper bound of the scores.

    Raises:
        ValueError: when an argument is out of range, or the shapes differ.
    """
    first, second = _paired(first, second, level, least, most)
    bounded, span = math.isfinite(most), most - least
    if bounded:
        ends = difference_ends((first - least) / span, (second - least) / span, level)
        ends = [(span * low, span * high) for low, high in ends]
    else:
        ends = difference_ends(first, second, level, bounded=False)
    return _readings(float(first.mean() - second.mean()), ends)


def without_one_class(
    first: Matrix, second: Matrix, level: float = 0.95, least: float = 0.0, most: float = 1.0
) -> Without | None:
    """Return the mean difference without the class whose removal changes it most; None for fewer than 3 classes.

    Arguments and errors are those of :func:`difference_intervals`; of classes that change it alike, the first is taken.
    """
    first, second = _paired(first, second, level, least, most)
    if first.shape[1] < 3:
        return None
    of_classes = (first - second).mean(0)
    index = int(np.abs(of_classes - of_classes.mean()).argmax())
    rest, others = (np.delete(scores, index, axis=1) for scores in (first, second))
    return Without(index, *difference_intervals(rest, others, level, least, most).fixed)


def _readings(mean: float, ends: list[Ends]) -> Readings:
    found = [Interval(mean, float(low), float(high)) for low, high in ends]
    return Readings(mean, *found, *[Interval(mean, None, None)] * (2 - len(found)))


def _paired(first: Matrix, second: Matrix, level: float, least: float, most: float) -> tuple[Matrix, Matrix]:
    first, second = (_checked(scores, level, least, most) for scores in (first, second))
    if first.shape != second.shape:
        raise ValueError(
            f"both targets need scores of the same seeds and classes, got the shapes {first.shape} and {second.shape}: "
            "leave out what only one of them has."
        )
    return first, second


def _checked(values: Matrix, level: float, least: float, most: float) -> Matrix:
    if not 0 < level < 1:
        raise ValueError(f"level must lie in (0, 1), got {level}.")
    if not least < most or math.isfinite(least) != math.isfinite(most):
        raise ValueError(f"the bounds must be two finite numbers, or both infinite, and rise; got {least} and {most}.")
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or 0 in values.shape or not np.isfinite(values).all():
        raise ValueError(f"scores must be finite numbers (seeds, classes), got the shape {values.shape}.")
    if values.min() < least or values.max() > most:
        raise ValueError(f"scores must lie in [{least}, {most}], got {values.min()} to {values.max()}.")
    return values
