"""What stands for data: it changes with every pixel, event and label, and with nothing else."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from recordings import class_recording, write_gesture_folder, write_nmnist_folder
from toys import ToyDigits

from brainleaks_pl import MNIST, NMNIST, DVSGesture, EventDataModule, FrameTransform, RateEncoder, SimulatedNMNIST
from brainleaks_pl.data import BaseDataModule, ImageDataset, digests
from brainleaks_pl.data.base import LabelledDataset
from brainleaks_pl.data.digests import digest
from brainleaks_pl.events.formats import write_nmnist

FRAMES = FrameTransform(frame_time=3000)


class Samples:
    """A user's own data set: frames in memory, without a digest."""

    def __init__(self, number: int, seed: int) -> None:
        generator = torch.Generator().manual_seed(seed)
        self.frames = torch.randint(0, 2, (number, 3, 1, 2, 2), generator=generator, dtype=torch.uint8)
        self.labels = torch.arange(number) % 2
        self.noisy = False
        self.read: list[int] = []

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.read.append(index)
        noise = torch.randint(0, 9, ()) + np.random.randint(9) + random.randrange(9) if self.noisy else 0
        return self.frames[index] + noise, self.labels[index]


class OwnEvents(EventDataModule):
    """A user's own data module."""

    sensor_size = (2, 2)
    num_classes = 2

    def load(self) -> dict[str, LabelledDataset]:
        return {name: Samples(number, number) for name, number in (("train", 8), ("val", 5), ("test", 6))}


def of(data: BaseDataModule) -> str:
    """The digest, made anew; the module keeps the one that it had."""
    kept, data._split_digests = data._split_digests, (None, {})
    made = data.digest()
    data._split_digests = kept
    return made


def test_stands_for_settings_and_every_entry_of_tensors() -> None:
    values = torch.arange(6)
    same = [digest({"a": 1}, [values]), digest({"a": 1}, [values.clone()])]
    other = [
        digest({"a": 2}, [values]),
        digest({"a": 1}, [values.view(2, 3)]),
        digest({"a": 1}, [values.int()]),
        digest({"a": 1}, [values.flip(0)]),
        digest({"a": 1}, [values[:5], values[5:]]),
        digest({"a": 1}),
    ]
    assert same[0] == same[1]
    assert len({same[0], *other}) == 7
    assert digest({}, [values.bfloat16(), torch.tensor(1.5), torch.empty(0, 2)]) != digest({}, [values.half()])
    # folders of simulated recordings have this in their names
    assert digest({"a": 1}, [values]) == "a7f4b8341eb16a8e"


def test_images_change_it_and_sizes_of_batches_do_not() -> None:
    data = ToyDigits()
    first = data.digest()
    assert len(first) == 16
    assert ToyDigits(batch_size=7, eval_batch_size=3, num_workers=2).digest() == first
    assert ToyDigits(encoder=RateEncoder(time_steps=5)).digest() != first
    for tensor in (data.split("train").images, data.split("val").labels):
        entry = tensor.view(-1)[-1:]
        entry += 1
        assert data.digest() == first  # it is made once
        assert of(data) != first
        entry -= 1
    assert of(data) == first
    data._splits["val"], data._splits["test"] = data.split("test"), data.split("val")
    assert of(data) != first


def test_siblings_share_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    data = ToyDigits(encoder=RateEncoder(time_steps=5))
    first = data.digest()
    monkeypatch.setattr(ImageDataset, "digest", None)
    assert data.digest() == first
    assert len({first, data.for_network(False).digest(), data.with_time_steps(6).digest()}) == 3


def test_a_copy_of_the_files_elsewhere_is_the_same_and_others_are_not(tmp_path: Path, write_mnist) -> None:
    first = MNIST(write_mnist(tmp_path / "a"), val_size=5).digest()
    assert MNIST(write_mnist(tmp_path / "b" / "MNIST" / "raw", packed=True).parents[1], val_size=5).digest() == first
    assert MNIST(write_mnist(tmp_path / "c", train=21), val_size=5).digest() != first
    assert MNIST(tmp_path / "a", val_size=6).digest() != first


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return write_nmnist_folder(tmp_path / "a", train=3)


