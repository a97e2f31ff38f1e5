"""The sentences of the verdict, word by word, and what is said of the protocol."""

from __future__ import annotations

from typing import Any

import pytest
from cells import made_cell

from brainleaks_pl import Scoring
from brainleaks_pl.audit.doubts import attack_doubts, other_code
from brainleaks_pl.audit.protocol import judges_that_do_not_count, protocol_remarks
from brainleaks_pl.audit.verdict import nothing_to_compare, verdict

NAMES = ["zero", "one", "two"]


def row(**changes: Any) -> dict[str, Any]:
    return {
        "attack": "strongest", "first": "snn", "second": "ann", "first_attack": "v3", "second_attack": "v3",
        "judge": "j", "judges": ["a", "b"], "metric": "confidence", "seeds": [0, 1, 2], "difference": 0.2, "low": 0.1,
        "high": 0.3, "shown": True, "sampled_low": -0.1, "sampled_high": 0.5, "sampled_shown": False,
        "by_seed": [0.2, 0.1, 0.3], "by_class": [{"class": k, "difference": 0.2} for k in range(3)],
        "without": {"class": 2, "difference": 0.01, "low": -0.02, "high": 0.04}, **changes,
    }  # fmt: skip


def said(**changes: Any) -> str:
    return str(verdict([row(**changes)], ["j"], NAMES)["sentence"])


def test_a_difference_on_all_seeds_that_one_class_makes() -> None:
    assert said() == (
        "snn leaks more than ann under the strongest attack on each, v3 and v3: +0.200 in the judges' mean confidence "
        "(95% interval over 3 seeds, these 3 classes: +0.100 to +0.300). snn leaks more on all 3 seeds. One class "
        "accounts for the difference: without two it is +0.010 (-0.020 to +0.040). For other classes like these no "
        "difference is shown (-0.100 to +0.500)."
    )


def test_a_difference_that_stays_without_any_class_and_holds_for_others() -> None:
    sentence = said(
        without={"class": 0, "difference": 0.15, "low": 0.05, "high": 0.25}, sampled_low=0.05, sampled_shown=True
    )
    assert "The class that counts most is zero; without it the difference is +0.150 (+0.050 to +0.250)." in sentence
    assert "One class accounts" not in sentence
    assert sentence.endswith("For other classes like these it is shown too (+0.050 to +0.500).")


def test_a_difference_of_which_most_is_left_without_a_class_is_not_made_by_it() -> None:
    sentence = said(without={"class": 0, "difference": 0.19, "low": -0.02, "high": 0.4})
    assert (
        "The class that counts most is zero: without it the difference is +0.190 (-0.020 to +0.400) and no" in sentence
    )
    assert "One class accounts" not in sentence


def test_a_difference_that_turns_round_without_a_class_is_made_by_it() -> None:
    assert "One class accounts for the difference" in said(
        without={"class": 0, "difference": -0.15, "low": -0.25, "high": -0.05}
    )


def test_a_difference_the_other_way_round() -> None:
    sentence = said(difference=-0.2, low=-0.3, high=-0.1, by_seed=[-0.4, -0.4, 0.2], without=None)
    assert sentence.startswith("snn leaks less than ann under the strongest attack")
    assert "snn leaks less on 2 of 3 seeds." in sentence


def test_two_seeds_are_both() -> None:
    assert "snn leaks more on both seeds." in said(by_seed=[0.1, 0.3], seeds=[0, 1])


def test_no_difference_is_shown() -> None:
    sentence = said(low=-0.1, shown=False, by_seed=[0.5, -0.1, 0.2])
    assert sentence.startswith("No difference is shown between what snn and ann leak under the strongest attack")
    assert "snn leaks more on 2 of 3 seeds." in sentence
    assert "One class" not in sentence


def test_one_seed_gives_no_interval() -> None:
    sentence = said(low=None, high=None, shown=False, sampled_low=None, sampled_high=None)
    assert sentence.endswith("+0.200 in the judges' mean confidence. One seed gives no interval.")
    assert sentence.startswith("No difference is shown between snn and ann")


