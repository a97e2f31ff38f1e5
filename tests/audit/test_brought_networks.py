"""Audits of networks that were trained elsewhere: measured, checked, never trained, nor cleared without a test."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_audit import MEASURES, NO_CONTROLS, conduct, network, tiny_audit, written
from torch import Tensor, nn
from toys import ToyDigits, train_plainly

from brainleaks_pl import LIF, MLP, BrainLeaksV1, BrainLeaksV3, Classifier, RateEncoder, SpikingMLP, TimeFirst
from brainleaks_pl.audit import networks
from brainleaks_pl.audit.measures.sweep import Sweep
from brainleaks_pl.networks.surrogates import FastSigmoid
from brainleaks_pl.targets.checks import Checks
from brainleaks_pl.targets.weights import digest_of

pytestmark = pytest.mark.usefixtures("sketched")  # test_report_*.py look at pictures

WIDTH = 16


class Own(nn.Module):
    """A spiking network of a user's own on LIF neurons, or on a step that takes no other surrogate."""

    def __init__(self, width: int = WIDTH, known: bool = True, keeps_state: bool = False) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(144, width), nn.Linear(width, 3)
        self.neurons, self.known, self.keeps_state, self.before = LIF(0.5), known, keeps_state, 0.0

    def forward(self, x: Tensor) -> Tensor:
        current = self.first(x.flatten(2))
        spikes = self.neurons(current)[0] if self.known else FastSigmoid().spike_function()(current - 1)
        outputs: Tensor = self.second(spikes) + self.before
        if self.keeps_state:
            self.before = outputs.detach().mean().item()
        return outputs


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    network = train_plainly(Own(), ToyDigits(encoder=RateEncoder(4), batch_size=30), epochs=10)
    path = tmp_path_factory.mktemp("owner") / "own.pt"
    torch.save(network.state_dict(), path)
    return path


def own(weights: Path, **arguments: Any) -> Any:
    return partial(Classifier, partial(Own, **arguments), TimeFirst(), (1, 12, 12), 3, weights=str(weights))


def audit(weights: Path, **changes: Any) -> Any:
    parts: dict[str, Any] = {
        "targets": {"own": own(weights), "hidden": own(weights, known=False)},
        "attacks": {"v1": partial(BrainLeaksV1, steps=5), "v3": partial(BrainLeaksV3, steps=10)},
        "measures": {"masking": MEASURES["masking"]},
        "controls": NO_CONTROLS,
    }
    return tiny_audit(**{**parts, **changes})


