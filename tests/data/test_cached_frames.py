from __future__ import annotations

import errno
import io
import multiprocessing
import os
import re
from pathlib import Path

import numpy as np
import pytest
import tonic
import torch
from recordings import random_recording, recording
from tonic.cached_dataset import save_to_disk_cache
from torch.utils.data import DataLoader

from brainleaks_pl.data import cached_frames
from brainleaks_pl.data.cached_frames import CachedFrames, _read_cached
from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.formats import read_nmnist, write_nmnist
from brainleaks_pl.events.frames import FrameTransform
from brainleaks_pl.system.storage import in_bytes

SIZE = (9, 7)
TRANSFORM = FrameTransform(1000, denoise=3000, polarity="both")


class CountingReader:
    """Reads N-MNIST files and counts them; the cache takes all instances for the same reader."""

    def __init__(self) -> None:
        self.__qualname__ = "CountingReader"
        self.reads: list[str] = []

    def __call__(self, path: Path, sensor_size: tuple[int, int]) -> Events:
        self.reads.append(path.name)
        return read_nmnist(path, sensor_size)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    """Three recordings of different length."""
    (tmp_path / "recordings").mkdir()
    files = [tmp_path / "recordings" / f"{i}.bin" for i in range(3)]
    for seed, path in enumerate(files):
        write_nmnist(path, random_recording(150, SIZE, 20_000 + 5000 * seed, seed))
    return files


def dataset(paths: list[Path], cache: Path | None, **settings) -> CachedFrames:
    settings = {"read": read_nmnist, "transform": TRANSFORM, "sensor_size": SIZE, **settings}
    return CachedFrames(paths, torch.arange(len(paths)), cache=cache, **settings)


def expected(path: Path, transform: FrameTransform = TRANSFORM, size: tuple[int, int] = SIZE) -> torch.Tensor:
    return torch.from_numpy(transform(read_nmnist(path, size), size))


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("polarity", ["off", "both"])
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("time_steps", [None, 30])
@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("on_disk", [True, False])
def test_returns_the_frames_of_every_recording(
    tmp_path: Path, paths: list[Path], polarity, binary: bool, time_steps: int | None, in_memory: bool, on_disk: bool
) -> None:
    transform = FrameTransform(1000, polarity=polarity, binary=binary, time_steps=time_steps)
    data = dataset(paths, tmp_path / "cache" if on_disk else None, transform=transform, in_memory=in_memory)
    assert len(data) == 3
    for _ in range(2):
        for index, path in enumerate(paths):
            frames, label = data[index]
            assert frames.dtype == torch.uint8
            assert torch.equal(frames, expected(path, transform))
            assert label == index
            frames += 1  # the caller's own: what is kept does not change with them
    assert len(files_in(tmp_path / "cache")) == (3 if on_disk else 0)


def test_recordings_are_read_once_for_all(tmp_path: Path, paths: list[Path]) -> None:
    first, second = CountingReader(), CountingReader()
    for reader, in_memory in ((first, False), (second, True)):
        data = dataset(paths, tmp_path / "cache", read=reader, in_memory=in_memory)
        assert [len(data[i][0]) for i in (0, 1, 2, 0, 1)] == [len(expected(paths[i])) for i in (0, 1, 2, 0, 1)]
    assert first.reads == ["0.bin", "1.bin", "2.bin"]
    assert second.reads == []


def test_the_memory_spares_the_disk(tmp_path: Path, paths: list[Path]) -> None:
    kept, not_kept = (dataset(paths, tmp_path / "cache", in_memory=in_memory) for in_memory in (True, False))
    assert torch.equal(kept[0][0], not_kept[0][0])
    paths[0].unlink()
    assert len(kept[0][0]) == 19
    with pytest.raises(FileNotFoundError, match=re.escape(str(paths[0]))):
        not_kept[0]


