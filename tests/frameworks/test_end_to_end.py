"""The tutorials' networks through a YAML each: checked, attacked in four ways, and audited together beside an ANN."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor

from brainleaks_pl.cli.main import main

Weights = Callable[[str], dict[str, Tensor]]

INTERFACES = {
    "snntorch_loop": "Snntorch",
    "snntorch_sequential": "{class_path: Snntorch, init_args: {layout: step_by_step}}",
    "spikingjelly_multi_step": "SpikingJelly",
    "norse_sequential": "Norse",
    "sinabs_squeezed": "Sinabs",
    "rockpool_sequential": "Rockpool",
    "plain_sequential": "{class_path: NonSpiking, init_args: {mean: [0.25], std: [0.3]}}",
}
CONFIG = """
data:
  class_path: toys.ToyDigits
  init_args: {{encoder: {{class_path: RateEncoder, init_args: {{time_steps: 8}}}}}}
model:
  class_path: Classifier
  init_args:
    network: tutorial_networks.{name}
    weights: {name}.pt
    interface: {interface}
    expected_accuracy: 1.0
judges:
  rate:
    class_path: Classifier
    init_args:
      network: {{class_path: MLP, init_args: {{input_shape: [1, 12, 12], num_classes: 3, hidden: 16}}}}
      training: {{lr: 0.01, epochs: 5, batch_size: 15}}
scoring: {{draws: 3, null_draws: 2}}
trainer: {{accelerator: cpu, enable_progress_bar: false, enable_model_summary: false}}
"""
ATTACKS = {
    "BrainLeaksV1": ["--attack.steps=3"],
    "BrainLeaksV2": ["--attack.steps=3", "--attack.population=2"],
    "BrainLeaksV3": ["--attack.steps=20"],
    "BlackBox": ["--attack.pairs=5", "--attack.queries=200", "--attack.grid=[6,6]"],
}


pytestmark = pytest.mark.filterwarnings("ignore:.*every gradient is zero")  # of rockpool's, from silence


@pytest.mark.parametrize("name", INTERFACES)
def test_a_yaml_of_25_lines_checks_and_attacks_it(
    name: str, weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save(weights(name), tmp_path / f"{name}.pt")
    monkeypatch.chdir(tmp_path)
    text = CONFIG.format(name=name, interface=INTERFACES[name])
    assert len(text.strip().splitlines()) + 1 <= 25  # with the attack, which the command line names here
    (tmp_path / "mine.yaml").write_text(text)
    main(["fit", "--config=mine.yaml"])
    main(["check", "--config=mine.yaml"])
    for attack, settings in ATTACKS.items():
        if name == "plain_sequential" and attack in ("BrainLeaksV1", "BrainLeaksV2"):
            continue  # looks for spikes
        main(["invert", "--config=mine.yaml", f"--attack={attack}", *settings, f"--results=results/{attack}"])
        scores = json.loads((tmp_path / "results" / attack / "scores.json").read_text())
        assert scores["target"]["test_accuracy"] == 1.0
        assert scores["target"]["checks"]["masking_untestable"] is None
        assert set(scores["judges"]) == {"rate"}
    scores = json.loads((tmp_path / "results" / "BrainLeaksV3" / "scores.json").read_text())
    assert scores["judges"]["rate"]["attack_accuracy"]["mean"] == 1.0


def test_an_audit_of_all_of_them_beside_an_ann(
    weights: Weights, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config: dict[str, Any] = yaml.safe_load(CONFIG.format(name="x", interface="Snntorch"))
    targets = {}
    for name, interface in INTERFACES.items():
        torch.save(weights(name), tmp_path / f"{name}.pt")
        own = {"network": f"tutorial_networks.{name}", "weights": f"{name}.pt", "interface": yaml.safe_load(interface)}
        targets[name] = {"class_path": "Classifier", "init_args": own}
    judges = config["judges"]
    audit = {
        "data": config["data"],
        "targets": {**targets, "ann": judges["rate"]},
        "judges": judges,
        "attacks": {
            "v1": {"class_path": "BrainLeaksV1", "init_args": {"steps": 3}},
            "v3": {"class_path": "BrainLeaksV3", "init_args": {"steps": 10}},
        },
        "seeds": [0],
        "gradients": 10,
        "scoring": {"draws": 2, "null_draws": 2},
        "controls": {"shuffled_labels": False, "groups": 0, "adversarial": False},
        "measures": {
            "masking": {
                "class_path": "Masking",
                "init_args": {
                    "attacks": ["v1"],
                    "surrogates": {"atan": {"class_path": "ATan", "init_args": {"alpha": 5.0}}},
                },
            }
        },
    }
    (tmp_path / "all.yaml").write_text(yaml.safe_dump(audit))
    main(["audit", "--config=all.yaml", "--trainer.accelerator=cpu"])
    document = json.loads((tmp_path / "results" / "all" / "audit.json").read_text())
    assert [cell for cell in document["cells"] if cell["status"] != "done"] == []
    spiking = {name for name in INTERFACES if name != "plain_sequential"}
    assert {cell["target"] for cell in document["cells"] if cell["attack"] == "v1"} == spiking
    assert {cell["target"] for cell in document["cells"] if cell["attack"] == "v3"} == spiking | {
        "plain_sequential",
        "ann",
    }
    assert {row["target"] for row in document["measures"]["masking"]} == spiking
    assert all(document["targets"][name]["test_accuracy"] == [1.0] for name in INTERFACES)
    assert sorted(path.stem for path in (tmp_path / "checkpoints").rglob("*.pt")) == ["ann", "rate"]