def nmnist(root: Path, **settings) -> NMNIST:
    return NMNIST(root, **{"frames": FRAMES, "cache": None, **settings})


def test_recordings_are_known_by_their_content(tmp_path: Path, recorded: Path) -> None:
    first = nmnist(recorded).digest()
    settings = {"batch_size": 3, "eval_batch_size": 4, "num_workers": 2, "in_memory": False, "cache": tmp_path / "c"}
    assert nmnist(recorded, **settings).digest() == first
    shutil.copytree(recorded, tmp_path / "b" / "NMNIST")
    assert nmnist(tmp_path / "b").digest() == first
    assert nmnist(recorded, frames=FrameTransform(3001)).digest() != first


def _flip(folder: Path) -> None:
    path = folder / "Test" / "7" / "00000.bin"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _add(folder: Path) -> None:
    write_nmnist(folder / "Test" / "7" / "00009.bin", class_recording(7, (34, 34), 30_000, seed=9))


def _exchange(folder: Path) -> None:
    """The last recording of training, which validates, and the one before."""
    one, other = (folder / "Train" / "4" / f"{number:05}.bin" for number in (1, 2))
    one.rename(folder / "kept")
    other.rename(one)
    (folder / "kept").rename(other)


def _relabel(folder: Path) -> None:
    """The recordings stay in their order, one has another label."""
    (folder / "Test" / "5" / "00000.bin").rename(folder / "Test" / "4" / "00001.bin")


@pytest.mark.filterwarnings("ignore:N-MNIST. there are no test recordings")
@pytest.mark.parametrize("change", [_flip, _add, _exchange, _relabel])
def test_one_changed_recording_changes_it(recorded: Path, change: Callable[[Path], None]) -> None:
    first = nmnist(recorded).digest()
    change(recorded)
    assert nmnist(recorded).digest() != first


def test_subjects_that_validate_count(tmp_path: Path) -> None:
    write_gesture_folder(tmp_path, train_users=(1, 2, 3))
    one, same, other = (DVSGesture(tmp_path, val_users=(user,), cache=None).digest() for user in (2, 2, 3))
    assert one == same != other


def test_the_scenes_of_recordings_count(monkeypatch: pytest.MonkeyPatch, recorded: Path) -> None:
    data = SimulatedNMNIST(cache=None)
    monkeypatch.setattr(data, "load", lambda: {"train": Samples(4, 0)})
    data.input_shape = (1, 2, 2)
    first = data.digest()
    data.scenes = ToyDigits()
    assert data.digest() != first


def test_data_sets_of_users_are_known_by_their_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    data = OwnEvents(FRAMES)
    first = data.digest()
    assert OwnEvents(FRAMES, batch_size=3).digest() == first
    split = data.split("test")
    split.frames[3, 1, 0, 1, 0] ^= 1
    assert data.digest() == first
    assert of(data) != first
    split.frames[3, 1, 0, 1, 0] ^= 1
    split.labels[2] ^= 1
    assert of(data) != first
    split.labels[2] ^= 1
    assert of(data) == first
    # a few of many samples are read, all labels are
    monkeypatch.setattr(digests, "MOST_SAMPLES", 4)
    few = of(data)
    split.read.clear()
    split.labels[5] ^= 1
    assert of(data) != few
    assert split.read == [0, 1, 3, 4]
    split.digest = lambda: "their own"
    own = of(data)
    assert split.read == [0, 1, 3, 4]
    split.digest = lambda: "another"
    assert of(data) != own


def test_random_samples_are_repeated_and_disturb_nobody() -> None:
    data = OwnEvents(FRAMES)
    data.split("test").noisy = True
    for draw in (torch.rand, np.random.rand, lambda n: random.random()):
        draw(1)
    states = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    first = of(data)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.random.get_state()[1].tolist() == states[1]
    assert random.getstate() == states[2]
    for draw in (torch.rand, np.random.rand, lambda n: random.random()):
        draw(1)
    assert of(data) == first