@pytest.mark.parametrize(
    "setting",
    [
        {"transform": FrameTransform(1001, denoise=3000, polarity="both")},
        {"transform": FrameTransform(1000, denoise=3001, polarity="both")},
        {"transform": FrameTransform(1000, denoise=None, polarity="both")},
        {"transform": FrameTransform(1000, denoise=3000, polarity="merged")},
        {"transform": FrameTransform(1000, denoise=3000, polarity="both", time_steps=19)},
        {"transform": FrameTransform(1000, denoise=3000, polarity="both", binary=False)},
        {"sensor_size": (9, 8)},
    ],
)
def test_another_setting_never_meets_stale_frames(tmp_path: Path, paths: list[Path], setting: dict) -> None:
    before = dataset(paths, tmp_path / "cache")
    assert torch.equal(before[0][0], expected(paths[0]))
    after = dataset(paths, tmp_path / "cache", **setting)
    wanted = expected(paths[0], after.transform, after.sensor_size)
    assert torch.equal(after[0][0], wanted)
    assert torch.equal(dataset(paths, tmp_path / "cache", **setting)[0][0], wanted)
    assert torch.equal(dataset(paths, tmp_path / "cache")[0][0], expected(paths[0]))
    assert len(files_in(tmp_path / "cache")) == 2


