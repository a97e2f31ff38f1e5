"""What the report says of its own limits: probes, sweeps, budgets and what made the cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_audit import PROVENANCE, fake_audit, section

from brainleaks_pl.audit.measures import probes
from brainleaks_pl.audit.measures.base import Findings
from brainleaks_pl.audit.measures.over_time import OverTime
from brainleaks_pl.audit.report.repeat import repeat


@pytest.fixture
def audit(tmp_path: Path) -> dict[str, Any]:
    found = fake_audit(tmp_path)
    for row in found["measures"]["masking"]:
        row["confidence"] = 0.5 if row["surrogate"] == "as trained" else 0.55
    return found


def notes(audit: dict[str, Any]) -> list[str]:
    return probes.notes(audit["measures"]["masking"], audit)


def finding(audit: dict[str, Any]) -> str:
    return probes.finding(audit["measures"]["masking"], audit)


def test_probes_say_what_they_rest_on_and_that_the_attack_of_the_verdict_was_left_out(audit: dict[str, Any]) -> None:
    said = notes(audit)
    assert said[0] == "The other surrogates were tried on 1 of this audit's 2 seeds."
    assert said[1] == "Tried with other surrogates: v1 on snn; not tried: v3 on snn and mi_face on snn."
    assert said[2].startswith("The verdict rests on v3 on snn, which was not tried")
    assert said[3] == (
        "v1 on snn: the best other surrogate, ATan(alpha=2.0), reaches a mean confidence of 0.55, the one of "
        "training 0.50 (+0.05)."
    )
    assert len(said) == 4
    audit["measures"]["masking"] += [{**row, "attack": "v3"} for row in audit["measures"]["masking"]]
    assert not [note for note in notes(audit) if "The verdict rests on" in note]
    audit["measures"]["masking"] = []
    assert len([note for note in notes(audit) if "The verdict rests on" in note]) == 1


def test_attacks_without_gradients_need_no_probe(audit: dict[str, Any]) -> None:
    for cell in audit["cells"]:
        if cell["attack"] == "v3":
            cell["budget"] = None
    assert notes(audit)[1] == "Tried with other surrogates: v1 on snn; not tried: mi_face on snn."
    assert not [note for note in notes(audit) if "The verdict rests on" in note]


def test_a_probe_with_headroom_that_gains_little_says_so_of_its_own_attack_only(audit: dict[str, Any]) -> None:
    clear = (
        "No other surrogate found much more for v1 on snn, on 1 seed. This says nothing about other attacks and seeds."
    )
    assert finding(audit) == clear
    rows = audit["measures"]["masking"]
    rows += [{**row, "attack": "v3", "confidence": 0.99, "seeds": 2} for row in rows]
    assert finding(audit) == f"{clear} Whether the gradient is masked stays open for v3 on snn."


def test_judges_that_do_not_count_have_no_part_in_a_probe(audit: dict[str, Any]) -> None:
    audit["judges"]["cnn"]["counts"] = False
    for row in audit["measures"]["masking"]:
        row["confidence"] += 0.4 if (row["judge"], row["surrogate"]) == ("cnn", "ATan(alpha=2.0)") else 0.0
    assert "(+0.05)." in notes(audit)[3]


def test_a_gain_is_a_masked_gradient(audit: dict[str, Any]) -> None:
    audit["measures"]["masking"][1]["confidence"] = audit["measures"]["masking"][3]["confidence"] = 0.61
    assert finding(audit).startswith("It was the attack: v1 on snn gained more than 0.1 from another surrogate")
    assert "No other surrogate" not in finding(audit)


def test_an_attack_without_headroom_could_show_nothing(audit: dict[str, Any]) -> None:
    for row in audit["measures"]["masking"]:
        row["confidence"] = 0.93 if row["surrogate"] == "as trained" else 0.94
    assert "v1 on snn left no room for more (0.93, real samples 0.97), so other surrogates could not" in notes(audit)[4]
    assert finding(audit) == "Whether the gradient is masked stays open for v1 on snn."
    for row in audit["summary"]:
        row["nulls"].pop("real", None)
    assert notes(audit)[4] == "Whether v1 on snn left room for more is not known: real samples were not scored."


def test_a_probe_without_the_attack_as_it_is_says_nothing(audit: dict[str, Any]) -> None:
    audit["measures"]["masking"] = [row for row in audit["measures"]["masking"] if row["surrogate"] != "as trained"]
    assert notes(audit)[3].startswith("v1 on snn lacks a result to compare with")
    assert finding(audit) == "Whether the gradient is masked stays open for v1 on snn."


def test_missing_gradients_and_missing_probes_are_said(audit: dict[str, Any]) -> None:
    audit["cells"][0]["zero_gradients"] = 0.8
    assert notes(audit)[-1] == "v1 on snn had no gradient at all in as many as 80% of its steps."
    audit["measures"]["masking"] = []
    drawn = section("masking", audit)
    assert drawn.finding.startswith("No other surrogates were tried, so nothing here tells")
    assert not [note for note in drawn.notes if note in audit["warnings"]]


def test_a_sweep_says_on_how_many_seeds_it_rests(audit: dict[str, Any]) -> None:
    audit["measures"]["sweep"] = audit["measures"]["sweep"][:4]
    said = section("sweep", audit).finding
    assert "Each row rests on 1 of this audit's 2 seeds. With one seed," in said
    assert "Each row rests on this audit's only seed." in section("sweep", {**audit, "seeds": [0]}).finding
    for row in audit["measures"]["sweep"]:
        row["seeds"] = 2
    assert section("sweep", audit).finding.endswith("Each row rests on 2 of this audit's 2 seeds.")
    assert section("sweep", {**audit, "measures": {"sweep": []}}).finding == "No sweep was run."


def test_a_sweep_says_at_which_values_least_and_most_is_found(audit: dict[str, Any]) -> None:
    rows = audit["measures"]["sweep"] = [row for row in audit["measures"]["sweep"] if row["parameter"] == "beta"][:4]
    judged = (("cnn", 0.5), ("spiking_cnn", 0.7), ("cnn", 0.2), ("spiking_cnn", 0.4))
    for row, (judge, level) in zip(rows, judged, strict=True):
        row |= {"value": 0.5 if level > 0.4 else 0.9, "judge": judge, "confidence": level, "test_accuracy": 0.8}
    assert section("sweep", audit).finding.startswith(
        "For snn, the judges' mean confidence ranges from 0.30 at beta = 0.9 (test accuracy 0.80) to 0.60 at beta = "
        "0.5 (test accuracy 0.80). "
    )
    audit["judges"]["spiking_cnn"]["counts"] = False
    assert "from 0.20 at beta = 0.9 (test accuracy 0.80) to 0.50 at" in section("sweep", audit).finding


def test_attacks_that_spend_less_than_their_budget_are_named(audit: dict[str, Any]) -> None:
    for cell in audit["cells"]:
        cell["budget"] = cell["gradients"]
    assert repeat(audit).notes == ()
    faces = [cell for cell in audit["cells"] if cell["attack"] == "mi_face"]
    for spent, cell in zip((80, 175), faces, strict=False):
        cell |= {"gradients": spent, "budget": 400}
    assert repeat(audit).notes == (
        "mi_face spent less than its budget: 80 to 175 of 400 gradients per class, in 2 of 4 cells.",
    )


def test_cells_of_other_code_are_counted_and_named(audit: dict[str, Any]) -> None:
    assert repeat(audit).finding.startswith("All cells were made by one version of the code")
    audit["cells"][0]["provenance"] = {**PROVENANCE, "code": "0ther", "threads": 2}
    found = repeat(audit)
    assert "made in 2 different ways, which differ in code and threads:" in found.finding
    table = next(table for table in found.groups[0].tables if table.caption == "The code that made the cells")
    assert [row[-1] for row in table.rows] == [1, len(audit["cells"]) - 1]
    audit["cells"][1]["provenance"] = None
    found = repeat(audit)
    assert found.finding.startswith(
        "Which code made 1 cell is not known. The others were made in 2 different ways, which differ in code and "
        "threads:"
    )
    table = next(table for table in found.groups[0].tables if table.caption == "The code that made the cells")
    assert table.rows[-1] == (*["unknown"] * 5, 1)
    assert sum(int(row[-1] or 0) for row in table.rows) == len(audit["cells"])
    audit["cells"][0]["provenance"] = PROVENANCE
    assert "The others were made by one version of the code" in repeat(audit).finding
    audit["cells"][1]["status"] = "failed"  # nothing was made
    assert repeat(audit).finding.startswith("All cells were made by one version of the code")
    for cell in audit["cells"]:
        cell["provenance"] = None
    assert repeat(audit).finding == "Which code made the cells is not known."


def test_a_blind_cell_names_the_classes_that_its_target_never_saw(audit: dict[str, Any]) -> None:
    cells = next(table for table in repeat(audit).groups[0].tables if table.caption.startswith("Cells:"))
    assert [row[-1] for row in cells.rows if row[0] == "blind"] == ["never saw class 0 and class 2"]


def test_confidence_over_time_is_said_from_its_own_curve(audit: dict[str, Any]) -> None:
    audit["cells"] = audit["cells"][:1]
    curves: dict[str, Any] = {"cnn": [0.1, 0.2, 0.5, 0.8], "spiking_cnn": [0.9, 0.9, 0.9, 0.9]}

    def said() -> str:
        audit["cells"][0]["measured"]["over_time"] = curves
        found: Any = Findings("over_time", None, {}, audit["cells"], {}, {}, audit["judges"], {})
        audit["measures"]["over_time"] = OverTime().summarise(found)
        return section("over_time", audit).finding

    audit["judges"]["spiking_cnn"]["counts"] = False
    assert said() == (
        "On average over targets, attacks and judges, the confidence is 0.10 after the first step and 0.80 after 4. It "
        "reaches half of that at step 3."
    )
    curves |= dict.fromkeys(curves)
    assert "inputs have no time steps here" in said()
