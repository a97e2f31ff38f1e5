"""The judge that memorises: nearest training images of each class, without a gradient step."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from toys import ToyDigits, classifier, flickering_bars, silent_trainer

from brainleaks_pl import (
    CNN,
    MIFace,
    NearestNeighbour,
    RateEncoder,
    Scoring,
    load_network,
    run_attack,
)
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.image_base import ImageDataset
from brainleaks_pl.engine.checkpoints import load_checkpoint, save_network
from brainleaks_pl.engine.fitting import check_fits, train_network
from brainleaks_pl.networks.hog import hog
from brainleaks_pl.targets.checks import run_checks


def fitted(data: BaseDataModule, references: int | None = 500) -> tuple[NearestNeighbour, float]:
    judge = NearestNeighbour(references)
    check_fits({"nearest": judge}, data)
    accuracy = train_network(silent_trainer(), judge, data, seed=0)
    return judge.eval(), accuracy


@pytest.mark.parametrize("references", [4, None])
def test_logits_are_the_distances_to_the_nearest_training_image_of_each_class(
    toy_digits: ToyDigits, references: int | None
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        judge, accuracy = fitted(toy_digits, references)
    assert accuracy > 0.9
    x = toy_digits.class_images(2, "test")[:3]
    expected = torch.empty(1, 3, 3)
    for row, features in enumerate(hog(x)):
        for k in range(3):
            members = hog(toy_digits.class_images(k)[:references])
            nearest = min((features - member).norm().item() for member in members)
            expected[0, row, k] = -nearest / judge.network.temperature
    torch.testing.assert_close(judge.logits(x), expected, atol=1e-3, rtol=1e-4)
    assert not list(judge.parameters())
    # training images alone are known by heart
    own = judge.network.distances(toy_digits.class_images(1)[:1])[0, 1]
    assert own == 0 < judge.network.distances(toy_digits.class_images(1, "test"))[:, 1].min()


def test_the_temperature_makes_validation_images_most_likely(toy_digits: ToyDigits) -> None:
    val = toy_digits.split("val")
    val.labels[:4] = val.labels[[1, 2, 3, 0]]  # some wrong: nothing is certain
    judge, _ = fitted(toy_digits)
    images, labels = val.images / 255, val.labels

    def loss(factor: float) -> float:
        return torch.nn.functional.cross_entropy(judge.logits(images)[0] / factor, labels).item()

    assert 0.01 < judge.network.temperature < 10
    assert loss(1.0) < min(loss(0.9), loss(1.1))


class OnTest(ToyDigits):
    """Holds out no validation images; every training image is there twice but for one, alone in its class."""

    validates_on_test = True

    def load(self) -> dict[str, ImageDataset]:
        train = super().load()["train"]
        chosen = torch.tensor([0, 1, 3, 4, 2])
        splits = {**super().load(), "train": ImageDataset(train.images[chosen], train.labels[chosen])}
        return {**splits, "val": splits["test"]}


def test_without_validation_images_each_reference_is_held_against_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    data = OnTest()
    judge, _ = fitted(data)
    distances, labels = judge.network.left_out_distances(100)
    features = [hog(data.class_images(k)) for k in range(3)]
    assert labels.tolist() == [0, 0, 1, 1]
    expected = (features[0][0] - features[0][1]).norm()
    torch.testing.assert_close(distances[:2, 0], expected.expand(2))
    torch.testing.assert_close(distances[0, 2], (features[0][0] - features[2][0]).norm())
    assert judge.network.left_out_distances(3)[1].tolist() == [0, 1]
    before = judge.network.temperature.clone()
    monkeypatch.setattr(data.split("val"), "images", 0 * data.split("val").images)
    judge.memorise(data)
    assert judge.network.temperature == before  # test images play no part


def test_what_was_memorised_comes_back_from_its_checkpoint(toy_digits: ToyDigits, tmp_path: Path) -> None:
    judge, accuracy = fitted(toy_digits, 7)
    path = tmp_path / "nearest.pt"
    save_network(path, judge, toy_digits, accuracy, 0)
    x = toy_digits.class_images(0, "test")
    again = NearestNeighbour(7, (1, 12, 12), 3)
    with pytest.raises(ValueError, match="has memorised no images yet"):
        again.logits(x)
    facts = load_checkpoint(path, again, toy_digits)
    assert facts["recipe"] == again.recipe() == {"references": 7}
    for other in (again, load_network(path)):
        assert torch.equal(other.logits(x), judge.logits(x))
        assert other.digest() == judge.digest()
    assert not run_checks(again.eval(), toy_digits, attacked=False, with_accuracy=True).failed
    with pytest.raises(ValueError, match="references: 7 there, 8 here"):
        load_checkpoint(path, NearestNeighbour(8, (1, 12, 12), 3), toy_digits)


def test_it_judges_an_attack_and_sees_rate_images_of_spikes(toy_digits: ToyDigits) -> None:
    judge, _ = fitted(toy_digits.for_network(False), 5)
    torch.manual_seed(0)
    attack = MIFace(classifier(CNN, (1, 12, 12), 3, kernel=3), steps=1, classes=[2, 0])
    report = run_attack(attack, {"nearest": judge}, toy_digits, Scoring(draws=1, null_draws=2))
    assert report is not None
    assert report.scores["judges"]["nearest"]["nulls"]["real"]["attack_accuracy"]["mean"] > 0.9
    spikes = RateEncoder(50).encode(toy_digits.class_images(1, "test"), torch.Generator().manual_seed(0))
    torch.testing.assert_close(judge.logits(spikes), judge.logits(spikes.mean(0)))
    assert (judge.logits(spikes).argmax(-1) == 1).float().mean() > 0.8


def test_recordings_are_compared_as_the_data_display_them() -> None:
    data = flickering_bars()
    judge, accuracy = fitted(data)
    assert accuracy > 0.7
    shown = data.display(data.class_images(1, "test"))
    own = min((hog(shown) - member).norm().item() for member in hog(data.display(data.class_images(1))))
    recording = data.recording(1, "test").unsqueeze(1).float()
    assert -judge.logits(recording)[0, 0, 1] * judge.network.temperature == pytest.approx(own, abs=1e-5)
    silent = torch.cat([recording, torch.zeros(30, *recording.shape[1:])])  # as in a batch of longer ones
    torch.testing.assert_close(judge.logits(silent), judge.logits(recording), atol=1e-3, rtol=0)


@pytest.mark.parametrize("references", [0, -1])
def test_refuses_references_below_one(references: int) -> None:
    with pytest.raises(ValueError, match=f"references must be at least 1, or null for all images, got {references}"):
        NearestNeighbour(references)
