"""How much leaks, in sentences that follow from the summary."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from tiny_audit import tiny_audit

from brainleaks_pl import BlackBox, BrainLeaksV1, LabelOnly, MIFace, RateEncoder
from brainleaks_pl.audit.leaks import PROTOTYPE, leak_sentences

NULLS = {"noise": 0.1, "class_mean": 1.0, "real": 0.9, "false_positive": 0.2, "adversarial": 0.4}
TARGETS: dict[str, dict[str, Any]] = {"snn": {"test_accuracy": [0.9, 1.0, None]}, "ann": {"test_accuracy": [None]}}
ATTACKERS = {"v3": "with its weights", "ask": "who sees its scores"}


def row(target: str, attack: str, judge: str, accuracy: float, **nulls: float | None) -> list[dict[str, Any]]:
    known = {name: value for name, value in {**NULLS, **nulls}.items() if value is not None}
    shared = {"target": target, "attack": attack, "judge": judge, "nulls": known}
    return [{**shared, "metric": metric, "mean": accuracy} for metric in ("attack_accuracy", "confidence")]


def said(rows: list[dict[str, Any]], **options: Any) -> list[str]:
    return leak_sentences(rows, TARGETS, ATTACKERS, **{"judges": ["a", "b"], "classes": 10, **options})


def test_the_strongest_attack_is_said_in_classes_beside_every_null() -> None:
    rows = [*row("snn", "v3", "a", 0.8), *row("snn", "v3", "b", 0.9), *row("snn", "ask", "a", 0.5)]
    assert said(rows) == [
        "snn (test accuracy 0.95) gives away what its classes look like: with v3, an attacker with its weights "
        "recovers what independent judges take for the right class in 8.5 of 10 classes on average; real test data "
        "reach 9.0, noise 1.0, the same attack on a network that never saw the class 2.0 and adversarial examples, "
        "which hold nothing of the class, 4.0.",
        PROTOTYPE,
    ]


@pytest.mark.parametrize(
    ("accuracy", "nulls", "grade"),
    [
        (0.84, {}, "gives away what its classes look like"),
        (0.82, {}, "gives away much of what"),
        (0.5, {}, "gives away something of what"),
        (0.26, {"adversarial": 0.1}, "gives away nothing that these attacks could find"),
        (0.2, {}, "gives away nothing that these attacks could find"),
        (0.8, {"adversarial": 0.8}, "may give away nothing, because adversarial"),
        (0.8, {"prior_alone": 0.8, "prior_mean": 0.1}, "gives away nothing that these attacks could find"),
        (0.8, {"prior_alone": 0.1, "prior_mean": 0.6}, "gives away much of what"),
        (0.8, {"real": None}, "cannot be placed"),
        (0.8, {"false_positive": 0.95}, "cannot be placed"),
    ],
)
def test_the_grade_is_the_share_of_the_way_from_the_floor_to_real_data(
    accuracy: float, nulls: dict[str, float | None], grade: str
) -> None:
    # from .2 to .9: .9 of the way is .83, .5 is .55 and .1 is .27
    assert f"(test accuracy 0.95) {grade}" in said(row("snn", "v3", "a", accuracy, **nulls))[0]


def test_what_the_prior_draws_by_itself_is_said() -> None:
    assert "the attack's prior alone 7.0 and" in said(row("snn", "v3", "a", 0.8, prior_alone=0.7))[0]


def test_what_the_attacker_knows_and_a_single_judge_are_said() -> None:
    (sentence, _) = said(row("ann", "ask", "a", 0.9), judges=["a"])
    assert sentence.startswith("ann gives away")
    assert "with ask, an attacker who sees its scores recovers what a judge takes for the right" in sentence


def test_a_prototype_is_said_only_where_class_means_reach_as_much() -> None:
    assert said(row("snn", "v3", "a", 0.9, class_mean=0.86))[-1] == PROTOTYPE
    assert PROTOTYPE not in said(row("snn", "v3", "a", 0.9, class_mean=0.84))
    assert PROTOTYPE not in said(row("snn", "v3", "a", 0.9, class_mean=None))


def test_nothing_is_said_of_targets_and_judges_that_know_nothing() -> None:
    rows = [*row("snn", "v3", "a", 0.9), *row("ann", "v3", "a", 0.9), *row("ann", "v3", "c", 0.0)]
    assert [sentence.split()[0] for sentence in said(rows, without=["snn"])][:1] == ["ann"]
    assert "9.0 of 10" in said(rows, without=["snn"])[0]
    assert said([]) == []


def test_each_attack_says_who_could_run_it() -> None:
    class Own(BlackBox):
        pass

    ask = {"encoder": RateEncoder(5)}
    attacks = {"v1": BrainLeaksV1, "own": partial(Own, **ask), "labels": partial(LabelOnly, **ask), "mi": MIFace}
    audit = tiny_audit(attacks=attacks)
    assert audit.attackers(audit.networks()) == {
        "v1": "with its weights",
        "own": "who sees its scores",
        "labels": "who sees the class that it predicts",
        "mi": "with its weights",
    }
