"""Comparisons of targets: paired by seed, judge and class; the strongest attack is not chosen on what is tested."""

from __future__ import annotations

from typing import Any

import pytest
from cells import made_cell

from brainleaks_pl.audit.differences import STRONGEST, compared_targets, differences

SPIKING = {"snn": True, "ann": False}


def rows_of(cells: list[dict[str, Any]], judges: list[str]) -> dict[tuple[str, str], dict[str, Any]]:
    found = differences(cells, SPIKING, judges)
    return {(row["attack"], row["judge"]): row for row in found if row["metric"] == "confidence"}


def test_each_spiking_target_is_compared_with_each_other_or_all_of_one_kind() -> None:
    assert compared_targets({"a": True, "b": False, "c": True}) == [("a", "b"), ("c", "b")]
    assert compared_targets({"a": True, "b": True, "c": True}) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_differences_are_seed_by_seed_and_class_by_class_whatever_the_order_of_the_cells() -> None:
    cells = [
        made_cell("snn", "v3", 0, {"j": [0.9, 0.5, 0.7]}), made_cell("snn", "v3", 1, {"j": [0.8, 0.5, 0.6]}),
        made_cell("ann", "v3", 1, {"j": [0.2, 0.5, 0.5]}), made_cell("ann", "v3", 0, {"j": [0.4, 0.5, 0.6]}),
    ]  # fmt: skip
    row = rows_of(cells, ["j"])["v3", "j"]
    assert row["seeds"] == [0, 1]
    assert row["by_seed"] == pytest.approx([0.2, 0.7 / 3])
    assert [entry["class"] for entry in row["by_class"]] == [0, 1, 2]
    assert [entry["difference"] for entry in row["by_class"]] == pytest.approx([0.55, 0.0, 0.1])
    assert row["difference"] == pytest.approx(0.65 / 3)
    assert row["without"]["class"] == 0
    assert row["without"]["difference"] == pytest.approx(0.05)


def test_only_seeds_that_both_targets_have_are_compared() -> None:
    cells = [made_cell("snn", "v3", seed, {"j": [0.9, 0.8, 0.7]}) for seed in (0, 1, 2)]
    cells += [made_cell("ann", "v3", seed, {"j": [0.1 * seed, 0.2, 0.3]}) for seed in (1, 2, 3)]
    row = rows_of(cells, ["j"])["v3", "j"]
    assert row["seeds"] == [1, 2]
    assert row["by_seed"] == pytest.approx([0.6, 1.7 / 3])


def test_only_classes_that_all_attacks_attacked_are_compared() -> None:
    cells = [made_cell("snn", "v1", seed, {"j": [0.9, 0.8, 0.7]}, classes=[2, 1, 0]) for seed in (0, 1)]
    cells += [made_cell("snn", "v3", seed, {"j": [0.3, 0.2, 0.1]}) for seed in (0, 1)]
    cells += [made_cell("ann", "v3", seed, {"j": [0.5, 0.2, 0.3]}, classes=[0, 1, 3]) for seed in (0, 1)]
    rows = rows_of(cells, ["j"])
    assert [entry["class"] for entry in rows["v3", "j"]["by_class"]] == [0, 1]
    assert [entry["difference"] for entry in rows["v3", "j"]["by_class"]] == pytest.approx([-0.2, 0.0])
    strongest = rows[STRONGEST, "j"]
    assert strongest["first_attack"] == "v1"
    assert {entry["class"]: round(entry["difference"], 9) for entry in strongest["by_class"]} == {0: 0.2, 1: 0.6}
    other = [made_cell("ann", "v3", seed, {"j": [0.5]}, classes=[7]) for seed in (0, 1)]
    assert differences([*cells[:4], *other], SPIKING, ["j"]) == []


