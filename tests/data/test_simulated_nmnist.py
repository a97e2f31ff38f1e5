"""Simulated N-MNIST: its statistics, its files as tonic reads them, and that they are whole, and of these settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tonic
import torch
from jsonargparse import ArgumentParser
from recordings import rows_of
from toys import ToyDigits

from brainleaks_pl import MNIST, MNIST5k, RateEncoder, SimulatedNMNIST
from brainleaks_pl.data import EventDataModule, ImageDataModule, ImageDataset, simulated_nmnist
from brainleaks_pl.data.simulated_nmnist import generate_recordings, simulate
from brainleaks_pl.encoders.event_camera import EventCameraEncoder
from brainleaks_pl.events.camera import ATIS, EventCamera
from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.events.frames import FrameTransform
from brainleaks_pl.events.saccades import Saccades

FAST = Saccades(steps=8)


class Blots(ImageDataModule):
    """Grey noise in the middle of the picture: 20 images train, 10 validate and 10 test, their classes taking turns."""

    input_shape = (1, 28, 28)
    num_classes = 10

    def __init__(self, seed: int = 0, encoder: RateEncoder | None = None) -> None:
        super().__init__(encoder)
        self.seed = seed

    def load(self) -> dict[str, ImageDataset]:
        generator = torch.Generator().manual_seed(self.seed)

        def split(size: int) -> ImageDataset:
            images = torch.zeros(size, 1, 28, 28, dtype=torch.uint8)
            images[..., 9:19, 9:19] = torch.randint(0, 256, (size, 1, 10, 10), generator=generator, dtype=torch.uint8)
            return ImageDataset(images, torch.arange(size) % 10)

        return {"train": split(20), "val": split(10), "test": split(10)}


class Watched(Blots):
    """The same, without images of its own to validate on."""

    validates_on_test = True

    def load(self) -> dict[str, ImageDataset]:
        splits = super().load()
        return {**splits, "val": splits["test"]}


def module(root: Path, **settings: Any) -> SimulatedNMNIST:
    settings = {"source": Blots(), "saccades": FAST, "val_share": 0.34, "cache": None, **settings}
    return SimulatedNMNIST(root, **settings)


def prepared(root: Path, **settings: Any) -> SimulatedNMNIST:
    data = module(root, **settings)
    data.prepare_data()
    return data


def folders(root: Path) -> list[Path]:
    return sorted((root / "simulated_nmnist").iterdir())


def files(root: Path) -> dict[str, bytes]:
    """Content of all recordings by part, digit and name."""
    return {"/".join(path.parts[-3:]): path.read_bytes() for path in root.rglob("*.bin")}


def test_the_statistics_are_those_of_real_recordings() -> None:
    """The figures are of 1000 recordings of N-MNIST's training set."""
    digits = MNIST5k().split("test")
    assert digits.labels[:100].bincount().tolist() == [10] * 10
    recordings = list(simulate(digits.images[:100, 0].float() / 255, ATIS, Saccades(), (0, 1)))
    numbers = np.array([len(events) for events in recordings])
    assert numbers.mean() == pytest.approx(4133, rel=0.06)
    assert numbers.std() == pytest.approx(1154, rel=0.2)
    lasting = np.array([np.ptp(events["t"]) for events in recordings]) / 1000
    assert lasting.mean() == pytest.approx(307, abs=8)
    events = np.concatenate(recordings)
    assert events["p"].mean() == pytest.approx(0.5, abs=0.02)
    assert (events["x"].mean(), events["y"].mean()) == pytest.approx((16.7, 17.25), abs=0.3)
    # where the dark digit arrives brightness falls: below in the first saccade, on the left in the last
    saccade = (events["t"] // 105_000).clip(max=2)
    for number, axis, off, on in ((0, "y", 19.9, 16.5), (1, "x", 19.4, 16.7), (2, "x", 15.5, 19.3)):
        for polarity, expected in ((False, off), (True, on)):
            chosen = events[(saccade == number) & (events["p"] == polarity)]
            assert chosen[axis].mean() == pytest.approx(expected, abs=0.5)
    # three saccades, with rest between them
    rates = np.histogram(events["t"], 63, (0, 315_000))[0]
    assert min(rates[9], rates[30], rates[51]) > 8 * max(rates[0], rates[17], rates[62])


def test_tonic_reads_every_event_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = prepared(tmp_path, seed=3)
    (folder,) = folders(tmp_path)
    # of tonic's two conditions, the archive's presence is met; 10000 recordings are not made here
    monkeypatch.setattr(tonic.datasets.NMNIST, "_folder_contains_at_least_n_files_of_type", lambda *_: True)
    for position, (train, names) in enumerate(((True, ("train", "val")), (False, ("test",)))):
        images = torch.cat([data.source.split(name).images for name in names])[:, 0]
        labels = torch.cat([data.source.split(name).labels for name in names])
        simulated = list(simulate(images.float() / 255, data.camera, data.saccades, (3, position)))
        theirs = tonic.datasets.NMNIST(str(folder), train=train)
        assert len(theirs) == len(simulated)
        for path, (events, label) in zip(theirs.data, theirs, strict=True):
            index = int(Path(path).stem) - 1  # numbered in the order of the source
            assert label == labels[index]
            np.testing.assert_array_equal(rows_of(events), rows_of(simulated[index]))


def test_it_is_read_like_the_real_set(tmp_path: Path) -> None:
    data = prepared(tmp_path, frames=FrameTransform(frame_time=3000, polarity="both", time_steps=100))
    assert data.simulated
    train, val, test = (data.split(name) for name in ("train", "val", "test"))
    for split, numbers in ((train, range(2)), (val, range(2, 3)), (test, range(1))):
        expected = [f"{k}/{10 * i + k + 1:05}.bin" for k in range(10) for i in numbers]
        assert [f"{path.parent.name}/{path.name}" for path in split.paths] == expected
    frames, labels = next(iter(data.test_dataloader()))
    assert frames.shape == (100, 10, 2, 34, 34)
    assert labels.tolist() == list(range(10))
    assert frames.amax((0, 2, 3, 4)).all()
    assert data.class_images(3).shape == (2, 2, 34, 34)


def test_it_records_scenes_as_it_recorded_its_own(tmp_path: Path) -> None:
    camera, saccades = EventCamera(threshold_on=0.3), Saccades(amplitude=5.0)
    frames = FrameTransform(frame_time=3000, polarity="both", time_steps=40)
    data = module(tmp_path, camera=camera, saccades=saccades, frames=frames)
    assert data.encoder == EventCameraEncoder(40, camera, saccades, frames)
    assert data.scenes is data.source
    for open_ended in (FrameTransform(frame_time=3000), FrameTransform(frame_time=3000, time_steps=4, binary=False)):
        assert module(tmp_path, frames=open_ended).encoder is None


def test_images_that_are_test_images_too_never_train(tmp_path: Path) -> None:
    prepared(tmp_path, source=Watched())
    assert len(files(tmp_path)) == 20 + 10
    assert sum(name.startswith("Test") for name in files(tmp_path)) == 10


def test_recordings_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepared(tmp_path)
    monkeypatch.setattr(simulated_nmnist, "generate_recordings", None)
    again = prepared(tmp_path, frames=FrameTransform(5000), batch_size=7, val_share=0.5, references=1)
    assert len(again.split("val")) == 20
    assert len(folders(tmp_path)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"source": Blots(seed=1)},
        {"camera": EventCamera(threshold_off=0.41)},
        {"camera": EventCamera(refractory=20_000)},
        {"saccades": Saccades(steps=9)},
        {"seed": 1},
    ],
)
def test_other_settings_get_recordings_of_their_own(tmp_path: Path, other: dict[str, Any]) -> None:
    first, second = prepared(tmp_path), prepared(tmp_path, **other)
    assert len(folders(tmp_path)) == 2
    assert first.split("test").paths[0].parents[3] != second.split("test").paths[0].parents[3]
    contents = [list(files(folder).values()) for folder in folders(tmp_path)]
    assert not any(mine == yours for mine, yours in zip(*contents, strict=True))


