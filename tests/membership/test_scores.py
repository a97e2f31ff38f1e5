"""Scores against plain loops, written from the papers' formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest

from brainleaks_pl.membership import scores
from brainleaks_pl.membership.halves import halves, shadows_of

RANDOM = np.random.default_rng(0)
SHADOWS, SAMPLES = 10, 7
MEMBERS = np.array([[(shadow + sample) % 2 == 0 for sample in range(SAMPLES)] for shadow in range(SHADOWS)])
TARGET = RANDOM.normal(size=SAMPLES)
VALUES = RANDOM.normal(size=(SHADOWS, SAMPLES)) + MEMBERS


def of(sample: int, held: bool) -> list[float]:
    return [VALUES[s, sample] for s in range(SHADOWS) if MEMBERS[s, sample] == held]


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def squares(values: list[float]) -> float:
    return sum((value - mean(values)) ** 2 for value in values)


def normal(value: float, centre: float, variance: float) -> float:
    return -((value - centre) ** 2) / (2 * variance) - math.log(2 * math.pi * variance) / 2


def variance(sample: int, held: bool, own: bool) -> float:
    if own:
        return squares(of(sample, held)) / (len(of(sample, held)) - 1)
    every = [of(other, held) for other in range(SAMPLES)]
    return sum(map(squares, every)) / sum(len(values) - 1 for values in every)


@pytest.mark.parametrize("own", [True, False])
def test_lira_is_the_ratio_of_two_gaussians_or_the_distance_from_one(own: bool) -> None:
    asked = 2 if own else 100
    online = scores.lira_online(TARGET, VALUES, MEMBERS, asked)
    offline = scores.lira_offline(TARGET, VALUES, MEMBERS, asked)
    for n in range(SAMPLES):
        inside = normal(TARGET[n], mean(of(n, True)), variance(n, True, own))
        outside = normal(TARGET[n], mean(of(n, False)), variance(n, False, own))
        assert online[n] == pytest.approx(inside - outside)
        assert offline[n] == pytest.approx((TARGET[n] - mean(of(n, False))) / math.sqrt(variance(n, False, own)))


def test_one_query_of_a_likelihood_ratio_is_lira() -> None:
    one = scores.likelihood_ratio(TARGET[:, None], VALUES[..., None], MEMBERS)
    assert one == pytest.approx(scores.lira_online(TARGET, VALUES, MEMBERS), rel=0.01)
    twice = scores.likelihood_ratio(np.stack([TARGET] * 2, -1), np.stack([VALUES] * 2, -1), MEMBERS)
    assert twice == pytest.approx(one, abs=0.05)  # the same query again says nothing new


@pytest.mark.parametrize("a", [None, 0.3, 1.0])
@pytest.mark.parametrize("gamma", [1.0, 1.5])
def test_rmia_counts_the_population_that_a_sample_beats(a: float | None, gamma: float) -> None:
    p, q = 1 / (1 + np.exp(-TARGET)), 1 / (1 + np.exp(-VALUES))
    z, w = RANDOM.uniform(0.1, 1, 20), RANDOM.uniform(0.1, 1, (SHADOWS, 20))
    found = scores.rmia(p, q, MEMBERS, z, w, a, gamma)
    for n in range(SAMPLES):
        outside = mean([q[s, n] for s in range(SHADOWS) if not MEMBERS[s, n]])
        inside = mean([q[s, n] for s in range(SHADOWS) if MEMBERS[s, n]])
        of_x = (inside + outside) / 2 if a is None else ((1 + a) * outside + (1 - a)) / 2
        beaten = 0
        for other in range(20):
            of_z = mean(list(w[:, other]))
            of_z = of_z if a is None else ((1 + a) * of_z + (1 - a)) / 2
            beaten += (p[n] / of_x) / (z[other] / of_z) > gamma
        assert found[n] == beaten / 20


def test_bavaria_lies_between_all_samples_and_each_one() -> None:
    def student(value: float, freedom: float, centre: float, scale: float) -> float:
        away = (value - centre) / scale
        constant = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2) - math.log(freedom * math.pi) / 2
        return constant - math.log(scale) - (freedom + 1) / 2 * math.log1p(away**2 / freedom)

    found = scores.bavaria(TARGET, VALUES, MEMBERS, weight=3.0)
    for n in range(SAMPLES):
        density = 0.0
        for sign, held in ((1, True), (-1, False)):
            within = variance(0, held, own=False)
            centres = [mean(of(other, held)) for other in range(SAMPLES)]
            between = squares(centres) / SAMPLES - within / 5
            prior = within / max(between, 1e-12)
            own = of(n, held)
            freedom, centre = 3.0 + 5, (prior * mean(centres) + 5 * mean(own)) / (prior + 5)
            beta = (3.0 * within + squares(own) + prior * 5 / (prior + 5) * (mean(own) - mean(centres)) ** 2) / 2
            scale = math.sqrt(beta * (prior + 6) / (freedom / 2 * (prior + 5)))
            density += sign * student(TARGET[n], freedom, centre, scale)
        assert found[n] == pytest.approx(density)


def test_entropies() -> None:
    sure, unsure = np.array([[0.8, 0.1, 0.1]]), np.array([[0.4, 0.3, 0.3]])
    assert scores.entropy(sure) > scores.entropy(unsure)
    assert scores.entropy(unsure)[0] == pytest.approx(0.4 * math.log(0.4) + 0.6 * math.log(0.3))
    right, wrong = (scores.modified_entropy(sure, np.array([label]))[0] for label in (0, 1))
    assert right == pytest.approx(0.2 * math.log(0.8) + 2 * 0.1 * math.log(0.9))
    assert wrong == pytest.approx(0.9 * math.log(0.1) + 0.8 * math.log(0.2) + 0.1 * math.log(0.9))


def test_halves_are_equal_in_every_class_and_pairs_share_nothing() -> None:
    import torch

    labels = torch.arange(24) % 3
    members = halves(labels, 6, seed=1)
    assert (members.sum(0) == 3).all()
    for label in range(3):
        assert (members[:, (labels == label).numpy()].sum(1) == 4).all()
    assert (members[0] ^ members[1]).all()
    assert (members[0] != members[2]).any()
    assert shadows_of(3, 6).tolist() == [0, 1, 4, 5]
    assert (members[shadows_of(3, 6)].sum(0) == 2).all()  # nothing about the target can be read from numbers
    with pytest.raises(ValueError, match="even number, at least 4, got 5"):
        halves(labels, 5, seed=1)
    with pytest.raises(ValueError, match="has 7 samples in the pool, which is odd"):
        halves(labels[1:], 4, seed=1)
