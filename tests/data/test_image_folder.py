from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from folders import picture, write_pictures
from PIL import Image

from brainleaks_pl import FolderSplits, ImageFolder, RateEncoder
from brainleaks_pl.data.image_files import read_image

CLASSES = ("red", "green", "blue")


@pytest.mark.parametrize(("suffix", "channels"), [(".png", 3), (".png", 1), (".jpg", 3), (".pgm", 1)])
def test_shape_and_classes_are_read(tmp_path: Path, suffix: str, channels: int) -> None:
    data = ImageFolder(write_pictures(tmp_path, CLASSES, suffix=suffix, channels=channels))
    assert data.input_shape == (channels, 6, 5)
    assert data.class_names == ("blue", "green", "red")
    assert data.num_classes == 3
    assert not data.spiking
    assert [len(data.split(part)) for part in ("train", "val", "test")] == [9, 3, 3]
    for part in ("train", "val", "test"):
        split = data.split(part)
        for image, label, file in zip(split.images, split.labels, data.files[part], strict=True):
            assert file.name.startswith(data.class_name(int(label)))
            assert torch.equal(image, read_image(file.path))
    assert data.class_images(0, "test").shape == (1, channels, 6, 5)


def test_colours_are_in_their_channels(tmp_path: Path) -> None:
    data = ImageFolder(write_pictures(tmp_path, CLASSES), encoder=RateEncoder(4))
    means = data.class_means().mean((2, 3))
    assert means.argmax(1).tolist() == [2, 1, 0]  # blue, green, red
    (batch,) = data.test_dataloader()
    spikes, labels = data.on_after_batch_transfer(batch, 0)
    assert spikes.shape == (4, 3, 3, 6, 5)
    assert labels.tolist() == [0, 1, 2]


def test_folders_and_other_pictures_make_other_digests(tmp_path: Path) -> None:
    first = write_pictures(tmp_path / "one", CLASSES)
    digest = ImageFolder(first).digest()
    assert ImageFolder(write_pictures(tmp_path / "two", CLASSES)).digest() == digest
    assert ImageFolder(first, splits=FolderSplits(seed=5)).digest() != digest
    described = ImageFolder(first, splits=FolderSplits(seed=5)).describe()
    assert described["splits"]["seed"] == 5  # a network of other splits is told by it
    picture(999).save(first / "red" / "0.png")
    assert ImageFolder(first).digest() != digest


def test_folders_that_are_splits(tmp_path: Path) -> None:
    write_pictures(tmp_path / "train", CLASSES)
    write_pictures(tmp_path / "test", CLASSES, each=2, first=50)
    data = ImageFolder(tmp_path)
    assert {file.path.parent.parent.name for file in data.files["test"]} == {"test"}
    assert [len(data.split(part)) for part in ("train", "val", "test")] == [12, 3, 6]


def test_pictures_are_made_alike_where_that_is_asked_for(tmp_path: Path) -> None:
    write_pictures(tmp_path, CLASSES)
    picture(7, (12, 10)).save(tmp_path / "red" / "0.png")
    with pytest.raises(ValueError, match=r"has \d+x\d+ pixels in colour, but .* pixels in colour: give size, \[H, W\]"):
        ImageFolder(tmp_path).setup()
    assert ImageFolder(tmp_path, size=(4, 4)).split("train").images.shape[1:] == (3, 4, 4)
    picture(7, channels=1).save(tmp_path / "red" / "0.png")
    with pytest.raises(ValueError, match=r"pixels in (grey|colour), but .*: give channels, 1 \(grey\) or 3 \(RGB\)"):
        ImageFolder(tmp_path).setup()
    assert ImageFolder(tmp_path, channels=1).split("train").images.shape[1:] == (1, 6, 5)
    grey = ImageFolder(tmp_path, channels=3).split("train")
    assert grey.images.shape[1:] == (3, 6, 5)


def test_scaled_pictures_are_filled_and_cut_at_both_sides(tmp_path: Path) -> None:
    pixels = np.zeros((4, 12), np.uint8)
    pixels[:, 4:8] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    assert read_image(tmp_path / "wide.png", (4, 4)).tolist() == [[[200] * 4] * 4]
    assert read_image(tmp_path / "wide.png", (2, 2)).min() > 150


def test_pictures_stand_upright(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x0112] = 6
    picture(0, (6, 5)).save(tmp_path / "photo.jpg", exif=turned)
    assert read_image(tmp_path / "photo.jpg").shape == (3, 5, 6)


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("LA", 1), ("P", 3), ("RGBA", 3)])
def test_pictures_of_other_kinds_are_read(tmp_path: Path, mode: str, channels: int) -> None:
    picture(0).convert(mode).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").shape == (channels, 6, 5)
    assert read_image(tmp_path / "a.png").dtype == torch.uint8


def test_pictures_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"a\.png: not a PNG, JPEG or PGM picture, whatever its name says"):
        read_image(path)
    picture(0, (60, 50)).save(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match=r"a\.png: unreadable picture \("):
        read_image(path)
    Image.fromarray(np.full((6, 5), 40_000, np.uint16)).save(path)
    with pytest.raises(ValueError, match=r"a\.png: pixels that Pillow calls 'I;16', expected grey or RGB, 8 bits per"):
        read_image(path)
    clear = picture(0).convert("RGBA")
    clear.putalpha(100)
    clear.save(path)
    with pytest.raises(ValueError, match=r"a\.png: transparent in places, where its colours are undefined"):
        read_image(path)


def test_copies_are_refused_or_told(tmp_path: Path) -> None:
    write_pictures(tmp_path, CLASSES)
    for i in range(5):
        picture(0).save(tmp_path / "red" / f"{i}.png")
    with pytest.raises(
        ValueError, match=r"pictures with equal pixels are in more than one split \(1 of them\), such as red/\d.png"
    ):
        ImageFolder(tmp_path).setup()
    with pytest.warns(UserWarning, match="equal pixels"):
        ImageFolder(tmp_path, splits=FolderSplits(duplicates="warn")).setup()


def test_too_many_pictures_for_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(tmp_path, CLASSES)
    monkeypatch.setattr("brainleaks_pl.system.memory.memory_limit", lambda: 1000)
    with pytest.raises(ValueError, match=r"the 15 pictures in .* would take 1\.4 kB of memory.*give a smaller size"):
        ImageFolder(tmp_path).setup()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": (0, 4)}, "size must be (H, W), both at least 1, got (0, 4)"),
        ({"channels": 2}, "channels must be 1 (grey) or 3 (RGB), got 2"),
    ],
)
def test_values_out_of_range(tmp_path: Path, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        ImageFolder(tmp_path, **settings)  # type: ignore[arg-type]
