"""AT&T (ORL) Database of Faces: 40 people, 10 images each (Samaria and Harter, WACV 1994)."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from brainleaks_pl.data.download import check_root, fetch
from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset
from brainleaks_pl.data.published import is_published, warn_unless_published
from brainleaks_pl.encoders.base import Encoder

URL = "https://www.cl.cam.ac.uk/Research/DTG/attarchive/pub/data/att_faces.zip"
IMAGES_HASH = "sha256:2e4844a9f4fa4397058f69d6208047170f2e9d399cda18b55c1e8d28f0a83431"
"""Of the images as :func:`read_faces` returns them: the publisher states no checksum of the archive, and others have
packed the same images anew."""
PEOPLE = tuple(f"s{n}" for n in range(1, 41))
IMAGES_PER_PERSON = 10

MAX_ZIP_SIZE, MAX_MEMBERS, MAX_IMAGE_SIZE = 2**24, 10_000, 2**17
"""What is read at most: bytes of the archive, files in it (the published one has 401), bytes of an image."""

AnyPath = TypeVar("AnyPath", Path, zipfile.Path)


class ATTFaces(ImageDataModule):
    """Faces, 112x92; person n is class n - 1.

    The published split: the first ``train_per_person`` images of each person train, the others test. Nothing is held
    out for validation: the split ``val`` is the test split. Other images than the published ones are used with
    a warning.

    Args:
        root: the folder that holds ``s1`` to ``s40``, or a folder that contains ``att_faces/`` or ``orl_faces/`` with
            them or ``att_faces.zip``, or the zip file itself (read in memory, never unpacked to disk).
        encoder: turns images into spike trains for spiking networks; None leaves images for non-spiking ones.
        batch_size: images in a training batch, at least 1.
        eval_batch_size: images in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load; 0 is fastest for data held in memory.
        train_per_person: training images of each person, 1 to 9.
        download: let :meth:`prepare_data` download a missing ``att_faces.zip`` into ``root``.

    Raises:
        ValueError: when a size is out of range.

    Examples:
        The folder as published, here with uniformly grey pictures:

        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from brainleaks_pl import ATTFaces
        >>> for person in range(1, 41):
        ...     Path("att_faces", f"s{person}").mkdir(parents=True)
        ...     for n in range(1, 11):
        ...         Image.new("L", (92, 112), person).save(f"att_faces/s{person}/{n}.pgm")
        >>> faces = ATTFaces("att_faces", download=False)
        >>> faces.class_images(0).shape, faces.class_names[0]
        (torch.Size([8, 1, 112, 92]), 's1')
        >>> len(faces.split("train")), len(faces.split("test"))
        (320, 80)
    """

    input_shape = (1, 112, 92)
    num_classes = len(PEOPLE)
    class_names: tuple[str, ...] = PEOPLE
    validates_on_test = True

    def __init__(
        self,
        root: str | Path = "data",
        encoder: Encoder | None = None,
        batch_size: int = 8,
        eval_batch_size: int = 80,
        num_workers: int = 0,
        train_per_person: int = 8,
        download: bool = True,
    ) -> None:
        super().__init__(encoder, batch_size, eval_batch_size, num_workers)
        if not 1 <= train_per_person < IMAGES_PER_PERSON:
            raise ValueError(f"train_per_person must be 1 to {IMAGES_PER_PERSON - 1}, got {train_per_person}.")
        self.root = Path(root).expanduser()
        self.zip_path = self.root if self.root.suffix == ".zip" else self.root / "att_faces.zip"
        self.train_per_person = train_per_person
        self.download = download

    def prepare_data(self) -> None:
        """Download the database when it is missing, and check its images (Lightning calls this once per node).

        Raises:
            FileNotFoundError: when the download fails.
            ValueError: when what was downloaded does not hold the published images; the file is deleted.
        """
        if not self.download or self._source() is not None:
            return
        check_root(self.zip_path.parent, self._missing_message())
        fetch(URL, self.zip_path, None, self._missing_message())
        try:
            if not is_published(read_faces(self.zip_path).numpy().tobytes(), IMAGES_HASH):
                raise ValueError("it holds other images.")
        except (ValueError, FileNotFoundError) as error:
            self.zip_path.unlink()
            raise ValueError(f"{self._missing_message()} What {URL} sent is not the database: {error}") from error

    def load(self) -> dict[str, ImageDataset]:
        """Read the 400 images.

        Raises:
            FileNotFoundError: when files are missing; says which were looked for and where.
            ValueError: when a file is not what it should be; names the file.
        """
        source = self._source()
        if source is None:
            raise FileNotFoundError(
                f"{self._missing_message()} Call prepare_data() with download=True, or put them there by hand "
                f"(from {URL})."
            )
        faces = read_faces(source)
        warn_unless_published(source, faces.numpy().tobytes(), IMAGES_HASH)
        own = faces[[PEOPLE.index(person) for person in self.class_names]]
        train, test = (
            ImageDataset(part.flatten(0, 1), torch.arange(len(own)).repeat_interleave(part.shape[1]))
            for part in own.tensor_split([self.train_per_person], dim=1)
        )
        return {"train": train, "val": test, "test": test}

    def _source(self) -> Path | None:
        folder = _holding_people((self.root, self.root / "att_faces", self.root / "orl_faces"))
        return folder or (self.zip_path if self.zip_path.is_file() else None)

    def _missing_message(self) -> str:
        if self.zip_path == self.root:
            return f"The AT&T faces are missing: no {self.zip_path}."
        folders = f"{self.root}, {self.root / 'att_faces'} or {self.root / 'orl_faces'}"
        return f"The AT&T faces are missing: no folders s1 to s40 in {folders}, and no {self.zip_path}."


class PrivateATTFaces(ATTFaces):
    """The faces of 20 of the 40 people, those of odd numbers: the private ones, where the others are public.

    Person 2n + 1 is class n; else as :class:`ATTFaces`.

    Examples:
        >>> from brainleaks_pl import PrivateATTFaces, PublicATTFaces
        >>> private = PrivateATTFaces("data")
        >>> private.num_classes, private.class_names[:3]
        (20, ('s1', 's3', 's5'))
        >>> set(private.class_names) & set(PublicATTFaces.class_names)
        set()
    """

    class_names = PEOPLE[::2]
    num_classes = len(class_names)


class PublicATTFaces(ATTFaces):
    """The faces of the other 20 people, those of even numbers: what a prior may be trained on.

    Person 2n + 2 is class n; else as :class:`ATTFaces`.

    Examples:
        A prior is trained on people whom the target has never seen:

        >>> from brainleaks_pl import PublicATTFaces
        >>> public = PublicATTFaces("data")
        >>> public.num_classes, public.class_names[:3]
        (20, ('s2', 's4', 's6'))
    """

    class_names = PEOPLE[1::2]
    num_classes = len(class_names)


def read_faces(source: Path) -> Tensor:
    """Read all images of the database.

    Args:
        source: the folder that holds ``s1`` to ``s40``, or a zip file that has them at its top or one folder down.

    Returns:
        uint8, ``(40, 10, 1, 112, 92)``, people and images in numeric order.

    Raises:
        FileNotFoundError: when a person or an image is missing; names it.
        ValueError: when a file is not what it should be; names the file.
    """
    if source.is_dir():
        return _read_people(source)
    if source.stat().st_size > MAX_ZIP_SIZE:
        raise ValueError(f"{source}: {source.stat().st_size} bytes, the database has four million. Get it again.")
    try:
        with zipfile.ZipFile(source) as archive:
            _check_members(source, archive)
            top = zipfile.Path(archive)
            folder = _holding_people((top, *top.iterdir()))
            if folder is None:
                raise ValueError(f"{source}: no folders s1 to s40 in it.")
            return _read_people(folder)
    except FileNotFoundError:
        raise
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError) as error:  # what damaged zips have raised
        raise ValueError(f"{source}: not a readable zip file ({error}); delete it and get it again.") from error


def read_pgm(data: bytes, name: str, shape: tuple[int, int]) -> Tensor:
    """Decode a PGM image of 8 bits.

    Args:
        data: content of the file.
        name: what error messages call the file.
        shape: (H, W) that it must have.

    Returns:
        uint8, ``(H, W)``.

    Raises:
        ValueError: when ``data`` is not such an image.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=["PPM"])
        image.load()
    except UnidentifiedImageError as error:
        raise ValueError(f"{name}: not a PGM image.") from error
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"{name}: unreadable PGM image ({error}).") from error
    if image.mode != "L":
        raise ValueError(f"{name}: not a PGM image of 8 bits, but what Pillow calls mode {image.mode}.")
    if (image.height, image.width) != shape:
        raise ValueError(f"{name}: {image.height}x{image.width} pixels, expected {shape[0]}x{shape[1]}.")
    return torch.from_numpy(np.array(image))


