from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor

from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset, to_pixels
from brainleaks_pl.encoders import ConstantCurrentEncoder, RateEncoder


class Toy(ImageDataModule):
    """Image i of N is filled with the value i and has the label i modulo 3."""

    input_shape = (1, 2, 3)
    num_classes = 3
    loads = 0

    def load(self) -> dict[str, ImageDataset]:
        self.loads += 1
        return {"train": dataset(9), "val": dataset(4), "test": dataset(5)}


def dataset(number: int, shape: tuple[int, int, int] = (1, 2, 3)) -> ImageDataset:
    index = torch.arange(number)
    return ImageDataset(index.to(torch.uint8).view(-1, 1, 1, 1).expand(-1, *shape), index % 3)


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_to_pixels() -> None:
    assert torch.equal(to_pixels(torch.tensor([0, 51, 255], dtype=torch.uint8)), torch.tensor([0.0, 0.2, 1.0]))
    half = torch.tensor([0.5], dtype=torch.float16)
    assert to_pixels(half) is half


def test_dataset_fetches_batches_and_items_alike() -> None:
    data = dataset(9)
    images, labels = data.__getitems__([4, 0, 8])
    assert images.shape == (3, 1, 2, 3)
    assert images.dtype == torch.uint8
    assert images[:, 0, 0, 0].tolist() == [4, 0, 8]
    assert labels.tolist() == [1, 0, 2]
    for position, index in enumerate([4, 0, 8]):
        image, label = data[index]
        assert torch.equal(image, images[position])
        assert label == labels[position]


def test_dataset_refuses_unequal_numbers() -> None:
    with pytest.raises(ValueError, match="2 images but 3 labels"):
        ImageDataset(torch.zeros(2, 1, 1, 1), torch.zeros(3))


@pytest.mark.parametrize(
    ("argument", "value", "least"), [("batch_size", 0, 1), ("eval_batch_size", -2, 1), ("num_workers", -1, 0)]
)
def test_sizes_out_of_range(argument: str, value: int, least: int) -> None:
    with pytest.raises(ValueError, match=f"{argument} must be at least {least}, got {value}"):
        Toy(**{argument: value})


def test_training_shuffles_and_the_others_keep_the_order() -> None:
    data = Toy(batch_size=4, eval_batch_size=2)
    batches = list(data.train_dataloader())
    assert [len(labels) for _, labels in batches] == [4, 4, 1]
    values = [int(value) for images, _ in batches for value in images[:, 0, 0, 0]]
    assert sorted(values) == list(range(9))
    assert values != list(range(9))
    for loader, expected in (
        (data.val_dataloader(), [[0, 1], [2, 3]]),
        (data.test_dataloader(), [[0, 1], [2, 3], [4]]),
        (data.predict_dataloader(), [[0, 1], [2, 3], [4]]),
    ):
        assert [images[:, 0, 1, 2].tolist() for images, _ in loader] == expected


def test_workers_give_the_same_batches() -> None:
    alone, helped = (list(Toy(eval_batch_size=2, num_workers=n).test_dataloader()) for n in (0, 1))
    assert len(alone) == len(helped) == 3
    for (images, labels), (other_images, other_labels) in zip(alone, helped, strict=True):
        assert torch.equal(images, other_images)
        assert torch.equal(labels, other_labels)


def test_batches_are_pixels_without_an_encoder() -> None:
    data = Toy()
    labels = torch.tensor([1, 2])
    pixels, same = data.on_after_batch_transfer((torch.full((2, 1, 2, 3), 51, dtype=torch.uint8), labels), 0)
    assert data.time_steps is None
    assert torch.equal(pixels, torch.full((2, 1, 2, 3), 0.2))
    assert same is labels


