"""Curves by hand, refusals, and intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest

from brainleaks_pl.membership.curves import Ranking, TooFewError, non_members_for, precision
from brainleaks_pl.membership.intervals import Resampling, clopper_pearson
from brainleaks_pl.membership.results import exposed


def test_a_curve_by_hand() -> None:
    scores = np.array([[5.0, 4.0, 3.0], [3.0, 2.0, 1.0]])
    members = np.array([[True, False, True], [False, True, False]])
    curve = Ranking(scores, members).curve()
    # 5 member; 4 not; 3 one of each, at once; 2 member; 1 not... of three members and three others
    assert curve.true_positives.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 2 / 3, 1, 1])
    assert curve.false_positives.tolist() == pytest.approx([0, 0, 1 / 3, 2 / 3, 2 / 3, 1])
    assert curve.auc == pytest.approx((3 + 1.5 + 1) / 9)  # pairs won by 5, by 3 (a tie), by 2
    assert curve.at(0.5) == pytest.approx((1 / 3, 1 / 3))
    assert curve.at(2 / 3) == pytest.approx((2 / 3, 1))
    weighted = Ranking(scores, members).curve(np.array([1.0, 0.0]))
    assert weighted.auc == pytest.approx(0.5)


def test_a_rate_that_rests_on_too_few_is_refused() -> None:
    assert [non_members_for(rate) for rate in (0.1, 0.01, 0.001)] == [100, 1000, 10000]
    members = np.arange(400).reshape(2, 200) % 2 == 0
    curve = Ranking(np.where(members, 1.0, 0.0), members).curve()
    assert curve.true_positive_rate(0.05) == 1.0
    with pytest.raises(TooFewError, match=r"0\.01 takes 1000 non-members, .* and there are 200\.") as refused:
        curve.true_positive_rate(0.01)
    assert refused.value.needed == 1000


def test_few_members_make_most_accusations_wrong() -> None:
    assert precision(0.1, 0.01, 0.5) == pytest.approx(10 / 11)
    assert precision(0.1, 0.01, 0.01) == pytest.approx(0.1 / (0.1 + 0.99))
    assert precision(0.0, 0.0, 0.5) is None


def test_exact_intervals() -> None:
    assert clopper_pearson(0, 10) == (0.0, pytest.approx(1 - 0.025**0.1))
    assert clopper_pearson(10, 10) == (pytest.approx(0.025**0.1), 1.0)
    assert clopper_pearson(8, 40) == pytest.approx((0.0905, 0.3565), abs=1e-4)


def test_intervals_cover() -> None:
    """Scores of networks that leak more or less, on samples that are easy or hard; the truth by a long simulation."""
    generator = np.random.default_rng(1)

    def simulated(networks: int, samples: int) -> Ranking:
        members = np.repeat(generator.random((networks // 2, samples)) < 0.5, 2, axis=0)
        members[1::2] ^= True
        leak = 0.7 + 0.3 * generator.normal(size=(networks, 1))
        hard = generator.normal(size=samples)
        scores = leak * members + 0.5 * hard * members + generator.normal(size=(networks, samples))
        return Ranking(scores, members)

    truth = simulated(400, 400).curve().auc
    covered = []
    for seed in range(40):
        ranking = simulated(12, 60)
        resampling = Resampling(12, 60, seed, replicates=30)
        interval = resampling.interval(
            ranking.curve().auc, resampling.replicates(ranking, {"auc": lambda curve: curve.auc})["auc"]
        )
        covered.append(interval.low <= truth <= interval.high)
    assert np.mean(covered) >= 0.9


def test_an_interval_of_a_certain_thing_has_room_below() -> None:
    members = np.arange(80).reshape(4, 20) % 2 == 0
    members[1::2] ^= True
    ranking = Ranking(members.astype(float), members)
    resampling = Resampling(4, 20)
    interval = resampling.interval(1.0, resampling.replicates(ranking, {"auc": lambda curve: curve.auc})["auc"])
    assert interval.high == 1.0
    assert interval.low == pytest.approx(0.025**0.1)
    difference = resampling.difference(0.0, np.zeros(5))
    assert (difference.low, difference.high) == pytest.approx((0.025**0.1 - 1, 1 - 0.025**0.1))


def test_scores_that_are_none_are_refused() -> None:
    members = np.array([[True, False]])
    with pytest.raises(ValueError, match="finite, got nan"):
        Ranking(np.array([[1.0, np.nan]]), members)
    with pytest.raises(ValueError, match="members and non-members"):
        Ranking(np.ones((1, 2)), members | True)


def test_who_is_exposed() -> None:
    members = np.array([[True, True, False, False], [False, False, True, True]] * 2)
    scores = np.where(members, [9.0, 1.0, 5.0, 0.0], [0.0, 0.5, 0.0, 0.0])
    risk = exposed(scores, members, rate=0.01, most=2)
    assert [(row["place"], row["found"], row["auc"]) for row in risk["samples"]] == [(0, 1.0, 1.0), (2, 1.0, 1.0)]
    assert risk["by_most"] == 0.75  # sample 1 scores .5 without, and 1 with it: that is enough; sample 3 is not found
    assert all(row["false"] == 0 for row in risk["samples"])
