"""An attack in Python: what it comes to says in words what it holds, draws itself and writes itself."""

import json
import logging
import warnings
from pathlib import Path

import pytest
import torch
from schemas import fits
from toys import ToyDigits, classifier, silent_trainer

from brainleaks_pl import (
    CNN,
    AttackResult,
    BrainLeaksV3,
    InversionTrainer,
    MIFace,
    RateEncoder,
    Scoring,
    SpikingMLP,
    run_attack,
)


@pytest.fixture(scope="module")
def result() -> AttackResult:
    torch.manual_seed(0)
    target = classifier(SpikingMLP, (1, 12, 12), 3, hidden=5, time_steps=2)
    judge = classifier(CNN, (1, 12, 12), 3, kernel=3)
    attack = BrainLeaksV3(target, steps=1, classes=[0, 2])
    found = run_attack(attack, {"cnn": judge}, ToyDigits(RateEncoder(2)), Scoring(draws=2, null_draws=2))
    assert found is not None
    return found


def test_it_says_what_judges_recognise_beside_the_nulls_and_what_was_assumed(result: AttackResult) -> None:
    first, assumed, judge, *nulls, last = repr(result).splitlines()
    assert first == "BrainLeaksV3 on ToyDigits, classes horizontal, ring"
    assert assumed == "the attacker assumes the encoding RateEncoder(time_steps=2, gain=1.0)"
    confidence = result.scores["judges"]["cnn"]["confidence"]
    assert judge.startswith("judge cnn: attack_accuracy ")
    assert f"confidence {confidence['mean']:.3f} ± {confidence['std']:.3f}" in judge
    assert [line.split(":")[0] for line in nulls] == [
        "  null noise",
        "  null black",
        "  null class_mean",
        "  null real",
    ]
    own = result.scores["judges"]["cnn"]
    real, noise = (f"{own['nulls'][name]['attack_accuracy']['mean']:.1%}" for name in ("real", "noise"))
    share = f"{own['attack_accuracy']['mean']:.1%}"
    assert (
        last
        == f"cnn recognises {share} of the reconstructions, compared with {real} of real test data and {noise} "
        + ("of noise.")
    )
    assert "tensor" not in repr(result)


def test_confidences_are_those_of_the_scores(result: AttackResult) -> None:
    rows = result.scores["judges"]["cnn"]["per_class"]
    assert result.confidence("cnn") == [row["confidence"] for row in rows]
    with pytest.raises(KeyError):
        result.confidence("mlp")


def test_it_draws_itself(result: AttackResult) -> None:
    assert result.plot().axes
    assert result.plot("confidence/cnn").axes
    with pytest.raises(ValueError, match=r"no picture 'x'; there are confidence/cnn, reconstructions, spike_raster\."):
        result.plot("x")


def test_it_writes_itself_as_the_command_does(result: AttackResult, tmp_path: Path) -> None:
    folder = result.save(tmp_path / "mine")
    written = json.loads((folder / "scores.json").read_text())
    fits("scores", written)
    assert written["assumed"] == {"encoder": {"class": "RateEncoder", "time_steps": 2, "gain": 1.0}}
    assert {path.name for path in folder.iterdir()} == {"scores.json", "reconstructions.pt", "reconstructions.png"}


def test_lightning_says_nothing_of_a_run_that_nobody_gave_it(caplog: pytest.LogCaptureFixture) -> None:
    def one(**trainer: InversionTrainer) -> AttackResult | None:
        attack = MIFace(classifier(CNN, (1, 12, 12), 3, kernel=3), steps=1, classes=[1])
        return run_attack(attack, {}, ToyDigits(), Scoring(draws=2, null_draws=2), **trainer)

    logger = logging.getLogger("lightning.pytorch")
    before = logger.level
    logger.setLevel(logging.INFO)
    with caplog.at_level(logging.INFO), warnings.catch_warnings():
        warnings.simplefilter("error")
        logger.addHandler(caplog.handler)
        try:
            assert repr(one()).splitlines()[0] == "MIFace on ToyDigits, class vertical"
            assert not caplog.messages
            assert logger.level == logging.INFO
            warnings.simplefilter("ignore")
            one(trainer=silent_trainer())
            assert caplog.messages
        finally:
            logger.removeHandler(caplog.handler)
            logger.setLevel(before)
