"""Intervals over seeds and classes: by hand, against a plain reimplementation, and how often they cover the truth."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import t, ttest_rel

from brainleaks_pl.audit.interval_ends import Ends, difference_ends, mean_ends
from brainleaks_pl.audit.statistics import (
    Interval,
    Matrix,
    difference_intervals,
    mean_intervals,
    without_one_class,
)

UNBOUNDED = {"least": -math.inf, "most": math.inf}
REPETITIONS = 1000
SCALE = 1.5

# shares of: judges of a seed, a target's seeds, classes, a target's classes, a judge's classes, noise
MIXTURES = {
    "everything": (0.5, 0.4, 0.6, 0.4, 0.3, 0.4),
    "seeds": (0.8, 0.5, 0.1, 0.1, 0.1, 0.3),
    "judges": (1.0, 0.2, 0.1, 0.1, 0.1, 0.2),
    "classes": (0.2, 0.2, 0.8, 0.5, 0.1, 0.2),
    "own classes": (0.3, 0.3, 0.3, 0.8, 0.2, 0.3),
    "noise": (0.2, 0.2, 0.2, 0.2, 0.4, 0.8),
}
CENTRES = {"middle": (0.0, -0.5), "high": (2.5, 2.0), "low": (-2.5, -3.0), "piled up": (4.0, 3.5), "apart": (2.5, -2.5)}

Link = Callable[[Matrix], Matrix]
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(41)


def averaged(link: Link, centres: Matrix, deviation: float) -> Matrix:
    """The mean of the link of Gaussian numbers about some centres."""
    grid = np.linspace(-14, 14, 400)
    return np.asarray(np.interp(centres, grid, link(grid[:, None] + deviation * NODES) @ WEIGHTS / WEIGHTS.sum()))


def linear(latent: Matrix) -> Matrix:
    return latent


def audits(
    mixture: str, size: tuple[int, int], centres: tuple[float, float], link: Link, binary: bool = False
) -> tuple[list[Matrix], list[Matrix], list[Matrix]]:
    """Scores of two targets, ``(REPETITIONS, S, K)``, and their true means over these classes, and over all.

    Judges and classes are the same for both targets, as in an audit.
    """
    generator = np.random.default_rng(0)
    shares = SCALE * np.array(MIXTURES[mixture]) / np.linalg.norm(MIXTURES[mixture])
    judge, own_seed, of_class, own_class, judge_class, noise = shares
    seeds, classes = size

    def effect(share: float, *shape: int) -> Matrix:
        return np.asarray(share * generator.normal(size=(REPETITIONS, *shape)))

    shared = effect(judge, seeds, 1) + effect(judge_class, seeds, classes)
    common = effect(of_class, 1, classes)
    within, between = np.linalg.norm([judge, own_seed, judge_class, noise]), np.hypot(of_class, own_class)
    scores, these, others = [], [], []
    for centre in centres:
        means = centre + common + effect(own_class, 1, classes)
        score = link(means + shared + effect(own_seed, seeds, 1) + effect(noise, seeds, classes))
        scores.append((generator.random(score.shape) < score).astype(float) if binary else score)
        these.append(averaged(link, means[:, 0], float(within)).mean(-1))
        others.append(averaged(link, np.array(centre), float(np.hypot(within, between))))
    return scores, these, others


def covered(ends: Ends, truth: Matrix) -> float:
    return float(((ends[0] <= truth) & (truth <= ends[1])).mean())


def coverages(
    mixture: str, size: tuple[int, int], centre: str, bounded: bool = True, binary: bool = False
) -> dict[str, float]:
    """How often each interval covers its truth."""
    (first, second), these, others = audits(mixture, size, CENTRES[centre], expit if bounded else linear, binary)
    means, apart = mean_ends(first, 0.95, bounded), difference_ends(first, second, 0.95, bounded)
    return {
        "mean, fixed": covered(means[0], these[0]),
        "mean, sampled": covered(means[1], others[0]),
        "difference, fixed": covered(apart[0], these[0] - these[1]),
        "difference, sampled": covered(apart[1], others[0] - others[1]),
    }


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("size", [(3, 10), (3, 40), (5, 10), (10, 10)])
@pytest.mark.parametrize("mixture", MIXTURES)
def test_intervals_cover_the_truth_in_95_of_100_audits(mixture: str, size: tuple[int, int], bounded: bool) -> None:
    found = coverages(mixture, size, "middle", bounded)
    assert all(0.93 <= share <= 0.97 for share in found.values()), found


@pytest.mark.parametrize("size", [(2, 10), (3, 40), (5, 10)])
@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize("centre", CENTRES)
@pytest.mark.parametrize("binary", [False, True])
def test_intervals_cover_the_truth_in_90_of_100_audits_everywhere(
    mixture: str, size: tuple[int, int], centre: str, binary: bool
) -> None:
    found = coverages(mixture, size, centre, binary=binary)
    assert all(share >= 0.9 for share in found.values()), found


def plain_squared_widths(values: Matrix) -> tuple[float, float]:
    """The squares of half the intervals' widths, from textbook sums of squares."""
    seeds, classes = values.shape
    rows, columns, mean = values.mean(1), values.mean(0), values.mean()
    of_seeds = classes * sum((row - mean) ** 2 for row in rows) / (seeds - 1)
    of_classes = seeds * sum((column - mean) ** 2 for column in columns) / (classes - 1)
    rest = sum((values[i, k] - rows[i] - columns[k] + mean) ** 2 for i in range(seeds) for k in range(classes))
    noise = rest / ((seeds - 1) * (classes - 1))
    one, other = of_seeds / values.size, max(of_classes - noise, 0.0) / values.size
    freedom = (one + other) ** 2 / (one**2 / (seeds - 1) + other**2 / (classes - 1))
    freedom = max(freedom, min(seeds, classes) - 1)
    fixed = t.ppf(0.975, seeds - 1) ** 2 * one
    return float(fixed), float(max(fixed, t.ppf(0.975, freedom) ** 2 * (one + other)))


