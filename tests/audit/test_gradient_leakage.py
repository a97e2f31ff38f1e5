"""Gradient leakage as a measure: what it says of networks with and without a dense first layer, and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from datafiles import WriteMNIST
from tiny_audit import NO_CONTROLS, conduct, network, tiny_audit

from brainleaks_pl import MLP, SpikingMLP
from brainleaks_pl.audit import GradientLeakage
from brainleaks_pl.audit.main import audit_parser
from brainleaks_pl.evaluation.gradient_leakage import Sharing, gradient_leakage
from brainleaks_pl.leakage import BiasRatio, GradientMatching, Protection, SpikeFrames

CONFIG = Path(__file__).parents[2] / "configs" / "audit_gradients_mnist.yaml"
TARGETS = {"snn": network(SpikingMLP, hidden=40), "ann": network(MLP)}


def audited(folder: Path, measure: GradientLeakage, *targets: str) -> dict[str, Any]:
    few: dict[str, Any] = {"attacks": {}, "judges": {}, "controls": NO_CONTROLS, "measures": {"leakage": measure}}
    return conduct(folder, tiny_audit(**few, targets={name: TARGETS[name] for name in targets}))


def test_an_audit_says_what_gradients_show_and_draws_it(tmp_path: Path) -> None:
    attacks = {"ratio": BiasRatio(), "frames": SpikeFrames(starts=50, steps=100, rounds=4)}
    noisy = Protection(1.0, 1.0)
    measure = GradientLeakage(2, attacks=attacks, protections={"none": Protection(), "noisy": noisy})
    found = audited(tmp_path, measure, "snn", "ann")
    rows = {(row["target"], row["attack"], row["protection"]): row for row in found["measures"]["leakage"]}
    assert len(rows) == 8
    open_ann = rows["ann", "ratio", "none"]
    assert open_ann["ssim"][0] > 0.999
    assert (open_ann["itself"][0], open_ann["right_labels"][0], open_ann["frames"]) == (1.0, 1.0, None)
    assert (open_ann["images"], open_ann["seeds"]) == (4, 2)
    assert rows["ann", "ratio", "noisy"]["ssim"][0] < 0.5
    assert rows["snn", "frames", "none"]["frames"][0] == 1.0
    assert "MLP takes images" in rows["ann", "frames", "none"]["refused"]
    assert "noise was added" in rows["snn", "frames", "noisy"]["refused"]
    warned = [words for words in found["warnings"] if "A gradient of" in words]
    assert [words.partition(" reveals")[0] for words in warned] == ["A gradient of snn", "A gradient of ann"]
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    section = page.partition('<section id="gradient_leakage"')[2].partition("</section>")[0]
    for part in (
        "ratio on ann",
        "private",
        "recovered",
        "MLP takes images",
        "What gradients reveal",
        "data:image/png",
        "From a gradient of ann, ratio recovers private images at a mean SSIM of 1.00",
        "the images leak.",
    ):
        assert part in section


def test_settings_of_the_measure_are_checked() -> None:
    audit = tiny_audit()
    for changes, words in (
        ({"images": 0}, "images must be at least 1, got 0"),
        ({"batch_sizes": [1, 0]}, r"batch_sizes must hold at least one number, all positive, got \[1, 0\]"),
        ({"local_steps": []}, r"local_steps must hold at least one number, all positive, got \[\]"),
        ({"learning_rate": 0.0}, "learning_rate must be positive, got 0"),
        ({"attacks": {}}, "attacks is empty"),
        ({"protections": {}}, "protections is empty"),
    ):
        with pytest.raises(ValueError, match=words):
            GradientLeakage(**changes).check(audit)
    for arguments, words in (((0,), "at least 1, got 0 and 1"), ((1, 1, 0.0), "learning_rate must be positive")):
        with pytest.raises(ValueError, match=words):
            Sharing(*arguments)


def test_several_samples_and_local_steps_are_counted_in_whole_batches() -> None:
    data, snn = tiny_audit().data, TARGETS["snn"]().eval()
    found = gradient_leakage(snn, data, BiasRatio(), Sharing(2, 3), images=3)
    assert found.private.shape == found.recovered.shape == (4, 1, 12, 12)
    assert (len(found.labels), len(found.right_labels), found.frames) == (4, 2, [])
    again = gradient_leakage(snn, data, BiasRatio(), Sharing(2, 3), images=3)
    assert again.ssim == found.ssim
    assert gradient_leakage(snn, data, BiasRatio(), Sharing(2, 3), images=3, seed=1).ssim != found.ssim
    with pytest.raises(ValueError, match="images must be at least 1, got 0"):
        gradient_leakage(snn, data, BiasRatio(), images=0)


@pytest.mark.usefixtures("few_digits")
def test_the_shipped_audit_of_gradients_is_understood(tmp_path: Path, write_mnist: WriteMNIST) -> None:
    config = yaml.safe_load(CONFIG.read_text())
    config["data"]["init_args"] |= {"root": str(write_mnist(tmp_path / "data", train=40)), "val_size": 10}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(config))
    parser = audit_parser()
    parts = parser.instantiate(parser.parse_args(["--config", str(tmp_path / "small.yaml")]))
    measure = parts.measures["gradient_leakage"]
    assert measure.protections["noisy"] == Protection(1.0, 0.1)
    assert measure.attacks["matching"] == GradientMatching(steps=100)
    assert not parts.attacks