def test_batches_are_encoded_with_an_encoder() -> None:
    images = torch.randint(256, (2, 1, 2, 3), dtype=torch.uint8)
    constant, rate = Toy(ConstantCurrentEncoder(4)), Toy(RateEncoder(2000))
    assert constant.time_steps == 4
    currents, _ = constant.on_after_batch_transfer((images, torch.zeros(2)), 0)
    assert torch.equal(currents, (images / 255).expand(4, 2, 1, 2, 3))
    spikes, _ = rate.on_after_batch_transfer((images, torch.zeros(2)), 0)
    assert spikes.unique().tolist() == [0, 1]
    torch.testing.assert_close(spikes.mean(0), images / 255, atol=0.05, rtol=0)


def test_the_trainer_hands_encoded_batches_to_the_model() -> None:
    class Recorder(LightningModule):
        def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
            shapes.append((tuple(batch[0].shape), tuple(batch[1].shape)))

    shapes: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    trainer = Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.test(Recorder(), Toy(RateEncoder(7), eval_batch_size=3), verbose=False)
    assert shapes == [((7, 3, 1, 2, 3), (3,)), ((7, 2, 1, 2, 3), (2,))]


def test_data_are_read_once() -> None:
    data = Toy()
    data.setup("fit")
    data.setup("test")
    data.split("val")
    assert data.loads == 1


def test_unknown_split() -> None:
    with pytest.raises(ValueError, match="unknown split 'valid'; choose one of test, train, val"):
        Toy().split("valid")


def test_images_of_another_shape_are_refused() -> None:
    class Odd(Toy):
        def load(self) -> dict[str, ImageDataset]:
            return {"train": dataset(9), "val": dataset(4), "test": dataset(5, (1, 3, 2))}

    with pytest.raises(ValueError, match=r"Odd: the test samples have the shape \(1, 3, 2\), expected \(1, 2, 3\)"):
        Odd().setup()


def test_class_images_and_means() -> None:
    data = Toy()
    images = data.class_images(1)
    assert images.shape == (3, 1, 2, 3)
    assert torch.equal(images[:, 0, 0, 0], torch.tensor([1, 4, 7]) / 255)
    assert torch.equal(data.class_images(1, "test")[:, 0, 0, 0], torch.tensor([1, 4]) / 255)
    means = data.class_means()
    torch.testing.assert_close(means, (torch.tensor([3.0, 4, 5]) / 255).view(3, 1, 1, 1).expand(3, 1, 2, 3))


@pytest.mark.parametrize("label", [-1, 3])
def test_class_out_of_range(label: int) -> None:
    with pytest.raises(ValueError, match=f"class {label} does not exist: Toy has classes 0 to 2"):
        Toy().class_images(label)


def test_a_class_without_images_has_no_mean() -> None:
    class Sparse(Toy):
        def load(self) -> dict[str, ImageDataset]:
            return {"train": dataset(9), "val": dataset(2), "test": dataset(5)}

    with pytest.raises(ValueError, match="Sparse has no sample of class 2 in the split 'val'"):
        Sparse().class_means("val")


def test_class_names() -> None:
    assert Toy().class_name(2) == "2"


def test_an_ordinary_network_gets_the_images_themselves() -> None:
    data = Toy(encoder=RateEncoder(4))
    data.setup()
    images = data.for_network(takes_spikes=False)
    assert data.for_network(takes_spikes=True) is data
    assert (images.encoder, images.time_steps, data.time_steps) == (None, None, 4)
    assert images.split("train") is data.split("train")
    assert data.loads == 1
    assert images.for_network(takes_spikes=False) is images


def test_other_time_steps_leave_the_data_as_they_are() -> None:
    data = Toy(encoder=RateEncoder(4, gain=0.5))
    other = data.with_time_steps(7)
    assert (data.time_steps, other.time_steps, other.encoder) == (4, 7, RateEncoder(7, gain=0.5))
    with pytest.raises(ValueError, match="time_steps must be at least 1, got 0"):
        data.with_time_steps(0)
    with pytest.raises(ValueError, match="Toy has no encoder, so no time steps: 7 cannot be set"):
        Toy().with_time_steps(7)