def test_they_are_measured_and_never_trained(weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[str] = []
    train = networks.train_network

    def noted(trainer: Any, network: Classifier, *rest: Any, **more: Any) -> float:
        trained.append(network.name)
        return train(trainer, network, *rest, **more)

    monkeypatch.setattr(networks, "train_network", noted)
    before = weights.read_bytes()
    document = conduct(tmp_path, audit(weights))
    assert weights.read_bytes() == before
    assert "Own" not in trained
    assert trained  # the judges
    assert sorted(path.stem for path in (tmp_path / "networks").rglob("*.pt")) == ["ordinary"] * 2 + ["spiking"] * 2
    assert {cell["status"] for cell in document["cells"] if cell["kind"] == "main"} == {"done"}
    facts = document["targets"]["own"]
    assert facts["pretrained"]
    assert facts["test_accuracy"][0] == facts["test_accuracy"][1] > 0.9
    assert facts["architecture"]["width"] == WIDTH
    assert len(set(facts["weights"])) == 1
    assert len(set(document["judges"]["spiking"]["weights"])) == 2
    warnings = " ".join(document["warnings"])
    assert "own brought its weights: test data may have been among its own training data." in warnings
    assert "own brought its weights" in (tmp_path / "results" / "report.html").read_text(encoding="utf-8")


def test_a_network_whose_surrogate_nobody_takes_is_not_cleared(weights: Path, tmp_path: Path) -> None:
    document = conduct(tmp_path, audit(weights, seeds=[0]))
    assert [row["target"] for row in document["measures"]["masking"]] == ["own"] * 4  # two surrogates, two judges
    assert not any(row["target"] == "hidden" for row in document["measures"]["masking"])
    assert "Whether hidden's gradient is masked cannot be tested" in " ".join(document["warnings"])
    assert "Whether own's" not in " ".join(document["warnings"])


def test_a_network_that_fails_a_check_is_not_attacked_and_the_others_are(weights: Path, tmp_path: Path) -> None:
    targets = {"own": own(weights), "broken": own(weights, keeps_state=True)}
    document = conduct(tmp_path, audit(weights, targets=targets, seeds=[0], measures={}))
    by_target = {cell["target"]: cell for cell in document["cells"]}
    assert by_target["own"]["status"] == "done"
    assert by_target["broken"]["status"] == "failed"
    assert "its neurons keep their state between calls" in by_target["broken"]["error"]


def test_other_weights_are_attacked_anew(weights: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pt"
    copy.write_bytes(weights.read_bytes())
    kept = {"seeds": [0], "measures": {}, "targets": {"own": own(copy)}}
    kept["measures"] = {"sweep": Sweep("own", ["v1"], {"time_steps": [2]})}
    said: list[str] = []
    conduct(tmp_path, audit(copy, **kept), said.append)
    assert sum("attack" in line and "done before" in line for line in said) == 0
    said.clear()
    conduct(tmp_path, audit(copy, **kept), said.append)
    assert sum("attack" in line and "done before" in line for line in said) == 3
    state = torch.load(copy, weights_only=True)
    state["second.bias"] += 1e-3
    torch.save(state, copy)
    said.clear()
    conduct(tmp_path, audit(copy, **kept), said.append)
    assert sum("attack" in line and "done before" in line for line in said) == 0
    (judge,) = (tmp_path / "networks" / "seed0").glob("spiking.pt")
    content = torch.load(judge, weights_only=True)
    content["state_dict"]["output.bias"] += 1e-3
    content["digest"] = digest_of(content["state_dict"])
    del content["checksum"]  # as of the second format, whose digest is of the weights alone
    torch.save({**content, "format": "brainleaks_pl.network/2"}, judge)
    said.clear()
    conduct(tmp_path, audit(copy, **kept), said.append)
    assert sum("attack" in line and "done before" in line for line in said) == 0
    assert written(tmp_path)["judges"]["spiking"]["weights"] == [content["digest"]]


def test_a_sweep_varies_arguments_of_the_network_and_of_the_classifier(tmp_path: Path) -> None:
    quick = tiny_audit(
        targets={"snn": partial(Classifier, partial(SpikingMLP, (1, 12, 12), 3, 16))},
        attacks={"v3": partial(BrainLeaksV3, steps=5)},
        seeds=[0],
        gradients=5,
        controls=NO_CONTROLS,
        measures={"sweep": Sweep("snn", ["v3"], {"beta": [0.2], "spike_penalty": [1.0]})},
        checks=Checks(refuse=False),  # hardly trained, they say the same of everything
    )
    document = conduct(tmp_path, quick)
    values = {(row["parameter"], row["value"]) for row in document["measures"]["sweep"]}
    assert values == {("beta", 0.2), ("beta", 0.7), ("spike_penalty", 0.0), ("spike_penalty", 1.0)}


def test_other_samples_make_cells_run_anew_and_networks_refused(weights: Path, tmp_path: Path) -> None:
    data = ToyDigits(encoder=RateEncoder(4), batch_size=15)
    parts: dict[str, Any] = {
        "targets": {"own": own(weights)},
        "judges": {"brought": own(weights), "trained": network(MLP)},
        "attacks": {"v1": partial(BrainLeaksV1, steps=2)},
        "seeds": [0],
        "measures": {},
    }

    def lines(**changes: Any) -> list[str]:
        said: list[str] = []
        conduct(tmp_path, audit(weights, data=data, **{**parts, **changes}), said.append)
        return said

    brought = {"brought": own(weights)}
    lines()  # trains the other judge
    assert [line.split(": ")[1].startswith("done before") for line in lines(judges=brought)] == [True, True, False]
    assert all(": done before" in line for line in lines(judges=brought))
    data = ToyDigits(encoder=RateEncoder(4), batch_size=15)
    data.split("test").images[0, 0, 0, 0] ^= 1
    assert [line.split(": ")[1].startswith("done before") for line in lines(judges=brought)] == [True, True, False]
    (refused,) = [line for line in lines() if "fit trained" in line]
    assert "FAILED: ValueError: " in refused
    assert "trained.pt was trained on other samples of ToyDigits than those at hand. Remove it" in refused
