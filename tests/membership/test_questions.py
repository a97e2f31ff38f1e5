"""What attackers ask, and what they hear."""

from __future__ import annotations

import pytest
import torch
from toys import ToyDigits, flickering_bars

from brainleaks_pl import Classifier, RateEncoder, SpikingMLP
from brainleaks_pl.membership import questions
from brainleaks_pl.membership.questions import NOISE, SHIFTS, Questions, ask, ask_labels


@pytest.fixture
def network() -> Classifier:
    torch.manual_seed(0)
    made = Classifier(lambda: SpikingMLP((1, 12, 12), 3, 10)).eval()
    made.time_steps = 6
    return made


def test_confidences_and_what_goes_on_inside(network: Classifier) -> None:
    data = ToyDigits(encoder=RateEncoder(6), batch_size=30)
    (said,) = ask([network], data, torch.tensor([4, 0, 7, 9]), 5, Questions(draws=3, dropout_draws=2))
    assert said["confidence"].shape == (3, 4)
    assert said["population"].shape == said["dropout_population"].shape == (5,)
    assert said["classes"].sum(1) == pytest.approx(1)
    labels = data.split("train").labels[[4, 0, 7, 9]]
    own = said["classes"].double().gather(1, labels[:, None])[:, 0]
    assert said["probability"] == pytest.approx(own, abs=1e-6)
    assert said["confidence"][0] == pytest.approx((own / (1 - own)).log(), abs=1e-4)
    assert not torch.equal(said["confidence"][0], said["confidence"][1])  # other spikes of the same image
    assert said["spikes"].shape == (4, 2 * 5)  # two layers, five stretches of time
    assert said["membranes"].shape == (4, 5)
    (again,) = ask([network], data, torch.tensor([4, 0, 7, 9]), 5, Questions(draws=3, dropout_draws=2))
    assert all(torch.equal(said[kind], again[kind]) for kind in said)


def test_what_is_dropped_has_nothing_to_do_with_what_was_drawn() -> None:
    data = ToyDigits(encoder=RateEncoder(50), batch_size=30)
    x, _ = questions.encoded(data, "train", [0], torch.device("cpu"), seed=3)
    kept = questions._dropped(x, 0.5, seed=3).sum() / x.sum()
    assert 0.45 < kept < 0.55
    bright, dim = x.mean(0) > 0.7, (x.mean(0) < 0.2) & (x.mean(0) > 0)
    thinned = questions._dropped(x, 0.5, seed=3)
    for part in (bright, dim):  # bright or dim, the same share is lost
        assert 0.4 < thinned[:, part].sum() / x[:, part].sum() < 0.6


def test_recordings_are_asked_about_too() -> None:
    data = flickering_bars()
    torch.manual_seed(0)
    network = Classifier(lambda: SpikingMLP((2, 8, 8), 2, 10)).eval()
    (said,) = ask([network], data, torch.arange(6), 3, Questions())
    assert said["confidence"].shape == (1, 6)  # nothing is drawn
    assert set(ask_labels(network, data, torch.arange(6))) == {"shifted", "noisy"}


def test_labels_alone(network: Classifier) -> None:
    data = ToyDigits(encoder=RateEncoder(6), batch_size=30)
    said = ask_labels(network, data, torch.tensor([0, 1, 2]))
    for kind, changes in (("shifted", SHIFTS), ("noisy", NOISE)):
        shares = said[kind] * len(changes)
        assert torch.allclose(shares, shares.round())
        assert ((said[kind] >= 0) & (said[kind] <= 1)).all()


def test_a_shifted_image_leaves_zeros_behind() -> None:
    x = torch.arange(1.0, 7).view(1, 2, 3)
    assert questions._shifted(x, 0, 1).tolist() == [[[0, 1, 2], [0, 4, 5]]]
    assert questions._shifted(x, 0, -1).tolist() == [[[2, 3, 0], [5, 6, 0]]]
    assert questions._shifted(x, 1, 0).tolist() == [[[0, 0, 0], [1, 2, 3]]]
    assert questions._shifted(x, -1, 0).tolist() == [[[4, 5, 6], [0, 0, 0]]]
