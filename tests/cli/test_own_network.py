"""A network that its owner wrote and trained: one YAML, no line of ours, never trained, refused where it is broken."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from toys import ToyDigits, train_plainly

from brainleaks_pl import RateEncoder
from brainleaks_pl.cli.main import main

pytestmark = pytest.mark.usefixtures("sketched")

CONFIG = """
data:
  class_path: toys.ToyDigits
  init_args: {encoder: {class_path: RateEncoder, init_args: {time_steps: 5}}}
model:
  class_path: Classifier
  init_args:
    network: {class_path: test_own_network.Plain, init_args: {hidden: 16}}
    weights: trained.pt
    interface: TimeFirst
judges:
  rate:
    class_path: Classifier
    init_args:
      network: {class_path: MLP, init_args: {input_shape: [1, 12, 12], num_classes: 3, hidden: 8}}
      training: {lr: 0.1}
attack: {class_path: BrainLeaksV3, init_args: {steps: 3}}
scoring: {draws: 2, null_draws: 2}
trainer: {accelerator: cpu, enable_progress_bar: false, enable_model_summary: false, max_epochs: 2}
"""


class Spike(nn.Module):
    """A step with a triangular surrogate of its own, which nothing can exchange."""

    def forward(self, x: Tensor) -> Tensor:
        soft = x.clamp(-1, 1)
        return (x > 0).float() + soft - soft.detach()


class Plain(nn.Module):
    """A spiking network in plain torch: one hidden layer without memory."""

    def __init__(self, hidden: int = 16, forgetful: bool = True) -> None:
        super().__init__()
        self.first, self.second, self.spike = nn.Linear(144, hidden), nn.Linear(hidden, 3), Spike()
        self.forgetful, self.before = forgetful, torch.zeros(())

    def forward(self, x: Tensor) -> Tensor:
        membranes = self.second(self.spike(self.first(x.flatten(2))))
        if not self.forgetful:
            membranes, self.before = membranes + self.before, membranes.detach().mean()
        return membranes


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state_dict of a trained network, in a checkpoint as Lightning writes it."""
    torch.manual_seed(0)
    network = train_plainly(Plain(), ToyDigits(encoder=RateEncoder(5), batch_size=30), epochs=8)
    path = tmp_path_factory.mktemp("owner") / "trained.pt"
    torch.save({"epoch": 8, "state_dict": {f"model.{name}": w for name, w in network.state_dict().items()}}, path)
    return path


