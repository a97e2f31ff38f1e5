"""The command line as its users know it: two commands, overrides, own classes, and errors they can act on."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from datafiles import write_mnist_files
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams.metadata import (
    EXPERIMENT_TAG,
    SESSION_START_INFO_TAG,
    parse_session_start_info_plugin_data,
)

from brainleaks_pl import MNIST, InversionTrainer
from brainleaks_pl.cli.main import main
from brainleaks_pl.evaluation.report import METRICS

pytestmark = pytest.mark.usefixtures("sketched")

CONFIG = """
seed_everything: 3
data:
  class_path: MNIST
  init_args:
    root: {root}
    val_size: 10
    encoder: {{class_path: RateEncoder, init_args: {{time_steps: 4}}}}
model:
  class_path: Classifier
  init_args:
    network: {{class_path: SpikingMLP, init_args: {{hidden: 12}}}}
    training: {{lr: 0.01, epochs: 2, batch_size: 10}}
judges:
  cnn:
    class_path: Classifier
    init_args:
      network: {{class_path: SpikingCNN, init_args: {{channels: [2, 3]}}}}
      training: {{lr: 2.0e-3, epochs: 1, batch_size: 100}}
  rate:
    class_path: Classifier
    init_args:
      network: {{class_path: MLP, init_args: {{hidden: 5}}}}
      training: {{lr: 5.0e-5, epochs: 1, batch_size: 1000}}
attack:
  class_path: BrainLeaksV2
  init_args: {{steps: 3, population: 2}}
