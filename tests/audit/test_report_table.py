"""The table: one number a row, and every one of them."""

from __future__ import annotations

import csv
from pathlib import Path

from fake_audit import METRICS, fake_audit

from brainleaks_pl.audit.report import write_csv


def read(folder: Path) -> list[dict[str, str]]:
    with (folder / "audit.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_rows_hold_the_scores_the_nulls_and_the_likeness_of_main_cells(tmp_path: Path) -> None:
    audit = fake_audit(tmp_path)
    write_csv(audit, tmp_path)
    rows = read(tmp_path)
    assert list(rows[0]) == ["kind", "target", "attack", "seed", "judge", "metric", "value", "std"]
    cells, judges, nulls = 2 * 2 * 3, 2, 4
    assert len(rows) == cells * (judges * (1 + nulls) * len(METRICS) + 2)
    assert len({tuple(row.values())[:6] for row in rows}) == len(rows)
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


def test_failed_cells_have_no_rows_and_names_may_hold_commas(tmp_path: Path) -> None:
    audit = fake_audit(tmp_path, seeds=(0,), judges=("cnn",), failed=True)
    audit["cells"][0]["target"] = 'a,"b"'
    write_csv(audit, tmp_path)
    rows = read(tmp_path)
    assert {(row["target"], row["attack"]) for row in rows if row["target"] == "ann"} == {("ann", "v1"), ("ann", "v3")}
    assert 'a,"b"' in {row["target"] for row in rows}