def half_width(interval: Interval) -> float:
    assert interval.low is not None
    assert interval.high is not None
    assert interval.mean - interval.low == pytest.approx(interval.high - interval.mean)
    return (interval.high - interval.low) / 2


@settings(max_examples=20)
@given(st.integers(2, 5), st.integers(2, 6), st.floats(0, 3), st.integers(0, 99))
def test_the_widths_are_those_of_the_textbook(seeds: int, classes: int, deviation: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.normal(size=(seeds, classes)) + deviation * generator.normal(size=classes)
    found = mean_intervals(values, **UNBOUNDED)
    fixed, sampled = plain_squared_widths(values)
    assert found.mean == found.fixed.mean == pytest.approx(values.mean())
    assert half_width(found.fixed) ** 2 == pytest.approx(fixed)
    assert half_width(found.sampled) ** 2 == pytest.approx(sampled)
    other = generator.normal(size=values.shape)
    assert difference_intervals(values + other, other, **UNBOUNDED).sampled == pytest.approx(found.sampled)


def test_the_difference_of_seeds_is_the_paired_t_interval() -> None:
    first, second = np.random.default_rng(0).uniform(0.4, 0.6, size=(2, 5, 10))
    expected = ttest_rel(first.mean(1), second.mean(1)).confidence_interval()
    found = difference_intervals(first, second).fixed
    assert (found.low, found.high) == pytest.approx(tuple(expected), rel=1e-3)


@pytest.mark.parametrize(("least", "most"), [(0.0, 1.0), (-1.0, 1.0)])
def test_seeds_alone_leave_students_t(least: float, most: float) -> None:
    # no class differs from another: three numbers, of which Student's interval is known
    values = least + (most - least) * np.array([[0.4] * 4, [0.5] * 4, [0.6] * 4])
    found = mean_intervals(values, least=least, most=most)
    assert found.mean == pytest.approx((least + most) / 2)
    # 4.303 standard errors of 0.1 / sqrt(3); the slope of the logit is 4 in the middle
    width = 4 * 4.303 * 0.1 / 3**0.5
    bounds = [least + (most - least) / (1 + np.exp(-way * width)) for way in (-1, 1)]
    assert [found.fixed.low, found.fixed.high] == pytest.approx(bounds, rel=1e-3)
    assert found.sampled == pytest.approx(found.fixed)


def test_two_seeds_leave_the_logit_scale() -> None:
    found = mean_intervals(np.array([[0.4] * 4, [0.46] * 4])).fixed
    assert (found.low, found.high) == pytest.approx((0.43 - 12.706 * 0.03, 0.43 + 12.706 * 0.03), abs=1e-4)


def test_effects_that_both_targets_share_cancel() -> None:
    generator = np.random.default_rng(0)
    shared = 0.5 + generator.uniform(-0.2, 0.2, size=(1, 10)) + generator.uniform(-0.2, 0.2, size=(4, 1))
    first, second = (shared + 0.002 * generator.normal(size=(4, 10)) for _ in range(2))
    apart, alone = difference_intervals(first, second), mean_intervals(first)
    assert half_width(apart.fixed) <= half_width(apart.sampled) < 0.004
    assert alone.fixed.high - alone.fixed.low > 0.2  # type: ignore[operator]


def test_classes_that_differ_widen_the_sampled_interval_alone() -> None:
    values = np.linspace(0.2, 0.8, 10) + np.array([[-0.01], [0.0], [0.01]])
    found = mean_intervals(values, **UNBOUNDED)
    assert half_width(found.fixed) == pytest.approx(4.303 * 0.01 / 3**0.5, rel=1e-3)
    assert half_width(found.sampled) > 0.1


def test_a_class_far_from_the_others_widens_the_interval_once() -> None:
    second = 0.995 + np.array([[-0.001], [0.0], [0.001]]) * np.ones(10)
    first = second.copy()
    first[:, 5] -= 0.99
    bounded = difference_intervals(first, second).sampled
    plain = half_width(difference_intervals(first, second, **UNBOUNDED).sampled)
    assert half_width(bounded) == pytest.approx(2**0.5 * plain, rel=1e-3)


@settings(max_examples=20)
@given(st.integers(0, 99), st.floats(-2, 2), st.floats(0.1, 10))
def test_the_interval_moves_and_grows_with_the_scores(seed: int, shift: float, scale: float) -> None:
    first, second = np.random.default_rng(seed).uniform(0.01, 0.99, size=(2, 3, 4))
    bounds = {"least": shift, "most": shift + scale}
    mean, moved_mean = mean_intervals(first), mean_intervals(scale * first + shift, **bounds)
    apart = difference_intervals(first, second)
    moved_apart = difference_intervals(scale * first + shift, scale * second + shift, **bounds)
    for one, other, offset in ((mean, moved_mean, shift), (apart, moved_apart, 0.0)):
        for before, after in zip(one[1:], other[1:], strict=True):
            assert after == pytest.approx([scale * end + offset for end in before], abs=1e-6)


def test_scores_that_are_all_1_leave_room_below() -> None:
    # Wilson's interval of 30 of 30, with Student's quantile of 5 degrees of freedom, 2.5706
    found = mean_intervals(np.ones((3, 10)))
    assert found.fixed == found.sampled == pytest.approx((1, 30 / (30 + 2.5706**2), 1), abs=1e-4)
    assert mean_intervals(np.zeros((3, 10))).fixed == pytest.approx((0, 0, 2.5706**2 / (30 + 2.5706**2)), abs=1e-4)
    below = 1 - found.fixed.low  # type: ignore[operator]
    assert difference_intervals(np.ones((3, 10)), np.ones((3, 10))).fixed == pytest.approx((0, -below, below))
    assert difference_intervals(np.ones((3, 10)), np.zeros((3, 10))).fixed == pytest.approx((1, 1 - 2**0.5 * below, 1))


def test_equal_scores_off_the_bounds_give_no_width() -> None:
    assert mean_intervals(np.full((3, 10), 0.75)).sampled == pytest.approx((0.75, 0.75, 0.75))
    found = difference_intervals(np.full((3, 10), 0.75), np.full((3, 10), 0.25))
    assert found.fixed == found.sampled == pytest.approx((0.5, 0.5, 0.5))
    assert found.fixed.excludes_zero


def test_the_class_that_carries_a_difference_is_left_out() -> None:
    generator = np.random.default_rng(0)
    first, second = 0.4 + 0.02 * generator.uniform(size=(2, 5, 4))
    first[:, 2] += 0.5
    found = without_one_class(first, second)
    kept = [0, 1, 3]
    assert found is not None
    assert found.class_index == 2
    assert found[1:] == difference_intervals(first[:, kept], second[:, kept]).fixed
    assert abs(found.mean) < 0.02 < 0.1 < difference_intervals(first, second).mean
    assert without_one_class(first[:, :2], second[:, :2]) is None
    assert without_one_class(first[:1], second[:1])[2:] == (None, None)  # type: ignore[index]


def test_one_seed_or_one_class_gives_no_interval() -> None:
    nothing = Interval(0.5, None, None)
    for shape in ((1, 10), (1, 1)):
        assert mean_intervals(np.full(shape, 0.5)) == (0.5, nothing, nothing)
        assert difference_intervals(np.full(shape, 0.75), np.full(shape, 0.25)) == (0.5, nothing, nothing)
    assert not nothing.excludes_zero
    one_class = np.array([[0.4], [0.5], [0.6]])
    for found in (mean_intervals(one_class), difference_intervals(one_class, np.zeros((3, 1)))):
        assert found.fixed.low is not None
        assert found.sampled == nothing


def test_bad_scores_are_refused() -> None:
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 95"):
        mean_intervals(np.ones((2, 2)), level=95)
    with pytest.raises(ValueError, match=r"finite numbers \(seeds, classes\), got the shape \(2,\)"):
        mean_intervals(np.ones(2))
    with pytest.raises(ValueError, match="finite numbers"):
        mean_intervals(np.array([[np.nan, 1.0]]))
    with pytest.raises(ValueError, match=r"scores must lie in \[0.0, 1.0\], got -0.5 to 0.5"):
        difference_intervals(np.ones((2, 2)), np.array([[-0.5, 0.5], [0.0, 0.5]]))
    with pytest.raises(ValueError, match=r"same seeds and classes, got the shapes \(3, 2\) and \(2, 2\)"):
        difference_intervals(np.ones((3, 2)), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"same seeds and classes, got the shapes \(2, 2\) and \(2, 3\)"):
        without_one_class(np.ones((2, 2)), np.ones((2, 3)))
    for least, most in ((0.0, math.inf), (1.0, 1.0)):
        with pytest.raises(ValueError, match="bounds must be two finite numbers"):
            mean_intervals(np.ones((2, 2)), least=least, most=most)