def test_another_version_of_the_simulator_gets_recordings_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared(tmp_path)
    monkeypatch.setattr(simulated_nmnist, "VERSION", simulated_nmnist.VERSION + 1)
    with pytest.raises(FileNotFoundError, match=r"not there: no .*blots-\w{16}. Call prepare_data\(\)"):
        module(tmp_path).setup()


def test_a_change_of_a_single_pixel_or_label_is_seen(tmp_path: Path) -> None:
    names = []
    for change in (None, "images", "labels"):
        data = module(tmp_path)
        if change == "images":
            data.source.split("test").images[-1, 0, 27, 27] = 1
        elif change == "labels":
            data.source.split("val").labels[0] = 5
        data.prepare_data()
        names.append(data.split("train").paths[0].parents[3].name)
    assert len(set(names)) == 3


def test_a_recording_depends_on_its_own_image_and_index_alone() -> None:
    images = Blots().split("train").images[:, 0].float() / 255
    camera = EventCamera(noise_rate=20.0)
    all_of_them = list(simulate(images, camera, FAST, (1, 0)))
    first = list(simulate(images[:3], camera, FAST, (1, 0)))
    for alone, together in zip(first, all_of_them, strict=False):
        np.testing.assert_array_equal(alone, together)
    twice = list(simulate(images[:1].repeat(2, 1, 1), camera, FAST, (1, 0)))
    assert not np.array_equal(*twice)


