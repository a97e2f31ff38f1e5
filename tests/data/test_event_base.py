"""What event data say of a class, their nulls and how alike a reconstruction is, on recordings written out by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from brainleaks_pl import EventDataModule, FrameTransform
from brainleaks_pl.data.base import LabelledDataset


class Recordings:
    """Frames and classes held in memory."""

    def __init__(self, frames: list[Tensor], labels: list[int]) -> None:
        self.frames, self.labels = frames, torch.tensor(labels)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.frames[index], self.labels[index]


class TinyEvents(EventDataModule):
    """A sensor of 3x2: class 0 spikes in pixel (0, 0) at every step, class 1 everywhere in the first step alone."""

    sensor_size = (3, 2)
    num_classes = 2

    def load(self) -> dict[str, LabelledDataset]:
        steady = torch.zeros(4, 1, 2, 3, dtype=torch.uint8)
        steady[:, 0, 0, 0] = 1
        flash = torch.zeros(2, 1, 2, 3, dtype=torch.uint8)
        flash[0] = 1
        train = Recordings([steady, flash, steady[:2], flash], [0, 1, 0, 1])
        test = Recordings([steady, flash], [0, 1])
        return {"train": train, "val": test, "test": test}


@pytest.fixture
def data() -> TinyEvents:
    return TinyEvents(FrameTransform(frame_time=1000))


def draw(data: TinyEvents, name: str, time_steps: int = 4, seed: int = 0) -> Tensor:
    null = data.nulls([1, 0], time_steps, torch.device("cpu"))[name]
    assert null.random
    return null.sample(torch.Generator().manual_seed(seed))


def test_all_networks_get_the_recordings_as_they_are(data: TinyEvents) -> None:
    assert data.for_network(takes_spikes=False) is data
    with pytest.raises(ValueError, match="TinyEvents cannot be encoded over 7 time steps: it has its own"):
        data.with_time_steps(7)


def test_statistics_of_one_class(data: TinyEvents) -> None:
    steady = data.class_statistics(0)
    assert steady.rate_images.tolist() == [[[[1, 0, 0], [0, 0, 0]]]] * 2
    # of the two recordings one is over after two steps
    assert steady.frames[:, 0, 0, 0].tolist() == [1, 1, 0.5, 0.5]
    assert (data.class_images(1) == 0.5).all()
    assert data.recording(1).tolist() == data.split("train")[1][0].tolist()
    assert data.sensor_rate == pytest.approx((1 / 6 + 1 / 2) / 2)
    assert len(TinyEvents(FrameTransform(1000), references=1).class_images(0)) == 1


def test_batches_are_time_first_and_padded_with_silence(data: TinyEvents) -> None:
    (batch,) = data.test_dataloader()
    spikes, labels = data.on_after_batch_transfer(batch, 0)
    assert spikes.shape == (4, 2, 1, 2, 3)
    assert spikes.dtype == torch.float32
    assert spikes[:, 1].sum((1, 2, 3)).tolist() == [6, 0, 0, 0]
    assert labels.tolist() == [0, 1]


def test_real_null_is_a_test_recording_fitted_in_length(data: TinyEvents) -> None:
    assert draw(data, "real")[:, 0].sum((1, 2, 3)).tolist() == [6, 0, 0, 0]
    assert draw(data, "real", 3)[:, 1].sum((1, 2, 3)).tolist() == [1, 1, 1]


def test_shuffled_null_keeps_the_number_of_spikes_alone(data: TinyEvents) -> None:
    samples = torch.stack([draw(data, "shuffled", seed=seed) for seed in range(200)])
    assert (samples.sum((1, 3, 4, 5)) == torch.tensor([6.0, 4.0])).all()
    rates = samples.mean(0)  # every place is as likely as any other
    assert (rates[:, 0] - 6 / 24).abs().max() < 0.15
    assert (rates[:, 1] - 4 / 24).abs().max() < 0.15


def test_noise_and_class_mean_nulls_have_the_rates_of_the_class(data: TinyEvents) -> None:
    noise, mean = (draw(data, name, 4000) for name in ("noise", "class_mean"))
    assert torch.allclose(noise.mean(0)[0], torch.full((1, 2, 3), 0.5), atol=0.05)
    assert torch.allclose(noise.mean(0)[1], torch.full((1, 2, 3), 1 / 6), atol=0.05)
    assert torch.allclose(mean.mean(0)[0], torch.full((1, 2, 3), 0.5), atol=0.05)
    assert mean[:, 1].mean(0).tolist() == [[[1, 0, 0], [0, 0, 0]]]


def test_images_have_no_place_beside_recordings(data: TinyEvents) -> None:
    with pytest.raises(ValueError, match="TinyEvents holds recordings: they cannot stand beside images"):
        data.nulls([0], None, torch.device("cpu"))


def test_likeness_of_a_recording_and_of_its_opposite(data: TinyEvents) -> None:
    flash = torch.zeros(4, 1, 2, 3)
    flash[0] = 1
    likeness = data.likeness(flash, 1)
    assert likeness == pytest.approx(
        {
            "spike_rate": 0.25,
            "class_rate": 0.5,
            "class_rate_std": 0.0,
            "rate_to_class": 0.5,
            "rate_to_sensor": 0.75,
            "time_course_correlation": 1.0,
        }
    )
    assert data.likeness(1 - flash, 1)["time_course_correlation"] == pytest.approx(-1.0)
    assert data.likeness(torch.zeros(4, 1, 2, 3), 1)["time_course_correlation"] == 0.0


def test_rate_images_are_shown_relative_to_their_peak(data: TinyEvents) -> None:
    shown = data.display(torch.tensor([[[[0.0, 0.1], [0.2, 0.05]]], [[[0.0, 0.0], [0.0, 0.0]]]]))
    assert torch.allclose(shown[0, 0], torch.tensor([[0.0, 0.5], [1.0, 0.25]]))
    assert (shown[1] == 0).all()