def _check_members(source: Path, archive: zipfile.ZipFile) -> None:
    """Refuse an archive that would take long to look through, or packings that cannot be unpacked bit by bit."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise ValueError(f"{source}: {len(members)} files in it, the database has 400 images. Get it again.")
    for member in members:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ValueError(f"{source}/{member.filename}: packed in an unusual way. Pack the archive again.")


def _holding_people(folders: Iterable[AnyPath]) -> AnyPath | None:
    return next((folder for folder in folders if any((folder / person).is_dir() for person in PEOPLE)), None)


def _read_people(folder: Path | zipfile.Path) -> Tensor:
    people = [_read_person(folder / person) for person in PEOPLE]
    return torch.stack(people).unsqueeze(2)


def _read_person(folder: Path | zipfile.Path) -> Tensor:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is missing: the database has 40 people, s1 to s40.")
    images = []
    for path in (folder / f"{n}.pgm" for n in range(1, IMAGES_PER_PERSON + 1)):
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: every person has ten images, 1.pgm to 10.pgm.")
        with path.open("rb") as file:
            data = file.read(MAX_IMAGE_SIZE + 1)
        if len(data) > MAX_IMAGE_SIZE:
            raise ValueError(f"{path}: more than {MAX_IMAGE_SIZE} bytes, no image of the database.")
        images.append(read_pgm(data, str(path), ATTFaces.input_shape[1:]))
    return torch.stack(images)
