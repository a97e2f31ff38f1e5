"""Whose a reconstruction is, by fixed features: against plain loops, and against all draws there are."""

from __future__ import annotations

from itertools import combinations

import pytest
import torch
from toys import ToyDigits, flickering_bars

from brainleaks_pl.data.image_base import ImageDataset
from brainleaks_pl.encoders.rate import RateEncoder
from brainleaks_pl.evaluation import identification
from brainleaks_pl.evaluation.identification import gallery, identify, member_nearer, verification
from brainleaks_pl.evaluation.similarity import means, similarity, similarity_nulls
from brainleaks_pl.networks.hog import hog


@pytest.mark.parametrize(("members", "others"), [(5, 3), (3, 5), (4, 4), (1, 6), (6, 1)])
def test_member_nearer_is_the_mean_over_all_draws(members: int, others: int) -> None:
    generator = torch.Generator().manual_seed(members)
    for _ in range(5):  # few values, so that there are ties
        inside, outside = (torch.randint(0, 5, (n,), generator=generator).float() for n in (members, others))
        drawn = min(members, others)
        outcomes = [
            (min(a) < min(b)) + (min(a) == min(b)) / 2
            for a in combinations(inside.tolist(), drawn)
            for b in combinations(outside.tolist(), drawn)
        ]
        assert member_nearer(inside, outside) == pytest.approx(sum(outcomes) / len(outcomes))


def test_member_nearer_of_many_images() -> None:
    near, far = torch.linspace(1, 2, 5400), torch.linspace(3, 4, 1000)
    assert (member_nearer(near, far), member_nearer(far, near)) == (1.0, 0.0)
    copied = torch.cat([torch.zeros(1), torch.full((5399,), 2.0)])  # is drawn with a probability of 10 in 54
    assert member_nearer(copied, torch.ones(1000)) == pytest.approx(10 / 54)
    assert member_nearer(far, far) == 0.5


def test_rows_equal_plain_loops(toy_digits: ToyDigits) -> None:
    images = torch.cat([toy_digits.class_images(1, "val")[:2], torch.rand(1, 1, 12, 12)])
    classes = [1, 0, 2]
    rows = identify(images, classes, toy_digits)
    train, test = ([hog(toy_digits.class_images(k, split)) for k in range(3)] for split in ("train", "test"))
    for row, features, k in zip(rows, hog(images), classes, strict=True):
        nearest = [min((features - member).norm().item() for member in members) for members in train]
        outside = [(features - other).norm().item() for other in test[k]]
        assert row["rank"] == sum(distance <= nearest[k] for distance in nearest)
        assert row["distance_member"] == pytest.approx(nearest[k], abs=1e-5)
        assert row["distance_non_member"] == pytest.approx(min(outside), abs=1e-5)
        assert row["verified"] == float(nearest[k] < gallery(toy_digits).verification.threshold)
        inside = torch.stack([(features - member).norm() for member in train[k]])
        assert row["member_nearer"] == pytest.approx(member_nearer(inside, torch.tensor(outside)), abs=1e-6)
    assert [row["rank"] == 1 for row in rows[:2]] == [True, False]
    assert [row["verified"] for row in rows[:2]] == [1.0, 0.0]


def test_ties_count_against_the_rank() -> None:
    same = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))

    class Twins(ToyDigits):
        def load(self) -> dict[str, ImageDataset]:
            images = (same * 255).to(torch.uint8).expand(3, -1, -1, -1)
            return {split: ImageDataset(images, torch.arange(3)) for split in ("train", "val", "test")}

    (row,) = identify(Twins().class_images(0), [1], Twins())
    assert row["rank"] == 3


def test_the_threshold_accepts_one_in_a_hundred_impostors() -> None:
    generator = torch.Generator().manual_seed(0)
    train = torch.rand(30, 4, generator=generator)
    test = [torch.rand(n, 4, generator=generator) for n in (60, 0, 90)]
    found = verification(train, [10, 10, 10], test)
    impostors = sorted(
        min((probe - member).norm().item() for member in train[10 * other : 10 * other + 10])
        for k, probes in enumerate(test)
        for probe in probes
        for other in range(3)
        if other != k
    )
    assert found.pairs == len(impostors) == 300
    assert found.threshold == pytest.approx(impostors[3])
    assert sum(distance < found.threshold - 1e-6 for distance in impostors) == 3
    few = verification(train, [10, 10, 10], [train[:1], train[10:12], test[0][:2]])
    assert few.pairs == 10
    assert few.threshold < impostors[-1]
    assert few.accepted >= 3 / 5 <= few.recognised  # known by heart


def test_a_gallery_is_computed_once_for_all_encoders(monkeypatch: pytest.MonkeyPatch) -> None:
    data = ToyDigits(encoder=RateEncoder(4))
    first = gallery(data)
    monkeypatch.setattr(identification, "hog", None)
    assert gallery(data.for_network(False)) is first
    with pytest.raises(TypeError):
        gallery(ToyDigits())


def test_nulls_stand_beside_and_a_real_image_is_not_its_own_neighbour(toy_digits: ToyDigits) -> None:
    rows = similarity_nulls(toy_digits, [2, 0], seed=3)
    assert list(rows) == ["noise", "black", "class_mean", "real"]
    assert [row["class"] for row in rows["noise"]] == [2, 0]
    assert all(row["distance_non_member"] > 0.05 < row["distance_member"] for row in rows["real"])
    assert all(row["rank"] == 1 for row in rows["real"])
    mean = similarity(toy_digits.class_means()[[2, 0]], [2, 0], toy_digits)
    assert rows["class_mean"] == mean
    rows["noise"].clear()
    assert similarity_nulls(toy_digits, [2, 0], seed=3)["noise"]
    assert similarity_nulls(toy_digits, [2, 0], seed=4)["real"] != rows["real"]
    found = means({"mean": mean})["mean"]
    assert found["member_nearer"] == pytest.approx(sum(row["member_nearer"] for row in mean) / 2)
    assert found["identified"] == 1


def test_recordings_are_compared_as_rate_images_and_real_ones_with_others() -> None:
    data = flickering_bars()
    rows = similarity_nulls(data, [0, 1], time_steps=6)
    assert list(rows) == ["noise", "shuffled", "class_mean", "real"]
    upright, flat = rows["real"]
    assert upright["rank"] == flat["rank"] == 1
    assert upright["distance_non_member"] > 0.05
    assert not {"distance_non_member", "member_nearer"} & flat.keys()  # it is the only test recording
    assert means(rows)["real"]["member_nearer"] == upright["member_nearer"]
