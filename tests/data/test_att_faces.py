from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pooch
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from brainleaks_pl.data import att_faces
from brainleaks_pl.data.att_faces import URL, ATTFaces, PrivateATTFaces, PublicATTFaces, read_faces, read_pgm


@pytest.mark.parametrize(
    ("place", "top", "root"),
    [
        (".", "", "."),
        ("att_faces", "", "."),
        ("orl_faces", "", "."),
        ("att_faces.zip", "", "."),
        ("att_faces.zip", "orl_faces/", "."),
        ("elsewhere/faces.zip", "", "elsewhere/faces.zip"),
    ],
    ids=["folder", "att_faces", "orl_faces", "zip in the folder", "zip with a top folder", "the zip itself"],
)
def test_reads_every_layout(tmp_path: Path, write_faces, place: str, top: str, root: str) -> None:
    write_faces(tmp_path / place, top)
    before = sorted(tmp_path.rglob("*"))
    data = ATTFaces(tmp_path / root)
    train, test = data.split("train"), data.split("test")
    assert train.images.shape == (320, 1, 112, 92)
    assert test.images.shape == (80, 1, 112, 92)
    # a face is filled with the number of its person, its first pixel with the number of the image
    assert train.images[:, 0, 5, 5].tolist() == [person for person in range(1, 41) for _ in range(8)]
    assert test.images[:, 0, 5, 5].tolist() == [person for person in range(1, 41) for _ in range(2)]
    assert train.images[:, 0, 0, 0].tolist() == [*range(1, 9)] * 40
    assert test.images[:, 0, 0, 0].tolist() == [9, 10] * 40
    for split in (train, test):
        assert torch.equal(split.labels, split.images[:, 0, 5, 5].long() - 1)
    assert data.split("val") is test
    assert data.validates_on_test
    assert sorted(tmp_path.rglob("*")) == before  # nothing was unpacked


def test_people_are_numbered_as_numbers() -> None:
    data = ATTFaces()
    assert [data.class_name(label) for label in (0, 1, 9, 39)] == ["s1", "s2", "s10", "s40"]
    assert data.num_classes == 40


@pytest.mark.parametrize("train_per_person", [1, 9])
def test_train_per_person(tmp_path: Path, write_faces, train_per_person: int) -> None:
    data = ATTFaces(write_faces(tmp_path / "faces.zip"), train_per_person=train_per_person)
    assert data.split("train").labels.bincount().tolist() == [train_per_person] * 40
    assert data.split("test").labels.bincount().tolist() == [10 - train_per_person] * 40


@pytest.mark.parametrize("train_per_person", [0, 10])
def test_train_per_person_out_of_range(train_per_person: int) -> None:
    with pytest.raises(ValueError, match=f"train_per_person must be 1 to 9, got {train_per_person}"):
        ATTFaces(train_per_person=train_per_person)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda pgm: b"", "not a PGM image"),
        (lambda pgm: png(np.zeros((112, 92))), "not a PGM image"),
        (lambda pgm: pgm(np.zeros((112, 92)))[:-500], r"unreadable PGM image \(.*truncated"),
        (lambda pgm: b"P5\n92 112", r"unreadable PGM image \("),
        (lambda pgm: b"P5\n99999 99999\n255\n", r"unreadable PGM image \("),
        (lambda pgm: b"P5\n92 112\n65535\n" + bytes(2 * 112 * 92), "not a PGM image of 8 bits"),
        (lambda pgm: pgm(np.zeros((92, 112))), "92x112 pixels, expected 112x92"),
    ],
    ids=["empty", "png", "truncated", "truncated header", "bomb", "16 bits", "turned"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_bad_image(
    tmp_path: Path, write_faces, pgm_bytes, packed: bool, content: Callable[..., bytes], message: str
) -> None:
    write_faces(tmp_path)
    (tmp_path / "s3" / "7.pgm").write_bytes(content(pgm_bytes))
    root = Path(shutil.make_archive(str(tmp_path / "faces"), "zip", tmp_path)) if packed else tmp_path
    with pytest.raises(ValueError, match=rf"^{re.escape(str(root))}/s3/7\.pgm: {message}"):
        ATTFaces(root).setup()


@given(
    data=st.binary(max_size=40), prefix=st.sampled_from([b"", b"P5", b"P5 92 112 255 ", b"P2 3 3 9 ", b"P7\n", b"Pf "])
)
def test_garbage_raises_nothing_but_a_value_error_that_names_the_file(data: bytes, prefix: bytes) -> None:
    with pytest.raises(ValueError, match=r"^some\.pgm: "):
        read_pgm(prefix + data, "some.pgm", (112, 92))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("s40/10.pgm", r"s40/10\.pgm is missing: every person has ten images, 1\.pgm to 10\.pgm"),
        ("s1", "s1 is missing: the database has 40 people, s1 to s40"),
    ],
)
def test_missing_person_or_image(tmp_path: Path, write_faces, packed: bool, missing: str, message: str) -> None:
    folder = write_faces(tmp_path / "att_faces")
    (folder / missing).rename(tmp_path / "taken away")
    root = Path(shutil.make_archive(str(tmp_path / "faces"), "zip", folder)) if packed else tmp_path
    with pytest.raises(FileNotFoundError, match=f"^{re.escape(str(root))}.*/{message}"):
        ATTFaces(root).setup()


