"""Every shipped YAML goes through fit and invert, on tiny files in the data sets' own formats."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from datafiles import WriteFaces, WriteMNIST

from brainleaks_pl.cli import main

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
METRICS = {"attack_accuracy", "top3_accuracy", "confidence", "daa"}


@pytest.fixture
def root(tmp_path: Path, write_mnist: WriteMNIST, write_faces: WriteFaces) -> Path:
    folder = write_mnist(tmp_path / "data", train=40)
    write_faces(folder / "att_faces.zip")
    return folder


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_fit_and_invert(config: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = config.read_text()
    shared = ["--config", str(config), "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu"]
    shared += ["--model.hidden=8", "--scoring.draws=2", "--scoring.null_draws=2"]
    if "root:" in text:
        shared += [f"--data.root={root}"]
    if "class_path: MNIST\n" in text:
        shared += ["--data.val_size=10"]
    if "RateEncoder" in text:
        shared += ["--data.encoder.time_steps=2"]
    main(["fit", *shared, "--trainer.max_steps=2", "--trainer.limit_val_batches=1", "--trainer.limit_test_batches=1"])
    main(["invert", *shared, "--attack.steps=2", "--attack.classes=[1,3]"])

    results = tmp_path / "results" / config.stem
    scores = json.loads((results / "scores.json").read_text())
    (judge,) = scores["judges"].values()
    assert set(judge) == {"test_accuracy", *METRICS, "per_class", "nulls"}
    assert [row["class"] for row in judge["per_class"]] == [1, 3]
    assert set(judge["nulls"]) == {"noise", "black", "class_mean", "real"}
    assert all(set(null) == METRICS for null in judge["nulls"].values())
    assert scores["attack"]["class_path"].rpartition(".")[2] in text
    assert {"target", "seconds", "seed", "versions"} < set(scores)
    tensors = torch.load(results / "reconstructions.pt", weights_only=True)
    assert tensors["classes"].tolist() == [1, 3]
    assert ("spikes" in tensors) == ("Spiking" in text)
    assert (results / "reconstructions.png").read_bytes().startswith(b"\x89PNG")


def test_configs_of_one_data_set_share_target_and_judges() -> None:
    by_folder: dict[str, set[str]] = {}
    for path in CONFIGS:
        config = yaml.safe_load(path.read_text())
        networks = json.dumps([config["data"], config["model"], config["judges"]])
        by_folder.setdefault(config.get("checkpoints", path.stem), set()).add(networks)
    assert all(len(networks) == 1 for networks in by_folder.values())
