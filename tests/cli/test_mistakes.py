"""The most likely mistakes on a command line: one line each, which says what was meant, word by word."""

from __future__ import annotations

from pathlib import Path

import pytest
from processes import tiny_config

from brainleaks_pl.cli.main import main

AUDIT = """
data: {class_path: MNIST5k}
targets: {snn: {class_path: Classifier, init_args: {network: {class_path: SpikngMLP}}}}
attacks: {v1: {class_path: BrainLeaksV1}}
seeds: [0]
"""
ATTACKS = "AdversarialExamples, BlackBox, BrainLeaksV1, BrainLeaksV2, BrainLeaksV3, LabelOnly, MIFace"

INCOMPLETE = (
    "MNIST is incomplete: no train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, "
    "t10k-labels-idx1-ubyte (.gz or not) in nowhere or nowhere/MNIST/raw. There is no folder nowhere: correct "
    "data.root, or make the folder to have them downloaded to it."
)
MISTAKES = {
    # a key
    "invert -c c.yaml --attack.step 5": "attack.step: BrainLeaksV1 has no such key; did you mean `steps`?",
    "invert -c c.yaml --atack.steps 5": "atack: there is no such key; did you mean `attack`?",
    "fit -c c.yaml --model.network.hiden 3": "model.network.hiden: SpikingMLP has no such key; did you mean `hidden`?",
    "fit -c c.yaml --model.netwrok.hidden 3": "model.netwrok: Classifier has no such key; did you mean `network`?",
    "fit -c c.yaml --data.encoder.steps=3": "data.encoder.steps: RateEncoder has no such key; did you mean "
    "`time_steps`?",
    "fit -c c.yaml --model.training.rate 3": "model.training.rate: there is no such key; known are batch_size, epochs, "
    "gradient_clip_norm, keep, lr, max_shift",
    "fit -c c.yaml --trainer.max_epoch 3": "trainer.max_epoch: there is no such key; did you mean `max_epochs`?",
    "fit --confg c.yaml": "confg: there is no such key; did you mean `config`?",
    "fit -c judge.yaml": "judge: there is no such key; did you mean `judges`?",
    "fit -c nested.yaml": "judges.network.kernal: CNN has no such key; did you mean `kernel`?",
    "audit --attcks v1": "attcks: there is no such key; did you mean `attacks`?",
    "export --result here": "result: there is no such key; did you mean `results`?",
    # a class
    "invert -c c.yaml --attack BrainLeakV1": "attack: there is no class BrainLeakV1 that fits here; did you mean "
    "`BrainLeaksV1`?",
    "invert -c c.yaml --attack SpikingMLP": f"attack: there is no class SpikingMLP that fits here; known are {ATTACKS}",
    "fit -c c.yaml --data MNIST6k": "data: there is no class MNIST6k that fits here; did you mean `MNIST5k`?",
    "audit --config audit.yaml": "targets.network: there is no class SpikngMLP that fits here; did you mean "
    "`SpikingMLP`?",
    "invert -c c.yaml --attack own.Thing": "attack: there is no module own (`python -m brainleaks_pl` finds those of "
    "the working folder), got own.Thing",
    # a value
    "fit -c c.yaml --model.network.hidden abc": "model.network.hidden: expected a whole number, got abc",
    "invert -c c.yaml --attack.classes 3,4": "attack.classes: expected a list, such as [1,2], got 3,4",
    "invert -c c.yaml --attack.keep bets": "attack.keep: expected best or last, got bets; did you mean `best`?",
    "export --results here --format gig": "format: expected tonic or nmnist or dvsgesture or aedat4 or gif, got gig; "
    "did you mean `gif`?",
    # a command
    "invrt -c c.yaml": "there is no command `invrt`; did you mean `invert`? `brainleaks --help` lists them.",
    "": "name a command: fit, check, invert, audit, export, validate, test, predict. `brainleaks --help` explains "
    "them.",
    "fit": "data and model are missing: name a config with --config, or give --data.",
    "audit": "data is missing: name a config with --config, or give --data.",
    "fit -c c.yaml extra": "`extra` belongs to no key: write `--KEY extra`.",
    # a config
    "fit --config cc.yaml": "there is no config cc.yaml; did you mean c.yaml?",
    "fit --config folder": "folder is a folder: name one of the configs in it.",
    "fit --config bad.yaml": "bad.yaml is not valid YAML: line 2, column 6: expected ',' or '}', but got ':'.",
    "invert --config audit.yaml": "audit.yaml is a config of `brainleaks audit`, and invert takes one with a model.",
    "audit --config c.yaml": "c.yaml is a config of fit and invert, and an audit takes one with targets and attacks.",
    # what is not there
    "fit -c c.yaml --data.root nowhere": INCOMPLETE,
    "fit -c prior.yaml --data.root nowhere": INCOMPLETE,
    "invert -c c.yaml": "no checkpoint at checkpoints/c/target.pt. Run `brainleaks fit --config c.yaml` first.",
    "fit -c c.yaml --model.network.input_shape [1,2,2]": "target (SpikingMLP) has input_shape (1, 2, 2) and "
    "num_classes 10, but MNIST has (1, 28, 28) and 10: set them to fit, or leave "
    "them out of the config for those of the data.",
    "export --results here --format gif": "no results folder at here. Run `brainleaks invert` first, or name another.",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    config = tiny_config(judge_epochs=1, steps=2)
    network = "network: {class_path: SpikingMLP, init_args: {hidden: 5}}"
    nested = config.rsplit(network, 1)
    files = {
        "c.yaml": config,
        "judge.yaml": config.replace("judges:", "judge:"),
        "nested.yaml": "network: {class_path: CNN, init_args: {kernal: 3}}".join(nested),
        "audit.yaml": AUDIT,
        "prior.yaml": "{data: MNIST, model: VAE, trainer: {accelerator: cpu}}",
        "bad.yaml": "data: {class_path: MNIST5k\nmodel:\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", MISTAKES, ids=lambda command: command or "nothing")
def test_a_mistake_is_one_line(command: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(here.iterdir())
    with pytest.raises(SystemExit) as stopped:
        main(command.split())
    assert stopped.value.code == 2
    assert capsys.readouterr().err == f"brainleaks: error: {MISTAKES[command]}\n"
    assert set(here.iterdir()) == before