@pytest.fixture
def folder(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.yaml").write_text(CONFIG)
    (tmp_path / "trained.pt").write_bytes(weights.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def judged(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which fit has run."""
    folder = tmp_path_factory.mktemp("judged")
    (folder / "mine.yaml").write_text(CONFIG)
    (folder / "trained.pt").write_bytes(weights.read_bytes())
    before = Path.cwd()
    os.chdir(folder)
    try:
        main(["fit", "--config", "mine.yaml"])
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def fitted(judged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it."""
    shutil.copytree(judged, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return tmp_path / "copy"


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], status: int = 2) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == status
    output = capsys.readouterr()
    return " ".join((output.err if status == 2 else output.out).split())


def test_fit_leaves_it_as_it_is_and_invert_attacks_it(
    folder: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len([line for line in CONFIG.strip().splitlines() if line.strip()]) <= 25
    main(["fit", "--config", "mine.yaml"])
    said = capsys.readouterr().err
    assert "target (Plain) brought its weights: it is not trained, but measured." in said
    assert "Training target" not in said
    assert (folder / "trained.pt").read_bytes() == weights.read_bytes()
    assert [path.name for path in (folder / "checkpoints" / "mine").iterdir()] == ["rate.pt"]
    main(["invert", "--config", "mine.yaml"])
    scores = json.loads((folder / "results" / "mine" / "scores.json").read_text())
    assert scores["target"]["test_accuracy"] > 0.9
    assert scores["target"]["test_samples"] == 30
    assert "test_samples" not in scores["judges"]["rate"]  # what fit trained, fit measured
    found = {finding["check"]: finding["status"] for finding in scores["target"]["checks"]["findings"]}
    assert found["accuracy"] == found["two calls agree"] == found["built again"] == "ok"
    assert "finds no neurons" in scores["target"]["checks"]["masking_untestable"]


def test_check_shows_all_and_exits_with_1_where_one_failed(fitted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    main(["check", "--config", "mine.yaml"])
    shown = capsys.readouterr().out
    for text in (
        "target: 0 of",
        "rate: 0 of",
        "two calls agree",
        "input gradient",
        "calibration",
        "on 30 test samples",
    ):
        assert text in shown
    wrong = ["check", "--config", "mine.yaml", "--model.expected_accuracy=0.5", "--model.network.forgetful=false"]
    shown = refused(wrong, capsys, status=1)
    assert "target: 1 of" in shown
    assert "its neurons keep their state between calls" in shown


def test_invert_refuses_a_broken_network_unless_told_otherwise(
    fitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = ["invert", "--config", "mine.yaml", "--model.network.forgetful=false"]
    message = refused(broken, capsys)
    assert "target failed 1 of" in message
    assert "two calls agree: called again, the network gives another answer" in message
    assert not (fitted / "results" / "mine" / "scores.json").exists()
    main([*broken, "--checks.refuse=false"])
    assert (fitted / "results" / "mine" / "scores.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model.weights=gone.pt"], "there are no weights at gone.pt: set `weights` to the file of a state_dict."),
        (["--model.network.hidden=8"], "first.weight has the shape (16, 144) there and (8, 144) here"),
        (["--model.interface=null"], "Plain does not say how it is called: set interface, most likely to NonSpiking."),
        (["--attack.surrogate=ATan"], "TimeFirst finds no neurons in Plain that take another"),
        (["--model.expected_accuracy=1.5"], "expected_accuracy must lie in [0, 1], got 1.5."),
    ],
)
def test_mistakes_are_one_line_that_names_the_key(
    fitted: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert message in refused(["invert", "--config", "mine.yaml", *arguments], capsys)


def test_a_judge_may_bring_its_weights_too(folder: Path) -> None:
    start, end = CONFIG.index("    init_args:\n      network: {class_path: MLP"), CONFIG.index("attack:")
    judge = "    init_args: {network: test_own_network.Plain, weights: trained.pt, interface: TimeFirst}\n"
    (folder / "mine.yaml").write_text(CONFIG[:start] + judge + CONFIG[end:])
    main(["invert", "--config", "mine.yaml"])  # nothing is to be trained
    scores = json.loads((folder / "results" / "mine" / "scores.json").read_text())
    assert scores["judges"]["rate"]["test_accuracy"] == scores["target"]["test_accuracy"] > 0.9
    assert not (folder / "checkpoints").exists()


def test_other_weights_are_another_attack(fitted: Path, capsys: pytest.CaptureFixture[str]) -> None:
    invert = ["invert", "--config", "mine.yaml", "--resume=true", "--checks.refuse=false"]
    results = fitted / "results" / "mine" / "scores.json"
    main(invert)
    first = results.stat().st_mtime_ns
    main(invert)
    assert results.stat().st_mtime_ns == first  # finished before
    content = torch.load(fitted / "trained.pt", weights_only=True)
    content["state_dict"]["model.second.bias"] += 1e-3
    torch.save(content, fitted / "trained.pt")
    main(invert)
    second = results.stat().st_mtime_ns
    assert second > first
    stored = torch.load(fitted / "checkpoints" / "mine" / "rate.pt", weights_only=True)
    main(["fit", "--config", "mine.yaml", "--seed_everything=7"])  # another judge of the same name
    assert not torch.equal(
        torch.load(fitted / "checkpoints" / "mine" / "rate.pt", weights_only=True)["state_dict"]["hidden.weight"],
        stored["state_dict"]["hidden.weight"],
    )
    main(invert)
    assert results.stat().st_mtime_ns > second


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ("model: {class_path: SpikingMLP, init_args: {hidden: 3}}", "model is a SpikingMLP"),
        ("model: {class_path: Classifier}\njudges: {a: {class_path: brainleaks_pl.CNN}}", "judges.a is a CNN"),
        ("targets: {snn: {class_path: SpikingCNN}}", "targets.snn is a SpikingCNN"),
    ],
)
@pytest.mark.parametrize("command", [["fit", "--config=old.yaml"], ["audit", "--config", "old.yaml"]])
def test_configs_of_before_networks_were_wrapped(
    config: str, key: str, command: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "old.yaml").write_text(config)
    message = refused(command, capsys)
    assert key in message
    assert "Wrap it: `class_path: Classifier`" in message
