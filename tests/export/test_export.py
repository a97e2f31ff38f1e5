"""Reconstructions as event files: what is written is read back by tonic."""

import errno
import json
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tonic
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tonic.io import events_struct

from brainleaks_pl.cli.main import main
from brainleaks_pl.data.dvs_gesture import DVSGesture
from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.formats import read_dvsgesture, read_nmnist
from brainleaks_pl.export import Format, export_main, export_results, read_results
from brainleaks_pl.export.aedat4 import write_aedat4

FRAMES = {"frame_time": 3000, "polarity": "off", "denoise": 40000, "time_steps": 5, "binary": True}


def random_spikes(seed: int = 0, shape: tuple[int, ...] = (5, 4, 1, 34, 34), rate: float = 0.1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.bernoulli(torch.full(shape, rate), generator=generator).to(torch.uint8)


def write_results(folder: Path, spikes: torch.Tensor | None, data: dict[str, Any], **tensors: torch.Tensor) -> Path:
    """A results folder: two restarts of the classes 3 and 7, of which the second and the first are the best."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "reconstructions": torch.zeros(4, 1, 34, 34) if spikes is None else spikes.float(),
        "classes": torch.tensor([3, 3, 7, 7]),
        "restarts": torch.tensor([0, 1, 0, 1]),
        "best": torch.tensor([1, 2]),
        **({} if spikes is None else {"spikes": spikes}),
        **tensors,
    }
    torch.save(content, folder / "reconstructions.pt")
    (folder / "scores.json").write_text(json.dumps({"data": data}))
    return folder


def event_data(polarity: str = "off", size: tuple[int, int] = (34, 34), **more: Any) -> dict[str, Any]:
    frames = {**FRAMES, "polarity": polarity, "frame_time": more.pop("frame_time", 3000)}
    return {"class": "NMNIST", "frames": frames, "sensor_size": list(size), "simulated": False, **more}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_results(tmp_path / "v2_nmnist", random_spikes(), event_data())


def to_frames(events: Events, size: tuple[int, int], time_steps: int, frame_time: int) -> npt.NDArray[np.int16]:
    """What tonic makes of the events: ``(T, 2, H, W)``, OFF first."""
    end = time_steps * frame_time
    transform = tonic.transforms.ToFrame((*size, 2), time_window=frame_time, start_time=0, end_time=end)
    frames: npt.NDArray[np.int16] = transform(events)
    return frames


def as_tonic_reads(path: Path, format: Format, size: tuple[int, int]) -> Events:
    match format:
        case "tonic":
            events: Events = np.load(path)
        case "nmnist":
            events = tonic.io.read_mnist_file(str(path), dtype=tonic.datasets.NMNIST.dtype)
            assert len(read_nmnist(path, size)) == len(events)
        case "dvsgesture":
            events = read_dvsgesture(path, size)
        case _:
            pytest.importorskip("aedat")
            raw = tonic.io.read_aedat4(str(path))
            events = tonic.io.make_structured_array(raw["x"], raw["y"], raw["t"], raw["on"])
    return events


def check_streams(results: Path, spikes: torch.Tensor, polarity: str, format: Format, frame_time: int) -> None:
    """Export, and compare each file with the spikes that it stands for."""
    size = (spikes.shape[-1], spikes.shape[-2])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of silent reconstructions
        written = iter(export_results(results, format))
    for unit in range(spikes.shape[1]):
        expected = np.zeros((len(spikes), 2, *spikes.shape[-2:]))
        channels = {"off": [0], "merged": [0], "on": [1], "both": [0, 1]}[polarity]
        expected[:, channels] = spikes[:, unit].numpy()
        if expected.any():
            events = as_tonic_reads(next(written), format, size)
            assert (np.diff(events["t"].astype(np.int64)) >= 0).all()
            assert np.array_equal(to_frames(events, size, len(spikes), frame_time), expected)
    assert next(written, None) is None


STREAMS = ("tonic", "nmnist", "dvsgesture", "aedat4")


@pytest.mark.parametrize("polarity", ["off", "on", "merged", "both"])
@pytest.mark.parametrize("format", STREAMS)
def test_tonic_reads_the_same_frames_back(format: Format, polarity: str, tmp_path: Path) -> None:
    if format == "aedat4":
        pytest.importorskip("dv_processing")
    spikes = random_spikes(shape=(5, 4, 2 if polarity == "both" else 1, 30, 34))
    results = write_results(tmp_path / "run", spikes, event_data(polarity, (34, 30)))
    check_streams(results, spikes, polarity, format, 3000)


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 6), st.just(4), st.integers(1, 2), st.integers(1, 34), st.integers(1, 34)),
    rate=st.sampled_from([0.0, 0.002, 0.3, 1.0]),
    frame_time=st.integers(1, 10**6),
    format=st.sampled_from(STREAMS[:3]),
)
def test_any_spikes_are_read_back_or_the_format_refused(
    seed: int, shape: tuple[int, ...], rate: float, frame_time: int, format: Format
) -> None:
    spikes = random_spikes(seed, shape, rate)
    polarity = "both" if shape[2] == 2 else "on"
    with tempfile.TemporaryDirectory() as folder:
        data = event_data(polarity, (shape[4], shape[3]), frame_time=frame_time)
        results = write_results(Path(folder, "run"), spikes, data)
        middles = [(step * frame_time, step * frame_time + frame_time // 2) for step in range(shape[0])]
        if format == "dvsgesture" and any(middle // 1000 * 1000 < start for start, middle in middles):
            with pytest.raises(ValueError, match=f"whole milliseconds, which mix up time steps of {frame_time} us"):
                export_results(results, format)
        elif format == "nmnist" and shape[0] * frame_time > 2**23:
            with pytest.raises(ValueError, match=r"recordings of up to 8\.4 s"):
                export_results(results, format)
        else:
            check_streams(results, spikes, polarity, format, frame_time)


def test_files_are_named_by_run_class_and_restart(results: Path) -> None:
    units = [(3, 0), (3, 1), (7, 0), (7, 1)]
    for format, expected in {
        "tonic": [f"v2_nmnist_class{label}_restart{restart}.npy" for label, restart in units],
        "nmnist": [f"NMNIST/Train/{label}/v2_nmnist_class{label}_restart{restart}.bin" for label, restart in units],
        "dvsgesture": [f"DVSGesture/ibmGestureTrain/user10{r}_v2_nmnist/{label}.npy" for label, r in units],
        "gif": ["v2_nmnist_class3.gif", "v2_nmnist_class7.gif"],
    }.items():
        folder = results / "export" / format
        assert export_results(results, format) == [folder / name for name in expected]  # type: ignore[arg-type]
        there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        assert there == {*expected, f"v2_nmnist_{format}.json"}


def test_tonic_events_are_what_its_transforms_take(results: Path) -> None:
    for path in export_results(results, "tonic"):
        events = np.load(path)
        assert events.dtype == events_struct
        assert events["t"][0] == 1500  # the middle of a frame
        assert len(tonic.transforms.TimeJitter(std=1, sort_timestamps=True)(events)) == len(events)
        assert tonic.transforms.ToVoxelGrid((34, 34, 2), n_time_bins=5)(events).shape == (5, 1, 34, 34)


def test_tonic_finds_the_recordings_and_their_classes(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for dataset, format in ((tonic.datasets.NMNIST, "nmnist"), (tonic.datasets.DVSGesture, "dvsgesture")):
        export_results(results, format)  # type: ignore[arg-type]
        monkeypatch.setattr(dataset, "_check_exists", lambda self: True)  # which counts to a hundred or more
        recordings = dataset(save_to=str(results / "export" / format))
        assert sorted(recordings.targets) == [3, 3, 7, 7]
        spikes = {(label, restart): n for n, (label, restart) in enumerate([(3, 0), (3, 1), (7, 0), (7, 1)])}
        for (events, label), path in zip(recordings, recordings.data, strict=True):
            restart = int("restart1" in path or "user101" in path)
            expected = random_spikes()[:, spikes[label, restart]].numpy()
            assert np.array_equal(to_frames(events, (34, 34), 5, 3000)[:, :1], expected)


def test_our_data_module_finds_the_recordings(results: Path) -> None:
    export_results(results, "dvsgesture")
    exported = results / "export" / "dvsgesture" / "DVSGesture" / "ibmGestureTrain"
    exported.with_name("ibmGestureTest").symlink_to(exported)
    data = DVSGesture(root=results / "export" / "dvsgesture", val_users=(101,), cache=None, download=False)
    assert {name: split.labels.tolist() for name, split in data.load().items()} == {
        "train": [3, 7],
        "val": [3, 7],
        "test": [3, 7, 3, 7],
    }


def test_the_manifest_says_what_the_files_do_not(tmp_path: Path) -> None:
    names = [f"digit {k}" for k in range(10)]
    results = write_results(tmp_path / "run", random_spikes(), event_data(simulated=True, class_names=names))
    export_results(results, "tonic")
    manifest = json.loads((results / "export" / "tonic" / "run_simulated_tonic.json").read_text())
    rows = manifest.pop("reconstructions")
    assert manifest == {
        "results": "../..",
        "simulated": True,
        "frame_time": 3000,
        "time_steps": 5,
        "sensor_size": [34, 34],
        "polarity": "off",
    }
    assert [row["class"] for row in rows] == [3, 3, 7, 7]
    assert [row["restart"] for row in rows] == [0, 1, 0, 1]
    assert [row["best"] for row in rows] == [False, True, True, False]
    assert [row["events"] for row in rows] == random_spikes().sum((0, 2, 3, 4)).tolist()
    assert rows[0]["class_name"] == "digit 3"
    assert rows[0]["file"] == "run_simulated_class3_restart0.npy"


@pytest.mark.parametrize("format", ["tonic", "nmnist", "dvsgesture", "gif"])
def test_names_of_files_tell_that_data_are_simulated(format: Format, tmp_path: Path) -> None:
    for name, expected in {"quickstart": "quickstart_simulated", "v2_simulated": "v2_simulated"}.items():
        results = write_results(tmp_path / name, random_spikes(), event_data(simulated=True))
        for path in export_results(results, format):
            assert f"{expected}{'/' if format == 'dvsgesture' else '_class'}" in path.as_posix()


def test_rate_coded_images_take_their_time_from_the_user(tmp_path: Path) -> None:
    spikes = random_spikes(shape=(5, 4, 1, 28, 28))
    results = write_results(tmp_path / "run", spikes, {"class": "MNIST5k", "encoder": {"class": "RateEncoder"}})
    for given_time, frame_time in ((None, 1000), (400, 400)):
        for unit, path in enumerate(export_results(results, "tonic", frame_time=given_time)):
            frames = to_frames(np.load(path), (28, 28), 5, frame_time)
            assert np.array_equal(frames[:, 1:], spikes[:, unit].numpy())  # ON events
            assert not frames[:, 0].any()


def test_a_reconstruction_without_spikes_gets_no_event_file_but_an_animation(tmp_path: Path) -> None:
    spikes = random_spikes()
    spikes[:, 1] = 0
    results = write_results(tmp_path / "run", spikes, event_data())
    with pytest.warns(UserWarning, match=r"1 of 4 reconstructions have no spike: class 3 \(restart 1\)\."):
        assert [path.name for path in export_results(results, "nmnist")] == [
            f"run_class{label}_restart{restart}.bin" for label, restart in ((3, 0), (7, 0), (7, 1))
        ]
    manifest = json.loads((results / "export" / "nmnist" / "run_nmnist.json").read_text())
    assert [(row["file"] is None, row["events"] == 0) for row in manifest["reconstructions"]][:2] == [
        (False, False),
        (True, True),
    ]
    with pytest.warns(UserWarning, match="no spike"):
        assert [path.name for path in export_results(results, "gif")] == ["run_class3.gif", "run_class7.gif"]
    spikes[:] = 0
    write_results(results, spikes, event_data())
    with pytest.warns(UserWarning, match="4 of 4"):
        assert export_results(results, "nmnist") == []
    assert not list((results / "export").rglob("*.bin"))


def test_animations_have_a_picture_a_time_step(tmp_path: Path) -> None:
    data = event_data("both", (20, 10), simulated=True)
    results = write_results(tmp_path / "run", random_spikes(shape=(5, 4, 2, 10, 20)), data)
    for path in export_results(results, "gif", fps=20):
        with Image.open(path) as gif:
            assert gif.format == "GIF"
            assert gif.n_frames == 5
            assert gif.info["duration"] == 50
    with pytest.raises(ValueError, match="fps must lie in"):
        export_results(results, "gif", fps=0)


def test_exporting_again_replaces_what_was_exported_before(results: Path) -> None:
    before = export_results(results, "tonic")
    two = {"classes": torch.tensor([3, 7]), "restarts": torch.tensor([0, 0]), "best": torch.tensor([0, 1])}
    write_results(results, random_spikes(1)[:, :2], event_data(), **two)
    after = export_results(results, "tonic")
    assert sorted(results.glob("export/tonic/*.npy")) == after == [before[0], before[2]]
    assert np.array_equal(to_frames(np.load(after[0]), (34, 34), 5, 3000)[:, :1], random_spikes(1)[:, 0].numpy())


def test_exports_of_other_results_are_never_replaced(results: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    first = export_results(results, "nmnist", shared)
    other = write_results(tmp_path / "v1_nmnist", random_spikes(1), event_data())
    export_results(other, "nmnist", shared)
    contents = {path: path.read_bytes() for path in shared.rglob("*") if path.is_file()}
    assert set(first) < set(contents)
    assert len(contents) == 10
    namesake = write_results(tmp_path / "elsewhere" / "v2_nmnist", random_spikes(2), event_data())
    with pytest.raises(ValueError, match=r"lists an export of other results, \.\./v2_nmnist: choose another output"):
        export_results(namesake, "nmnist", shared)
    (shared / "v2_nmnist_nmnist.json").unlink()
    with pytest.raises(ValueError, match=r"restart0\.bin is there already, and no export of .* has written it"):
        export_results(namesake, "nmnist", shared)
    assert all(path.read_bytes() == content for path, content in contents.items() if path.exists())


def test_a_manifest_deletes_nothing_outside_of_its_folder(results: Path, tmp_path: Path) -> None:
    export_results(results, "tonic")
    manifest = results / "export" / "tonic" / "v2_nmnist_tonic.json"
    content = json.loads(manifest.read_text())
    content["reconstructions"][0]["file"] = "../../scores.json"
    manifest.write_text(json.dumps(content))
    (results / "export" / "tonic" / "v2_nmnist_class3_restart0.npy").unlink()
    export_results(results, "tonic")
    assert (results / "scores.json").exists()
    manifest.write_text("{")
    with pytest.raises(ValueError, match="is damaged: delete it"):
        export_results(results, "tonic")


def test_a_failed_export_leaves_no_half_file_and_can_be_repeated(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("brainleaks_pl.export.tonic_array.write_tonic", full)
        with pytest.raises(
            OSError, match=r"restart0\.npy cannot be written \(.*no room for.*\)\. Name another folder with --output"
        ):
            export_results(results, "tonic")
    assert [path.name for path in results.glob("export/tonic/*")] == ["v2_nmnist_tonic.json"]
    assert not list(results.glob("export/tonic/.*"))
    assert len(export_results(results, "tonic")) == 4


def test_images_are_no_events(tmp_path: Path) -> None:
    results = write_results(tmp_path / "run", None, {"class": "MNIST5k", "encoder": None})
    with pytest.raises(ValueError, match="are images, not spikes: there are no events to export"):
        export_results(results, "tonic")
    assert not (results / "export").exists()


def test_what_is_missing_is_named(results: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no results folder at .*nowhere\. Run `brainleaks invert` first"):
        export_results(tmp_path / "nowhere", "tonic")
    for name in ("scores.json", "reconstructions.pt"):
        (results / name).rename(tmp_path / name)
        with pytest.raises(FileNotFoundError, match=f"no {name} in .*v2_nmnist"):
            export_results(results, "tonic")
        (tmp_path / name).rename(results / name)


@pytest.mark.parametrize("size", [0, 1, 100, -30])
def test_truncated_tensors_are_damaged(results: Path, size: int) -> None:
    path = results / "reconstructions.pt"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(
        ValueError, match=r"reconstructions\.pt is damaged and cannot be read\. Run `brainleaks invert`"
    ):
        export_results(results, "tonic")


def test_code_in_place_of_tensors_is_not_run(results: Path) -> None:
    torch.save({"spikes": Path("x")}, results / "reconstructions.pt")
    with pytest.raises(ValueError, match="is damaged and cannot be read"):
        export_results(results, "tonic")
    torch.save([1, 2], results / "reconstructions.pt")
    with pytest.raises(ValueError, match="does not hold what `brainleaks invert` writes"):
        export_results(results, "tonic")


@pytest.mark.parametrize(
    "tensors",
    [
        {"spikes": torch.zeros(5, 4, 1, 34, 34)},
        {"spikes": torch.zeros(5, 3, 1, 34, 34, dtype=torch.uint8)},
        {"spikes": torch.zeros(0, 4, 1, 34, 34, dtype=torch.uint8)},
        {"classes": torch.tensor([3.0, 3.0, 7.0, 7.0])},
        {"classes": torch.tensor([-1, -1, 7, 7])},
        {"restarts": torch.tensor([0, 0, 0, 1])},
        {"best": torch.tensor([0, 4])},
        {"best": torch.tensor([0, 1])},
    ],
)
def test_tensors_that_do_not_fit_together_are_refused(results: Path, tensors: dict[str, torch.Tensor]) -> None:
    write_results(results, **{"spikes": random_spikes(), "data": event_data(), **tensors})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"the tensors in .*reconstructions\.pt do not fit together"):
        export_results(results, "tonic")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"data": 3}',
        b'{"data": {"simulated": "no"}}',
        b'{"data": {"frames": {"frame_time": 0, "polarity": "off"}}}',
        b'{"data": {"frames": {"frame_time": 3000, "polarity": "up"}}}',
        b'{"data": {"class_names": 3}}',
    ],
)
def test_damaged_scores_are_refused(results: Path, content: bytes) -> None:
    (results / "scores.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"scores\.json is damaged and cannot be read"):
        export_results(results, "tonic")


def test_huge_scores_are_refused_unread(results: Path) -> None:
    with (results / "scores.json").open("rb+") as file:
        file.truncate(2**40)  # takes no space
    with pytest.raises(ValueError, match=r"scores\.json has 1099511627776 bytes, more than the 67108864 that are read"):
        export_results(results, "tonic")


def test_spikes_of_another_sensor_or_polarity_are_refused(results: Path) -> None:
    for data in (event_data("both"), event_data("off", (34, 33))):
        (results / "scores.json").write_text(json.dumps({"data": data}))
        with pytest.raises(ValueError, match=r"\(5, 4, 1, 34, 34\), are no events of polarity"):
            export_results(results, "tonic")


def test_spikes_of_colour_pictures_are_no_events(tmp_path: Path) -> None:
    tensors = {name: torch.tensor([0]) for name in ("classes", "restarts", "best")}
    spikes = torch.ones(2, 1, 3, 6, 6, dtype=torch.uint8)
    torch.save({**tensors, "spikes": spikes, "reconstructions": spikes.float()}, tmp_path / "reconstructions.pt")
    (tmp_path / "scores.json").write_text(json.dumps({"data": {}}))
    with pytest.raises(ValueError, match="are of pictures with 3 channels: events have none"):
        export_results(tmp_path, "tonic")


def test_frame_times_out_of_range_are_refused(results: Path) -> None:
    assert read_results(results, 3000).frame_time == 3000
    with pytest.raises(ValueError, match="last 3000 us, got frame_time 1000: leave it out"):
        export_results(results, "tonic", frame_time=1000)
    (results / "scores.json").write_text('{"data": {}}')
    for frame_time in (0, -1, 10**30):
        with pytest.raises(ValueError, match=f"frame_time must lie in .* got {frame_time}"):
            export_results(results, "tonic", frame_time=frame_time)


def test_formats_refuse_what_they_cannot_hold(tmp_path: Path) -> None:
    wide = write_results(tmp_path / "wide", random_spikes(shape=(5, 4, 1, 10, 129)), event_data(size=(129, 10)))
    for format, limit in (("nmnist", "34x34"), ("dvsgesture", "128x128")):
        with pytest.raises(ValueError, match=f"up to {limit} pixels, got 129x10: choose another format"):
            export_results(wide, format)  # type: ignore[arg-type]
    people = write_results(tmp_path / "people", random_spikes(), {}, classes=torch.tensor([3, 3, 39, 39]))
    with pytest.raises(ValueError, match="names the classes 0 to 9, got class 39"):
        export_results(people, "nmnist")
    assert not (people / "export").exists()


def test_unknown_formats_and_unwritable_folders_are_refused(results: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown format 'mp4'; choose one of tonic, nmnist, dvsgesture, aedat4, gif"):
        export_results(results, "mp4")  # type: ignore[arg-type]
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"the output folder .*file/deeper cannot be written to .* --output"):
        export_results(results, "tonic", tmp_path / "file" / "deeper")


def test_aedat4_needs_its_package(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dv_processing", None)
    with pytest.raises(ValueError, match=r"needs the package dv-processing: pip install 'brainleaks_pl\[aedat4\]'"):
        export_results(results, "aedat4")
    assert not (results / "export").exists()


def test_aedat4_holds_any_events_and_its_sensor(tmp_path: Path) -> None:
    library = pytest.importorskip("dv_processing")
    pytest.importorskip("aedat")
    generator = np.random.default_rng(0)
    events = np.empty(20_000, events_struct)
    for name, limit in (("x", 640), ("y", 480), ("p", 2)):
        events[name] = generator.integers(0, limit, len(events))
    events["t"] = np.sort(generator.integers(0, 50, len(events))) * 10**9  # many at once, and long silence
    path = tmp_path / "events.aedat4"
    write_aedat4(path, events, (640, 480))
    back = tonic.io.read_aedat4(str(path))
    for there, here in {"x": "x", "y": "y", "t": "t", "on": "p"}.items():
        assert np.array_equal(back[there], events[here])
    assert library.io.MonoCameraRecording(str(path)).getEventResolution() == (640, 480)


def test_aedat4_refuses_what_would_end_the_process_or_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("dv_processing")
    with pytest.raises(ValueError, match="a recording without events is not written"):
        write_aedat4(tmp_path / "a.aedat4", np.empty(0, events_struct), (34, 34))
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(OSError, match=r"has no room for a recording: .* 1000 are free"):
        write_aedat4(tmp_path / "a.aedat4", np.zeros(1, events_struct), (34, 34))
    assert not list(tmp_path.iterdir())


def test_the_command_line_exports(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export_main(["--results", str(results), "--format", "tonic", "--output", str(tmp_path / "out")])
    assert capsys.readouterr().out == f"4 file(s) written to {tmp_path / 'out'}\n"
    export_main(["--results", str(results), "--format=gif", "--fps=20"])
    assert capsys.readouterr().out == f"2 file(s) written to {results / 'export' / 'gif'}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "tonic"], "results"),
        (["--results", "x", "--format", "mp4"], "format"),
        (
            ["--results", "x", "--format", "tonic", "--frame", "3"],
            "frame: there is no such key; did you mean `frame_time`",
        ),
        (["--results", "x", "--format", "tonic", "--frame_time", "soon"], "frame_time"),
    ],
)
def test_wrong_arguments_are_named(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["export", *arguments])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err.rpartition("brainleaks: error:")[2]


def test_the_help_names_every_format_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        export_main(["--help"])
    shown = capsys.readouterr().out
    for word in ("tonic", "nmnist", "dvsgesture", "aedat4", "gif", "--output", "--frame_time", "--fps"):
        assert word in shown


@pytest.mark.parametrize("name", ["two\nlines $a$ \x1b", "字" * 85, "run\udc80"])
@pytest.mark.parametrize("format", ["tonic", "nmnist", "gif"])
def test_folders_and_classes_of_any_name_are_exported(name: str, format: Format, tmp_path: Path) -> None:
    data = event_data(class_names=["a\nb\0$"] * 10)
    results = write_results(tmp_path / name, random_spikes(), data)
    files = export_results(results, format)
    assert all(path.is_file() for path in files)
    assert not any(set("\n\x1b\udc80") & set(path.name) for path in files)
    assert export_results(results, format) == files  # known again as its own
