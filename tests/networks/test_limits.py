"""Small files that ask for much: refused before anything is unpacked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from brainleaks_pl.networks import limits
from brainleaks_pl.networks.lava.network import LavaNetwork
from brainleaks_pl.networks.limits import check_shape, output_shape
from brainleaks_pl.networks.nir import files
from brainleaks_pl.networks.nir.network import NIRNetwork

nir = pytest.importorskip("nir")


def write_nir(path: Path, padding: int = 0, size: int = 4) -> Path:
    conv = nir.Conv2d((size, size), np.ones((1, 1, 3, 3)), 1, padding, 1, 1, np.zeros(1))
    out = np.array([1, size - 2 + 2 * padding, size - 2 + 2 * padding])
    nodes = {"in": nir.Input(np.array([1, size, size])), "conv": conv, "out": nir.Output(out)}
    nir.write(path, nir.NIRGraph(nodes, [("in", "conv"), ("conv", "out")], type_check=False))
    return path


def write_lava(path: Path, padding: int = 0) -> Path:
    with h5py.File(path, "w") as file:
        for name, value in {
            "shape": [1, 2 + 2 * padding, 2 + 2 * padding],
            "stride": [1, 1],
            "padding": [padding, padding],
            "dilation": [1, 1],
            "weight": np.ones((1, 1, 3, 3), np.float32),
        }.items():
            file[f"layer/0/{name}"] = value
        file.create_dataset("layer/0/type", (1,), "S10", [b"conv"])
    return path


def unallocated(file: h5py.File) -> None:
    file.create_dataset(f"{next(iter(file))}/huge", (2**16, 2**10), "f4", chunks=True)


def deflated(file: h5py.File) -> None:
    file.create_dataset(f"{next(iter(file))}/huge", data=np.zeros(2**20), compression="gzip")


def strings(file: h5py.File) -> None:
    file.create_dataset(f"{next(iter(file))}/strings", (20_001,), h5py.string_dtype(), chunks=True)


def entries(file: h5py.File) -> None:
    group = file.create_group("groups", track_order=True)
    for number in range(41):
        group.create_group(str(number))


def circle(file: h5py.File) -> None:
    group = file[next(iter(file))]
    group["again"] = group


def elsewhere(file: h5py.File) -> None:
    file["other"] = h5py.ExternalLink("/etc/passwd", "/")


def outside(file: h5py.File) -> None:
    file.create_dataset("other", (10,), "u1", external=[("/etc/passwd", 0, 10)])


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (2,))
    file.create_virtual_dataset("other", layout)


@pytest.mark.parametrize("kind", ["nir", "lava"])
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (unallocated, r"unpack to more than \d{9} bytes .* '/\w+/huge' of shape \(65536, 1024\)"),
        (deflated, r"unpack to more than \d{7} bytes"),
        (strings, r"or 2000\d strings"),
        (entries, "it has more than 40 entries"),
        (circle, "its group .* is there several times"),
        (elsewhere, "its entry 'other' leads elsewhere"),
        (outside, "the content of its array '/other' lies in other files"),
        (virtual, "the content of its array '/other' lies in other files"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_files_that_ask_for_much_are_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, spoil: Callable[[h5py.File], None], message: str
) -> None:
    path = write_nir(tmp_path / "some.nir") if kind == "nir" else write_lava(tmp_path / "some.net")
    read: Callable[[], nn.Module] = (
        (lambda: NIRNetwork(path)) if kind == "nir" else (lambda: LavaNetwork(path, input_shape=(1, 4, 4)))
    )
    read()
    if spoil is entries:
        monkeypatch.setattr(limits, "MAX_ENTRIES", 40)
    if spoil is deflated:
        monkeypatch.setattr(limits, "MAX_RATIO", 100)
    with h5py.File(path, "a") as file:
        spoil(file)
    start = time.process_time()
    with pytest.raises(ValueError, match=f"^{path}.*{message}") as caught:
        read()
    assert time.process_time() - start < 1
    assert "\n" not in str(caught.value)


def test_graphs_of_too_many_nodes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_NODES", 2)
    with pytest.raises(ValueError, match=r"some\.nir .*it has 3 nodes, more than the 2 that are read"):
        NIRNetwork(write_nir(tmp_path / "some.nir"))


def test_shapes_of_too_many_values_are_refused(tmp_path: Path) -> None:
    too_many = "has more than 16777216 values per sample and time step"
    with pytest.raises(ValueError, match=rf"a shape of \(1, 200002, 200002\) {too_many}"):
        NIRNetwork(write_nir(tmp_path / "some.nir", padding=100_000))
    with pytest.raises(ValueError, match=rf"a shape of \(1, 100000, 100000\) {too_many}"):
        NIRNetwork(write_nir(tmp_path / "some.nir", size=100_000))
    with pytest.raises(ValueError, match=rf"a shape of \(1, 200002, 200002\) {too_many}"):
        LavaNetwork(write_lava(tmp_path / "some.net", padding=100_000), input_shape=(1, 4, 4))
    assert check_shape([2**12, 2**12]) == (4096, 4096)
    with pytest.raises(ValueError, match=too_many):
        check_shape([2**12, 2**12, 2])


def test_a_shape_is_found_without_computing() -> None:
    layer = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.AvgPool2d(2)).eval()
    assert output_shape(layer, (2, 6, 8)) == tuple(layer(torch.zeros(1, 2, 6, 8)).shape[1:]) == (3, 3, 4)
    assert layer[0].weight.device.type == "cpu"
