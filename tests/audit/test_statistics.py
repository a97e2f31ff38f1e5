"""Intervals over seeds and classes: by hand, against a plain reimplementation, and how often they cover the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.special import expit

from brainleaks_pl.audit import statistics
from brainleaks_pl.audit.statistics import bounds, difference_interval, estimate, mean_interval

Matrix = NDArray[np.float64]
REPETITIONS = 1000


def plain_variance(first: Matrix, second: Matrix) -> float:
    """The variance of the difference of two grand means, from textbook sums of squares."""

    def mean_squares(x: Matrix) -> tuple[float, float]:
        seeds, classes = x.shape
        of_seeds = classes * sum((row.mean() - x.mean()) ** 2 for row in x) / (seeds - 1)
        rest = sum(
            (x[i, k] - x[i].mean() - x[:, k].mean() + x.mean()) ** 2 for i in range(seeds) for k in range(classes)
        )
        return of_seeds, rest / ((seeds - 1) * (classes - 1))

    apart = first.mean(0) - second.mean(0)
    total = sum((value - apart.mean()) ** 2 for value in apart) / (len(apart) - 1) / len(apart)
    noise = 0.0
    for x in (first, second):
        of_seeds, rest = mean_squares(x)
        total += (of_seeds - rest) / x.size
        noise += rest / x.size
    return float(max(total, noise))


def simulated(
    generator: np.random.Generator, seeds: int, classes: int, mean: float, deviations: tuple[float, float, float]
) -> Matrix:
    """Scores of many audits, ``(REPETITIONS, seeds, classes)``: effects of seeds and of classes, and noise."""
    shapes = ((REPETITIONS, seeds, 1), (REPETITIONS, 1, classes), (REPETITIONS, seeds, classes))
    effects = (scale * generator.normal(size=shape) for scale, shape in zip(deviations, shapes, strict=True))
    return np.asarray(mean + sum(effects))


def coverage(
    seeds: int, classes: int, deviations: tuple[float, float, float], link: Callable[[Matrix], Matrix]
) -> float:
    generator = np.random.default_rng(0)
    groups = tuple(link(simulated(generator, seeds, classes, mean, deviations)) for mean in (0.3, 0.0))
    draws = np.linalg.norm(deviations) * generator.normal(size=500_000)
    truth = link(0.3 + draws).mean() - link(draws).mean()
    low, high = bounds(groups, estimate(groups), 0.95, generator)
    return float(((low <= truth) & (truth <= high)).mean())


def gaussian(x: Matrix) -> Matrix:
    return x


def confidence(x: Matrix) -> Matrix:
    """Scores in (0, 1), most of them near 1."""
    return np.asarray(1 / (1 + np.exp(-(2.5 + 1.5 * x))))


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "RESAMPLES", 400)


@pytest.mark.parametrize(
    ("seeds", "classes", "deviations"),
    [
        (3, 40, (1.0, 0.0, 0.3)),
        (5, 10, (1.0, 0.0, 0.3)),
        (5, 10, (0.0, 1.0, 0.3)),
        (5, 40, (0.5, 0.5, 1.0)),
        (5, 10, (0.3, 1.0, 1.0)),
        (10, 10, (0.5, 0.5, 1.0)),
    ],
)
def test_the_interval_covers_a_known_difference_in_95_of_100_audits(
    seeds: int, classes: int, deviations: tuple[float, float, float]
) -> None:
    assert 0.93 <= coverage(seeds, classes, deviations, gaussian) <= 0.97


@pytest.mark.parametrize("link", [gaussian, confidence])
@pytest.mark.parametrize("deviations", [(1.0, 0.0, 0.3), (0.0, 1.0, 0.3), (0.0, 0.0, 1.0), (0.3, 1.0, 1.0)])
@pytest.mark.parametrize(("seeds", "classes"), [(2, 10), (2, 40), (3, 10), (10, 40)])
def test_the_interval_is_rather_too_wide_than_too_narrow(
    seeds: int, classes: int, deviations: tuple[float, float, float], link: Callable[[Matrix], Matrix]
) -> None:
    assert coverage(seeds, classes, deviations, link) >= 0.93


@pytest.mark.parametrize(("middle", "least"), [(0.0, 0.87), (2.5, 0.86), (-2.5, 0.86), (4.0, 0.8)])
@pytest.mark.parametrize(("seeds", "classes"), [(2, 10), (3, 40), (10, 10)])
@pytest.mark.parametrize("deviations", [(1.0, 0.0, 0.3), (0.0, 1.0, 0.3), (0.3, 1.0, 1.0)])
def test_the_interval_of_a_mean_covers_it(
    middle: float, least: float, seeds: int, classes: int, deviations: tuple[float, float, float]
) -> None:
    """Narrower than asked near a bound, and by how much is said."""
    generator = np.random.default_rng(0)
    truth = expit(middle + 1.5 * np.linalg.norm(deviations) * generator.normal(size=500_000)).mean()
    audits = expit(middle + 1.5 * simulated(generator, seeds, classes, 0.0, deviations))
    intervals = [mean_interval(audit) for audit in audits]
    covered = [found.low <= truth <= found.high for found in intervals]  # type: ignore[operator]
    assert least <= np.mean(covered) <= 0.99


@given(st.integers(2, 5), st.integers(2, 4), st.integers(2, 6), st.integers(0, 99))
def test_the_variance_is_that_of_the_textbook(first_seeds: int, second_seeds: int, classes: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    first, second = generator.normal(size=(first_seeds, classes)), generator.normal(size=(second_seeds, classes))
    found = estimate((first, second))
    assert found.value == pytest.approx(first.mean() - second.mean())
    assert found.variance == pytest.approx(plain_variance(first, second))


@pytest.mark.parametrize(("least", "most"), [(0.0, 1.0), (-1.0, 1.0)])
def test_seeds_alone_leave_students_t(least: float, most: float) -> None:
    # no class differs from another: three numbers, of which Student's interval is known
    values = least + (most - least) * np.array([[0.4] * 4, [0.5] * 4, [0.6] * 4])
    interval = mean_interval(values, least=least, most=most)
    assert estimate((values,)).freedom == pytest.approx(2)
    assert interval.mean == pytest.approx((least + most) / 2)
    # 4.303 standard errors of 0.1 / sqrt(3); the slope of the logit is 4 in the middle
    width = 4 * 4.303 * 0.1 / 3**0.5
    bounds = [least + (most - least) / (1 + np.exp(-way * width)) for way in (-1, 1)]
    assert [interval.low, interval.high] == pytest.approx(bounds, rel=1e-3)


def test_two_seeds_leave_the_logit_scale() -> None:
    interval = mean_interval(np.array([[0.9] * 4, [0.96] * 4]))
    assert interval.low == pytest.approx(0.93 - 12.706 * 0.03, abs=1e-4)
    assert interval.high == 1


def test_a_score_outside_its_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"scores must lie in \[0.0, 1.0\], got -0.5 to 0.5"):
        mean_interval(np.array([[-0.5, 0.5], [0.0, 0.5]]))


def test_effects_of_classes_that_both_targets_share_cancel() -> None:
    generator = np.random.default_rng(0)
    classes = generator.uniform(0.1, 0.9, size=(1, 10))
    first, second = (classes + 0.002 * generator.normal(size=(4, 10)) for _ in range(2))
    interval = difference_interval(first, second)
    alone = mean_interval(first)
    assert interval.high - interval.low < 0.01 < 0.2 < alone.high - alone.low  # type: ignore[operator]


@given(st.integers(0, 99), st.floats(-2, 2), st.floats(0.1, 10))
def test_the_interval_moves_and_grows_with_the_scores(seed: int, shift: float, scale: float) -> None:
    first, second = np.random.default_rng(seed).normal(size=(2, 3, 4))
    one, other = difference_interval(first, second), difference_interval(scale * first + shift, scale * second)
    assert other.low == pytest.approx(scale * one.low + shift, abs=1e-9)  # type: ignore[operator]
    assert other.high == pytest.approx(scale * one.high + shift, abs=1e-9)  # type: ignore[operator]


def test_it_repeats_itself() -> None:
    first, second = np.random.default_rng(0).normal(size=(2, 3, 4))
    one, same, other = (difference_interval(first, second, seed=seed) for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("shape", [(1, 10), (3, 1), (1, 1)])
def test_one_seed_or_one_class_gives_no_interval(shape: tuple[int, int]) -> None:
    assert mean_interval(np.full(shape, 0.5)) == (0.5, None, None)
    assert difference_interval(np.full((3, shape[1]), 0.75), np.full(shape, 0.5)).low is None


def test_equal_scores_give_an_interval_of_no_width() -> None:
    assert mean_interval(np.ones((3, 10))) == (1, 1, 1)
    assert difference_interval(np.ones((3, 10)), np.full((2, 10), 0.25)) == (0.75, 0.75, 0.75)


def test_bad_scores_are_refused() -> None:
    with pytest.raises(ValueError, match=r"level must lie in \(0, 1\), got 95"):
        mean_interval(np.ones((2, 2)), level=95)
    with pytest.raises(ValueError, match=r"finite numbers \(seeds, classes\), got the shape \(2,\)"):
        mean_interval(np.ones(2))
    with pytest.raises(ValueError, match="finite numbers"):
        mean_interval(np.array([[np.nan, 1.0]]))
    with pytest.raises(ValueError, match="classes must be the same, got 2 and 3"):
        difference_interval(np.ones((2, 2)), np.ones((2, 3)))
