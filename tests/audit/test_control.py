"""The planted control: what is said of targets in which there is nothing to find, and how it is told."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from cells import made_cell

from brainleaks_pl.audit.association import association, least_association
from brainleaks_pl.audit.control import control_rows, control_sentence


def planted(associations: dict[str, float], level: float = 0.1) -> list[dict[str, Any]]:
    cell = made_cell("snn", "v3", 0, {judge: [level] * 10 for judge in associations}, "control", test_accuracy=0.1)
    for judge, value in associations.items():
        cell["judges"][judge]["association"] = value
    return [cell]


def test_a_control_at_the_nulls() -> None:
    rows = control_rows(planted({"a": 0.3, "b": 0.03}))  # of two comparisons .03 is no wonder
    assert all(row["at_null"] for row in rows)
    assert control_sentence(rows) == (
        "Planted control: snn, trained on shuffled labels (test accuracy 0.10), came out at the nulls under v3, by all "
        "judges (a and b) (attack accuracy 0.10, nulls 0.10; 2 comparisons, smallest p = 0.03)."
    )


def test_a_control_in_which_a_judge_recognises_classes_has_failed() -> None:
    rows = control_rows(planted({"a": 0.3, "b": 0.02}, level=0.6))
    assert [row["at_null"] for row in rows if row["judge"] == "a"] == [True, True]
    assert [row["at_null"] for row in rows if row["judge"] == "b"] == [False, False]
    assert control_sentence(rows).startswith(
        "The planted control failed: judges recognise classes in snn, trained on shuffled labels (test accuracy 0.10), "
        "which know none (b on v3 against snn: 0.60, p = 0.02)."
    )


def test_several_seeds_speak_together() -> None:
    def both(first: float, second: float) -> dict[str, Any]:
        return control_rows([*planted({"a": first}), {**planted({"a": second})[0], "seed": 1}])[0]

    # Fisher: -2 log of the product is chi-squared with four degrees of freedom, whose tail is (1 + x / 2) exp(-x / 2)
    product = 0.06 * 0.06
    assert both(0.06, 0.06)["association"] == pytest.approx(product * (1 - math.log(product)))
    assert both(0.5, 0.5)["at_null"]
    assert not both(0.06, 0.06)["at_null"]  # which either alone would not say
    assert control_rows([]) == []
    assert control_sentence([]) == ""


def test_too_few_classes_to_tell_are_no_pass() -> None:
    few = made_cell("snn", "v3", 0, {"a": [0.9] * 3}, "control")
    rows = control_rows([few])
    assert [row["at_null"] for row in rows] == [None, None]
    assert control_sentence(rows) == (
        "The planted control says nothing: too few classes of snn, trained on shuffled labels (test accuracy 0.95), "
        "were attacked to tell chance from a fault."
    )
    assert [least_association(count) for count in (1, 3, 10)] == [1, 1 / 6, 1 / 10000]


def test_the_false_positive_rate_stands_beside_it() -> None:
    blind = [
        made_cell("snn", "v3", 0, {"a": [level] * 5}, "blind", classes=list(range(group, 10, 2)))
        for group, level in ((0, 0.2), (1, 0.4))
    ]
    assert [row["false_positive"] for row in control_rows([*planted({"a": 0.3}), *blind])] == pytest.approx([0.3] * 2)
    assert control_rows([*planted({"a": 0.3}), blind[0]])[0]["false_positive"] is None  # not of all classes
    assert control_rows(planted({"a": 0.3}))[0]["false_positive"] is None


def test_association_is_exact_where_all_orders_are_seen() -> None:
    # one order of six puts every reconstruction first: p is close to 1/6
    assert association(torch.eye(3), [0, 1, 2], draws=20000) == pytest.approx(1 / 6, abs=0.01)
    assert association(torch.full((3, 3), 0.3), [0, 1, 2]) == 1
    assert association(torch.eye(3)[[1, 2, 0]], [0, 1, 2]) == 1  # no confidence in any
    assert association(torch.tensor([[0.1, 0.9]]), [1]) == 1
    assert association(torch.eye(8), list(range(8))) < 0.001


def test_association_of_noise_is_uniform() -> None:
    generator = torch.Generator().manual_seed(0)
    values = [association(torch.rand(10, 10, generator=generator), range(10), draws=199) for _ in range(300)]
    assert 0.02 < sum(value <= 0.05 for value in values) / 300 < 0.09
