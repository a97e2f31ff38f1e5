"""The real MNIST, end to end (slow): networks trained for a few minutes leak what the attacks look for."""

import json
import os
from pathlib import Path

import pytest
import yaml

from brainleaks_pl.cli.main import main
from brainleaks_pl.engine.composing import read_config

ROOT = Path(__file__).parents[1]
DATA = os.environ.get("BRAINLEAKS_DATA", "")


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="BRAINLEAKS_DATA names no folder that holds mnist/")
def test_briefly_trained_networks_on_mnist_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = f"--data.root={DATA}/mnist"
    config = read_config(ROOT / "configs" / "v2_mnist.yaml")
    # an epoch at the configs' rates, which are made for several, leaves both networks short of what is asked below
    config["model"]["init_args"]["training"]["lr"] = 2e-4
    config["judges"]["spiking_cnn"]["init_args"]["training"]["lr"] = 2e-3
    (tmp_path / "brief.yaml").write_text(yaml.safe_dump(config))
    main(["fit", "--config", "brief.yaml", data, "--trainer.max_epochs=1", "--trainer.enable_progress_bar=false"])
    for name in ("v1_mnist", "v2_mnist"):
        main(
            [
                "invert",
                "--config",
                str(ROOT / "configs" / f"{name}.yaml"),
                data,
                "--scoring.draws=50",
                "--scoring.null_draws=20",
            ]
        )
        scores = json.loads((tmp_path / "results" / name / "scores.json").read_text())
        (judge,) = scores["judges"].values()
        assert scores["target"]["test_accuracy"] > 0.93
        assert judge["test_accuracy"] > 0.93
        assert judge["attack_accuracy"]["mean"] >= 0.8
        assert judge["confidence"]["mean"] > judge["nulls"]["noise"]["confidence"]["mean"] + 0.4
        assert judge["nulls"]["real"]["attack_accuracy"]["mean"] > 0.93
