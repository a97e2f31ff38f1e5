"""MNIST: 60000 + 10000 handwritten digits (LeCun, Cortes and Burges)."""

from __future__ import annotations

from pathlib import Path

from brainleaks_pl.data.download import check_root, fetch
from brainleaks_pl.data.idx import read_idx
from brainleaks_pl.data.image_base import ImageDataModule, ImageDataset
from brainleaks_pl.encoders.base import Encoder

MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
MD5 = {  # of the packed files of the mirror
    "train-images-idx3-ubyte": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
    "train-labels-idx1-ubyte": "d53e105ee54ea40749a09fcbcd1e9432",
    "t10k-images-idx3-ubyte": "9fb629c4189551a2d022fa330f9573f3",
    "t10k-labels-idx1-ubyte": "ec29112dd5afa0611ce80d1b7f02629c",
}
CONTENT_MD5 = {  # of the unpacked files, whoever has packed them
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


class MNIST(ImageDataModule):
    """Handwritten digits, 28x28; the last ``val_size`` training images validate.

    The four IDX files, packed (``.gz``) or not, are looked for in ``root`` and ``root/MNIST/raw``, where torchvision
    keeps them; ``train-images.idx3-ubyte`` is accepted for ``train-images-idx3-ubyte``. A file of another content than
    the published one is used with a warning.

    Args:
        root: folder of the files.
        encoder: turns images into spike trains for spiking networks; None leaves images for non-spiking ones.
        batch_size: images in a training batch, at least 1.
        eval_batch_size: images in a batch of validation, test and prediction, at least 1.
        num_workers: processes that load; 0 is fastest for data held in memory.
        val_size: training images held out for validation, at least 1 and fewer than there are.
        download: let :meth:`prepare_data` download missing files into ``root/MNIST/raw``.

    Raises:
        ValueError: when a size is out of range.

    Examples:
        The four files, here with a few black images:

        >>> import struct
        >>> from pathlib import Path
        >>> from brainleaks_pl import MNIST
        >>> for part, count in (("train", 20), ("t10k", 10)):
        ...     images = struct.pack(">4I", 0x803, count, 28, 28) + bytes(count * 28 * 28)
        ...     labels = struct.pack(">2I", 0x801, count) + bytes(n % 10 for n in range(count))
        ...     _ = Path(f"{part}-images-idx3-ubyte").write_bytes(images)
        ...     _ = Path(f"{part}-labels-idx1-ubyte").write_bytes(labels)
        >>> digits = MNIST(".", val_size=10, download=False)
        >>> digits.class_images(3).shape
        torch.Size([1, 1, 28, 28])
        >>> len(digits.split("test"))
        10
    """

    input_shape = (1, 28, 28)
    num_classes = 10

    def __init__(
        self,
        root: str | Path = "data",
        encoder: Encoder | None = None,
        batch_size: int = 100,
        eval_batch_size: int = 250,
        num_workers: int = 0,
        val_size: int = 5000,
        download: bool = True,
    ) -> None:
        super().__init__(encoder, batch_size, eval_batch_size, num_workers)
        if val_size < 1:
            raise ValueError(f"val_size must be at least 1, got {val_size}.")
        folder = Path(root).expanduser()
        self.folders = (folder, folder / "MNIST" / "raw")
        self.val_size = val_size
        self.download = download

    def prepare_data(self) -> None:
        """Download the missing files, checked by their md5 (Lightning calls this once per node).

        Raises:
            FileNotFoundError: when a download fails.
        """
        if not self.download:
            return
        for name in MD5:
            if self._find(name) is None:
                check_root(self.folders[0], self._missing_message())
                path = self.folders[-1] / f"{name}.gz"
                fetch(MIRROR + path.name, path, f"md5:{MD5[name]}", self._missing_message())

    def load(self) -> dict[str, ImageDataset]:
        """Read the four files.

        Raises:
            FileNotFoundError: when files are missing; says which were looked for and where.
            ValueError: when a file is not what it should be, or ``val_size`` leaves no training image.
        """
        found = self._found()
        if len(found) < len(MD5):
            raise FileNotFoundError(
                f"{self._missing_message()} Call prepare_data() with download=True, or put them there by hand "
                f"(from {MIRROR})."
            )
        pairs = [(f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte") for part in ("train", "t10k")]
        train, test = (
            read_digits(found[images], found[labels], (f"md5:{CONTENT_MD5[images]}", f"md5:{CONTENT_MD5[labels]}"))
            for images, labels in pairs
        )
        first = len(train) - self.val_size
        if first < 1:
            raise ValueError(f"val_size must be below the {len(train)} training images, got {self.val_size}.")
        return {
            "train": ImageDataset(train.images[:first], train.labels[:first]),
            "val": ImageDataset(train.images[first:], train.labels[first:]),
            "test": test,
        }

    def _found(self) -> dict[str, Path]:
        return {name: path for name in MD5 if (path := self._find(name)) is not None}

    def _find(self, name: str) -> Path | None:
        for folder in self.folders:
            for spelling in (name, name.replace("-idx", ".idx")):
                for path in (folder / spelling, folder / f"{spelling}.gz"):
                    if path.is_file():
                        return path
        return None

    def _missing_message(self) -> str:
        missing = ", ".join(name for name in MD5 if name not in self._found())
        return f"MNIST is incomplete: no {missing} (.gz or not) in {' or '.join(map(str, self.folders))}."


def read_digits(
    images_path: Path, labels_path: Path, published: tuple[str | None, str | None] = (None, None)
) -> ImageDataset:
    """Read one pair of IDX files.

    Args:
        images_path: the images.
        labels_path: their labels.
        published: hashes of the two files' published content, as :func:`~brainleaks_pl.data.idx.read_idx` has them.

    Returns:
        Images uint8 ``(N, 1, 28, 28)`` with labels 0 to 9, N at least 1.

    Raises:
        ValueError: when a file is not what it should be; names the file.
    """
    images, labels = read_idx(images_path, 3, published[0]), read_idx(labels_path, 1, published[1])
    if tuple(images.shape[1:]) != MNIST.input_shape[1:]:
        raise ValueError(f"{images_path}: images of {images.shape[1]}x{images.shape[2]} pixels, expected 28x28.")
    if len(images) != len(labels):
        raise ValueError(f"{images_path} holds {len(images)} images, but {labels_path} {len(labels)} labels.")
    if len(labels) == 0:
        raise ValueError(f"{images_path}: no images in it.")
    if labels.max() >= MNIST.num_classes:
        position = int((labels >= MNIST.num_classes).nonzero()[0])
        raise ValueError(f"{labels_path}: label {labels[position]} at position {position}, expected 0 to 9.")
    return ImageDataset(images.unsqueeze(1), labels.long())