def test_batches_leave_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    images = Blots().split("train").images[:7, 0].float() / 255
    whole = list(simulate(images, EventCamera(), FAST, (0, 0)))
    monkeypatch.setattr(simulated_nmnist, "BATCH", 3)
    for events, expected in zip(simulate(images, EventCamera(), FAST, (0, 0)), whole, strict=True):
        np.testing.assert_array_equal(events, expected)


def test_train_and_test_recordings_share_no_randomness(tmp_path: Path) -> None:
    digits = ImageDataset(torch.zeros(1, 1, 28, 28, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64))
    generate_recordings(tmp_path, {"Train": digits, "Test": digits}, EventCamera(), FAST, seed=0)
    train, test = (read_nmnist(tmp_path / part / "0" / "00001.bin") for part in ("Train", "Test"))
    assert not np.array_equal(train, test)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError("disk full")])
def test_an_interrupted_run_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException] | BaseException
) -> None:
    written: list[Path] = []

    def fail_at_last(path: Path, events: Any) -> None:
        written.append(path)
        if len(written) == 40:
            raise error
        path.write_bytes(b"half-finished")

    with monkeypatch.context() as patched:
        patched.setattr(simulated_nmnist, "write_nmnist", fail_at_last)
        with pytest.raises(error if isinstance(error, type) else OSError):
            prepared(tmp_path)
    assert len(written) == 40
    assert folders(tmp_path) == []
    with pytest.raises(FileNotFoundError, match="not there"):
        module(tmp_path).setup()
    assert len(prepared(tmp_path).split("test")) == 10


def test_two_processes_at_once_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate: Callable[..., None] = generate_recordings

    def overtaken(*arguments: Any) -> None:
        generate(*arguments)
        with monkeypatch.context() as patched:
            patched.setattr(simulated_nmnist, "generate_recordings", generate)
            prepared(tmp_path)
        assert len([folder for folder in folders(tmp_path) if not folder.name.startswith(".")]) == 1

    monkeypatch.setattr(simulated_nmnist, "generate_recordings", overtaken)
    data = prepared(tmp_path)
    assert len(folders(tmp_path)) == 1
    assert len(data.split("test")) == 10


