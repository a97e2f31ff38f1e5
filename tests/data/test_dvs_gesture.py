from __future__ import annotations

import hashlib
import re
import tarfile
from pathlib import Path

import numpy as np
import pytest
import tonic
import torch
from recordings import npy_bytes, rows_of, write_gesture_folder

from brainleaks_pl.data.dvs_gesture import DVSGesture
from brainleaks_pl.events.formats import read_dvsgesture
from brainleaks_pl.events.frames import FrameTransform

FRAMES = FrameTransform(frame_time=50_000, polarity="merged")


def module(root: Path, **settings) -> DVSGesture:
    settings = {"frames": FRAMES, "cache": root / "cache", "eval_batch_size": 10, **settings}
    return DVSGesture(root, **settings)


def names(paths: list[Path]) -> list[str]:
    return [f"{path.parent.name}/{path.name}" for path in paths]


@pytest.mark.parametrize("folder", ["DVSGesture", "."])
def test_finds_the_recordings_in_every_layout(tmp_path: Path, folder: str) -> None:
    write_gesture_folder(tmp_path / folder, train_users=(1, 4, 21, 23), test_users=(24, 29))
    data = module(tmp_path)
    data.prepare_data()  # asks nothing of the network, which the tests do not have
    train, val, test = (data.split(name) for name in ("train", "val", "test"))
    # the eleventh class is dropped
    assert names(train.paths) == [f"user{u:02}_natural/{k}.npy" for u in (1, 4) for k in range(10)]
    assert names(val.paths) == [f"user{u:02}_natural/{k}.npy" for u in (21, 23) for k in range(10)]
    assert names(test.paths) == [f"user{u:02}_natural/{k}.npy" for u in (24, 29) for k in range(10)]
    for split in (train, val, test):
        assert split.labels.tolist() == list(range(10)) * 2


def test_tonic_itself_sees_the_same_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_gesture_folder(tmp_path / "DVSGesture")
    monkeypatch.setattr(tonic.datasets.DVSGesture, "_check_exists", lambda self: True)
    theirs = tonic.datasets.DVSGesture(str(tmp_path), train=False)
    ours = module(tmp_path).split("test")
    assert sorted(theirs.targets) == list(range(11))
    for index, (events, label) in enumerate(theirs):
        if label < 10:
            position = ours.labels.tolist().index(label)
            assert str(ours.paths[position]) == theirs.data[index]
            assert np.array_equal(rows_of(events), rows_of(read_dvsgesture(ours.paths[position])))
            frames = tonic.transforms.ToFrame((128, 128, 2), time_window=50_000)(events).sum(1, keepdims=True) > 0
            assert np.array_equal(ours[position][0], frames)


def test_all_lightings_of_a_subject_stay_together(tmp_path: Path) -> None:
    write_gesture_folder(tmp_path, train_users=(3, 12))
    for lighting in ("fluorescent_led", "lab", "led"):
        folder = tmp_path / "ibmGestureTrain" / f"user12_{lighting}"
        folder.mkdir()
        (folder / "2.npy").write_bytes((tmp_path / "ibmGestureTrain/user12_natural/2.npy").read_bytes())
    data = module(tmp_path, val_users=(12,))
    assert {path.parent.name for path in data.split("train").paths} == {"user03_natural"}
    assert {path.parent.name for path in data.split("val").paths} == {
        f"user12_{lighting}" for lighting in ("fluorescent_led", "lab", "led", "natural")
    }


def test_batches_are_time_first_and_shorter_recordings_are_followed_by_silence(tmp_path: Path) -> None:
    write_gesture_folder(tmp_path)
    data = module(tmp_path)
    assert [tuple(frames.shape[1:]) for frames, _ in data.train_dataloader()] == [(6, 1, 128, 128), (4, 1, 128, 128)]
    ((frames, labels),) = list(data.test_dataloader())
    lengths = [len(data.split("test")[i][0]) for i in range(10)]
    assert frames.shape == (max(lengths), 10, 1, 128, 128)
    assert labels.tolist() == list(range(10))
    assert lengths == sorted(lengths)
    assert lengths[0] < lengths[-1]
    for index, length in enumerate(lengths):
        assert torch.equal(frames[:length, index].byte(), data.split("test")[index][0])
        assert frames[length:, index].sum() == 0


