"""Sound files of every kind that the package reads, and their readers (`from sound_files import readers`)."""

from __future__ import annotations

import gzip
import json
import tempfile
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import nir
import numpy as np
import torch
from damage import Reader
from datafiles import face, write_mnist_files
from recordings import random_recording, rows_of
from tiny_runs import plain
from toys import ToyDigits, silent_trainer, spiking_mlp

from brainleaks_pl import BrainLeaksV1, FrameTransform, LavaNetwork, NIRNetwork, RateEncoder
from brainleaks_pl.data.att_faces import read_faces, read_pgm
from brainleaks_pl.data.cached_frames import CachedFrames
from brainleaks_pl.data.idx import read_idx
from brainleaks_pl.engine.checkpoints import load_checkpoint, load_network, save_network
from brainleaks_pl.engine.progress import KeepProgress, is_finished
from brainleaks_pl.events.formats import read_dvsgesture, read_nmnist, write_dvsgesture, write_nmnist
from brainleaks_pl.export.results import read_results

SENSOR = (34, 34)
EVENTS = random_recording(40, SENSOR, 300_000)


def content(name: str, write: Callable[[Path], object]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / name)
        return (Path(folder) / name).read_bytes()


def plain_idx(data: bytes, ndim: int) -> tuple[list[int], bytes]:
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    shape = [int.from_bytes(data[4 * i : 4 * i + 4], "big") for i in range(1, ndim + 1)]
    if int.from_bytes(data[:4], "big") != 0x0800 + ndim or len(data) != 4 + 4 * ndim + np.prod(shape, dtype=object):
        raise ValueError("it is no such file")
    return shape, data[4 + 4 * ndim :]


def pgm(person: int, image: int) -> bytes:
    return b"P5\n92 112\n255\n" + face(person, image).astype(np.uint8).tobytes()


def write_faces(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for person in range(1, 41):
            for image in range(1, 11):
                archive.writestr(f"s{person}/{image}.pgm", pgm(person, image))


def write_network(path: Path) -> None:
    save_network(path, spiking_mlp(), ToyDigits(RateEncoder(4)), 0.75, 3)


def load(folder: Path) -> Any:
    network = spiking_mlp()
    facts = load_checkpoint(folder / "target.pt", network)
    return plain([facts, dict(network.network.state_dict())])


def rebuild(folder: Path) -> Any:
    network = load_network(folder / "target.pt")
    return plain([network.time_steps, network.architecture(), dict(network.network.state_dict())])


def attack() -> BrainLeaksV1:
    return BrainLeaksV1(spiking_mlp(), steps=4, seed=1)


def write_progress(path: Path) -> None:
    silent_trainer(callbacks=[KeepProgress(path, "run", every=0.0)]).invert(attack())


def restore(folder: Path) -> Any:
    begun = attack()
    KeepProgress(folder / "progress.pt", "run").restore(begun)
    state = {name: value for name, value in begun.state_dict().items() if not name.startswith("target.")}
    return plain([begun.first_step, begun.first_block, state])


def write_results(folder: Path) -> None:
    spikes = (torch.rand(3, 2, 1, 34, 34, generator=torch.Generator().manual_seed(0)) < 0.1).to(torch.uint8)
    one = torch.zeros(2, dtype=torch.int64)
    best, classes = torch.tensor([0, 1]), torch.tensor([3, 7])
    tensors = {"reconstructions": spikes[0].float(), "classes": classes, "restarts": one, "best": best}
    torch.save({**tensors, "spikes": spikes}, folder / "reconstructions.pt")
    frames = {"frame_time": 3000, "polarity": "off"}
    data = {"class": "NMNIST", "frames": frames, "sensor_size": [34, 34], "simulated": False, "class_names": list("ab")}
    scores = {"run": "x", "scoring": {"draws": 3}, "judges": {"judge": {"digest": "d", "confidence": {"mean": 0.5}}}}
    (folder / "scores.json").write_text(json.dumps({**scores, "data": data}))


def read_export(folder: Path) -> str:
    return read_results(folder).name


def finished_or_not(folder: Path) -> bool:
    is_finished(folder, "x", {"draws": 3}, {"judge": "d"})
    return True


def write_graph(path: Path) -> None:
    draw, shape, one = np.random.default_rng(0), np.array([6]), np.ones(3)
    nodes = {
        "input": nir.Input(shape),
        "linear": nir.Affine(draw.normal(size=(3, 6)), draw.normal(size=3)),
        "spikes": nir.LIF(tau=4 * one, r=one, v_leak=0 * one, v_threshold=one, v_reset=0 * one),
        "output": nir.Output(np.array([3])),
    }
    nir.write(path, nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False))


def write_lava(path: Path) -> None:
    draw = np.random.default_rng(0)
    constants = {"iDecay": 4096, "vDecay": 123, "vThMant": 80, "refDelay": 1, "gradedSpike": False}
    with h5py.File(path, "w") as file:
        for index, (inputs, outputs) in enumerate(((9, 8), (8, 4))):
            group = file.create_group(f"layer/{index}")
            group.create_dataset("type", (1,), "S10", [b"dense"])
            group.create_dataset("weight", data=(2.0 * draw.integers(-20, 27, (outputs, inputs))).astype(np.float32))
            for name, value in {"shape": [outputs], "inFeatures": inputs, "outFeatures": outputs}.items():
                group.create_dataset(name, data=value)
            group.create_dataset("neuron/type", (1,), "S10", [b"CUBA"])
            for name, value in constants.items():
                group.create_dataset(f"neuron/{name}", data=value)