def test_a_rename_that_fails_for_another_reason_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Path, target: Path) -> None:
        raise OSError("no such device")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="no such device"):
        prepared(tmp_path)
    monkeypatch.undo()
    assert folders(tmp_path) == []


def test_the_files_say_that_they_are_simulated(tmp_path: Path) -> None:
    data = prepared(tmp_path, seed=4)
    (folder,) = folders(tmp_path)
    note = json.loads((folder / "NMNIST" / "simulated.json").read_text())
    assert (note["source"], note["seed"]) == ("Blots", 4)
    assert EventCamera(**note["camera"]) == data.camera
    assert Saccades(**note["saccades"]) == data.saccades
    for part in ("train", "test"):
        assert b"SIMULATED.txt" in (folder / "NMNIST" / f"{part}.zip").read_bytes()


def test_checkpoints_know_the_simulator(tmp_path: Path) -> None:
    described = [
        module(tmp_path, **other).describe()
        for other in ({}, {"seed": 1}, {"camera": EventCamera(floor=0.1)}, {"saccades": Saccades(steps=9)})
    ]
    assert described[0]["class"] == "SimulatedNMNIST"
    assert described[0] == module(tmp_path).describe()
    assert len({json.dumps(description) for description in described}) == 4


def test_says_what_it_is_and_where_it_looks(tmp_path: Path) -> None:
    data = SimulatedNMNIST(tmp_path)
    assert isinstance(data.source, MNIST5k)
    assert data.simulated
    assert data.frames == FrameTransform(frame_time=3000, denoise=40_000, polarity="off")
    assert (data.camera, data.saccades) == (ATIS, Saccades())
    with pytest.raises(FileNotFoundError, match=r"simulated_nmnist/mnist5k-\w{16}\. Call prepare_data\(\)"):
        data.setup()


def test_every_setting_can_be_given_in_a_config(tmp_path: Path) -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(EventDataModule, "data")
    settings = {
        "root": str(tmp_path),
        "source": {"class_path": "MNIST", "init_args": {"root": "elsewhere"}},
        "camera": {"threshold_on": 0.3},
        "saccades": {"amplitude": 5.0},
    }
    former = {
        "root": str(tmp_path),
        "camera": asdict(EventCamera()),
        "saccades": {"duration": 100_000, "amplitude": 7.0, "steps": 40, "path": "triangle", "screen": "black"},
    }
    config = parser.parse_object({"data": {"class_path": "SimulatedNMNIST", "init_args": settings}})
    data = parser.instantiate(config).data
    assert isinstance(data, SimulatedNMNIST)
    assert isinstance(data.source, MNIST)
    assert data.camera == replace(ATIS, threshold_on=0.3)
    assert data.saccades == Saccades(amplitude=5.0)
    former["saccades"].update(offset_x=0, offset_y=0, blur=0)
    config = parser.parse_object({"data": {"class_path": "SimulatedNMNIST", "init_args": former}})
    data = parser.instantiate(config).data
    assert data.camera == EventCamera(0.4, 0.4, 0.05, 500, 0.5, 0.2, 0.5)
    assert data.saccades == Saccades(100_000, 7.0, 40, "triangle", 0.0, 0.0, 0.0, "black")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": ToyDigits()}, r"images \(1, 28, 28\) of 10 classes, ToyDigits has \(1, 12, 12\) of 3"),
        ({"source": Blots(encoder=RateEncoder())}, "source must have no encoder.* Blots's images"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"val_share": 1.0}, r"val_share must lie in \(0, 1\), got 1.0"),
        ({"references": 0}, "references must be at least 1, got 0"),
    ],
)
def test_arguments_out_of_range(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        module(tmp_path, **settings)


def test_recordings_too_long_for_the_format(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"00001\.bin: N-MNIST files hold an event's time up to 8388607"):
        prepared(tmp_path, saccades=Saccades(duration=3_000_000))
    assert folders(tmp_path) == []
