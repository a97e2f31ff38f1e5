"""Networks on halves: trained together as alone, memorised labels found, nothing found where nothing was learnt."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from toys import ToyDigits, flickering_bars

from brainleaks_pl import CNN, MLP, Classifier, RateEncoder, SpikingMLP, Training
from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset
from brainleaks_pl.membership import keeping
from brainleaks_pl.membership.attacks import ATTACKS, Panel
from brainleaks_pl.membership.curves import Ranking
from brainleaks_pl.membership.halves import even_pool, halves
from brainleaks_pl.membership.keeping import Work, all_answers
from brainleaks_pl.membership.questions import Questions, ask
from brainleaks_pl.membership.shadows import Pool, loaded, rounded, train
from brainleaks_pl.membership.stacked import can_be_stacked

CPU = torch.device("cpu")


class Labelled(ImageDataModule):
    """Images of noise, 10x10, six classes; a class is a brighter row, but the second half has wrong labels."""

    input_shape = (1, 10, 10)
    num_classes = 6

    def __init__(self, samples: int = 72, **settings: Any) -> None:
        super().__init__(**settings)
        self.samples = samples

    def load(self) -> dict[str, ImageDataset]:
        generator = torch.Generator().manual_seed(0)

        def split(size: int) -> ImageDataset:
            images = torch.randint(0, 120, (size, 1, 10, 10), generator=generator)
            labels = torch.arange(size) % 6
            images[torch.arange(size), :, labels] += 100
            wrong = torch.randint(1, 6, (size - size // 2,), generator=generator)
            labels[size // 2 :] = (labels[size // 2 :] + wrong) % 6
            return ImageDataset(images.to(torch.uint8), labels)

        return {"train": split(self.samples), "val": split(6), "test": split(120)}


class Recordings:
    """Recordings of any length."""

    def __init__(self, samples: list[tuple[torch.Tensor, torch.Tensor]]) -> None:
        self.samples, self.labels = samples, torch.stack([label for _, label in samples])

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self.samples[index]


def network(kind: Callable[..., nn.Module], training: Training, **settings: Any) -> Callable[[], Classifier]:
    return partial(Classifier, partial(kind, (1, 10, 10), 6, **settings), training=training)


def pool_of(data: ImageDataModule, networks: int, spiking: bool, seed: int = 0) -> Pool:
    labels = data.split("train").labels
    indices = even_pool(labels, None, seed)
    return Pool(data.for_network(spiking), indices, halves(labels[indices], networks, seed), seed)


@pytest.mark.parametrize(("kind", "spiking"), [(MLP, False), (SpikingMLP, True)])
def test_networks_trained_together_are_those_trained_alone(kind: type[nn.Module], spiking: bool) -> None:
    pool = pool_of(Labelled(encoder=RateEncoder(4), batch_size=7), 4, spiking)
    make = network(kind, Training(lr=0.02, epochs=2, gradient_clip_norm=0.5), hidden=10)
    start = train(network(kind, Training(lr=1e-12, epochs=1), hidden=10), pool, [1], CPU)[0]
    alone = train(make, pool, [1, 2, 3], CPU, at_once=1)
    together = train(make, pool, [1, 2, 3], CPU, at_once=3)
    for one, other in zip(alone, together, strict=True):
        assert one.keys() == other.keys()
        for name, weights in one.items():
            assert torch.allclose(weights, other[name], rtol=0, atol=1e-5), name
    assert not torch.allclose(alone[0]["hidden.weight"], start["hidden.weight"], atol=1e-3)
    assert not torch.allclose(alone[0]["hidden.weight"], alone[1]["hidden.weight"], atol=1e-3)


@pytest.mark.parametrize("kind", [MLP, SpikingMLP])
@pytest.mark.parametrize("lengths", [1, 3])
def test_recordings_train_networks_together_as_alone_and_those_that_take_images_see_their_mean(
    kind: type[nn.Module], lengths: int
) -> None:
    data = flickering_bars(time_steps=6 if lengths == 1 else None)
    whole = data.split("train")
    recordings = [(frames[: 6 - place % lengths], label) for place, (frames, label) in enumerate(whole)]
    data = data.with_splits({"train": Recordings(recordings)})
    labels = data.split("train").labels
    indices = even_pool(labels, None, 0)
    pool = Pool(data, indices, halves(labels[indices], 4, 0), 0)
    make = partial(Classifier, partial(kind, (2, 8, 8), 2, 12), training=Training(lr=0.02, epochs=2, batch_size=3))
    alone, together = (train(make, pool, [1, 2], CPU, at_once) for at_once in (1, 2))
    for one, other in zip(alone, together, strict=True):
        for name, weights in one.items():
            assert torch.allclose(weights, other[name], rtol=0, atol=1e-5), name
    network = loaded(make, pool, together[0], CPU)
    (said,) = ask([network], data, indices, 4, Questions(dropout_draws=1))
    assert said["correct"].shape == (16,)
    assert ("spikes" in said) == (kind is SpikingMLP)


def test_samples_are_shifted_where_the_recipe_shifts_them_by_each_network_alone() -> None:
    pool = pool_of(Labelled(batch_size=7), 4, False)
    still, shifted = (network(MLP, Training(lr=0.02, epochs=1, max_shift=most), hidden=10) for most in (0, 2))
    found = train(shifted, pool, [1, 2], CPU)
    assert not torch.allclose(found[0]["hidden.weight"], train(still, pool, [1], CPU)[0]["hidden.weight"], atol=1e-3)
    assert torch.equal(found[1]["hidden.weight"], train(shifted, pool, [2], CPU)[0]["hidden.weight"])
    assert not can_be_stacked(shifted())


def test_only_what_is_known_to_be_plain_is_trained_together() -> None:
    plain = network(SpikingMLP, Training())()
    assert can_be_stacked(plain)
    assert not can_be_stacked(Classifier(partial(CNN, (1, 28, 28), 3)))
    assert not can_be_stacked(Classifier(partial(SpikingMLP, (1, 6, 6), 3), spike_penalty=1.0))
    plain.network.neurons.register_forward_hook(lambda *_: None)
    assert not can_be_stacked(plain)


def test_members_whose_labels_are_wrong_give_themselves_away() -> None:
    pool = pool_of(Labelled(batch_size=18), 16, spiking=False)
    make = network(MLP, Training(lr=0.03, epochs=60, gradient_clip_norm=None), hidden=96)
    panel = panel_of(Work(make, pool, Questions(1, 0), population=120))
    wrong = pool.indices.numpy() >= 36
    for attack in ("lira_online", "rmia_online", "bavaria"):
        scores = ATTACKS[attack].attack(panel)
        assert Ranking(scores[:, wrong], pool.members[:, wrong]).curve().auc >= 0.99, attack


def test_untrained_networks_give_nobody_away() -> None:
    pool = pool_of(Labelled(600, encoder=RateEncoder(3), batch_size=300), 16, spiking=True)
    panel = panel_of(Work(network(SpikingMLP, Training(lr=1e-12, epochs=1), hidden=8), pool, Questions(2, 1), 30))
    for name, entry in ATTACKS.items():
        if entry.fits(panel):
            auc = Ranking(entry.attack(panel), pool.members).curve().auc
            assert 0.48 <= auc <= 0.52, name


def panel_of(work: Work) -> Panel:
    states = train(work.make, work.pool, range(work.pool.networks), CPU)
    networks = [loaded(work.make, work.pool, state, CPU) for state in states]
    answers = ask(networks, work.pool.data, work.pool.indices, work.population, work.questions)
    return Panel(answers, work.pool.members, work.pool.data.split("train").labels[work.pool.indices].numpy())


def test_what_was_interrupted_goes_on_and_comes_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = ToyDigits(encoder=RateEncoder(3), batch_size=30)
    make = partial(Classifier, partial(SpikingMLP, (1, 12, 12), 3, 6), training=Training(lr=0.02, epochs=1))
    work = Work(make, pool_of(data, 6, spiking=True), Questions(1, 1), 10, label_only=2, bits=(4,), together=2)
    whole = all_answers(work, tmp_path / "whole", CPU)

    calls: list[int] = []

    def dies(*arguments: Any) -> Any:
        calls.append(len(calls))
        if len(calls) == 4:  # in the second group, its weights trained
            raise KeyboardInterrupt
        return ask(*arguments)

    monkeypatch.setattr(keeping, "ask", dies)
    with pytest.raises(KeyboardInterrupt):
        all_answers(work, tmp_path / "cut", CPU)
    monkeypatch.setattr(keeping, "ask", ask)
    trained: list[Any] = []
    monkeypatch.setattr(keeping, "train", lambda *given: trained.append(given[2]) or train(*given))
    lines: list[str] = []
    resumed = all_answers(work, tmp_path / "cut", CPU, lines.append)
    assert [list(numbers) for numbers in trained] == [[4, 5]]
    assert [line.endswith("done before") for line in lines] == [True, False, False]
    assert [path.name.count("weights") for path in (tmp_path / "cut").iterdir()] == [0, 0, 0]
    assert whole.keys() == resumed.keys() == {"full", "4 bits"}
    for view, answers in whole.items():
        for one, other in zip(answers, resumed[view], strict=True):
            assert one.keys() == other.keys()
            assert all(torch.equal(one[kind], other[kind]) for kind in one)
    assert ["shifted" in own for own in whole["full"]] == [True, True, False, False, False, False]
    (damaged, *_) = (tmp_path / "cut").iterdir()
    damaged.write_bytes(b"rubbish")
    all_answers(work, tmp_path / "cut", CPU)
    assert len(trained) == 2


def test_rounded_weights_have_few_levels() -> None:
    weights = {"w": torch.randn(40, 40), "b": torch.randn(40)}
    fine = rounded(weights, 4)
    assert len(fine["w"].unique()) <= 15
    assert (fine["w"] - weights["w"]).abs().max() <= weights["w"].abs().max() / 14 + 1e-6
    assert torch.equal(fine["b"], weights["b"])
    with pytest.raises(ValueError, match="2 to 16, got 1"):
        rounded(weights, 1)


def test_a_pool_holds_an_even_number_of_each_class() -> None:
    labels = torch.tensor([0] * 5 + [1] * 8)
    assert labels[even_pool(labels, None, 0)].bincount().tolist() == [4, 8]
    assert labels[even_pool(labels, 6, 0)].bincount().tolist() == [2, 2]
    with pytest.raises(ValueError, match="each class needs at least two"):
        even_pool(torch.tensor([0, 0, 1]), None, 0)


def test_a_training_that_diverges_is_named() -> None:
    pool = pool_of(Labelled(batch_size=30), 4, spiking=False)
    make = network(MLP, Training(lr=1e38, epochs=3, gradient_clip_norm=None), hidden=4)
    for at_once in (1, 2):
        with pytest.raises(ValueError, match=r"network 2, step \d+: the training loss is not finite"):
            train(make, pool, [2, 3], CPU, at_once)
