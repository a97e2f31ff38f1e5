"""What the report says of its scores: every sentence follows from the data."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from fake_audit import fake_audit, section

from brainleaks_pl.audit.report.control import control
from brainleaks_pl.audit.report.differences import differences
from brainleaks_pl.audit.report.intervals import Row, interval_plot
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.members import members
from brainleaks_pl.audit.report.parts import Section
from brainleaks_pl.audit.report.scores import scores
from brainleaks_pl.audit.report.words import counted, spanned
from brainleaks_pl.reporting.text import listed


@pytest.fixture
def audit(tmp_path: Path) -> dict[str, Any]:
    """An audit of one metric of the judges, so that few plots are drawn."""
    found = fake_audit(tmp_path)
    found["summary"] = [row for row in found["summary"] if row["metric"] == "confidence"]
    return found


def test_words_for_lists_and_numbers() -> None:
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
    assert [counted(1, "class"), counted(2, "class"), counted(0, "seed")] == ["1 class", "2 classes", "0 seeds"]
    assert [spanned([2, 1], "seed"), spanned([1], "seed"), spanned([4, 4])] == ["1 to 2 seeds", "1 seed", "4"]


def test_networks_at_chance_and_judges_that_do_not_count_are_named(audit: dict[str, Any]) -> None:
    sound = scores(audit, Looks(audit))
    assert sound.notes == ()
    assert "remark" not in sound.groups[-1].tables[0].header
    audit["targets"]["snn"]["at_chance"] = [False, True]
    audit["judges"]["cnn"]["at_chance"] = [True, True]
    audit["judges"]["spiking_cnn"] |= {"counts": False, "why_not": "recognises .42 of real test data, below .50"}
    audit["judges"]["cnn"]["counts"] = False
    found = scores(audit, Looks(audit))
    first, second = found.notes
    assert first.endswith("say nothing: the target snn, the judge cnn.")
    assert second == (
        "The judge spiking_cnn does not count in the verdict: recognises .42 of real test data, below .50."
    )
    remarks = {row[:3]: row[-1] for row in found.groups[-1].tables[0].rows}
    assert remarks["snn", "v1", "cnn"] == "target at chance, judge at chance"
    assert remarks["ann", "v1", "cnn"] == "judge at chance"
    assert remarks["ann", "v1", "spiking_cnn"] == "judge does not count"


def test_the_strongest_attack_is_said_beside_its_nulls_by_the_judges_that_count(audit: dict[str, Any]) -> None:
    levels = {"v1": 0.5, "v3": 0.4, "mi_face": 0.3}
    for row in audit["summary"]:
        row["mean"] = levels[row["attack"]] if row["judge"] == "cnn" else 1 - levels[row["attack"]]
    audit["judges"]["spiking_cnn"]["counts"] = False
    said = scores(audit, Looks(audit)).finding
    assert "In ann, v1 finds most: a mean confidence of 0.50; for comparison, noise 0.10, the same attack on a " in said
    assert "never saw the class 0.20, adversarial examples of other classes 0.25 and real samples 0.97." in said
    audit["judges"]["spiking_cnn"]["counts"], audit["judges"]["cnn"]["counts"] = True, False
    assert "In snn, mi_face finds most: a mean confidence of 0.70" in scores(audit, Looks(audit)).finding


def test_both_intervals_reach_into_a_plot_and_its_legend() -> None:
    def shown(*ends: float | None) -> str:
        row = Row("v1", 0.5, *ends, nulls={"false_positive": 0.2, "adversarial": None})
        uri = interval_plot([row], title="t", label="l", alt="a", caption="c").light
        return base64.b64decode(uri.partition(",")[2]).decode()

    fixed, both, wider = shown(0.4, 0.6, None, None), shown(0.4, 0.6, 0.1, 0.9), shown(0.4, 0.6, 0.1, 1.5)
    assert len({fixed, both, wider, shown(0.3, 0.6, 0.1, 0.9), shown(0.4, 0.6, 0.2, 0.9)}) == 5
    assert ["these classes<" in svg for svg in (fixed, both, shown(None, None, None, None))] == [True, True, False]
    assert ["other classes like these<" in svg for svg in (fixed, both)] == [False, True]
    assert "same attack, class never seen<" in both
    assert "adversarial examples" not in both  # not measured here


def test_a_control_at_the_nulls_is_told_from_one_above_and_from_none(audit: dict[str, Any]) -> None:
    said = control(audit).finding
    assert said.startswith("All 12 scores of the control, on 2 seeds, are at the nulls")
    audit["control"][4] |= {"at_null": False, "mean": 0.4}
    found = control(audit)
    assert found.finding.startswith(
        "1 of 12 scores of the control, on 2 seeds, lie above the nulls: attack accuracy of "
    )
    assert "attack accuracy of v3 on snn by spiking_cnn (0.40, where the nulls reach 0.14)" in found.finding
    assert "no evidence of a leak" in found.finding
    assert [row[-1] for row in found.groups[0].tables[0].rows].count(False) == 1
    for row in audit["control"]:
        row["at_null"] = None if row["attack"] == "v1" else row["at_null"]
    mixed = control(audit).finding
    assert mixed.startswith(
        "1 of 8 scores of the control, on 2 seeds, lie above the nulls: attack accuracy of v3 on snn"
    )
    assert mixed.endswith("Too few classes were attacked to tell chance from a fault for v1 on snn.")
    audit["control"][4]["at_null"] = True
    mixed = control(audit).finding
    assert mixed.startswith("All 8 scores of the control that can tell, on 2 seeds, are at the nulls")
    assert mixed.endswith("Too few classes were attacked to tell chance from a fault for v1 on snn.")
    for row in audit["control"]:
        row["at_null"] = None
    assert control(audit).finding.endswith("the control says nothing.")
    assert control({**audit, "control": []}).finding.startswith("No control was run")


@pytest.mark.parametrize(
    ("fixed", "sampled", "real", "words"),
    [
        ((0.52, 0.56), (0.46, 0.62), 0.5, "are not shown to be nearer to training images"),
        ((0.44, 0.48), (0.38, 0.54), 0.5, "are not shown to be nearer to training images"),
        ((0.56, 0.61), (0.53, 0.64), 0.5, "are nearer to training images"),
        ((0.36, 0.44), (0.33, 0.47), 0.5, "are farther from training images"),
        ((0.56, 0.61), (0.53, 0.64), 0.55, "differs from a half, but not shown to be by more than for nulls"),
        ((0.36, 0.44), (0.33, 0.47), 0.45, "differs from a half, but not shown to be by more than for nulls"),
        ((0.56, 0.61), (0.53, 0.64), 0.4, "are nearer to training images"),
        ((0.56, 0.61), (0.53, 0.64), None, "whether training data leak cannot be told"),
        ((0.56, 0.61), (None, None), 0.5, "whether training data leak cannot be told"),
        ((None, None), (None, None), 0.5, "whether training data leak cannot be told"),
    ],
)
def test_training_data_are_told_from_the_class_by_the_interval_over_classes_and_by_real_test_images(
    fixed: tuple[float | None, float | None],
    sampled: tuple[float | None, float | None],
    real: float | None,
    words: str,
    tmp_path: Path,
) -> None:
    audit = fake_audit(tmp_path)
    (row,) = [row for row in audit["summary"] if row["metric"] == "member_nearer"][:1]
    row |= {"low": fixed[0], "high": fixed[1], "sampled_low": sampled[0], "sampled_high": sampled[1]}
    row["nulls"] = {} if real is None else {"real": real}
    found = members({**audit, "summary": [row]}, Looks(audit)).finding
    assert found.startswith("v1 on snn: ")
    assert words in found
    interval = "" if sampled[0] is None else f" (95% interval {sampled[0]:.2f} to {sampled[1]:.2f})."
    assert found.endswith(interval)


@pytest.mark.parametrize(
    ("nulls", "words"),
    [
        ({"noise": 0.52, "false_positive": 0.55}, "not shown to be by more than for nulls"),
        ({"noise": 0.55, "false_positive": 0.52}, "not shown to be by more than for nulls"),
        ({"noise": 0.52, "false_positive": 0.52, "class_mean": 0.9}, "are nearer to training images"),
    ],
)
def test_what_holds_no_training_data_tells_how_near_chance_may_come(
    nulls: dict[str, float], words: str, tmp_path: Path
) -> None:
    """Of a class that the target never saw nothing can leak, however near its training images lie."""
    audit = fake_audit(tmp_path)
    (row,) = [row for row in audit["summary"] if row["metric"] == "member_nearer"][:1]
    row |= {"low": 0.56, "high": 0.61, "sampled_low": 0.53, "sampled_high": 0.64, "nulls": {"real": 0.5, **nulls}}
    assert words in members({**audit, "summary": [row]}, Looks(audit)).finding


def test_the_sentence_rests_on_all_judges_and_what_is_not_shown_is_drawn_hollow(audit: dict[str, Any]) -> None:
    rows = [row for row in audit["differences"] if (row["attack"], row["metric"]) == ("strongest", "confidence")]

    def found(shown: bool) -> Section:
        rows[0] |= {"judge": "all judges", "shown": shown}
        return differences({**audit, "differences": rows}, Looks(audit), str)

    hollow, filled = found(shown=False), found(shown=True)
    assert len(rows) == 3
    assert filled.finding.count("Under the strongest attacks") == 1
    assert hollow.groups[0].plots[0].light != filled.groups[0].plots[0].light


def test_agreement_names_the_pair_that_agrees_least_and_where(audit: dict[str, Any]) -> None:
    def said(*rows: tuple[str, str, str, float]) -> str:
        found = [
            {"target": "snn", "attack": attack, "first": first, "second": second, "same_verdict": share, 
             "correlation": None, "disagree": []}
            for first, second, attack, share in rows
        ]  # fmt: skip
        return section("agreement", {**audit, "cells": [], "measures": {"agreement": found}}).finding

    one = [("a", "b", "v1", 0.9), ("a", "b", "v3", 0.6)]
    assert said(*one) == (
        "a and b give the same verdict on 75% of the reconstructions. They differ most for v3 on snn: for 40% of "
        "these, only one of the two puts the class first."
    )
    assert said(("a", "b", "v1", 0.9), ("a", "b", "v3", 1.0)).endswith("no less than 90% for any target and attack.")
    assert said(*one, ("a", "c", "v1", 0.85)).startswith(
        "On average, two judges give the same verdict on 80% of the reconstructions. The pair that does so least often "
        "is a and b, on 75%. They differ most for v3 on snn"
    )


def test_a_distance_that_was_not_measured_is_said_to_be_missing(audit: dict[str, Any]) -> None:
    assert members(audit, Looks(audit)).finding == "The distance to test images was not measured."


def test_differences_are_said_by_seed_and_class_and_without_the_class_that_makes_them(audit: dict[str, Any]) -> None:
    def said(**changes: Any) -> str:
        row = {
            **next(row for row in audit["differences"] if row["attack"] == "strongest"),
            "difference": 0.1, "low": 0.04, "high": 0.16, "shown": True, "sampled_shown": False,
            "by_seed": [0.12, -0.08],
            "by_class": [{"class": k, "difference": value} for k, value in enumerate((0.1, -0.1, -0.1, 0.5))],
            "without": {"class": 3, "difference": -0.03, "low": -0.1, "high": 0.04},
        }  # fmt: skip
        return differences({**audit, "differences": [row | changes]}, Looks(audit), lambda k: f"class {k}").finding

    assert said() == (
        "Under the strongest attacks, snn leaks more than ann on 1 of 2 seeds and for 2 of 4 classes: +0.100 on "
        "average, shown for these classes only. Without class 3, which changes the mean most, it is -0.030 (95% "
        "interval -0.100 to +0.040)."
    )
    assert "shown for these classes and for others like them." in said(sampled_shown=True)
    assert "which is not shown." in said(shown=False)
    assert "because one seed is too few for one." in said(low=None, high=None, shown=False)
    opposite = said(difference=-0.1, by_seed=[-0.1, -0.1])
    assert "snn leaks less than ann on 2 of 2 seeds and for 2 of 4 classes: -0.100" in opposite
    assert "Without" not in said(without=None)
