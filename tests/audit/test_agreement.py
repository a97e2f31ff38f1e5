"""What two judges say of the same reconstructions, on scores written out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from brainleaks_pl.audit.measures.agreement import Agreement, judges_agree


def cell(seed: int, **judges: list[tuple[int, float]]) -> dict[str, Any]:
    """A cell whose judges say (rank, confidence) of the classes 0, 1, ..."""
    said = {
        name: {"per_class": [{"class": k, "rank": rank, "confidence": value} for k, (rank, value) in enumerate(rows)]}
        for name, rows in judges.items()
    }
    return {"seed": seed, "judges": said}


def test_two_judges_by_hand() -> None:
    cells = [
        cell(0, a=[(1, 0.9), (2, 0.3)], b=[(1, 0.8), (1, 0.6)]),
        cell(4, a=[(3, 0.1), (1, 0.7)], b=[(2, 0.1), (1, 0.7)]),
    ]
    found = judges_agree(cells, "a", "b")
    assert found is not None
    assert (found["first"], found["second"], found["same_verdict"]) == ("a", "b", 0.75)
    # Pearson's by its definition
    one, other = [0.9, 0.3, 0.1, 0.7], [0.8, 0.6, 0.1, 0.7]
    deviations = [(x - 0.5, y - 0.55) for x, y in zip(one, other, strict=True)]
    expected = (
        sum(x * y for x, y in deviations)
        / (sum(x * x for x, _ in deviations) * sum(y * y for _, y in deviations)) ** 0.5
    )
    assert found["correlation"] == pytest.approx(expected)
    assert found["disagree"][0] == {"seed": 0, "class": 1, "confidence": [0.3, 0.6]}
    assert found["disagree"][1] == {"seed": 0, "class": 0, "confidence": [0.9, 0.8]}


def test_at_most_five_are_listed_the_widest_apart_first() -> None:
    found = judges_agree([cell(0, a=[(1, 1.0)] * 7, b=[(1, k / 10) for k in range(7)])], "a", "b")
    assert found is not None
    assert [row["class"] for row in found["disagree"]] == [0, 1, 2, 3, 4]


def test_a_judge_that_says_the_same_of_all_has_no_correlation() -> None:
    found = judges_agree([cell(0, a=[(1, 1.0), (1, 1.0)], b=[(1, 0.5), (1, 0.9)])], "a", "b")
    assert found is not None
    assert found["correlation"] is None


def test_cells_that_one_of_them_has_not_scored_are_left_out() -> None:
    assert judges_agree([cell(0, a=[(1, 1.0)])], "a", "b") is None
    found = judges_agree([cell(0, a=[(1, 1.0)]), cell(1, a=[(1, 0.9)], b=[(2, 0.2)])], "a", "b")
    assert found is not None
    assert (found["same_verdict"], [row["seed"] for row in found["disagree"]]) == (0, [1])


def agreeing(attack: str, share: float, second: str = "b") -> dict[str, Any]:
    return {"target": "snn", "attack": attack, "first": "a", "second": second, "same_verdict": share}


def test_judges_that_disagree_are_counted_and_the_worst_named() -> None:
    rows = [agreeing("v1", 0.75), agreeing("v2", 0.4), agreeing("v1", 0.5, "c"), agreeing("v1", 0.8, "d")]
    judges: dict[str, Any] = {name: {"counts": True} for name in "abcd"}
    assert Agreement().warnings(rows, {"judges": judges}) == [
        "2 of 3 pairs of judges disagree about more than 20% of an attack's reconstructions. a and b do so most: about "
        "60% of those of v2 on snn."
    ]
    assert Agreement().warnings(rows[3:], {"judges": judges}) == []
    assert Agreement().warnings(rows, {"judges": {**judges, "a": {"counts": False}}}) == []
