"""Your own pictures: a folder of them for each class."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from brainleaks_pl.data.folders import FolderFile, scan
from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset
from brainleaks_pl.data.image_files import IMAGE_SUFFIXES, read_image
from brainleaks_pl.data.splitting import FolderSplits, check_duplicates
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.system.memory import require_memory


class ImageFolder(ImageDataModule):
    """The pictures in a folder, PNG, JPEG, PGM or PPM: ``root/<class>/*.png``, or ``root/train/<class>/*.png``.

    Where ``root`` holds the folders ``train`` and ``test`` (and ``val``), these are the splits; what has no folder of
    its own is drawn from the rest, by file or by group, as ``splits`` says. :attr:`class_names` are the names of the
    folders, in order, numbers in them counting as numbers. Files may lie in folders within a class. All pictures are
    held in memory, uint8 ``(N, C, H, W)``. The folder is looked at when the module is made, and read at
    :meth:`setup`.

    Args:
        root: the folder.
        encoder: turns images into spike trains for spiking networks; None leaves images for non-spiking ones.
        size: (H, W) that all pictures are scaled to, so that they fill it; what stands out is cut off equally on two
            sides. None takes the size of the files, which must be the same for all.
        channels: 1 makes all pictures grey, 3 makes all of them RGB; None takes what the files have, which must be the
            same for all.
        splits: which files train, validate and test.
        batch_size: images in a training batch, at least 1.
        eval_batch_size: images in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load; 0 is fastest for data held in memory.

    Raises:
        FileNotFoundError: when the folder is missing or empty.
        ValueError: when an argument is out of range, or the folder is not as described; says what to do.

    Examples:
        Pictures of two classes; a fifth of each is held out for testing:

        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from brainleaks_pl import ImageFolder
        >>> for n in range(20):
        ...     path = Path("pictures", ("cat", "dog")[n % 2], f"{n}.png")
        ...     path.parent.mkdir(parents=True, exist_ok=True)
        ...     Image.new("RGB", (64, 48), (12 * n, 0, 0)).save(path)
        >>> pictures = ImageFolder("pictures", size=(32, 32), channels=1)
        >>> pictures.class_names, pictures.input_shape
        (('cat', 'dog'), (1, 32, 32))
        >>> {name: len(pictures.split(name)) for name in ("train", "val", "test")}
        {'train': 14, 'val': 2, 'test': 4}
    """

    def __init__(
        self,
        root: str | Path,
        encoder: Encoder | None = None,
        size: tuple[int, int] | None = None,
        channels: Literal[1, 3] | None = None,
        splits: FolderSplits = FolderSplits(),
        batch_size: int = 100,
        eval_batch_size: int = 250,
        num_workers: int = 0,
    ) -> None:
        super().__init__(encoder, batch_size, eval_batch_size, num_workers)
        if size is not None and min(size) < 1:
            raise ValueError(f"size must be (H, W), both at least 1, got {tuple(size)}.")
        if channels not in (1, 3, None):
            raise ValueError(f"channels must be 1 (grey) or 3 (RGB), got {channels}.")
        self.size = None if size is None else (size[0], size[1])
        self.channels = channels
        self.splits = splits
        self.content = scan(Path(root).expanduser(), IMAGE_SUFFIXES, "pictures")
        self.files = splits.divide(self.content, "pictures")
        self.class_names = self.content.class_names
        self.num_classes = len(self.class_names)
        self._first = self.files["train"][0].path
        colours, height, width = self._read(self._first).shape
        self.input_shape = (colours, height, width)

    def load(self) -> dict[str, ImageDataset]:
        """Read all pictures.

        Raises:
            FileNotFoundError: when a file has gone.
            ValueError: when a file is no such picture, or not like the others; when pictures of equal pixels are in
                more than one split and ``splits`` refuses them; or when there is no memory for all of them.
        """
        number = sum(map(len, self.files.values()))
        require_memory(
            f"the {number} pictures in {self.content.root}",
            float(number) * self.input_shape[0] * self.input_shape[1] * self.input_shape[2],
            "give a smaller size.",
        )
        found = {part: self._read_all(files) for part, files in self.files.items()}
        contents = {
            part: zip(self.files[part], map(_fingerprint, dataset.images), strict=True)
            for part, dataset in found.items()
        }
        check_duplicates(contents, self.splits.duplicates, "pictures", "equal pixels")
        return found

    def describe(self) -> dict[str, Any]:
        """Return the data set's class, the encoder's with its constants, the shape, the classes and the splits."""
        return {
            **super().describe(),
            "input_shape": list(self.input_shape),
            "classes": list(self.class_names or ()),
            "splits": self.splits.describe(),
        }

    def _read(self, path: Path) -> Tensor:
        return read_image(path, self.size, self.channels)

    def _read_all(self, files: Sequence[FolderFile]) -> ImageDataset:
        images = torch.empty((len(files), *self.input_shape), dtype=torch.uint8)
        for position, file in enumerate(files):
            image = self._read(file.path)
            if image.shape != self.input_shape:
                self._refuse(file.path, image)
            images[position] = image
        return ImageDataset(images, torch.tensor([file.label for file in files]))

    def _refuse(self, path: Path, image: Tensor) -> None:
        own, other = _words(image.shape), _words(self.input_shape)
        differs = "channels" if image.shape[1:] == self.input_shape[1:] else "size"
        value = "1 (grey) or 3 (RGB)" if differs == "channels" else "[H, W], such as the smallest"
        raise ValueError(
            f"{path} has {own}, but {self._first} has {other}: give {differs}, {value}, to have all made alike."
        )


def _words(shape: Sequence[int]) -> str:
    return f"{shape[1]}x{shape[2]} pixels {'in grey' if shape[0] == 1 else 'in colour'}"


def _fingerprint(image: Tensor) -> bytes:
    return hashlib.blake2b(image.numpy().tobytes(), digest_size=16).digest()