def test_says_what_it_is() -> None:
    data = DVSGesture()
    assert data.frames == FrameTransform(frame_time=50_000, denoise=100_000, polarity="merged")
    assert data.input_shape == (1, 128, 128)
    assert (data.num_classes, len(data.class_names)) == (10, 10)
    assert (data.class_name(0), data.class_name(9)) == ("Hand clapping", "Air guitar")
    assert not data.validates_on_test
    assert not data.simulated


def test_the_validating_subjects_must_exist(tmp_path: Path) -> None:
    write_gesture_folder(tmp_path, train_users=(1, 2))
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared as a whole
        module(tmp_path).split("train")
    assert str(caught.value) == (
        "val_users [21, 22, 23] leave 20 recordings to train and 0 to validate: the subjects of the training set are "
        "[1, 2]."
    )
    with pytest.raises(ValueError, match=r"val_users \[1, 2\] leave 0 recordings to train and 20 to validate"):
        module(tmp_path, val_users=(1, 2)).split("train")
    with pytest.raises(ValueError, match="val_users must name at least one subject"):
        module(tmp_path, val_users=())


def test_other_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    write_gesture_folder(tmp_path)
    for name in ("._0.npy", "11.npy", "x.npy", "trials.txt"):
        (tmp_path / "ibmGestureTest" / "user24_natural" / name).write_bytes(b"no recording")
    for name in ("backup", "user25", "userx_led"):
        (tmp_path / "ibmGestureTest" / name).mkdir()
        (tmp_path / "ibmGestureTest" / name / "0.npy").write_bytes(b"no recording")
    assert len(module(tmp_path).split("test")) == 10


def test_missing_folders_are_named_with_the_remedy(tmp_path: Path) -> None:
    write_gesture_folder(tmp_path)
    (tmp_path / "ibmGestureTrain").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError) as caught:
        module(tmp_path).split("train")
    places = f"{tmp_path / 'DVSGesture' / 'ibmGestureTrain'} or {tmp_path / 'ibmGestureTrain'}"
    assert str(caught.value) == (
        f"DvsGesture is incomplete: no recordings in {places}. Call prepare_data() with download=True, or unpack "
        f"ibmGestureTrain.tar.gz there by hand (from {tonic.datasets.DVSGesture.train_url})."
    )


def test_a_folder_without_recordings_is_named(tmp_path: Path) -> None:
    write_gesture_folder(tmp_path)
    (tmp_path / "ibmGestureTest" / "user24_natural").rename(tmp_path / "ibmGestureTest" / "somebody")
    with pytest.raises(
        FileNotFoundError, match=r"no recordings \(user01_fluorescent/0\.npy and the like\) in .*Test\."
    ):
        module(tmp_path).split("train")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (npy_bytes("'<i8'", "(2, 4)", bytes(60)), "truncated"),
        (npy_bytes("'|O'", "(1, 4)", b"\x80\x04N."), "expected plain numbers"),
        (npy_bytes("'<i8'", "(1, 4)", np.array([0, 128, 0, 0]).tobytes()), "outside of the sensor of 128x128 pixels"),
    ],
)
def test_a_bad_recording_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    write_gesture_folder(tmp_path)
    path = tmp_path / "ibmGestureTest" / "user24_natural" / "9.npy"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}: .*{message}"):
        list(module(tmp_path).test_dataloader())


def test_archives_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_gesture_folder(tmp_path / "source")
    (tmp_path / "data").mkdir()
    for part in ("train_archive", "test_archive"):
        archive = getattr(DVSGesture, part)
        path = tmp_path / "data" / archive.name
        with tarfile.open(path, "w:gz") as file:
            file.add(tmp_path / "source" / archive.folder, archive.folder)
        monkeypatch.setattr(DVSGesture, part, archive._replace(md5=hashlib.md5(path.read_bytes()).hexdigest()))
    data = module(tmp_path / "data", download=False)
    data.prepare_data()
    assert [len(data.split(name)) for name in ("train", "val", "test")] == [10, 10, 10]


def test_a_truncated_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "ibmGestureTrain.tar.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(ValueError, match=r"ibmGestureTrain\.tar\.gz: truncated or altered, its md5 is not 3a8f0d41"):
        DVSGesture(tmp_path).prepare_data()


@pytest.mark.usefixtures("offline")
def test_offline_says_what_is_missing_and_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no recordings in .*\. The download of https://figshare\.com"):
        DVSGesture(tmp_path).prepare_data()