scoring: {{draws: 3, null_draws: 2}}
trainer: {{accelerator: cpu, enable_progress_bar: false, enable_model_summary: false}}
"""


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a config, its data and its trained networks; tests must not change them."""
    folder = tmp_path_factory.mktemp("fitted")
    write_mnist_files(folder / "data", train=40)
    config = folder / "tiny.yaml"
    config.write_text(CONFIG.format(root=folder / "data"))
    before = Path.cwd()
    os.chdir(folder)
    try:
        main(["fit", "--config", str(config)])
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def here(fitted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(fitted)
    return fitted


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that must be refused, and return what it said."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_fit_writes_target_and_judges(fitted: Path) -> None:
    files = sorted(path.name for path in (fitted / "checkpoints" / "tiny").iterdir())
    assert files == ["cnn.pt", "rate.pt", "target.pt"]
    content = torch.load(fitted / "checkpoints" / "tiny" / "target.pt", weights_only=True)
    assert content["time_steps"] == 4
    assert content["seed"] == 3
    assert 0 <= content["test_accuracy"] <= 1


def test_an_ordinary_judge_learns_from_the_images_themselves(fitted: Path) -> None:
    stored = {
        part: torch.load(fitted / "checkpoints" / "tiny" / f"{part}.pt", weights_only=True)
        for part in ("target", "rate")
    }
    assert stored["target"]["data"]["encoder"]["class"] == "RateEncoder"
    assert stored["rate"]["data"]["encoder"] is None
    assert (stored["target"]["time_steps"], stored["rate"]["time_steps"]) == (4, None)


def test_fit_trains_for_the_networks_own_epochs(fitted: Path) -> None:
    saved = list((fitted / "logs" / "tiny" / "target").rglob("config.yaml"))
    assert len(saved) == 1
    best = list((fitted / "logs" / "tiny" / "target").rglob("best.ckpt"))
    state = torch.load(best[0], weights_only=True)
    assert state["global_step"] in (3, 6)  # 30 images in batches of 10, at the end of epoch 1 or 2


def test_invert_takes_the_config_that_fit_saved(here: Path, tmp_path: Path) -> None:
    (saved,) = (here / "logs" / "tiny" / "target").rglob("config.yaml")
    main(["invert", "--config", str(saved), "--results", str(tmp_path / "out")])
    assert (tmp_path / "out" / "scores.json").exists()


def test_invert_leaves_the_networks_as_they_were(here: Path, tmp_path: Path) -> None:
    folder = here / "checkpoints" / "tiny"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    main(["invert", "--config", "tiny.yaml", "--results", str(tmp_path / "out")])
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_invert_writes_scores_and_reconstructions(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(
        ["invert", "--config", "tiny.yaml", "--results", str(tmp_path), "--attack.restarts=2", "--attack.classes=[4,1]"]
    )
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert set(scores["judges"]) == {"cnn", "rate"}
    assert all(judge["counts"] == (judge["test_accuracy"] >= 0.5) for judge in scores["judges"].values())
    assert f"judge cnn {scores['judges']['cnn']['why_not']}" in capsys.readouterr().err
    assert scores["attack"]["init_args"]["restarts"] == 2
    assert scores["seed"] == 3
    assert scores["data"]["encoder"] == {"class": "RateEncoder", "time_steps": 4, "gain": 1.0}
    tensors = torch.load(tmp_path / "reconstructions.pt", weights_only=True)
    assert tensors["reconstructions"].shape == (4, 4, 1, 28, 28)
    assert tensors["classes"].tolist() == [4, 4, 1, 1]
    assert tensors["restarts"].tolist() == [0, 1, 0, 1]
    assert set(tensors["spikes"].unique().tolist()) <= {0, 1}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "reconstructions.png",
        "reconstructions.pt",
        "scores.json",
    ]


def test_a_judge_that_memorises_is_fitted_and_judges_by_its_short_name(here: Path, tmp_path: Path) -> None:
    config = yaml.safe_load(Path("tiny.yaml").read_text())
    config["judges"] = {"nearest": {"class_path": "NearestNeighbour", "init_args": {"references": 2}}}
    config["checks"] = {"refuse": False}  # the digits of this test are flat
    Path(tmp_path / "own.yaml").write_text(yaml.safe_dump(config))
    folders = [f"--checkpoints={tmp_path / 'networks'}", f"--logs={tmp_path / 'logs'}"]
    main(["fit", "--config", str(tmp_path / "own.yaml"), *folders])
    stored = torch.load(tmp_path / "networks" / "nearest.pt", weights_only=True)
    assert stored["state_dict"]["counts"].tolist() == [2] * 10
    assert not list((tmp_path / "logs" / "own" / "nearest").rglob("*.ckpt"))  # nothing was trained
    main(["invert", "--config", str(tmp_path / "own.yaml"), *folders, f"--results={tmp_path}", "--attack.classes=[4]"])
    judge = json.loads((tmp_path / "scores.json").read_text())["judges"]["nearest"]
    assert judge["test_accuracy"] == stored["test_accuracy"]


def test_invert_repeats_itself(here: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        main(["invert", "--config", "tiny.yaml", "--results", str(tmp_path / name)])
    a, b = (torch.load(tmp_path / name / "reconstructions.pt", weights_only=True) for name in ("a", "b"))
    assert all(torch.equal(a[key], b[key]) for key in a)
    main(["invert", "--config", "tiny.yaml", "--results", str(tmp_path / "c"), "--seed_everything=4"])
    c = torch.load(tmp_path / "c" / "reconstructions.pt", weights_only=True)
    assert not torch.equal(a["reconstructions"], c["reconstructions"])


def test_tensorboard_shows_steps_pictures_scores_and_settings(here: Path, tmp_path: Path) -> None:
    main(["invert", "--config", "tiny.yaml", "--results", str(tmp_path / "r"), "--logs", str(tmp_path / "logs")])
    run = tmp_path / "logs" / "tiny" / "BrainLeaksV2" / "version_0"
    events = EventAccumulator(str(run))
    events.Reload()
    steps = {tag: len(events.Scalars(tag)) for tag in events.Tags()["scalars"]}
    assert steps == {
        **{f"invert/{name}": 3 for name in ("loss", "target_confidence", "spike_rate", "zero_gradients")},
        **{f"score/{judge}/{metric}": 1 for judge in ("cnn", "rate") for metric in METRICS},
    }
    assert set(events.Tags()["images"]) == {"reconstructions", "spike_raster", "confidence/cnn", "confidence/rate"}
    metadata = events.summary_metadata
    session = parse_session_start_info_plugin_data(metadata[SESSION_START_INFO_TAG].plugin_data.content)
    found = {name: value.string_value or value.number_value for name, value in session.hparams.items()}
    known = {"config": "tiny", "seed": 3, "attack": "BrainLeaksV2", "attack.steps": 3, "attack.keep": "best"}
    assert known.items() <= found.items()
    assert all(name in known or name.startswith("attack.") for name in found)
    assert "attack.classes" not in found  # which the config leaves to the attack
    assert EXPERIMENT_TAG not in metadata  # its columns would hide those of other attacks
    assert {path.name for path in run.iterdir() if "tfevents" not in path.name} == {"config.yaml"}


def test_fit_goes_on_from_the_last_checkpoint(here: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fit(logs: str, *arguments: str) -> dict[str, Any]:
        folders = [f"--checkpoints={tmp_path / 'networks'}", f"--logs={tmp_path / logs}"]
        main(["fit", "-v", "--config", "tiny.yaml", "--judges={}", *folders, *arguments])
        (last,) = (tmp_path / logs).rglob("last.ckpt")
        return {"path": last, **torch.load(last, weights_only=True)}

    first = fit("first", "--model.training.epochs=1")
    assert first["epoch"] == 1
    caplog.clear()
    caplog.set_level(logging.INFO, logger="lightning.pytorch")  # whatever ran before in this process
    second = fit("second", f"--ckpt_path={first['path']}")  # two epochs
    assert "Restored all states" in caplog.text
    assert (second["epoch"], second["global_step"]) == (2, 2 * first["global_step"])


def test_skip_fitted_passes_over_what_fits(here: Path) -> None:
    path = here / "checkpoints" / "tiny" / "target.pt"
    before = path.stat().st_mtime_ns
    main(["fit", "--config", "tiny.yaml", "--skip_fitted=true"])
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("subcommand", ["validate", "test"])
def test_lightnings_own_subcommands_use_the_trained_target(subcommand: str, here: Path) -> None:
    main([subcommand, "--config", "tiny.yaml", "--trainer.logger=false"])
    assert not (here / "config.yaml").exists()


def test_predictions_are_a_file_that_is_named(here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for again in ("", ", in place of the earlier predictions"):
        main(["predict", "--config", "tiny.yaml", "--trainer.logger=false", f"--results={tmp_path}"])
        assert capsys.readouterr().err == f"Written to {tmp_path / 'predictions.csv'}{again}.\n"
    head, *rows = (tmp_path / "predictions.csv").read_text().splitlines()
    assert head == "sample,class,predicted,class_name,predicted_name"
    cells = [row.split(",") for row in rows]
    assert [int(row[0]) for row in cells] == list(range(len(rows)))
    assert [int(row[1]) for row in cells] == MNIST(here / "data", val_size=10).split("test").labels.tolist()
    assert {int(row[2]) for row in cells} <= set(range(10))
    assert all(row[1:3] == row[3:] for row in cells)  # digits are called by their numbers
    assert len(list(tmp_path.iterdir())) == 1


BAD = [
    (["--attack.classes=[3,12]"], "classes must be distinct numbers from 0 to 9, got [3, 12]."),
    (["--attack.restarts=0"], "restarts must be at least 1, got 0."),
    (["--data.encoder.time_steps=0"], "time_steps must be at least 1, got 0."),
    (["--attack.time_steps=0"], "time_steps must be at least 1, got 0."),
    (["--scoring.draws=0"], "draws must be at least 1, got 0."),
    (["--attack=null"], "the config has no `attack`"),
    (
        ["--attack=MIFace"],
        "MIFace looks for images, and SpikingMLP takes spikes: use BrainLeaksV1, BrainLeaksV2, BrainLeaksV3, BlackBox "
        "or LabelOnly.",
    ),
    (["--model.network.hidden=13"], "belongs to another network (hidden: 12 there, 13 here)"),
    (
        ["--data.encoder.time_steps=5"],
        "belongs to another data set (encoder.time_steps: 4 there, 5 here). Train one for this config with `brainleaks "
        "fit`, or name another folder as `checkpoints`. Or set data.encoder.time_steps to 4: attack.time_steps is the "
        "attack's alone.",
    ),
    (["--data=MNIST5k", "--data.encoder=RateEncoder"], "belongs to another data set (class: MNIST there, MNIST5k here"),
    (
        ["--model.network.num_classes=9"],
        "target (SpikingMLP) has input_shape (1, 28, 28) and num_classes 9, but MNIST has",
    ),
    (["--data.encoder=null"], "takes spikes, but MNIST gives images: set data.encoder"),
    (["--checkpoints=nowhere"], "no checkpoint at nowhere/target.pt. Run `brainleaks fit --config tiny.yaml` first."),
    (["--data.root=nowhere", "--data.download=false"], "train-images"),
    (["--results=tiny.yaml/x"], "the results folder tiny.yaml/x cannot be written to"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=lambda value: value[0] if isinstance(value, list) else "")
def test_bad_input_is_refused_in_one_line(
    arguments: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(["invert", "--config", "tiny.yaml", *arguments], capsys)
    assert message in said
    assert "Traceback" not in said
    assert not (here / "results").exists() or not list((here / "results").rglob("scores.json"))


def test_missing_data_stop_an_attack_before_it_begins(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(InversionTrainer, "invert", lambda *_: pytest.fail("the attack has begun"))
    missing = ["--data.root", str(tmp_path), "--data.download", "false"]
    assert "train-images" in refused(["invert", "--config", "tiny.yaml", *missing], capsys)
