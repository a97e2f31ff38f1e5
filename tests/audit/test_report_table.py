"""The table: one number a row, and every one of them."""

from __future__ import annotations

import csv
from pathlib import Path

from fake_audit import METRICS, fake_audit

from brainleaks_pl.audit.report import write_csv

HEADER = [
    "kind", "target", "attack", "seed", "withheld", "gradients", "budget", "judge", "counts", "metric", "value", "std",
]  # fmt: skip
WHOSE = ("kind", "target", "attack", "seed", "withheld", "judge", "metric")
LIKENESS = 8  # measures of it, the share of rank 1 among them


def read(folder: Path) -> list[dict[str, str]]:
    with (folder / "audit.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_hold_the_scores_the_nulls_and_the_likeness_of_main_cells(tmp_path: Path) -> None:
    audit = fake_audit(tmp_path)
    write_csv(audit, tmp_path)
    rows = read(tmp_path)
    assert list(rows[0]) == HEADER
    main = [row for row in rows if row["kind"] == "main" or row["kind"].startswith("null_")]
    cells, judges, nulls = 2 * 2 * 3, 2, 4
    assert len(main) == cells * (judges * (1 + nulls) * len(METRICS) + LIKENESS)
    assert len({tuple(row[key] for key in WHOSE) for row in rows}) == len(rows)
    assert {row["counts"] for row in main if row["judge"]} == {"True"}
    assert {(row["gradients"], row["budget"], row["withheld"]) for row in main} == {("280", "300", "")}
    cell = next(cell for cell in audit["cells"] if (cell["target"], cell["attack"], cell["seed"]) == ("ann", "v3", 1))
    found = {
        (row["kind"], row["judge"], row["metric"]): (row["value"], row["std"])
        for row in rows
        if (row["target"], row["attack"], row["seed"]) == ("ann", "v3", "1")
    }
    assert float(found["main", "cnn", "confidence"][0]) == cell["judges"]["cnn"]["confidence"]["mean"]
    assert found["main", "cnn", "confidence"][1] == "0.02"
    assert found["null_real", "spiking_cnn", "daa"] == ("0.97", "0.01")
    assert round(float(found["main", "", "ssim_nearest"][0]), 9) == 0.55  # the mean of 0.4, 0.5, 0.6 and 0.7
    assert found["main", "", "ssim_nearest"][1] == ""
    assert found["main", "", "identified"][0] == "0.25"  # ranks 1, 2, 2 and 2
    assert found["main", "", "rank"][0] == "1.75"


def test_cells_that_no_attack_should_win_are_rows_of_their_own_kind_and_probes_are_none(tmp_path: Path) -> None:
    audit = fake_audit(tmp_path)
    audit["judges"]["cnn"]["counts"] = False
    write_csv(audit, tmp_path)
    rows = read(tmp_path)
    others = [row for row in rows if row["kind"] in ("control", "blind", "adversarial")]
    assert len(rows) - len(others) == len([row for row in rows if row["kind"] == "main" or "null_" in row["kind"]])
    assert len(others) == 3 * (2 * len(METRICS) + LIKENESS)
    assert {(row["kind"], row["withheld"]) for row in others} == {
        ("control", ""),
        ("blind", "0 2"),
        ("adversarial", ""),
    }
    assert {(row["judge"], row["counts"]) for row in rows} == {("cnn", "False"), ("spiking_cnn", "True"), ("", "")}


def test_failed_cells_have_no_rows_and_names_may_hold_commas(tmp_path: Path) -> None:
    audit = fake_audit(tmp_path, seeds=(0,), judges=("cnn",), failed=True)
    audit["cells"][0]["target"] = 'a,"b"'
    write_csv(audit, tmp_path)
    rows = read(tmp_path)
    assert {(row["target"], row["attack"]) for row in rows if row["target"] == "ann"} == {("ann", "v1"), ("ann", "v3")}
    assert 'a,"b"' in {row["target"] for row in rows}
