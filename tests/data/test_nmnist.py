from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import tonic
import torch
from recordings import rows_of, write_nmnist_folder

from brainleaks_pl.data.nmnist import NMNIST, hold_out
from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.events.frames import FrameTransform

FRAMES = FrameTransform(frame_time=3000, polarity="on")


def module(root: Path, **settings) -> NMNIST:
    settings = {"frames": FRAMES, "cache": root / "cache", "batch_size": 4, "eval_batch_size": 20, **settings}
    return NMNIST(root, **settings)


def names(paths: list[Path]) -> list[str]:
    return [f"{path.parent.name}/{path.name}" for path in paths]


@pytest.mark.parametrize("folder", ["NMNIST", "."])
def test_finds_the_recordings_in_every_layout(tmp_path: Path, folder: str) -> None:
    write_nmnist_folder(tmp_path / folder, train=3, test=2)
    data = module(tmp_path)
    data.prepare_data()  # asks nothing of the network, which the tests do not have
    train, val, test = (data.split(name) for name in ("train", "val", "test"))
    assert names(train.paths) == [f"{k}/{i:05}.bin" for k in range(10) for i in (0, 1)]
    assert names(val.paths) == [f"{k}/00002.bin" for k in range(10)]
    assert names(test.paths) == [f"{k}/{i:05}.bin" for k in range(10) for i in (0, 1)]
    assert {path.parent.parent.name for path in (*train.paths, *val.paths)} == {"Train"}
    for split in (train, val, test):
        assert split.labels.tolist() == [int(path.parent.name) for path in split.paths]


def test_tonic_itself_sees_the_same_recordings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nmnist_folder(tmp_path / "NMNIST", train=2, test=2)
    monkeypatch.setattr(tonic.datasets.NMNIST, "_check_exists", lambda self: True)
    theirs = tonic.datasets.NMNIST(str(tmp_path), train=False)
    ours = module(tmp_path).split("test")
    assert theirs.targets == ours.labels.tolist()
    assert len(theirs) == len(ours)
    for index, (events, label) in enumerate(theirs):
        assert np.array_equal(rows_of(events), rows_of(read_nmnist(ours.paths[index])))
        frames = tonic.transforms.ToFrame((34, 34, 2), time_window=3000)(events)[:, 1:] > 0
        assert np.array_equal(ours[index][0], frames)
        assert ours[index][1] == label


def test_batches_are_time_first_and_shorter_recordings_are_followed_by_silence(tmp_path: Path) -> None:
    write_nmnist_folder(tmp_path, train=3, test=2)
    data = module(tmp_path)
    train, val, test = (
        list(loader) for loader in (data.train_dataloader(), data.val_dataloader(), data.test_dataloader())
    )
    assert [batch[0].shape[1:] for batch in train] == [(4, 1, 34, 34)] * 5
    assert torch.cat([batch[1] for batch in train]).sort().values.tolist() == [k for k in range(10) for _ in (0, 1)]
    assert (len(val), len(test)) == (1, 1)
    frames, labels = data.on_after_batch_transfer(test[0], 0)
    assert frames.dtype == torch.float32
    assert frames.shape == (max(len(data.split("test")[i][0]) for i in range(20)), 20, 1, 34, 34)
    assert labels.tolist() == [k for k in range(10) for _ in (0, 1)]
    lengths = set()
    for index in range(20):
        own = data.split("test")[index][0]
        assert torch.equal(frames[: len(own), index], own.float())
        assert frames[len(own) :, index].sum() == 0
        assert own.sum() > 0
        lengths.add(len(own))
    assert len(lengths) > 1


def test_a_fixed_number_of_steps(tmp_path: Path) -> None:
    write_nmnist_folder(tmp_path)
    data = module(tmp_path, frames=FrameTransform(3000, polarity="both", time_steps=20))
    assert data.time_steps == 20
    assert data.input_shape == (2, 34, 34)
    frames, _ = next(iter(data.val_dataloader()))
    assert frames.shape == (20, 10, 2, 34, 34)


def test_says_what_it_is() -> None:
    data = NMNIST()
    assert data.frames == FrameTransform(frame_time=3000, denoise=40_000, polarity="off", time_steps=None, binary=True)
    assert data.input_shape == (1, 34, 34)
    assert data.time_steps is None
    assert data.class_name(7) == "7"
    assert data.spiking
    assert not data.simulated
    assert not data.validates_on_test


def test_the_split_does_not_depend_on_the_seed(tmp_path: Path) -> None:
    write_nmnist_folder(tmp_path, train=4)
    found = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        found.append(names(module(tmp_path, val_share=0.5).split("val").paths))
    assert found[0] == found[1] == [f"{k}/{i:05}.bin" for k in range(10) for i in (2, 3)]


def test_hold_out_takes_the_last_of_every_class() -> None:
    labels = torch.tensor([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 2, 2])
    stay, held = hold_out(labels, 0.4)
    assert held.tolist() == [6, 7, 8, 9, 11]
    assert stay.tolist() == [0, 1, 2, 3, 4, 5, 10]
    assert hold_out(labels, 0.01)[1].tolist() == [8, 9, 11]
    assert hold_out(labels, 0.99)[0].tolist() == [0, 1, 10]
    with pytest.raises(ValueError, match="class 7 has a single training recording: none is left to validate"):
        hold_out(torch.tensor([3, 3, 7]), 0.5)


