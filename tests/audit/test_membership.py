"""Membership inference as a measure of an audit: shipped configs run, resume, and show who is exposed."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from datafiles import WriteFaces
from tiny_audit import NO_CONTROLS, conduct, network, tiny_audit, written

from brainleaks_pl import MLP, SpikingMLP
from brainleaks_pl.audit import MembershipInference
from brainleaks_pl.cli.main import main

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("audit_membership_*.yaml"))
QUICK = MembershipInference(
    networks=6,
    label_only=2,
    draws=2,
    dropout_draws=1,
    rates=(0.05, 0.01),
    population=20,
    attacks=["loss", "lira_online", "lira_draws", "rmia_dropout", "spike_counts", "membranes", "shifted_labels"],
)


def alone(**changes: Any) -> dict[str, Any]:
    return {
        "attacks": {},
        "judges": {},
        "controls": NO_CONTROLS,
        "seeds": [0, 1],
        "measures": {"ceiling": None, "membership": QUICK},
        **changes,
    }


def test_a_measured_audit_says_who_is_found_and_comes_to_the_same_again(tmp_path: Path) -> None:
    found = conduct(tmp_path, tiny_audit(**alone()))
    (run,) = found["measures"]["membership"]
    assert run["seed"] == 0
    assert run["pool"] == {"samples": 90, "population": 20, "networks": 6, "non_members": 270}
    snn, ann = (run["targets"][kind] for kind in ("snn", "ann"))
    assert set(snn["attacks"]) - set(ann["attacks"]) == {"lira_draws", "spike_counts", "membranes"}
    lira = snn["attacks"]["lira_online"]
    assert 0 <= lira["auc"]["low"] <= lira["auc"]["value"] <= lira["auc"]["high"] <= 1
    assert lira["tpr"]["0.01"] == {"needed": 1000, "there": 270}
    assert set(lira["precision"]) == {"0.05"}
    assert set(lira["precision"]["0.05"]) == {"0.5", "0.1", "0.01"}
    assert snn["attacks"]["shifted_labels"]["networks"] == 2
    assert {"auc", "0.05"} < set(run["differences"][0])
    refused = "Membership, seed 0: for some attacks, members found at a false positive rate of 0.01"
    assert any(line.startswith(refused) and "1000 non-members" in line for line in found["warnings"])
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    section = page.partition('<section id="membership"')[2].partition("</section>")[0]
    assert section.count("data:image/png") == 20  # ten images of either kind
    assert "trained on random halves" in section

    first = written(tmp_path)
    (tmp_path / "results" / "measures" / "membership" / "seed0.json").unlink()
    kept = sorted((tmp_path / "networks" / "measures").rglob("*.pt"))
    times = [path.stat().st_mtime_ns for path in kept]
    conduct(tmp_path, tiny_audit(**alone()))
    assert written(tmp_path) == first
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert len(kept) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"networks": 5}, "networks must be an even number, at least 4, got 5"),
        ({"label_only": 3}, "label_only must be an even number"),
        ({"attacks": ["lyra"]}, "attacks names 'lyra': choose from loss,"),
        ({"targets": ["cnn"]}, "targets names 'cnn', which is not among snn, ann"),
        ({"rates": (0.0,)}, r"false positive rate must lie in \(0, 1\), got 0.0"),
        ({"rates": ()}, "rates must hold at least one false positive rate"),
        ({"priors": (1.0,)}, "priors must lie in"),
        ({"bits": (1,)}, "bits must be 2 to 16"),
        ({"dropout": 1.0}, "dropout must lie in"),
        ({"draws": 0}, "draws must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    measures = {"membership": MembershipInference(**settings)}
    with pytest.raises(ValueError, match=f"measures.membership: .*{message}"):
        conduct(tmp_path, tiny_audit(**alone(measures=measures)))


def test_networks_that_brought_their_weights_are_left_out(tmp_path: Path) -> None:
    targets = {"snn": network(SpikingMLP), "given": partial(network(MLP), pretrained=True)}
    few = MembershipInference(networks=4, label_only=0, dropout_draws=0, attacks=["loss"], population=5)
    audit = tiny_audit(**alone(targets=targets, measures={"membership": few}, seeds=[0]))
    (run,) = conduct(tmp_path, audit)["measures"]["membership"]
    assert set(run["targets"]) == {"snn"}
    assert set(run["targets"]["snn"]["attacks"]) == {"loss"}


@pytest.mark.usefixtures("few_digits")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_audit_runs(
    path: Path, tmp_path: Path, write_faces: WriteFaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load(path.read_text())
    assert f"#   brainleaks audit --config configs/{path.name}\n" in path.read_text()
    assert config["measures"]["membership"]["init_args"].get("networks") == 64
    if "root" in config["data"]["init_args"]:
        write_faces(tmp_path / "data" / "att_faces.zip")
    config["data"]["init_args"]["encoder"]["init_args"]["time_steps"] = 2
    for target in config["targets"].values():
        target["init_args"]["training"]["epochs"] = 1
        target["init_args"]["network"]["init_args"]["hidden"] = 8
    config["measures"]["membership"]["init_args"] |= {"networks": 4, "label_only": 0, "population": 20, "samples": 80}
    config["measures"]["membership"]["init_args"] |= {"attacks": ["lira_online"], "rates": [0.05]}
    config["checks"] = {"refuse": False, "samples": 2}
    (tmp_path / path.name).write_text(yaml.safe_dump(config))
    main(["audit", "--config", path.name, "--trainer.accelerator=cpu"])
    found = json.loads((tmp_path / "results" / path.stem / "audit.json").read_text())
    (run,) = found["measures"]["membership"]
    assert set(run["targets"]) == {"snn", "ann"}
    assert [len(risk["samples"]) for risk in run["exposed"].values()] == [10, 10]
