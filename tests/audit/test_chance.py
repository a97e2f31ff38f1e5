"""No verdict at chance: what has learnt nothing gives nothing away, and what it says of others means nothing."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_audit import NO_CONTROLS, conduct, network, tiny_audit
from toys import ToyDigits

from brainleaks_pl import MLP, BrainLeaksV3, Training
from brainleaks_pl.targets.checks.skill import skill

pytestmark = pytest.mark.usefixtures("sketched")  # test_report_*.py look at pictures

IDLE = Training(lr=1e-12, epochs=1)  # learns nothing


@pytest.mark.parametrize(
    ("accuracy", "samples", "blind"),
    [(1 / 3, None, True), (0.59, None, True), (0.6, None, False), (0.6, 3, True), (float("nan"), None, True)],
)
def test_chance_is_left_behind_by_more_than_three_standard_errors(
    accuracy: float, samples: int | None, blind: bool
) -> None:
    found = skill(ToyDigits(), accuracy, samples)  # thirty test samples: 1/3 and 0.258
    assert (found.samples, found.at_chance) == (samples or 30, blind)


def test_chance_is_the_largest_class_where_classes_differ_in_size() -> None:
    data = ToyDigits()
    data.split("test").labels[:] = torch.tensor([1] * 20 + [0, 2] * 5)
    assert skill(data, 0.7).at_chance
    assert skill(data, 0.7).chance == pytest.approx(2 / 3)


def audited(folder: Path, **changes: Any) -> dict[str, Any]:
    few = {"seeds": [0], "gradients": 10, "measures": {}, "controls": NO_CONTROLS}
    return conduct(folder, tiny_audit(**{**few, "attacks": {"v3": partial(BrainLeaksV3, steps=5)}, **changes}))


def test_a_target_at_chance_gets_no_verdict_and_no_difference(tmp_path: Path) -> None:
    targets = tiny_audit().targets
    idle = network(MLP, training=IDLE)
    judges = {**tiny_audit().judges, "idle_judge": network(MLP, training=IDLE, hidden=8)}
    found = audited(tmp_path, targets={**targets, "idle": idle}, judges=judges)
    accuracy = found["targets"]["idle"]["test_accuracy"][0]
    assert {cell["status"] for cell in found["cells"]} == {"done"}
    assert {(row["first"], row["second"]) for row in found["differences"]} == {("snn", "ann")}
    assert {row["judge"] for row in found["differences"]} == {"all judges", "spiking", "ordinary"}
    figures = f"seed 0: {accuracy:.3f} on 30 test samples, chance 0.333"
    assert f"No verdict on idle: it recognises test data no better than chance ({figures})." in str(found["verdict"])
    assert found["verdict"]["sentence"].partition("No verdict")[0]  # there is one on the others
    assert found["warnings"][0].startswith(f"idle recognises test data no better than chance ({figures}): ")
    assert found["warnings"][1].startswith("idle_judge recognises test data no better than chance (seed 0: ")
    assert not any("judges" in warning and "idle_judge" in warning for warning in found["warnings"])
    written = json.loads((tmp_path / "results" / "audit.json").read_text())
    assert [written["targets"][name]["at_chance"] for name in ("snn", "ann", "idle")] == [[False], [False], [True]]
    assert written["judges"]["idle_judge"]["at_chance"] == [True]
    page = (tmp_path / "results" / "report.html").read_text()
    assert "No verdict on idle" in page
    assert "the target idle, the judge idle_judge." in page
    # the mean over the judges is that over those that see
    by_judge = {(row["judge"], row["metric"], row["attack"]): row["difference"] for row in found["differences"]}
    mean = (by_judge["spiking", "confidence", "v3"] + by_judge["ordinary", "confidence", "v3"]) / 2
    assert by_judge["all judges", "confidence", "v3"] == pytest.approx(mean)


def test_judges_at_chance_say_nothing_of_anybody(tmp_path: Path) -> None:
    found = audited(tmp_path, judges={"idle": network(MLP, training=IDLE)})
    assert found["differences"] == []
    assert found["verdict"]["sentence"].startswith("No verdict: the judges recognise test data no better than chance")
    assert found["verdict"]["details"] == []