def test_one_judge_is_named_and_one_class_is_one() -> None:
    sentence = said(judges=["cnn"], by_class=[{"class": 0, "difference": 0.2}], without=None)
    assert "+0.200 in the confidence of cnn (95% interval over 3 seeds, this one class: " in sentence
    alone = said(judges=["cnn"], seeds=[0], by_seed=[0.2], low=None, first_attack="v3/v1")
    assert "on each, v3 or v1 and v3 (chosen by the same scores that are compared): +0.200" in alone


def test_targets_that_leak_the_same_do() -> None:
    assert "They leak the same on all seeds." in said(difference=0.0, by_seed=[0.0] * 3, shown=False, without=None)


@pytest.mark.parametrize(
    ("targets", "rows", "judges", "words"),
    [
        (["snn"], [], ["a"], []),
        (["snn", "ann"], [{}], ["a"], []),
        (
            ["snn", "ann"],
            [],
            [],
            ["No verdict: no judge recognises enough of the real test data to count."],
        ),
        (
            ["snn", "ann"],
            [],
            ["a"],
            ["No verdict on snn and ann: no attack on each has finished with the same judge, seed and class."],
        ),
    ],
)
def test_why_there_is_no_verdict(targets: list[str], rows: list[Any], judges: list[str], words: list[str]) -> None:
    assert nothing_to_compare(targets, rows, judges) == words


def test_the_control_is_said_before_the_verdict() -> None:
    assert list(verdict([], [], NAMES, control="All is well."))[:3] == ["leaks", "control", "sentence"]


@pytest.mark.parametrize(("share", "masked"), [(0.4, True), (0.05, False)])
def test_steps_without_a_gradient_tell_of_a_masked_one(share: float, masked: bool) -> None:
    cells = [made_cell("snn", "v1", seed, {"j": [0.5]}, zero_gradients=zero) for seed, zero in ((0, 0.0), (1, share))]
    found = attack_doubts(cells)
    assert found == (
        ["v1 on snn had no gradient at all in as many as 40% of its steps: a low score may mean a masked gradient."]
        if masked
        else []
    )


def test_adversarial_examples_that_do_not_fool_the_target_say_nothing_of_judges() -> None:
    cell = made_cell("snn", "adversarial", 0, {"j": [0.1] * 3}, "adversarial", target_confidence=[0.2, 0.3, 0.4])
    assert attack_doubts([cell]) == [
        "The adversarial examples of snn hardly fool it itself (mean confidence 0.30), so they say little about the "
        "judges. Raise controls.eps."
    ]
    assert attack_doubts([{**cell, "target_confidence": [0.9, 0.8, 0.1]}]) == []


def test_cells_of_other_code_are_marked() -> None:
    cells = [made_cell("snn", "v1", seed, {"j": [0.5]}) for seed in (0, 1)]
    assert other_code(cells, []) == []
    cells[1]["provenance"] = {"version": "2", "commit": None, "code": "0ther", "torch": "1"}
    cells += [{**cells[1], "provenance": None}]
    run = {"measure": "own", "seed": 0, "provenance": cells[1]["provenance"]}
    assert other_code(cells, [run]) == [
        "Attacks were run by other code than this report's: 1 by 2 (commit unknown, code 0ther, torch 1). To run them "
        "again, remove the folder cells/ of the results.",
        "Measures were run by other code than this report's: 1 by 2 (commit unknown, code 0ther, torch 1). To run "
        "them again, remove the folder measures/ of the results.",
    ]


def remarks(
    cells: list[dict[str, Any]], attacks: Any = None, gradients: int | None = None, **network: Any
) -> list[str]:
    target = {"recipe": {"epochs": 10}, "spiking": True, "pretrained": False, **network}
    return protocol_remarks(
        cells, "MNIST", {"snn": target}, attacks=attacks or {}, seeds=2, gradients=gradients, rescale=False
    )


def test_training_is_held_against_the_published_one() -> None:
    assert remarks([]) == []
    assert remarks([], recipe={"epochs": 1}) == ["snn is trained for 1 epoch (published: 10)."]
    assert remarks([], recipe={"epochs": 4}, spiking=False) == ["snn is trained for 4 epochs (published: 50)."]
    assert remarks([], recipe={"epochs": 1}, pretrained=True) == [
        "snn brought its weights and is the same network with all seeds: intervals cover how attacks and judges vary, "
        "not how networks like it would."
    ]


