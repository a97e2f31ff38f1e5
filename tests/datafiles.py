"""Writers of tiny files in the data sets' formats, and a network that fails every test that touches it."""

from __future__ import annotations

import gzip
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from brainleaks_pl import ATTFaces, ImageDataModule, MNIST5k
from brainleaks_pl.data import ImageDataset

IdxBytes = Callable[..., bytes]
WriteMNIST = Callable[..., Path]
WriteFaces = Callable[..., Path]
PgmBytes = Callable[..., bytes]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a test tried to use the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network of a machine that has none."""

    def unresolved(*args: object, **kwargs: object) -> None:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unresolved)


def _idx_bytes(values: np.ndarray) -> bytes:
    header = struct.pack(f">{1 + values.ndim}I", 0x0800 + values.ndim, *values.shape)
    return header + values.astype(np.uint8).tobytes()


@pytest.fixture
def idx_bytes() -> IdxBytes:
    """Return the writer of an IDX file's content."""
    return _idx_bytes


def digits(number: int, offset: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Image i is filled with the value i + offset and has the label i modulo 10."""
    index = np.arange(number)
    return np.broadcast_to((index + offset)[:, None, None], (number, 28, 28)), index % 10


def write_mnist_files(
    folder: Path, train: int = 20, test: int = 10, packed: bool = False, dotted: bool = False
) -> Path:
    """Write a tiny MNIST; image i holds the value i (train) or 100 + i (test), its label is i % 10."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, number, offset in (("train", train, 0), ("t10k", test, 100)):
        for kind, values in zip(("images-idx3", "labels-idx1"), digits(number, offset), strict=True):
            name = f"{part}-{kind}-ubyte"
            name = name.replace("-idx", ".idx") if dotted else name
            data = _idx_bytes(values)
            (folder / (name + ".gz" * packed)).write_bytes(gzip.compress(data) if packed else data)
    return folder


@pytest.fixture
def write_mnist() -> WriteMNIST:
    """Return the writer of a tiny MNIST."""
    return write_mnist_files


def _pgm_bytes(pixels: np.ndarray) -> bytes:
    return f"P5\n{pixels.shape[1]} {pixels.shape[0]}\n255\n".encode() + pixels.astype(np.uint8).tobytes()


@pytest.fixture
def pgm_bytes() -> PgmBytes:
    """Return the writer of a PGM file's content."""
    return _pgm_bytes


def face(person: int, image: int) -> np.ndarray:
    """A face filled with the person's number, its top left pixel with the image's."""
    pixels = np.full((112, 92), person)
    pixels[0, 0] = image
    return pixels


def write_face_files(path: Path, top: str = "") -> Path:
    """Write a whole AT&T database, into a folder or, when the path ends in .zip, a zip file."""
    files = {f"{top}s{p}/{i}.pgm": _pgm_bytes(face(p, i)) for p in range(1, 41) for i in range(1, 11)}
    if path.suffix == ".zip":
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in files.items():
                archive.writestr(name, data)
    else:
        for name, data in files.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


@pytest.fixture
def write_faces() -> WriteFaces:
    """Return the writer of a whole AT&T database."""
    return write_face_files


@pytest.fixture
def few_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave MNIST5k some digits of each class: all of them take a simulator half a minute."""
    _keep(monkeypatch, MNIST5k, 6)


@pytest.fixture
def few_faces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the AT&T faces two pictures of each person in each split: they are large."""
    _keep(monkeypatch, ATTFaces, 2)


def _keep(monkeypatch: pytest.MonkeyPatch, data: type[ImageDataModule], most: int) -> None:
    """Leave a data module so many images of each class in each split."""
    load = data.load

    def some(self: ImageDataModule) -> dict[str, ImageDataset]:
        splits = {}
        for name, split in load(self).items():
            few = torch.cat([(split.labels == label).nonzero()[:most, 0] for label in range(self.num_classes)])
            splits[name] = ImageDataset(split.images[few], split.labels[few])
        return splits

    monkeypatch.setattr(data, "load", some)


def names(folder: Path) -> list[str]:
    """The names in a folder, in order."""
    return sorted(path.name for path in folder.iterdir())
