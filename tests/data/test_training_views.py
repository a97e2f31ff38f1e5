"""Training sets that keep a class, or all, from being learnt."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from toys import ToyDigits

from brainleaks_pl import RateEncoder
from brainleaks_pl.data.training_views import Relabelled, with_shuffled_labels, without_classes


def test_shuffled_labels_keep_images_and_counts_and_nothing_else() -> None:
    data = ToyDigits(encoder=RateEncoder(4))
    other, same, another = (with_shuffled_labels(data, seed) for seed in (1, 1, 2))
    for name in ("train", "val"):
        before, after = data.split(name), other.split(name)
        assert torch.equal(before.images, after.images)
        assert torch.equal(before.labels.bincount(), after.labels.bincount())
        assert not torch.equal(before.labels, after.labels)
        assert torch.equal(after.labels, same.split(name).labels)
    assert not torch.equal(other.split("train").labels, another.split("train").labels)
    assert other.split("test") is data.split("test")
    agreement = (data.split("train").labels == other.split("train").labels).float().mean()
    assert agreement < 0.5  # chance is a third
    assert len({each.digest() for each in (data, other, another)}) == 3


def test_withheld_classes_are_in_no_split_that_training_sees() -> None:
    data = ToyDigits(encoder=RateEncoder(4))
    other = without_classes(data, (0, 2))
    for name in ("train", "val"):
        assert other.split(name).labels.unique().tolist() == [1]
        assert torch.equal(other.split(name).images, data.split(name).images[data.split(name).labels == 1])
    assert other.split("test").labels.unique().tolist() == [0, 1, 2]
    assert data.split("train").labels.unique().tolist() == [0, 1, 2]  # as it was
    assert other.digest() != data.digest()
    assert other.for_network(False).split("train").labels.unique().tolist() == [1]
    with pytest.raises(ValueError, match=r"ToyDigits has no train sample but those of the classes \[0, 1, 2\]"):
        without_classes(data, (0, 1, 2))


class Recordings:
    """A data set of somebody else's: no images in memory."""

    labels = torch.tensor([0, 1, 2])

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.full((2, 1, 3, 3), index), self.labels[index]


def test_samples_of_any_data_set_are_relabelled() -> None:
    view: Any = Relabelled(Recordings(), torch.tensor([2, 0]), torch.tensor([0, 1]))
    assert len(view) == 2
    assert [(int(x[0, 0, 0, 0]), int(y)) for x, y in (view[0], view[1])] == [(2, 0), (0, 1)]
    other = Relabelled(Recordings(), torch.tensor([2, 0]), torch.tensor([1, 0]))
    assert view.digest() != other.digest()
