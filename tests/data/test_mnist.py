from __future__ import annotations

import gzip
import hashlib
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pooch
import pytest

from brainleaks_pl.data import mnist
from brainleaks_pl.data.mnist import MIRROR, MNIST

TRAIN_IMAGES, TRAIN_LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
TEST_IMAGES, TEST_LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


@pytest.mark.parametrize("folder", [".", "MNIST/raw"])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_reads_every_layout(tmp_path: Path, write_mnist, folder: str, packed: bool, dotted: bool) -> None:
    write_mnist(tmp_path / folder, packed=packed, dotted=dotted)
    data = MNIST(tmp_path, val_size=5)
    train, val, test = (data.split(name) for name in ("train", "val", "test"))
    assert train.images.shape == (15, 1, 28, 28)
    # image i is filled with i: the split is in the order of the files, and validation is the end of training
    assert train.images[:, 0, 13, 7].tolist() == list(range(15))
    assert val.images[:, 0, 13, 7].tolist() == list(range(15, 20))
    assert test.images[:, 0, 13, 7].tolist() == list(range(100, 110))
    assert train.labels.tolist() == [*range(10), *range(5)]
    assert val.labels.tolist() == [5, 6, 7, 8, 9]
    assert test.labels.tolist() == list(range(10))


def test_finds_each_file_by_itself(tmp_path: Path, write_mnist) -> None:
    write_mnist(tmp_path, packed=True)
    (tmp_path / "MNIST" / "raw").mkdir(parents=True)
    (tmp_path / f"{TEST_LABELS}.gz").rename(tmp_path / "MNIST" / "raw" / f"{TEST_LABELS}.gz")
    assert len(MNIST(tmp_path, val_size=1).split("test")) == 10


def test_a_home_directory_is_expanded(tmp_path: Path, write_mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_mnist(tmp_path / "digits")
    assert len(MNIST("~/digits", val_size=1).split("test")) == 10


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        (TRAIN_IMAGES, lambda idx: b"", f"{TRAIN_IMAGES}: the file is empty"),
        (TRAIN_IMAGES, lambda idx: idx(np.zeros(20)), f"{TRAIN_IMAGES}: wrong magic number, got 2049, expected 2051"),
        (TEST_LABELS, lambda idx: idx(np.zeros(10))[:-3], f"{TEST_LABELS}: truncated, got 15 bytes, expected 18"),
        (
            TEST_LABELS,
            lambda idx: idx(np.zeros(10)) + b"!",
            f"{TEST_LABELS}: too long, got more than 18 bytes, expected 18",
        ),
        (
            TEST_IMAGES,
            lambda idx: gzip.compress(idx(np.zeros((10, 28, 28))))[:-2],
            f"{TEST_IMAGES}: corrupted gzip data",
        ),
        (
            TEST_IMAGES,
            lambda idx: idx(np.zeros((10, 28, 27))),
            f"{TEST_IMAGES}: images of 28x27 pixels, expected 28x28",
        ),
        (TEST_IMAGES, lambda idx: idx(np.zeros((0, 28, 28))), f"{TEST_IMAGES} holds 0 images, but .*{TEST_LABELS} 10 "),
        (TRAIN_LABELS, lambda idx: idx(np.arange(20)), f"{TRAIN_LABELS}: label 10 at position 10, expected 0 to 9"),
        (
            TRAIN_LABELS,
            lambda idx: idx(np.zeros(21)),
            f"{TRAIN_IMAGES} holds 20 images, but .*{TRAIN_LABELS} 21 labels",
        ),
    ],
    ids=["empty", "magic", "truncated", "too long", "gzip", "size", "none", "label", "numbers differ"],
)
def test_bad_input(
    tmp_path: Path, write_mnist, idx_bytes, file: str, content: Callable[..., bytes], message: str
) -> None:
    write_mnist(tmp_path)
    (tmp_path / file).write_bytes(content(idx_bytes))
    with pytest.raises(ValueError, match=message):
        MNIST(tmp_path, val_size=5).split("train")


def test_files_without_images_are_refused(tmp_path: Path, write_mnist) -> None:
    write_mnist(tmp_path, test=0)
    with pytest.raises(ValueError, match=f"{TEST_IMAGES}: no images in it"):
        MNIST(tmp_path, val_size=5).split("train")


def test_val_size_must_leave_something_on_both_sides(tmp_path: Path, write_mnist) -> None:
    write_mnist(tmp_path)
    with pytest.raises(ValueError, match="val_size must be at least 1, got 0"):
        MNIST(tmp_path, val_size=0)
    with pytest.raises(ValueError, match="val_size must be below the 20 training images, got 20"):
        MNIST(tmp_path, val_size=20).split("train")
    assert len(MNIST(tmp_path, val_size=19).split("train")) == 1