def test_another_reader_or_tonic_never_meets_stale_frames(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_one_event(path: Path, sensor_size: tuple[int, int]) -> Events:
        return recording((3, 2, 0, 1))

    assert dataset(paths, tmp_path)[0][0].sum() > 1
    transform = FrameTransform(1000, polarity="both")
    assert dataset(paths, tmp_path, transform=transform)[0][0].sum() > 1
    assert dataset(paths, tmp_path, transform=transform, read=read_one_event)[0][0].nonzero().tolist() == [[0, 1, 2, 3]]
    reader = CountingReader()
    for version, reads in (("98", 1), ("98", 1), ("99", 2)):
        monkeypatch.setattr(tonic, "__version__", version)
        dataset(paths, tmp_path, read=reader)[0]
        assert len(reader.reads) == reads


def test_a_changed_recording_never_meets_stale_frames(tmp_path: Path, paths: list[Path]) -> None:
    before = dataset(paths, tmp_path / "cache")[0][0]
    status = paths[0].stat()
    # of the same size and name
    write_nmnist(paths[0], random_recording(150, SIZE, 20_000, seed=9))
    os.utime(paths[0], ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    after = dataset(paths, tmp_path / "cache")[0][0]
    assert torch.equal(after, expected(paths[0]))
    assert not torch.equal(after, before)
    # of the same time
    write_nmnist(paths[0], random_recording(151, SIZE, 20_000, seed=10))
    os.utime(paths[0], ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert torch.equal(dataset(paths, tmp_path / "cache")[0][0], expected(paths[0]))


def test_recordings_of_the_same_name_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = []
    for place in ("a", "b"):
        Path(place).mkdir()
        write_nmnist(Path(place) / "0.bin", random_recording(150, SIZE, 20_000, seed=ord(place)))
        os.utime(Path(place) / "0.bin", ns=(0, 0))
        monkeypatch.chdir(tmp_path / place)
        found.append(dataset([Path("0.bin")], tmp_path / "cache")[0][0])
        assert torch.equal(found[-1], expected(Path("0.bin")))
        monkeypatch.chdir(tmp_path)
    assert not torch.equal(*found)


def test_damaged_files_are_made_anew(tmp_path: Path, paths: list[Path]) -> None:
    wanted = expected(paths[0])
    dataset(paths, tmp_path / "cache")[0]
    (path,) = files_in(tmp_path / "cache")
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    damaged = [b"", b"garbage", whole[: len(whole) // 2], whole[:-1], bytes(len(whole)), whole[8:]]
    for at in generator.integers(0, len(whole), 150):
        flipped = bytearray(whole)
        flipped[at] ^= 1 << generator.integers(0, 8)
        damaged.append(bytes(flipped))
    for data in damaged:
        path.write_bytes(data)
        assert torch.equal(dataset(paths, tmp_path / "cache")[0][0], wanted)
        assert _read_cached(path) is not None
    assert files_in(tmp_path / "cache") == [path]


@pytest.mark.parametrize(
    ("data", "target"),
    [
        (np.zeros((4, 16), np.uint8), 5),
        (np.zeros((4, 16), np.uint8), np.array([5, 6])),
        (np.zeros((4, 16), np.int64), 5),
        (3, 5),
        (({"a": 1},), 5),
        ((np.zeros(3), np.zeros(3)), (1, 2)),
    ],
)
def test_files_of_others_are_replaced(tmp_path: Path, paths: list[Path], data, target) -> None:
    dataset(paths, tmp_path / "cache")[0]
    (path,) = files_in(tmp_path / "cache")
    save_to_disk_cache(data, target, path)
    assert torch.equal(dataset(paths, tmp_path / "cache")[0][0], expected(paths[0]))


def half_written(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let every file end after some bytes."""
    write = Path.write_bytes

    def break_off(self: Path, data: bytes) -> int:
        write(self, bytes(data)[:100])
        raise error

    monkeypatch.setattr(Path, "write_bytes", break_off)


def test_a_file_is_written_whole_or_not_at_all(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    half_written(monkeypatch, KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        dataset(paths, tmp_path / "cache")[0]
    assert files_in(tmp_path / "cache") == []


def test_the_disk_gets_what_tonic_has_made_in_memory(
    tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    places = []

    def save(data: object, target: object, place: object, compress: bool) -> None:
        places.append(place)
        save_to_disk_cache(data, target, place, compress=compress)

    monkeypatch.setattr(cached_frames, "save_to_disk_cache", save)
    dataset(paths, tmp_path / "cache")[0]
    (path,) = files_in(tmp_path / "cache")
    # libhdf5 itself crashes where a disk is full: it never writes there
    assert [type(place) for place in places] == [io.BytesIO]
    assert path.read_bytes() == places[0].getvalue()


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, paths: list[Path]) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        OSError, match=r"the frames cannot be stored in .*file/\w+ \(.*\)\. Name another folder as `cache`"
    ):
        dataset(paths, tmp_path / "file")[0]
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_full_disk_is_reported(tmp_path: Path, paths: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    dataset(paths, tmp_path / "enough")[0]
    (whole,) = files_in(tmp_path / "enough")
    half_written(monkeypatch, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(
        OSError, match=r"the frames cannot be stored in .*no room for .*\.hdf5 in .*: at least "
    ) as caught:
        dataset(paths, tmp_path / "cache")[0]
    assert f"at least {in_bytes(whole.stat().st_size)} are needed, and " in str(caught.value)
    assert files_in(tmp_path / "cache") == []


def test_a_bad_recording_is_named_and_not_cached(tmp_path: Path, paths: list[Path]) -> None:
    paths[1].write_bytes(b"1234")
    data = dataset(paths, tmp_path / "cache")
    for _ in range(2):
        with pytest.raises(ValueError, match=r"1\.bin: cut in the middle of an event"):
            data[1]
    write_nmnist(paths[2], recording((0, 0, 0, 1), (0, 0, 2**22, 1)))
    with pytest.raises(ValueError, match=r"2\.bin: the recording makes 4194304 frames of 1 us"):
        dataset(paths, tmp_path / "cache", transform=FrameTransform(1))[2]
    assert files_in(tmp_path / "cache") == []


def test_every_recording_has_a_label(paths: list[Path]) -> None:
    with pytest.raises(ValueError, match="3 recordings but 2 labels"):
        CachedFrames(paths, torch.arange(2), read_nmnist, TRANSFORM, SIZE, None)


def _read_all(paths: list[Path], cache: Path, failures) -> None:
    for _ in range(3):
        data = dataset(paths, cache, in_memory=False)
        for index, path in enumerate(paths):
            if not torch.equal(data[index][0], expected(path)):
                failures.put(path.name)
        for path in cache.glob("*/[!.]*"):
            path.unlink(missing_ok=True)


def test_processes_may_share_a_cache(tmp_path: Path, paths: list[Path]) -> None:
    context = multiprocessing.get_context("fork")
    failures = context.SimpleQueue()
    processes = [context.Process(target=_read_all, args=(paths, tmp_path / "cache", failures)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert failures.empty()
    assert files_in(tmp_path / "cache") == []


def test_workers_may_share_a_cache(tmp_path: Path, paths: list[Path]) -> None:
    data = dataset(paths * 4, tmp_path / "cache")
    for index, (frames, _) in enumerate(DataLoader(data, batch_size=None, num_workers=2)):
        assert torch.equal(frames, expected(paths[index % 3]))
    assert len(files_in(tmp_path / "cache")) == 3
