"""Simulated DvsGesture: its files as tonic reads them, its split, and that they are whole, and of these settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tonic
from jsonargparse import ArgumentParser
from recordings import rows_of

from brainleaks_pl import DVSGesture, EventCamera, EventDataModule, FrameTransform, SimulatedDVSGesture
from brainleaks_pl.data import simulated_dvs_gesture
from brainleaks_pl.data.simulated_dvs_gesture import Take
from brainleaks_pl.events.formats import write_dvsgesture

FRAMES = FrameTransform(frame_time=20_000, denoise=100_000, polarity="merged")


def module(root: Path, **settings: Any) -> SimulatedDVSGesture:
    small = {"subjects": (1, 23, 24), "lightings": ("led",), "duration": 60_000, "frames": FRAMES, "cache": None}
    return SimulatedDVSGesture(root, **{**small, **settings})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gestures")
    module(folder).prepare_data()
    return folder


def folders(root: Path) -> list[Path]:
    return sorted((root / "simulated_dvs_gesture").iterdir())


def test_tonic_reads_every_event_back_to_the_millisecond(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = module(root)
    (folder,) = folders(root)
    # of tonic's two conditions, the archive's presence is met; 100 recordings are not made here
    monkeypatch.setattr(tonic.datasets.DVSGesture, "_folder_contains_at_least_n_files_of_type", lambda *_: True)
    for train, users in ((True, {1, 23}), (False, {24})):
        theirs = tonic.datasets.DVSGesture(str(folder), train=train)
        assert set(theirs.users) == users
        assert sorted(theirs.targets) == sorted(list(range(10)) * len(users))
        for (events, label), user, lighting in zip(theirs, theirs.users, theirs.lighting, strict=True):
            expected = rows_of(data.film(Take(user, lighting, label)))
            expected[:, 2] = expected[:, 2] // 1000 * 1000
            np.testing.assert_array_equal(rows_of(events), expected)


def test_it_is_read_and_split_like_the_real_set(root: Path) -> None:
    data = module(root, eval_batch_size=10)
    assert data.simulated
    assert data.class_names == DVSGesture.class_names
    for split, user in (("train", 1), ("val", 23), ("test", 24)):
        paths = data.split(split).paths
        assert [f"{path.parent.name}/{path.name}" for path in paths] == [
            f"user{user:02}_led/{k}.npy" for k in range(10)
        ]
    frames, labels = next(iter(data.test_dataloader()))
    assert frames.shape[1:] == (10, 1, 128, 128)
    assert 1 <= len(frames) <= 3
    assert labels.tolist() == list(range(10))
    assert frames.amax((0, 2, 3, 4)).all()


def test_a_recording_depends_on_its_own_take_and_the_seed(tmp_path: Path) -> None:
    take = Take(2, "natural", 7)
    recordings = [
        module(tmp_path, **settings).film(take)
        for settings in ({}, {"subjects": (2, 24), "lightings": ("natural", "lab")}, {"seed": 1})
    ]
    np.testing.assert_array_equal(recordings[0], recordings[1])
    assert not np.array_equal(recordings[0], recordings[2])
    others = [module(tmp_path).film(take._replace(**change)) for change in ({"subject": 3}, {"gesture": 1})]
    assert not any(np.array_equal(recordings[0], other) for other in others)
    assert np.ptp(recordings[0]["t"]) > 50_000


def test_recordings_are_made_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated_dvs_gesture, "render", None)
    module(root, frames=FrameTransform(50_000), batch_size=2, references=1).prepare_data()
    assert len(folders(root)) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"subjects": (1, 22, 24)},
        {"lightings": ("natural",)},
        {"duration": 61_000},
        {"camera": EventCamera(noise_rate=0.1)},
        {"seed": 1},
    ],
)
def test_other_settings_get_recordings_of_their_own(root: Path, other: dict[str, Any]) -> None:
    data = module(root, val_users=(22, 23), **other)
    assert data.describe() != module(root).describe()
    with pytest.raises(FileNotFoundError, match=r"not there: no .*simulated_dvs_gesture/\w{16}\. Call prepare_data"):
        data.setup()


def test_an_interrupted_run_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(path: Path, events: Any) -> None:
        write_dvsgesture(path, events)
        if path.name == "3.npy":
            raise KeyboardInterrupt

    monkeypatch.setattr(simulated_dvs_gesture, "write_dvsgesture", interrupt)
    with pytest.raises(KeyboardInterrupt):
        module(tmp_path).prepare_data()
    assert folders(tmp_path) == []


def test_simulated_recordings_do_not_pass_as_real_ones(root: Path) -> None:
    (folder,) = folders(root)
    assert json.loads((folder / "DVSGesture" / "simulated.json").read_text())["subjects"] == [1, 23, 24]
    for place in (folder, folder / "DVSGesture"):
        data = DVSGesture(place, cache=None)
        data.prepare_data()
        with pytest.raises(ValueError, match=r"are simulated \(simulated.json says how\).*use SimulatedDVSGesture"):
            data.setup()


def test_every_setting_can_be_given_in_a_config(tmp_path: Path) -> None:
    parser = ArgumentParser(exit_on_error=False)
    parser.add_subclass_arguments(EventDataModule, "data")
    settings = {"root": str(tmp_path), "subjects": [1, 21, 24], "lightings": ["lab"], "camera": {"threshold_on": 0.3}}
    config = parser.parse_object({"data": {"class_path": "SimulatedDVSGesture", "init_args": settings}})
    data = parser.instantiate(config).data
    assert isinstance(data, SimulatedDVSGesture)
    assert (data.subjects, data.lightings, data.camera.threshold_on) == ((1, 21, 24), ("lab",), 0.3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"subjects": ()}, r"subjects must be distinct numbers from 1, got \[\]"),
        ({"subjects": (0, 24)}, r"subjects must be distinct numbers from 1, got \[0, 24\]"),
        ({"subjects": (3, 3)}, r"subjects must be distinct numbers from 1, got \[3, 3\]"),
        ({"subjects": (1, 23)}, r"subjects \[1, 23\] leave none for testing, which takes those from 24 on"),
        ({"lightings": ("led", "candle")}, r"lightings must be distinct names of \['fluorescent', .*got \['led', 'can"),
        ({"lightings": ()}, "lightings must be distinct names"),
        ({"duration": 999}, "duration is in microseconds and must be at least 1000, got 999"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"val_users": ()}, "val_users must name at least one subject"),
    ],
)
def test_arguments_out_of_range(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        module(tmp_path, **settings)