def test_missing_files_are_listed_with_the_places_and_the_remedy(tmp_path: Path, write_mnist) -> None:
    write_mnist(tmp_path)
    (tmp_path / TRAIN_LABELS).unlink()
    with pytest.raises(FileNotFoundError) as caught:
        MNIST(tmp_path).split("train")
    assert str(caught.value) == (
        f"MNIST is incomplete: no {TRAIN_LABELS} (.gz or not) in {tmp_path} or {tmp_path / 'MNIST' / 'raw'}. "
        f"Call prepare_data() with download=True, or put them there by hand (from {MIRROR})."
    )


def test_downloads_only_what_is_missing(tmp_path: Path, write_mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = write_mnist(tmp_path / "remote", packed=True)
    local = write_mnist(tmp_path / "local")
    asked = []

    def serve(self: pooch.HTTPDownloader, url: str, output_file: str, *args: object) -> None:
        asked.append(url)
        Path(output_file).write_bytes((remote / url.removeprefix(MIRROR)).read_bytes())

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", serve)
    monkeypatch.setattr(
        mnist, "MD5", {name: hashlib.md5((remote / f"{name}.gz").read_bytes()).hexdigest() for name in mnist.MD5}
    )
    data = MNIST(local, val_size=5)
    data.prepare_data()
    assert asked == []
    for name in (TRAIN_IMAGES, TEST_LABELS):
        (local / name).unlink()
    data.prepare_data()
    assert asked == [f"{MIRROR}{TRAIN_IMAGES}.gz", f"{MIRROR}{TEST_LABELS}.gz"]
    assert sorted(path.name for path in (local / "MNIST" / "raw").iterdir()) == sorted(
        [f"{TRAIN_IMAGES}.gz", f"{TEST_LABELS}.gz"]
    )
    assert data.split("val").labels.tolist() == [5, 6, 7, 8, 9]


def test_a_download_of_something_else_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def serve(self: pooch.HTTPDownloader, url: str, output_file: str, *args: object) -> None:
        Path(output_file).write_bytes(b"<html>moved</html>")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", serve)
    with pytest.raises(
        FileNotFoundError, match=f"MD5 hash of downloaded file .* md5:{mnist.MD5[TRAIN_IMAGES]} but got"
    ):
        MNIST(tmp_path).prepare_data()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("offline")
def test_offline_says_what_is_missing_and_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        MNIST(tmp_path).prepare_data()
    assert str(caught.value) == (
        f"MNIST is incomplete: no {TRAIN_IMAGES}, {TRAIN_LABELS}, {TEST_IMAGES}, {TEST_LABELS} (.gz or not) in "
        f"{tmp_path} or {tmp_path / 'MNIST' / 'raw'}. The download of {MIRROR}{TRAIN_IMAGES}.gz failed: "
        "gaierror: [Errno -3] Temporary failure in name resolution. Get the file by hand and put it there."
    )


def test_download_false_never_asks_the_network(tmp_path: Path) -> None:
    data = MNIST(tmp_path, download=False)
    data.prepare_data()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(FileNotFoundError, match="MNIST is incomplete"):
        data.setup()


def test_other_files_than_the_published_are_used_with_one_warning_each(tmp_path: Path, write_mnist) -> None:
    for packed in (False, True):
        write_mnist(tmp_path / str(packed), packed=packed)
        with pytest.warns(UserWarning, match="is not the published one: its content has the hash md5:") as caught:
            MNIST(tmp_path / str(packed), val_size=5).setup()
        files = sorted(path.name for path in (tmp_path / str(packed)).iterdir())
        assert sorted(str(warning.message).split(" ")[0].rpartition("/")[2] for warning in caught) == files
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # each file is hashed once
        MNIST(tmp_path / "True", val_size=5).setup()


def test_the_published_files_give_no_warning(tmp_path: Path, write_mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(tmp_path)
    known = {name: hashlib.md5((tmp_path / name).read_bytes()).hexdigest() for name in mnist.CONTENT_MD5}
    monkeypatch.setattr(mnist, "CONTENT_MD5", known)
    write_mnist(tmp_path / "packed", packed=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MNIST(tmp_path, val_size=5).setup()
        MNIST(tmp_path / "packed", val_size=5).setup()


@pytest.mark.slow
@pytest.mark.filterwarnings("error:.*is not the published one")
@pytest.mark.skipif("BRAINLEAKS_DATA" not in os.environ, reason="BRAINLEAKS_DATA (a folder with mnist/) is not set")
def test_the_real_digits() -> None:
    data = MNIST(Path(os.environ["BRAINLEAKS_DATA"]) / "mnist")
    train, val, test = (data.split(name) for name in ("train", "val", "test"))
    assert (len(train), len(val), len(test)) == (55000, 5000, 10000)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    counts = train.labels.bincount() + val.labels.bincount()
    assert counts.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert test.labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    # the mean intensity of the 60000 training images, known from everybody's normalisation
    pixels = train.images.sum(dtype=float) + val.images.sum(dtype=float)
    assert float(pixels) / (60000 * 28 * 28 * 255) == pytest.approx(0.1307, abs=5e-5)