def test_both_targets_are_judged_by_the_same_judges() -> None:
    # b failed with seed 2, which the other target does not have
    cells = [made_cell("snn", "v3", seed, {"a": [0.5] * 3, "b": [0.9] * 3}) for seed in (0, 1)]
    cells += [made_cell("snn", "v3", 2, {"a": [0.5] * 3})]
    cells += [made_cell("ann", "v3", seed, {"a": [0.5] * 3, "b": [0.9] * 3}) for seed in (0, 1)]
    row = rows_of(cells, ["a", "b"])["v3", "all judges"]
    assert row["judges"] == ["a", "b"]
    assert row["difference"] == pytest.approx(0)
    cells[0]["judges"].pop("b")
    rows = rows_of(cells, ["a", "b"])
    assert {judge for _, judge in rows} == {"a"}
    assert rows["v3", "a"]["judges"] == ["a"]


def two_judges(first: float, second: float) -> dict[str, list[float]]:
    return {"a": [first] * 3, "b": [second] * 3}


def test_the_strongest_attack_of_a_judge_is_chosen_by_the_others() -> None:
    # judge a likes v1 best, judge b v3: chosen by the other, each tests the attack that it likes less
    cells = [made_cell("snn", "v1", seed, two_judges(0.9, 0.2)) for seed in (0, 1)]
    cells += [made_cell("snn", "v3", seed, two_judges(0.3, 0.8)) for seed in (0, 1)]
    cells += [made_cell("ann", "v3", seed, two_judges(0.1, 0.1)) for seed in (0, 1)]
    rows = rows_of(cells, ["a", "b"])
    assert rows[STRONGEST, "a"]["first_attack"] == "v3"
    assert rows[STRONGEST, "a"]["difference"] == pytest.approx(0.2)
    assert rows[STRONGEST, "b"]["first_attack"] == "v1"
    assert rows[STRONGEST, "b"]["difference"] == pytest.approx(0.1)
    assert rows[STRONGEST, "all judges"]["first_attack"] == "v3/v1"
    assert rows[STRONGEST, "all judges"]["difference"] == pytest.approx(0.15)


def test_the_strongest_attack_is_the_one_of_the_highest_confidence() -> None:
    cells = [made_cell("snn", "v1", seed, two_judges(0.2, 0.3)) for seed in (0, 1)]
    cells += [made_cell("snn", "v3", seed, two_judges(0.8, 0.9)) for seed in (0, 1)]
    cells += [made_cell("ann", "v3", seed, two_judges(0.1, 0.1)) for seed in (0, 1)]
    row = rows_of(cells, ["a", "b"])[STRONGEST, "all judges"]
    assert (row["first_attack"], row["second_attack"]) == ("v3", "v3")
    assert row["difference"] == pytest.approx(0.75)


def test_one_judge_alone_chooses_by_the_other_seeds() -> None:
    # seed 0 alone likes v1 best: for itself it is not asked
    cells = [made_cell("snn", "v1", seed, {"j": [level] * 3}) for seed, level in ((0, 0.9), (1, 0.1), (2, 0.1))]
    cells += [made_cell("snn", "v3", seed, {"j": [0.3] * 3}) for seed in (0, 1, 2)]
    cells += [made_cell("ann", "v3", seed, {"j": [0.0] * 3}) for seed in (0, 1, 2)]
    row = rows_of(cells, ["j"])[STRONGEST, "j"]
    assert row["by_seed"] == pytest.approx([0.3, 0.1, 0.1])
    assert row["first_attack"] == "v3/v1"


def test_an_attack_that_failed_with_a_seed_is_not_compared() -> None:
    cells = [made_cell("snn", attack, seed, {"j": [0.9] * 3}) for attack in ("v1", "v3") for seed in (0, 1)]
    cells[1]["status"] = "failed"
    cells += [made_cell("ann", attack, seed, {"j": [0.5] * 3}) for attack in ("v1", "v3") for seed in (0, 1)]
    assert {attack for attack, _ in rows_of(cells, ["j"])} == {"v3", STRONGEST}