def test_settings_are_held_against_the_published_ones() -> None:
    settings = {"class": "MIFace", "steps": 400, "restarts": 1, "patience": 100, "stop_at": 0.01}
    (said,) = remarks([made_cell("ann", "mi", seed, {"j": [0.5]}, settings=settings) for seed in (0, 1)])
    assert said == (
        "mi departs from MIFace as published for MNIST: steps 400 (published: 5000), reconstructions judged as they "
        "are (published: stretched to [0, 1])."
    )
    settings = {"class": "BrainLeaksV1", "steps": 25, "restarts": 40}
    assert remarks([made_cell("snn", "v1", 0, {"j": [0.5]}, settings=settings, restarts=40)]) == [
        "v1 departs from BrainLeaksV1 as published for MNIST: steps 25 (published: 10).",
        "Of several attempts per class, judges see the one that the target likes best (published: one attempt): 40 of "
        "v1.",
    ]


def test_tuned_settings_are_named() -> None:
    arguments = {"eta": 0.002, "start": 0.5, "loss": {"class_path": "brainleaks_pl.MeanNLL"}, "weighting": "cost"}
    settings = {"class": "BrainLeaksV2", "steps": 10, "population": 3, "restarts": 1}
    cells = [made_cell("snn", "v2", 0, {"j": [0.5]}, settings=settings)]
    assert remarks(cells, attacks={"v2": {"class_path": "BrainLeaksV2", "init_args": arguments}}) == [
        "v2 departs from BrainLeaksV2 as published for MNIST: population 3 (published: 7), eta 0.002 (published: 1.0), "
        "start 0.5 (published: 0.0), loss MeanNLL."
    ]


def test_attacks_that_spend_less_than_their_budget_say_so() -> None:
    cells = [made_cell("snn", "v3", seed, {"j": [0.5]}, gradients=g) for seed, g in ((0, 7), (1, 10))]
    cells += [made_cell("snn", "v1", seed, {"j": [0.5]}, gradients=9) for seed in (0, 1)]
    assert remarks(cells) == [
        "Gradients per class: v3 on snn spent 7 to 10 of 10 and v1 on snn spent 9 of 10. Attacks spend less if "
        "they stop early, or if no whole number of attempts uses the budget up. A gradient that is asked for again "
        "counts once."
    ]
    assert remarks(cells[2:], gradients=15)[0].startswith("Gradients per class: v1 on snn spent 9 of 15. ")
    assert remarks([made_cell("snn", "v3", 0, {"j": [0.5]}, gradients=10)]) == []
    assert remarks([made_cell("snn", "ask", 0, {"j": [0.5]}, gradients=0, budget=None)]) == []


def test_answers_to_choose_a_start_by_are_told_apart_from_the_budget() -> None:
    cells = [made_cell("snn", "pen", seed, {"j": [0.5]}, gradients=10, queries=3000) for seed in (0, 1)]
    asking = made_cell("snn", "ask", 0, {"j": [0.5]}, gradients=0, queries=70, budget=None)
    assert remarks([*cells, asking]) == [
        "Before its first gradient pen asked snn 3000 times, to choose what to begin with. These answers are shared by "
        "all classes, and no part of a budget of gradients."
    ]


def test_what_rests_on_fewer_seeds_is_said() -> None:
    cells = [made_cell("snn", "v3", seed, {"j": [0.5]}, kind=kind) for kind in ("control", "sweep") for seed in (0, 1)]
    assert remarks(cells[:3]) == ["The sweep rests on 1 seed of 2."]
    assert remarks([cells[0], cells[2]]) == ["The planted control and the sweep rest on 1 seed of 2."]
    assert remarks(cells) == []


def test_a_judge_below_the_threshold_with_one_seed_does_not_count() -> None:
    accuracies = {"good": [0.9, None], "weak": [0.9, 0.45], "unknown": [None]}
    assert judges_that_do_not_count(accuracies, Scoring(least_accuracy=0.5)) == {
        "weak": "recognises 0.45 of the real test data, below scoring.least_accuracy 0.50"
    }
