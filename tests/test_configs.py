"""Every shipped YAML goes through fit and invert, on tiny files in the data sets' own formats."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from datafiles import write_face_files, write_mnist_files
from recordings import write_gesture_folder, write_nmnist_folder
from schemas import fits
from toys import ToyDigits

import brainleaks_pl
from brainleaks_pl import load_network
from brainleaks_pl.attacks.found_before import digest_bytes
from brainleaks_pl.cli.main import main
from brainleaks_pl.engine.composing import read_config
from brainleaks_pl.priors.files import write_prior


def config_of(path: Path) -> dict[str, Any]:
    config: dict[str, Any] = read_config(path)
    return config


def folder_of(path: Path) -> Path:
    """Where the networks of a config are trained."""
    return Path(config_of(path).get("checkpoints", f"checkpoints/{path.stem}"))


def write_earlier(folder: Path, target: Path) -> None:
    """Write what an earlier attack found of the classes 1 and 3: noise."""
    folder.mkdir(parents=True)
    found = {
        "reconstructions": torch.rand(8, 1, 28, 28),
        "classes": torch.tensor([1, 3]).repeat_interleave(4),
        "costs": torch.arange(8.0),
        "target": digest_bytes(load_network(target)),
    }
    torch.save(found, folder / "reconstructions.pt")


FOLDER = Path(__file__).parents[1] / "configs"
CONFIGS = sorted(FOLDER.glob("[!ap]*.yaml"), key=lambda path: (folder_of(path), path))  # not those of audits and priors
PRIORS = sorted(FOLDER.glob("prior*.yaml"))
IMAGE_NULLS = {"noise", "black", "class_mean", "real"}
EVENT_NULLS = {"noise", "shuffled", "class_mean", "real"}
LIKENESS = {"spike_rate", "class_rate", "rate_to_class", "rate_to_sensor", "time_course_correlation"}
SMALL: dict[str, dict[str, Any]] = {"GuidedDenoising": {"width": 8}, "NaturalSpectrum": {}}
METRICS = {"attack_accuracy", "top3_accuracy", "confidence", "daa"}

pytestmark = pytest.mark.usefixtures("few_digits", "few_faces")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_mnist_files(tmp_path_factory.mktemp("data"), train=40)
    write_face_files(folder / "att_faces.zip")
    write_nmnist_folder(folder / "NMNIST", train=3)
    write_gesture_folder(folder / "DVSGesture", train_users=(1, 21))
    return folder


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where trained networks are kept, by the name of their folder: configs of one folder train the same ones."""
    return tmp_path_factory.mktemp("fitted")