def gesture(folder: Path) -> Any:
    return rows_of(read_dvsgesture(folder / "3.npy", SENSOR)).tolist()


def picture(folder: Path) -> Any:
    return read_pgm((folder / "1.pgm").read_bytes(), "1.pgm", (112, 92)).sum().item()


def frames(folder: Path) -> bytes:
    """Frames whose cached file is damaged; they are made anew."""
    (folder / "recording").mkdir(exist_ok=True)
    recording, cached = folder / "recording" / "1.bin", folder / "frames.hdf5"
    if not recording.exists():
        write_nmnist(recording, EVENTS)
    transform = FrameTransform(frame_time=30_000, time_steps=10)
    made = CachedFrames([recording], torch.tensor([1]), read_nmnist, transform, SENSOR, folder / "recording", False)
    made[0]
    (kept,) = made.folder.iterdir() if made.folder else ()
    kept.write_bytes(cached.read_bytes() or kept.read_bytes())
    found: bytes = made[0][0].numpy().tobytes()
    return found


def readers(plain_nmnist: Callable[[bytes], Any], plain_dvsgesture: Callable[[bytes], Any]) -> dict[str, Reader]:
    """By a name of theirs."""

    def right(plainly: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
        def read(data: bytes) -> Any:
            rows = plainly(data)
            if rows is None:
                raise ValueError("it should have been refused")
            return rows

        return read

    def always(value: Any) -> Callable[[bytes], Any]:
        return lambda _: value

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        raw = write_mnist_files(folder)
        pixels = (raw / "train-images-idx3-ubyte").read_bytes()
        labels = (raw / "train-labels-idx1-ubyte").read_bytes()
        write_results(folder)
        scores, tensors = ((folder / n).read_bytes() for n in ("scores.json", "reconstructions.pt"))
        write_network(folder / "target.pt")
        network, loaded, rebuilt = (folder / "target.pt").read_bytes(), load(folder), rebuild(folder)
        write_progress(folder / "progress.pt")
        progress, restored = (folder / "progress.pt").read_bytes(), restore(folder)
        (folder / "frames.hdf5").touch()
        framed = frames(folder)
        (cached,) = (path.read_bytes() for path in (folder / "recording").rglob("*.hdf5"))
    with_scores = {"scores.json": scores, "reconstructions.pt": tensors}

    def results(damaged: str) -> Callable[[Path], Any]:
        other = next(n for n in with_scores if n != damaged)

        def read(folder: Path) -> str:
            (folder / other).write_bytes(with_scores[other])
            return read_export(folder)

        return read

    def idx(name: str, ndim: int) -> Callable[[Path], Any]:
        def read(folder: Path) -> Any:
            found = read_idx(folder / name, ndim)
            return list(found.shape), found.numpy().tobytes()

        return read

    def plain_idx_of(ndim: int) -> Callable[[bytes], Any]:
        return lambda data: plain_idx(data, ndim)

    bins = content("1.bin", lambda path: write_nmnist(path, EVENTS))
    npys = content("3.npy", lambda path: write_dvsgesture(path, EVENTS))
    zipped = content("att_faces.zip", write_faces)
    return {
        "bin": Reader("1.bin", bins, lambda f: rows_of(read_nmnist(f / "1.bin")).tolist(), right(plain_nmnist), 500),
        "npy": Reader("3.npy", npys, gesture, right(plain_dvsgesture), 500),
        "images": Reader("images", pixels, idx("images", 3), plain_idx_of(3), 200),
        "labels": Reader("labels", labels, idx("labels", 1), plain_idx_of(1), 200),
        "images.gz": Reader("images.gz", gzip.compress(pixels), idx("images.gz", 3), plain_idx_of(3), 250),
        "pgm": Reader("1.pgm", pgm(1, 1), picture, None, 150),
        "zip": Reader("att_faces.zip", zipped, lambda f: tuple(read_faces(f / "att_faces.zip").shape), None, 150),
        "network, loaded": Reader("target.pt", network, load, always(loaded), 250),
        "network, rebuilt": Reader("target.pt", network, rebuild, always(rebuilt), 150),
        "progress": Reader("progress.pt", progress, restore, always(restored), 150),
        "reconstructions": Reader("reconstructions.pt", tensors, results("reconstructions.pt"), None, 150),
        "scores": Reader("scores.json", scores, results("scores.json"), None, 150),
        "scores, finished": Reader("scores.json", scores, finished_or_not, None, 100),
        "nir": Reader("a.nir", content("a.nir", write_graph), lambda f: bool(NIRNetwork(f / "a.nir")), None, 200),
        "lava": Reader("a.net", content("a.net", write_lava), lambda f: bool(LavaNetwork(f / "a.net")), None, 200),
        "frames": Reader("frames.hdf5", cached, frames, always(framed), 100),
    }
