"""Networks of a config take the data's shape and number of classes, where it gives none."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from jsonargparse import Namespace
from toys import ToyDigits

from brainleaks_pl.cli.main import main
from brainleaks_pl.engine.shapes import fill_shapes


def network(name: str, **given: object) -> Namespace:
    arguments = Namespace(input_shape=None, num_classes=None, **given) if not given else Namespace(**given)
    return Namespace(class_path=f"brainleaks_pl.{name}", init_args=arguments)


def test_only_what_is_open_is_filled_in_and_files_keep_their_shapes() -> None:
    config = Namespace(
        model=Namespace(class_path="brainleaks_pl.Classifier", init_args=Namespace(network=network("SpikingMLP"))),
        judges={"cnn": network("CNN"), "own": network("MLP", input_shape=(1, 2, 3), num_classes=None)},
        other=Namespace(file=network("NIRNetwork"), norm=Namespace(class_path="torch.nn.LazyLinear", init_args=None)),
    )
    fill_shapes(config, ToyDigits())
    filled = Namespace(input_shape=(1, 12, 12), num_classes=3)
    assert config.model.init_args.network.init_args == filled
    assert config.judges["cnn"].init_args == filled
    assert config.judges["own"].init_args == Namespace(input_shape=(1, 2, 3), num_classes=3)
    assert config.other.file.init_args == Namespace(input_shape=None, num_classes=None)


CONFIG = """
data: {class_path: toys.ToyDigits, init_args: {encoder: {class_path: RateEncoder, init_args: {time_steps: 2}}}}
model: {class_path: Classifier, init_args: {network: {class_path: SpikingMLP, init_args: {hidden: 4}}}}
judges: {judge: {class_path: Classifier, init_args: {network: MLP}}}
attack: {class_path: BrainLeaksV1, init_args: {steps: 1}}
"""


def test_fit_stores_the_shapes_and_an_explicit_one_that_contradicts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text(CONFIG)
    quick = ["--config", "c.yaml", "--trainer.max_steps=1", "--trainer.accelerator=cpu", "--judges={}"]
    main(["fit", *quick, "--trainer.enable_progress_bar=false"])
    (saved,) = (tmp_path / "logs" / "c" / "target").rglob("config.yaml")
    own = yaml.safe_load(saved.read_text())["model"]["init_args"]["network"]["init_args"]
    assert (own["input_shape"], own["num_classes"]) == ([1, 12, 12], 3)
    with pytest.raises(SystemExit):
        main(["invert", *quick, "--model.network.num_classes=4"])
    said = capsys.readouterr().err
    assert "input_shape (1, 12, 12) and num_classes 4, but ToyDigits has (1, 12, 12) and 3: set them to fit" in said


def test_an_audit_takes_them_likewise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = yaml.safe_load(CONFIG)
    audit = {"data": config["data"], "targets": {"snn": config["model"]}, "judges": config["judges"], "seeds": [0]}
    (tmp_path / "a.yaml").write_text(yaml.safe_dump({**audit, "attacks": {"v1": config["attack"]}}))
    taken = []
    monkeypatch.setattr("brainleaks_pl.audit.main.run_audit", lambda audit, **_: taken.append(audit) or {}["end"])
    with pytest.raises(SystemExit):
        main(["audit", "--config=a.yaml"])
    (made,) = taken
    assert {name: own.network.input_shape for name, own in made.networks().items()} == {
        "snn": (1, 12, 12),
        "judge": (1, 12, 12),
    }
    assert made.settings["targets"]["snn"]["init_args"]["network"]["init_args"]["input_shape"] == [1, 12, 12]
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(["audit", "--config=a.yaml", "--targets.snn.init_args.network.init_args.num_classes=4"])
    assert "num_classes 4, but ToyDigits has (1, 12, 12) and 3" in capsys.readouterr().err