@pytest.mark.filterwarnings("ignore:.*have no spike", "ignore:no image of the classes")  # after two steps
@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_fit_and_invert(
    config: Path, root: Path, fitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    content = config_of(config)
    text = config.read_text() + yaml.safe_dump(content)
    data = content["data"]
    shared = ["--config", str(config), "--trainer.enable_progress_bar=false", "--trainer.accelerator=cpu"]
    shared += ["--model.network.hidden=8", "--scoring.draws=1", "--scoring.null_draws=1", "--checks.samples=2"]
    shared += ["--checks.refuse=false"]  # of networks that say nothing yet
    if "root:" in text:
        shared += [f"--data.root={root}"]
    if data["class_path"] == "MNIST":
        shared += ["--data.val_size=10"]
    for part in ("encoder", "frames"):
        if part in data["init_args"]:
            # the simulated N-MNIST has no OFF event before the first saccade begins
            steps = 10 if data["class_path"] == "SimulatedNMNIST" else 2
            shared += [f"--data.{part}.time_steps={steps}"]
    simulated = "class_path: Simulated" in text
    if "class_path: SimulatedDVSGesture" in text:
        shared += ["--data.subjects=[1,21,24]", "--data.lightings=[led]", "--data.duration=150000"]
    if "init_args" in data["init_args"].get("source", ""):
        shared += [f"--data.source.root={root}", "--data.source.val_size=10"]
    networks = folder_of(config)
    if (kept := fitted / networks.name).exists():
        shutil.copytree(kept, networks)
    else:
        limits = ("max_steps=2", "limit_val_batches=1", "limit_test_batches=1")
        main(["fit", *shared, *(f"--trainer.{limit}" for limit in limits)])
        shutil.copytree(networks, kept)
    shared += ["--trainer.logger=false"]
    if "time_steps" in content["attack"]["init_args"]:
        shared += ["--attack.time_steps=2"]
    queried = "queries" in content["attack"]["init_args"]
    shared += ["--attack.pairs=2", "--attack.queries=10"] if queried else ["--attack.steps=2"]
    encoder = content["attack"]["init_args"].get("encoder")
    if encoder is not None:
        shared += ["--attack.encoder.time_steps=10"]
        if "keyframes" in encoder["init_args"]:
            shared += ["--attack.encoder.keyframes=2"]
    prior = content["attack"]["init_args"].get("prior")
    if prior is not None:
        shared += ["--attack.prior.alone=4"]
        if "weights" in prior.get("init_args", {}):
            made = getattr(brainleaks_pl, prior["class_path"])(**SMALL[prior["class_path"]])
            made.fit_to(getattr(brainleaks_pl, data["class_path"]).input_shape)
            write_prior(Path(prior["init_args"]["weights"]), made.content(ToyDigits()))
    if "starts" in content["attack"]["init_args"]:
        shared += ["--attack.starts=12"]
    if "first" in content["attack"]["init_args"]:
        write_earlier(Path(content["attack"]["init_args"]["first"]), networks / "target.pt")
    main(["invert", *shared, "--attack.classes=[1,3]"])

    results = tmp_path / "results" / config.stem
    scores = json.loads((results / "scores.json").read_text())
    fits("scores", scores)
    (judge,) = scores["judges"].values()
    known = {"test_accuracy", "digest", "checks", *METRICS, "per_class", "nulls", "counts"}
    assert set(judge) == known | (set() if judge["counts"] else {"why_not"})
    for part in (scores["target"], judge):
        failed = {found["check"] for found in part["checks"]["findings"] if found["status"] == "failed"}
        assert failed <= {"answer"}
    assert [row["class"] for row in judge["per_class"]] == [1, 3]
    events = "frames:" in text
    own_nulls = set() if prior is None else {"prior_alone", "prior_mean"}
    assert set(judge["nulls"]) == (EVENT_NULLS if events else IMAGE_NULLS) | own_nulls
    assert set(scores["similarity_nulls"]) == set(judge["nulls"])
    assert all((set(row) > LIKENESS) == events for row in scores["similarity"])
    assert ("scene_similarity" in scores) == (simulated and "EventCameraEncoder" in text)
    assert scores["data"]["simulated"] == simulated == ("SIMULATED data" in text)
    assert all(set(null) == METRICS for null in judge["nulls"].values())
    assert scores["attack"]["class_path"].rpartition(".")[2] in text
    assert {"target", "seconds", "seed", "versions"} < set(scores)
    tensors = torch.load(results / "reconstructions.pt", weights_only=True)
    assert tensors["classes"][tensors["best"]].tolist() == [1, 3]
    assert ("spikes" in tensors) == ("Spiking" in text)
    assert (results / "reconstructions.png").read_bytes().startswith(b"\x89PNG")
    assert ("queries" in scores) == (results / "queries.png").exists() == queried
    if queried:
        assert all([point["queries"] for point in curve] == [4, 10] for curve in scores["queries"].values())
    if events:
        own = "nmnist" if data["class_path"].endswith("NMNIST") else "dvsgesture"
        for form in ("tonic", own, "gif"):
            main(["export", "--results", str(results), "--format", form])
            assert any((results / "export" / form).iterdir())


@pytest.mark.parametrize("config", PRIORS, ids=lambda path: path.stem)
def test_fit_a_prior(config: Path, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    content = config_of(config)
    data, kind = (getattr(brainleaks_pl, content[part]["class_path"]) for part in ("data", "model"))
    small = "--data.samples=160" if data is brainleaks_pl.Glyphs else f"--data.root={root}"
    sizes = [f"--model.{name}={value}" for name, value in SMALL[kind.__name__].items()]
    shared = [
        "--config",
        str(config),
        "--trainer.enable_progress_bar=false",
        "--trainer.accelerator=cpu",
        small,
        *sizes,
    ]
    main(["fit", *shared, "--trainer.max_steps=2", "--trainer.limit_val_batches=1", "--trainer.limit_test_batches=1"])
    prior = kind(weights=str(tmp_path / content["checkpoints"] / "prior.pt"))
    assert prior.input_shape == data.input_shape
    assert prior.facts["data"]["class"] == data.__name__
    with pytest.raises(SystemExit):
        main(["invert", *shared, "--attack=BrainLeaksV3"])


def test_configs_of_one_folder_train_the_same_networks() -> None:
    by_folder: dict[str, set[str]] = {}
    for path in CONFIGS:
        config = config_of(path)
        training = {key: value for key, value in config.items() if key not in ("attack", "scoring")}
        by_folder.setdefault(folder_of(path).name, set()).add(json.dumps(training, sort_keys=True))
    assert all(len(trainings) == 1 for trainings in by_folder.values())
