"""Every shipped audit runs to its report, on tiny files in the data sets' own formats; and what the command refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from datafiles import WriteFaces, WriteMNIST
from jsonargparse import Namespace

from brainleaks_pl.audit.cells import budgeted
from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.main import audit_parser
from brainleaks_pl.cli.main import main
from brainleaks_pl.engine.composing import read_config
from brainleaks_pl.engine.shapes import fill_shapes

SHIPPED = sorted((Path(__file__).parents[2] / "configs").glob("audit_*.yaml"))
CONFIGS = [path for path in SHIPPED if "\nattacks:" in path.read_text()]

pytestmark = pytest.mark.usefixtures("few_digits", "few_faces")


def smaller(config: dict[str, Any], data: Path) -> dict[str, Any]:
    """The same audit with one seed, the least of everything, and its data in a folder."""
    arguments = config["data"]["init_args"]
    if "root" in arguments:
        arguments["root"] = str(data)
    if config["data"]["class_path"] == "MNIST":
        arguments["val_size"] = 10
    for part in ("encoder", "frames"):
        if part in arguments:
            part_arguments = arguments[part].get("init_args", arguments[part])
            part_arguments["time_steps"] = 2
    for classifier in (*config["targets"].values(), *config["judges"].values()):
        if isinstance(classifier, str) or "init_args" not in classifier:  # a judge that is not trained
            continue
        classifier["init_args"]["training"] |= {"epochs": 1, "batch_size": 20}
        network = classifier["init_args"]["network"]
        if isinstance(network, dict) and "hidden" in network.get("init_args", ()):
            network["init_args"]["hidden"] = 8
    for attack in config["attacks"].values():
        attack["init_args"] |= {"steps": 2, "classes": [1, 2]}
        if "encoder" in attack["init_args"]:
            attack["init_args"]["encoder"]["init_args"]["time_steps"] = 2
    if config["data"]["class_path"] not in ("MNIST", "MNIST5k"):  # larger images, which take their time
        config["controls"] |= {"groups": 0, "adversarial": False}
    config["controls"] |= {"groups": min(2, config["controls"]["groups"]), "attacks": list(config["attacks"])[-1:]}
    measures = config["measures"]
    probe = measures["masking"]["init_args"]
    probe.pop("seeds", None)
    probe["attacks"], probe["surrogates"] = probe["attacks"][:1], dict(list(probe["surrogates"].items())[:1])
    if "sweep" in measures:
        sweep = measures["sweep"]["init_args"]
        swept, values = list(sweep["values"].items())[-1]
        sweep |= {"attacks": sweep["attacks"][:1], "values": {swept: values[:1]}}
    measures["ceiling"] = {"class_path": "EncodingCeiling", "init_args": {"time_steps": [1, 4]}}  # of large images
    few = {
        "scoring": {"draws": 1, "null_draws": 1},
        "checks": {"refuse": False, "samples": 2},
    }  # after two steps they know nothing
    return {**config, "seeds": [0], "gradients": None, **few}


def write_quickstart(path: Path) -> None:
    """Write the quickstart's audit as one file."""
    config = read_config(SHIPPED[0].parent / "audit_quickstart.yaml")
    path.write_text(yaml.safe_dump(config, sort_keys=False))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_attack_of_a_shipped_audit_fits_a_target_and_the_budget(path: Path) -> None:
    parser = audit_parser()
    config = parser.parse_args(["--config", str(path)])
    fill_shapes(config, parser.instantiate(Namespace(data=config.data)).data)
    parts = parser.instantiate(config)
    audit = Audit(parts.data, parts.targets, parts.judges, parts.attacks, parts.seeds, parts.gradients)
    networks = audit.networks()
    for target, attacks in audit.fits(networks).items():
        for name in attacks:
            attack = budgeted(parts.attacks[name], networks[target], parts.gradients)
            assert parts.gradients * 0.8 < attack.gradients_per_run * attack.restarts <= parts.gradients


