"""Measures of a user's own, in a file of their own: they run, resume, fail and are drawn like the standard ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from schemas import fits
from tiny_audit import MEASURES, NO_CONTROLS, conduct, tiny_audit

from brainleaks_pl import ATan, BrainLeaksV3
from brainleaks_pl.audit import Attacked, Bench, Controls, Findings, Group, Measure, Planned, Section, Table, run_audit
from brainleaks_pl.audit.conduct import exit_status
from brainleaks_pl.audit.plan import Cell, Variant
from brainleaks_pl.audit.run import AuditRun
from brainleaks_pl.cli.main import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_measure.py"
ALONE: dict[str, Any] = {
    "attacks": {},
    "judges": {},
    "targets": {"snn": tiny_audit().targets["snn"]},
    "controls": NO_CONTROLS,
}
"""An audit of one target without any attack."""


def fails(*_: Any) -> float:
    raise RuntimeError("out of luck")


@pytest.fixture
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a copy of the example and of an audit of toy digits that names it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "own_measure", raising=False)
    (tmp_path / "own_measure.py").write_text(EXAMPLE.read_text())
    data = {
        "class_path": "toys.ToyDigits",
        "init_args": {"encoder": {"class_path": "RateEncoder", "init_args": {"time_steps": 3}}},
    }
    training = {"lr": 0.02, "epochs": 2, "batch_size": 30}
    shape = {"input_shape": [1, 12, 12], "num_classes": 3, "hidden": 8}
    targets = {
        name: {
            "class_path": "Classifier",
            "init_args": {"network": {"class_path": kind, "init_args": shape}, "training": training},
        }
        for name, kind in (("snn", "SpikingMLP"), ("ann", "MLP"))
    }
    own = {"class_path": "own_measure.SilentNeurons", "init_args": {"samples": 20}}
    audit = {"data": data, "targets": targets, "measures": {"silent_neurons": own}, "seeds": [0, 1]}
    (tmp_path / "own.yaml").write_text(yaml.safe_dump({**audit, "checks": {"refuse": False, "samples": 2}}))
    return tmp_path


def read(folder: Path) -> Any:
    document = json.loads((folder / "results" / "own" / "audit.json").read_text())
    fits("audit", document)
    return document


def test_the_example_is_measured_without_any_attack_and_not_twice(
    example: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["audit", "--config=own.yaml", "--trainer.accelerator=cpu"]
    assert len(EXAMPLE.read_text().splitlines()) <= 60
    main(command)
    first = read(example)
    mean, low, high = first["measures"]["silent_neurons"]["snn"]
    assert set(first["measures"]) == {"ceiling", "silent_neurons"}
    assert 0 <= low <= mean <= high <= 1
    assert (first["cells"], first["summary"], first["attacks"]) == ([], [], {})
    assert [(run["measure"], run["seed"], run["status"]) for run in first["runs"]] == [
        ("silent_neurons", seed, "done") for seed in (0, 1)
    ]
    page = (example / "results" / "own" / "report.html").read_text(encoding="utf-8")
    assert '<section id="silent"' in page
    assert f"{mean:.3f}" in page.partition('<section id="silent"')[2]
    assert "No attack was run" in page
    assert "Attacks try" not in page
    said = capsys.readouterr().out
    assert "[3/6] measure silent_neurons, seed 0: " in said

    from own_measure import SilentNeurons

    monkeypatch.setattr(SilentNeurons, "run", fails)
    main(command)
    assert capsys.readouterr().out.count(": done before (") == 4 + 2  # networks and measures
    assert read(example)["runs"] == first["runs"]
    assert read(example)["measures"] == first["measures"]
    (example / "own_measure.py").write_text(EXAMPLE.read_text() + "# changed\n")  # its code is one of its settings
    with pytest.raises(SystemExit, match="4"):
        main(command)
    assert capsys.readouterr().out.count(": FAILED: RuntimeError: out of luck") == 2


@dataclass(frozen=True)
class Numbered(Measure):
    """A measure that does what it is told."""

    value: Callable[[int], Any] = float
    summary: Callable[[Any], Any] = dict
    name: str = "Numbered"

    def run(self, bench: Bench) -> Any:
        assert list(bench.targets) == ["snn"]
        assert set(bench.test_accuracy) == {"snn"}
        assert (bench.seeds, bench.targets["snn"].training) == ((0, 1), False)
        (bench.folder / "kept.txt").write_text("own")
        bench.say("half way")
        return self.value(bench.seed)

    def summarise(self, found: Findings) -> Any:
        return self.summary(found.runs)

    def section(self, summary: Any, audit: Any, looks: Any, gallery: Any) -> Section:
        rows = tuple((str(seed), value) for seed, value in summary.items())
        return Section("numbered", self.name, "One number a seed.", groups=(Group(tables=(Table("N", (), rows),)),))


def fails_on_the_first(seed: int) -> float:
    if seed == 0:
        raise RuntimeError("out of luck")
    return float(seed)


def test_a_measure_that_fails_is_reported_and_the_rest_goes_on(tmp_path: Path) -> None:
    lines: list[str] = []
    own = {"broken": Numbered(fails_on_the_first), "empty": Numbered(lambda _: {1, 2}), "sound": Numbered()}
    found = conduct(tmp_path, tiny_audit(**ALONE, measures=own), lines.append)
    assert found["measures"]["broken"] == {"1": 1.0}
    assert found["measures"]["sound"] == {"0": 0.0, "1": 1.0}
    assert found["measures"]["empty"] == {}
    assert "The measure broken failed (seed 0): RuntimeError: out of luck" in found["warnings"]
    assert any(words.startswith("The measure empty failed (seed 0, 1): TypeError: ") for words in found["warnings"])
    assert "[2/8] measure broken, seed 0: FAILED: RuntimeError: out of luck" in "\n".join(lines)
    assert lines.count("sound, seed 1: half way") == 1
    assert lines[-1].endswith("(done)")
    assert exit_status(found) == 3
    assert (tmp_path / "networks" / "measures" / "sound" / "seed1" / "kept.txt").read_text() == "own"
    lines.clear()
    mended = {**own, "broken": Numbered(), "empty": Numbered(lambda _: None)}
    again = conduct(tmp_path, tiny_audit(**ALONE, measures=mended), lines.append)
    assert exit_status(again) == 0
    assert again["measures"]["broken"] == {"0": 0.0, "1": 1.0}
    assert [("done before" in line) for line in lines if " sound, seed" in line] == [True, True]


def test_what_cannot_be_summarised_or_drawn_says_so_and_costs_no_report(tmp_path: Path) -> None:
    def unlucky(_: Any) -> Any:
        raise RuntimeError("no summary today")

    class Worried(Numbered):
        def warnings(self, summary: Any, audit: Any) -> list[str]:
            return unlucky(summary) if summary["1"] else [f"a doubt of {len(audit['seeds'])} seeds"]

    own = {"worried": Worried(), "doubtful": Worried(lambda _: 0.0)}
    own |= {"dumb": Numbered(summary=unlucky), "blind": Numbered(summary=list), "sound": Numbered(name="Of the sound")}
    found = conduct(tmp_path, tiny_audit(**ALONE, measures=own))
    assert set(found["measures"]) == {"ceiling", "worried", "doubtful", "blind", "sound"}
    assert {"a doubt of 2 seeds", "The measure worried failed: RuntimeError: no summary today"} < set(found["warnings"])
    assert "The measure dumb failed: RuntimeError: no summary today" in found["warnings"]
    assert exit_status(found) == 3
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    for part in ("This could not be measured.", "no summary today", "This section could not be drawn.", "Of the sound"):
        assert part in page


def test_where_all_measures_fail_and_there_are_no_attacks_an_earlier_report_stays(tmp_path: Path) -> None:
    lines: list[str] = []
    conduct(tmp_path, tiny_audit(**ALONE, measures={"own": Numbered()}))
    before = (tmp_path / "results" / "audit.json").read_bytes()
    found = conduct(tmp_path, tiny_audit(**ALONE, measures={"own": Numbered(fails)}), lines.append)
    assert exit_status(found) == 4
    assert lines[-1].startswith("All measures failed: the earlier report in ")
    assert (tmp_path / "results" / "audit.json").read_bytes() == before


class OfAttacks(Measure):
    """Asks for an attack with another surrogate, and something of every attack."""

    def __init__(self, attack: str = "v3", lucky: bool = True) -> None:
        self.attack, self.lucky = attack, lucky

    def cells(self, seed: int, planned: Planned) -> list[Cell]:
        return [Cell(seed, Variant("snn"), self.attack, "own", "smooth", {"surrogate": ATan(2.0), "steps": 4})]

    def of_attack(self, attacked: Attacked) -> dict[str, Any]:
        if not self.lucky:
            raise RuntimeError("no picture today")
        return {"pixels": attacked.report.best[0].numel(), "judges": list(attacked.judges)}

    def summarise(self, found: Findings) -> list[Any]:
        return [[cell["kind"], cell["label"], (found.of_cell(cell) or {}).get("judges")] for cell in found.cells]

    def section(self, *_: Any) -> None:
        return None


def test_a_measure_may_ask_for_attacks_and_something_of_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brainleaks_pl.audit.conduct.write_html", lambda *_: None)  # drawing takes its time
    attacks = {"v3": partial(BrainLeaksV3, steps=5)}
    few: dict[str, Any] = {"seeds": [0], "controls": NO_CONTROLS, "gradients": 5, "attacks": attacks}
    few |= {"targets": ALONE["targets"], "judges": {"ordinary": tiny_audit().judges["ordinary"]}}

    def audited(own: Measure) -> dict[str, Any]:
        audit = tiny_audit(**few, measures={"own": own, "over_time": None, "ceiling": None})
        return run_audit(audit, checkpoints=str(tmp_path / "networks"), results=tmp_path, say=lambda _: None)

    found = audited(OfAttacks())
    assert set(found["measures"]) == {"own", "agreement", "masking", "sweep"}
    assert found["measures"]["own"] == [["main", None, ["ordinary"]], ["own", "smooth", ["ordinary"]]]
    assert [cell["surrogate"] for cell in found["cells"]] == [
        None,
        {"name": "smooth", "class_path": "ATan", "init_args": {"alpha": 2.0}},
    ]
    assert found["cells"][1]["settings"]["steps"] == 4
    assert set(found["cells"][0]["measured"]) == {"own"}
    kept = tmp_path / "cells" / "seed0-snn-v3-smooth" / "cell.json"
    assert json.loads(kept.read_text())["cell"]["measured"] == found["cells"][1]["measured"]
    broken = audited(OfAttacks(lucky=False))
    assert [cell["status"] for cell in broken["cells"]] == ["done"] * 2  # the attacks stand
    assert "The measure own failed on 2 of 2 attacks: RuntimeError: no picture today" in broken["warnings"]
    assert broken["measures"]["own"] == [["main", None, None], ["own", "smooth", None]]
    assert exit_status(broken) == 3
    assert audited(OfAttacks(lucky=False))["warnings"] == broken["warnings"]  # a failure is no result
    mended = audited(OfAttacks())
    assert mended["measures"] == found["measures"]
    monkeypatch.setattr("brainleaks_pl.audit.run.run_cell", None)
    assert audited(OfAttacks())["measures"] == found["measures"]  # no attack is run again
    with pytest.raises(
        ValueError, match=r"^a cell of the measure own names 'v9', which is not among v3, adversarial\."
    ):
        audited(OfAttacks("v9"))


def test_an_audit_takes_judges_with_attacks_and_something_to_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="an audit needs attacks: the config names none, nor a measure that runs"):
        conduct(tmp_path, tiny_audit(**ALONE, measures={}))
    with pytest.raises(ValueError, match=r"^controls\.attacks names 'v3', and the audit has none\."):
        conduct(tmp_path, tiny_audit(**{**ALONE, "controls": Controls(attacks=["v3"])}, measures={"own": Numbered()}))
    with pytest.raises(ValueError, match="an audit needs judges: the config names none"):
        conduct(tmp_path, tiny_audit(judges={}, measures={"own": Numbered()}))
    with pytest.raises(ValueError, match="an audit needs targets: the config names none"):
        conduct(tmp_path, tiny_audit(**{**ALONE, "targets": {}}, measures={"own": Numbered()}))
    assert not list(tmp_path.rglob("*.pt"))


def test_other_weights_data_and_settings_make_a_measure_run_anew(tmp_path: Path) -> None:
    from brainleaks_pl.audit.networks import NetworkStore

    conduct(tmp_path, tiny_audit(**ALONE, measures={"own": Numbered()}))

    def kept(own: Measure, **changes: Any) -> list[bool]:
        audit = tiny_audit(**{**ALONE, **changes}, measures={"own": own})
        store = NetworkStore(tmp_path / "networks", dict(audit.trainer))
        run = AuditRun(audit, store, tmp_path / "results", print)
        return [run._is_kept(seed, ("measure", "own")) for seed in (0, 1)]

    assert kept(Numbered()) == [True, True]
    assert kept(Numbered(name="Other")) == [False, False]
    assert kept(Numbered(), trainer={**tiny_audit().trainer, "precision": "64-true"}) == [False, False]
    assert kept(Numbered(), targets={"ann": tiny_audit().targets["ann"]}) == [False, False]
    (tmp_path / "networks" / "seed1" / "snn.pt").unlink()
    assert kept(Numbered()) == [True, False]
    data = tiny_audit().data
    data.split("test").images[0, 0, 0, 0] ^= 1
    assert kept(Numbered(), data=data) == [False, False]
    assert MEASURES.keys() == {"masking", "sweep"}