@pytest.mark.parametrize("val_share", [0, 1, -0.1])
def test_val_share_out_of_range(val_share: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"val_share must lie in (0, 1), got {val_share}.")):
        NMNIST(val_share=val_share)


def test_hidden_and_other_files_are_passed_over(tmp_path: Path) -> None:
    write_nmnist_folder(tmp_path)
    for name in (".00000-tmp.bin", "._00001.bin", "notes.txt"):
        (tmp_path / "Test" / "3" / name).write_bytes(b"no recording")
    (tmp_path / "Test" / "thumbs").mkdir()
    assert len(module(tmp_path).split("test")) == 10


def test_missing_folders_are_named_with_the_remedy(tmp_path: Path) -> None:
    write_nmnist_folder(tmp_path)
    (tmp_path / "Test").rename(tmp_path / "Toast")
    with pytest.raises(FileNotFoundError) as caught:
        module(tmp_path).split("train")
    assert str(caught.value) == (
        f"N-MNIST is incomplete: no recordings in {tmp_path / 'NMNIST' / 'Test'} or {tmp_path / 'Test'}. Call "
        f"prepare_data() with download=True, or unpack test.zip there by hand (from {tonic.datasets.NMNIST.test_url})."
    )


def test_a_digit_without_recordings_is_named(tmp_path: Path) -> None:
    write_nmnist_folder(tmp_path)
    for path in (tmp_path / "Train" / "6").iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(f"no recordings (*.bin) in {tmp_path / 'Train' / '6'}.")):
        module(tmp_path).split("train")


def test_parts_of_the_set_may_lack_test_recordings_of_a_digit_and_say_so(tmp_path: Path) -> None:
    write_nmnist_folder(tmp_path)
    (tmp_path / "Test" / "6" / "00000.bin").unlink()
    data = module(tmp_path)
    with pytest.warns(UserWarning, match=r"there are no test recordings of 6 in .*Test"):
        data.setup()
    assert set(data.split("test").labels.tolist()) == set(range(10)) - {6}
    with pytest.raises(ValueError, match="has no sample of class 6 in the split 'test'"):
        data.class_indices(6, "test")
    for digit in range(10):
        for path in (tmp_path / "Test" / str(digit)).iterdir():
            path.unlink()
    with pytest.warns(UserWarning, match="no test"), pytest.raises(ValueError, match="the split 'test' is empty"):
        module(tmp_path).setup()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (bytes(7), "cut in the middle of an event"),
        (bytes([40, 0, 0, 0, 0]), "outside of the sensor of 34x34 pixels"),
    ],
)
def test_a_bad_recording_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    write_nmnist_folder(tmp_path)
    path = tmp_path / "Test" / "9" / "00000.bin"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{re.escape(str(path))}: .*{message}"):
        list(module(tmp_path).test_dataloader())


def test_archives_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_nmnist_folder(tmp_path / "source")
    (tmp_path / "data" / "NMNIST").mkdir(parents=True)
    for part in ("train_archive", "test_archive"):
        archive = getattr(NMNIST, part)
        path = tmp_path / "data" / "NMNIST" / archive.name
        with zipfile.ZipFile(path, "w") as file:
            for recording in (tmp_path / "source" / archive.folder).rglob("*.bin"):
                file.write(recording, recording.relative_to(tmp_path / "source"))
        monkeypatch.setattr(NMNIST, part, archive._replace(md5=hashlib.md5(path.read_bytes()).hexdigest()))
    data = module(tmp_path / "data", download=False)
    data.prepare_data()
    assert [len(data.split(name)) for name in ("train", "val", "test")] == [10, 10, 10]
    assert sorted(path.name for path in (tmp_path / "data" / "NMNIST").iterdir()) == [
        "Test",
        "Train",
        "test.zip",
        "train.zip",
    ]


def test_a_truncated_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "NMNIST").mkdir()
    (tmp_path / "NMNIST" / "train.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(ValueError, match=r"NMNIST/train\.zip: truncated or altered, its md5 is not 20959b8e"):
        NMNIST(tmp_path).prepare_data()


@pytest.mark.usefixtures("offline")
def test_offline_says_what_is_missing_and_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no recordings in .*Train\. The download of https://data\.mendeley"):
        NMNIST(tmp_path).prepare_data()


def test_download_false_never_asks_the_network(tmp_path: Path) -> None:
    data = NMNIST(tmp_path, download=False)
    data.prepare_data()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError, match="N-MNIST is incomplete"):
        data.setup()


def test_frames_are_cached_where_they_should_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_nmnist_folder(tmp_path / "digits")
    NMNIST("~/digits", frames=FRAMES, cache="~/frames").split("train")
    assert len(list((tmp_path / "frames").glob("*/*.hdf5"))) == 3  # the shape of the first of each split was looked at
    NMNIST("~/digits", frames=FRAMES, cache=None).split("train")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits", "frames"]