@pytest.mark.filterwarnings("ignore:.*have no spike", "ignore:no image of the classes", "ignore:.*gradient is zero")
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_shipped_audit_runs(
    path: Path,
    tmp_path: Path,
    write_mnist: WriteMNIST,
    write_faces: WriteFaces,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    if not (drawn := path.stem == "audit_quickstart"):
        request.getfixturevalue("sketched")
    monkeypatch.chdir(tmp_path)
    write_mnist(tmp_path / "data", train=40)
    write_faces(tmp_path / "data" / "att_faces.zip")
    config = smaller(read_config(path), tmp_path / "data")
    (tmp_path / path.name).write_text(yaml.safe_dump(config))
    main(["audit", "--config", path.name, "--trainer.accelerator=cpu", f"--trainer.logger={str(drawn).lower()}"])
    results = tmp_path / "results" / path.stem
    found = json.loads((results / "audit.json").read_text())
    assert {cell["error"] for cell in found["cells"]} == {None}
    kinds = {"control", "blind", "adversarial"} if config["controls"]["groups"] else {"control"}
    assert kinds <= {cell["kind"] for cell in found["cells"]}
    assert {cell["attack"] for cell in found["cells"]} == {*config["attacks"], *(kinds & {"adversarial"})}
    assert {cell["target"] for cell in found["cells"]} == set(config["targets"])
    assert all(set(cell["judges"]) == set(config["judges"]) for cell in found["cells"])
    assert [cell["kind"] for cell in found["cells"]].count("sweep") == ("sweep" in config["measures"])
    assert "surrogate" in {cell["kind"] for cell in found["cells"]}
    assert found["data"]["simulated"] == ("SIMULATED" in path.read_text())
    assert (found["measures"]["ceiling"] is None) == ("frames" in config["data"]["init_args"])
    assert found["attacks"]["v3"]["init_args"]["steps"] == 2
    assert (results / "logs").exists() == drawn
    assert "logger" not in found["repeat"]["config"]  # it changes no result
    assert (results / "report.html").stat().st_size > (100_000 if drawn else 20_000)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_audit_names_its_command(path: Path) -> None:
    assert f"#   brainleaks audit --config configs/{path.name}\n" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seedz=[0]"], "seedz"),
        (["--scoring.drawz=2"], "drawz"),
        (["--targets.snn.init_args.hiden=3"], "hiden"),
        (["--gradients=3"], "BrainLeaksV1 takes 10 gradients per class, more than the budget of 3"),
        (["--seeds=[]"], "seeds must be at least one number, all distinct and not negative, got []"),
        (["--measures.sweep.init_args.target=null"], "measures.sweep: values without target"),
        (["--measures.masking.attacks=[v9]"], "measures.masking: attacks names 'v9', which is not among"),
        (["--measures={own: {class_path: nowhere.Own}}"], "nowhere"),
        (["--sweep={target: snn}"], "sweep is now a measure: write its keys under measures.sweep.init_args"),
        (["--surrogates={attacks: [v1]}"], "surrogates is now a measure: write its keys under measures.masking.init_"),
        (["--config=nowhere.yaml"], "nowhere.yaml"),
        (["--data=MNIST", "--data.root=nowhere", "--data.download=false"], "train-images"),
        (["--ratings=nowhere.json"], "the ratings nowhere.json cannot be read: No such file or directory"),
        (["--results=audit.yaml/x"], "the results folder audit.yaml/x cannot be written to"),
    ],
)
def test_what_the_command_refuses_it_refuses_in_a_line(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "audit.yaml").write_text(
        yaml.safe_dump(read_config(CONFIGS[0].parent / "audit_quickstart.yaml"), sort_keys=False)
    )
    with pytest.raises(SystemExit) as stopped:
        main(["audit", "--config=audit.yaml", *arguments])
    assert stopped.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.rglob("*.pt"))


@pytest.mark.parametrize(("statuses", "code"), [(["done"], None), (["done", "failed"], 3), (["failed"], 4)])
def test_the_command_exits_with_what_failed_once_all_is_said(
    statuses: list[str],
    code: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = {
        "cells": [{"status": status} for status in statuses], "runs": [], "targets": {}, "judges": {},
        "verdict": {"leaks": ["Much leaks."], "control": "All is well.", "sentence": "No difference."},
        "warnings": ["something \x1b[31m odd"],
    }  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("brainleaks_pl.audit.main.run_audit", lambda *_, **__: document)
    (tmp_path / "audit.yaml").write_text(
        yaml.safe_dump(read_config(CONFIGS[0].parent / "audit_quickstart.yaml"), sort_keys=False)
    )
    if code is None:
        main(["audit", "--config=audit.yaml"])
    else:
        with pytest.raises(SystemExit) as stopped:
            main(["audit", "--config=audit.yaml"])
        assert stopped.value.code == code
    said = capsys.readouterr().out
    sentences = "Much leaks.\nAll is well.\nNo difference.\nWarning: something \ufffd[31m odd\n"
    assert f"{sentences}Written to results/audit/report.html\n" in said


def test_the_help_explains_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["audit", "--help"])
    assert stopped.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for key in (
        "--targets",
        "--judges",
        "--attacks",
        "--seeds",
        "--gradients",
        "--measures",
        "--scoring.",
    ):
        assert key in text
    assert "resumes where it stopped" in text
