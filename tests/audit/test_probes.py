"""Other surrogates and variants of a target, beside the target as it is, with the same seeds."""

from __future__ import annotations

from typing import Any

import pytest
from cells import made_cell

from brainleaks_pl.audit.measures.masking import Masking, masking_rows
from brainleaks_pl.audit.measures.sweep import sweep_rows


def probe(surrogate: str, seed: int, judged: dict[str, list[float]]) -> dict[str, Any]:
    return made_cell("snn", "v1", seed, judged, "surrogate", surrogate={"name": surrogate})


def test_a_surrogate_is_held_against_the_same_seeds_of_the_attack_as_it_is() -> None:
    levels = {0: 0.8, 1: 0.2}
    cells = [made_cell("snn", "v1", seed, {"j": [level] * 3}) for seed, level in levels.items()]
    cells += [probe("sigmoid", seed, {"j": [level] * 3}) for seed, level in levels.items()]
    cells += [probe("atan", 0, {"j": [0.8] * 3})]  # failed with seed 1
    rows = {row["surrogate"]: row for row in masking_rows(cells)}
    assert {name: row["seeds"] for name, row in rows.items()} == {"as trained": 1, "sigmoid": 1, "atan": 1}
    assert [row["confidence"] for row in rows.values()] == pytest.approx([0.8] * 3)
    assert {row["surrogate"]: row["seeds"] for row in masking_rows(cells[:-1])} == {"as trained": 2, "sigmoid": 2}


def test_a_judge_that_failed_with_a_seed_is_left_out() -> None:
    cells = [made_cell("snn", "v1", seed, {"a": [0.5] * 3, "b": [0.5] * 3}) for seed in (0, 1)]
    cells += [probe("atan", 0, {"a": [0.5] * 3, "b": [0.5] * 3}), probe("atan", 1, {"a": [0.5] * 3})]
    assert [(row["surrogate"], row["judge"]) for row in masking_rows(cells)] == [
        ("as trained", "a"),
        ("as trained", "b"),
        ("atan", "a"),
    ]
    swept = [{**cell, "kind": "sweep", "sweep": {"parameter": "beta", "value": 0.5}} for cell in cells[2:]]
    rows = sweep_rows([*cells[:2], *swept], lambda *_: 0.7)
    assert [(row["value"], row["judge"], row["seeds"]) for row in rows] == [(0.5, "a", 2), (0.7, "a", 2), (0.7, "b", 2)]


def reached_with(surrogate: str, confidence: float) -> dict[str, Any]:
    return {"target": "snn", "attack": "v1", "judge": "j", "surrogate": surrogate, "confidence": confidence}


@pytest.mark.parametrize(("reached", "masked"), [(0.75, True), (0.55, False), (0.2, False)])
def test_a_surrogate_that_finds_much_more_tells_of_a_masked_gradient(reached: float, masked: bool) -> None:
    rows = [reached_with("as trained", 0.5), reached_with("atan", reached)]
    audit = {"judges": {"j": {"counts": True}}}
    found = Masking().warnings(rows, audit)
    expected = (
        f"v1 on snn reaches a confidence of {reached:.2f} with the surrogate atan, but 0.50 with the one it was "
        "trained with (judge j): a masked gradient, not privacy."
    )
    assert found == ([expected] if masked else [])
    assert Masking().warnings(rows, {"judges": {"j": {"counts": False}}}) == []
