"""Draw docs/pictures/<data>.png: the private data above what each attack made of the network trained on them.

    python docs/side_by_side.py DATA RESULTS [PICTURE ...]

DATA and RESULTS are the folders of docs/reproduce.sh; the first seed of every config is drawn. PICTURE is a name
without its ending, such as simulated_nmnist; without one, all are drawn.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor

from brainleaks_pl import MNIST, ATTFaces, SimulatedDVSGesture, SimulatedNMNIST
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.evaluation.similarity import to_display
from brainleaks_pl.reporting.pictures import framed

PICTURES = Path(__file__).parent / "pictures"
SHOWN = 10


def reconstructed(results: Path, config: str) -> Mapping[str, Tensor]:
    """Return the tensors of a config's first seed."""
    folders = sorted(results.glob(f"{config}-[0-9]*"))
    if not folders:
        raise FileNotFoundError(f"no results of {config} in {results}: run docs/reproduce.sh first.")
    tensors: dict[str, Tensor] = torch.load(folders[0] / "reconstructions.pt", weights_only=True)
    return tensors


def rows(data: BaseDataModule, results: Path, configs: Mapping[str, str]) -> dict[str, Tensor]:
    """Return images ``(SHOWN, C, H, W)`` by the caption of their row."""
    samples = torch.stack([data.class_images(k)[0] for k in range(SHOWN)])
    shown = {"training sample": data.display(samples)}
    for caption, config in configs.items():
        tensors = reconstructed(results, config)
        best = tensors["best"][:SHOWN]
        images = tensors["reconstructions"].float().index_select(-4, best)
        if tuple(images.shape[-3:]) == data.input_shape:
            shown[caption] = data.display(to_display(images))
        else:
            shown[f"{caption}, recorded"] = data.display(to_display(tensors["spikes"][:, best]))
            if data.scenes is not None:
                shown[f"{caption}, scene"] = to_display(images)
    if data.scenes is not None:
        shown["training sample, scene"] = torch.stack([data.scenes.class_images(k)[0] for k in range(SHOWN)])
    return shown


def draw(shown: Mapping[str, Tensor], names: Sequence[str], title: str, path: Path) -> None:
    """Write a picture of one row an entry and one column a class."""
    height, width = (max(images.shape[axis] for images in shown.values()) for axis in (2, 3))
    figure = Figure(figsize=(1.1 * SHOWN + 1.6, (1.1 * height / width + 0.08) * len(shown) + 0.7), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(len(shown), SHOWN, squeeze=False)
    for line, (caption, images) in zip(axes, shown.items(), strict=True):
        line[0].set_ylabel(caption.replace(", ", ",\n"), fontsize=9)
        for axis, image in zip(line, framed(images, height, width), strict=True):
            axis.imshow(image.mean(0).numpy(), cmap="gray", vmin=0, vmax=1)
            axis.set_xticks([])
            axis.set_yticks([])
    for axis, name in zip(axes[0], names, strict=True):
        axis.set_title(name, fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=70)
    print(f"Written to {path}")


def main(root: Path, results: Path, wanted: Sequence[str] = ()) -> None:
    """Draw the wanted data sets, or all four."""
    mnist, faces = MNIST(root / "mnist"), ATTFaces(root)
    digits = SimulatedNMNIST(root, MNIST(root / "mnist"), cache=None, references=1)
    gestures = SimulatedDVSGesture(root, cache=None, references=1)
    for data, name, title in (
        (mnist, "mnist", "MNIST"),
        (faces, "att_faces", "AT&T faces"),
        (digits, "simulated_nmnist", "Simulated N-MNIST (spike rates)"),
        (gestures, "simulated_dvsgesture", "Simulated gestures (spike rates)"),
    ):
        if wanted and name not in wanted:
            continue
        data.prepare_data()
        configs = {f"BrainLeaks-{version}": f"{version}_{name}" for version in ("v1", "v2", "v3")}
        names = [data.class_name(k) for k in range(SHOWN)]
        draw(rows(data, results, configs), names, title, PICTURES / f"{name}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