def test_bad_zip(tmp_path: Path, write_faces) -> None:
    path = write_faces(tmp_path / "att_faces.zip")
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[60] ^= 0xFF  # inside the first packed image
    for content in (b"", b"no zip", whole[: len(whole) // 2], bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(
            ValueError, match=r"att_faces\.zip: not a readable zip file \(.+\); delete it and get it again"
        ):
            ATTFaces(tmp_path).setup()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("README", "no faces")
    with pytest.raises(ValueError, match=r"att_faces\.zip: no folders s1 to s40 in it"):
        ATTFaces(tmp_path).setup()


def test_bombs_are_refused_unread(tmp_path: Path, write_faces, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_faces(tmp_path / "faces.zip")

    def replaced(data: bytes, method: int = zipfile.ZIP_DEFLATED) -> None:
        with zipfile.ZipFile(path) as archive:
            images = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(tmp_path / "bomb.zip", "w") as archive:
            for name, content in {**images, "s7/3.pgm": data}.items():
                archive.writestr(name, content, method if content is data else zipfile.ZIP_STORED)

    replaced(bytes(2**25))
    with pytest.raises(ValueError, match=r"bomb\.zip/s7/3\.pgm: more than 131072 bytes, no image of the database"):
        ATTFaces(tmp_path / "bomb.zip").setup()
    replaced(b"", zipfile.ZIP_LZMA)  # whose reader has no bound
    with pytest.raises(ValueError, match=r"bomb\.zip/s7/3\.pgm: packed in an unusual way"):
        ATTFaces(tmp_path / "bomb.zip").setup()
    monkeypatch.setattr(att_faces, "MAX_MEMBERS", 399)
    with pytest.raises(ValueError, match=r"faces\.zip: 400 files in it, the database has 400 images"):
        ATTFaces(path).setup()
    with path.open("rb+") as file:
        file.truncate(2**34)
    with pytest.raises(ValueError, match=r"faces\.zip: 17179869184 bytes, the database has four million"):
        ATTFaces(path).setup()


def test_missing_files_are_listed_with_the_places_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        ATTFaces(tmp_path).split("train")
    assert str(caught.value) == (
        f"The AT&T faces are missing: no folders s1 to s40 in {tmp_path}, {tmp_path / 'att_faces'} or "
        f"{tmp_path / 'orl_faces'}, and no {tmp_path / 'att_faces.zip'}. "
        f"Call prepare_data() with download=True, or put them there by hand (from {URL})."
    )
    with pytest.raises(FileNotFoundError, match=r"The AT&T faces are missing: no .*/faces\.zip\. Call"):
        ATTFaces(tmp_path / "faces.zip").split("train")


def published(monkeypatch: pytest.MonkeyPatch, faces: Path) -> None:
    """Take these faces for the published ones."""
    known = hashlib.sha256(read_faces(faces).numpy().tobytes()).hexdigest()
    monkeypatch.setattr(att_faces, "IMAGES_HASH", f"sha256:{known}")


def serve(monkeypatch: pytest.MonkeyPatch, content: bytes) -> list[str]:
    asked = []

    def download(self: pooch.HTTPDownloader, url: str, output_file: str, *args: object) -> None:
        asked.append(url)
        Path(output_file).write_bytes(content)

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", download)
    return asked


@pytest.mark.parametrize(("root", "expected"), [("data", "data/att_faces.zip"), ("x/f.zip", "x/f.zip")])
def test_downloads_once(tmp_path: Path, write_faces, monkeypatch: pytest.MonkeyPatch, root: str, expected: str) -> None:
    published(monkeypatch, write_faces(tmp_path / "remote.zip"))
    asked = serve(monkeypatch, (tmp_path / "remote.zip").read_bytes())
    data = ATTFaces(tmp_path / root)
    with pytest.raises(FileNotFoundError, match=r"There is no folder .*: correct data\.root, or make the folder"):
        data.prepare_data()
    assert asked == []
    (tmp_path / expected).parent.mkdir()
    data.prepare_data()
    data.prepare_data()
    assert asked == [URL]
    assert (tmp_path / expected).is_file()
    assert len(data.split("train")) == 320


def test_a_download_of_something_else_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, b"<html>moved</html>")
    with pytest.raises(ValueError, match=f"The AT&T faces are missing: .* What {URL} sent is not the database: "):
        ATTFaces(tmp_path).prepare_data()
    assert list(tmp_path.iterdir()) == []


def test_a_download_of_other_faces_is_not_kept(tmp_path: Path, write_faces, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(monkeypatch, write_faces(tmp_path / "remote.zip").read_bytes())
    (tmp_path / "here").mkdir()
    with pytest.raises(ValueError, match=f"What {URL} sent is not the database: it holds other images"):
        ATTFaces(tmp_path / "here").prepare_data()
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("place", ["folder", "faces.zip"])
def test_other_faces_are_used_with_one_warning(
    tmp_path: Path, write_faces, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    root = write_faces(tmp_path / place)
    with pytest.warns(UserWarning, match=f"^{re.escape(str(root))} is not the published one: .* sha256:") as caught:
        ATTFaces(root).setup()
    assert len(caught) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ATTFaces(root).setup()  # one warning is enough
        published(monkeypatch, write_faces(tmp_path / "again" / place))
        ATTFaces(tmp_path / "again" / place).setup()


@pytest.mark.usefixtures("offline")
def test_offline_says_what_is_missing_and_why(tmp_path: Path) -> None:
    reason = "gaierror: .*Temporary failure in name resolution. Get the file by hand"
    with pytest.raises(FileNotFoundError, match=f"^The AT&T faces are missing: .*download of {URL} failed: {reason}"):
        ATTFaces(tmp_path).prepare_data()
    assert list(tmp_path.iterdir()) == []


def test_download_false_never_asks_the_network(tmp_path: Path) -> None:
    ATTFaces(tmp_path, download=False).prepare_data()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.filterwarnings("error:.*is not the published one")
@pytest.mark.skipif("BRAINLEAKS_DATA" not in os.environ, reason="BRAINLEAKS_DATA (holding att_faces.zip) is not set")
def test_the_real_faces() -> None:
    data = ATTFaces(os.environ["BRAINLEAKS_DATA"])
    train, test = data.split("train"), data.split("test")
    assert (train.images.shape, test.images.shape) == ((320, 1, 112, 92), (80, 1, 112, 92))
    assert train.labels.bincount().tolist() == [8] * 40
    assert test.labels.bincount().tolist() == [2] * 40
    assert train.images[0, 0, 0, :5].tolist() == [48, 49, 45, 47, 49]
    # people differ more than the images of one person
    means = data.class_means()
    within = torch.stack([(data.class_images(k, "test") - means[k]).abs().mean() for k in range(40)]).mean()
    between = torch.stack([(data.class_images(k, "test") - means[k - 1]).abs().mean() for k in range(40)]).mean()
    assert within < between


def test_private_and_public_people_are_different_ones(tmp_path: Path, write_faces) -> None:
    root = write_faces(tmp_path / "faces.zip")
    everyone, private, public = (kind(root) for kind in (ATTFaces, PrivateATTFaces, PublicATTFaces))
    assert private.num_classes == public.num_classes == 20
    assert set(private.class_names) | set(public.class_names) == set(everyone.class_names)
    for own, first in ((private, 0), (public, 1)):
        for label in (0, 19):
            for split in ("train", "test"):
                same = everyone.class_images(2 * label + first, split)
                assert torch.equal(own.class_images(label, split), same)
    assert len({own.digest() for own in (everyone, private, public)}) == 3
