from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from folders import write_recordings
from recordings import class_recording

from brainleaks_pl import EventFolder, FolderSplits, FrameTransform
from brainleaks_pl.data.generated import MARKER
from brainleaks_pl.events.formats import read_nmnist, write_nmnist
from brainleaks_pl.export.tonic_array import write_tonic

FRAMES = FrameTransform(frame_time=3000, polarity="both", time_steps=10)
CLASSES = ("wave", "clap", "point")


def folder(root: Path, **settings: object) -> EventFolder:
    settings = {"frames": FRAMES, "sensor_size": (34, 34), "cache": None, **settings}
    return EventFolder(root, **settings)  # type: ignore[arg-type]


def as_arrays(root: Path, milliseconds: bool = False) -> Path:
    """Turn all recordings into structured arrays."""
    for path in list(root.rglob("*.bin")):
        events = read_nmnist(path)
        if milliseconds:
            events["t"] = events["t"] // 1000
        write_tonic(path.with_suffix(".npy"), events)
        path.unlink()
    return root


def test_frames_and_classes_of_recordings(tmp_path: Path) -> None:
    data = folder(write_recordings(tmp_path, CLASSES))
    assert data.class_names == ("clap", "point", "wave")
    assert (data.input_shape, data.num_classes, data.time_steps) == ((2, 34, 34), 3, 10)
    assert [len(data.split(part)) for part in ("train", "val", "test")] == [9, 3, 3]
    for part in ("train", "val", "test"):
        for (frames, label), file in zip(data.split(part), data.files[part], strict=True):
            assert file.name.startswith(data.class_name(int(label)))
            assert np.array_equal(frames, FRAMES(read_nmnist(file.path), (34, 34)))
    (batch,) = data.test_dataloader()
    assert data.on_after_batch_transfer(batch, 0)[0].shape == (10, 3, 2, 34, 34)
    assert not data.simulated


def test_arrays_and_bin_files_hold_the_same(tmp_path: Path) -> None:
    first = folder(write_recordings(tmp_path / "bin", CLASSES), splits=FolderSplits(group="/(.)"))
    second = folder(
        as_arrays(write_recordings(tmp_path / "npy", CLASSES)), time_unit="us", splits=FolderSplits(group="/(.)")
    )
    for part in ("train", "test"):
        for (one, label), (other, same) in zip(first.split(part), second.split(part), strict=True):
            assert torch.equal(one, other)
            assert label == same


def test_the_time_unit_decides_the_frames_and_is_kept_apart(tmp_path: Path) -> None:
    root = as_arrays(write_recordings(tmp_path / "own", CLASSES), milliseconds=True)
    right = folder(root, time_unit="ms", cache=tmp_path / "cache")
    first = right.split("train")[0][0]
    assert (first.flatten(1).sum(1) > 0).sum() > 5
    wrong = folder(root, time_unit="us", cache=tmp_path / "cache")
    with pytest.warns(UserWarning, match=r"lasts \d+ us, less than a frame of 3000 us: time_unit or frames.frame_time"):
        wrong.setup()
    assert not torch.equal(wrong.split("train")[0][0], first)
    assert wrong.digest() != right.digest()
    assert len(list((tmp_path / "cache").iterdir())) == 2


def test_what_files_do_not_say_must_be_given(tmp_path: Path) -> None:
    write_recordings(tmp_path, CLASSES)
    with pytest.raises(ValueError, match=r"sensor_size, \(W, H\), must be given: nothing in .*\.bin says how large"):
        folder(tmp_path, sensor_size=None)
    with pytest.raises(ValueError, match=r"time_unit is for \.npy files, and .* has none: leave it out"):
        folder(tmp_path, time_unit="us")
    as_arrays(tmp_path)
    with pytest.raises(ValueError, match=r"time_unit must be given: nothing in .*\.npy says whether its times are"):
        folder(tmp_path)
    with pytest.raises(ValueError, match=r"time_unit must be one of s, ms, us, ns, got 'min'"):
        folder(tmp_path, time_unit="min")
    with pytest.raises(ValueError, match=r"sensor_size must be \(W, H\), both at least 1, got \(0, 34\)"):
        folder(tmp_path, time_unit="us", sensor_size=(0, 34))
    with pytest.raises(ValueError, match=r"outside of the sensor of 5x5 pixels"):
        folder(tmp_path, time_unit="us", sensor_size=(5, 5)).setup()


def test_aedat4_files_state_their_sensor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_recordings(tmp_path, CLASSES)
    for path in list(tmp_path.rglob("*.bin")):
        path.rename(path.with_suffix(".aedat4"))
    monkeypatch.setattr("brainleaks_pl.data.event_folder.aedat4_sensor_size", lambda path: (34, 40))
    monkeypatch.setattr("brainleaks_pl.data.event_folder.read_aedat4", read_nmnist)
    data = folder(tmp_path, sensor_size=None)
    assert data.input_shape == (2, 40, 34)
    assert data.split("train")[0][0].shape == (10, 2, 40, 34)


def test_a_damaged_recording_is_known_before_training(tmp_path: Path) -> None:
    write_recordings(tmp_path, CLASSES)
    (tmp_path / "wave" / "3.bin").write_bytes(b"1234")
    with pytest.raises(ValueError, match=r"wave/3\.bin: cut in the middle of an event"):
        folder(tmp_path).setup()


def test_copies_are_refused_in_any_format(tmp_path: Path) -> None:
    write_recordings(tmp_path / "train", CLASSES)
    for name in CLASSES:
        (tmp_path / "test" / name).mkdir(parents=True)
        write_nmnist(tmp_path / "test" / name / "9.bin", class_recording(0, (34, 34), 20_000, seed=len(name) + 90))
    copied = folder(tmp_path).files["train"][0].path
    write_tonic(tmp_path / "test" / "clap" / "copy.npy", read_nmnist(copied))
    with pytest.raises(ValueError, match="recordings with equal events are in more than one split"):
        folder(tmp_path, time_unit="us").setup()


def test_simulated_recordings_say_so_wherever_they_lie(tmp_path: Path) -> None:
    write_recordings(tmp_path / "NMNIST" / "Train", CLASSES, each=3)
    (tmp_path / "NMNIST" / MARKER).touch()
    assert folder(tmp_path / "NMNIST" / "Train").simulated
    shutil.copytree(tmp_path / "NMNIST" / "Train", tmp_path / "Train")
    assert not folder(tmp_path / "Train").simulated
