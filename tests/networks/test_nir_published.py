"""A network that others trained and published (NIR paper, 02_cnn, sinabs), on real recordings (slow)."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.events.frames import FrameTransform
from brainleaks_pl.networks.nir.network import NIRNetwork
from brainleaks_pl.networks.nir.neurons import SpikingNeurons

h5py = pytest.importorskip("h5py")
pytest.importorskip("nir")

SHARED = Path(os.environ.get("BRAINLEAKS_SHARED") or Path(__file__).parents[2].parent / "shared")
GRAPH = SHARED / "data" / "networks" / "cnn_sinabs.nir"
RECORDINGS = SHARED / "data" / "nmnist_subset.zip"
FRAMES = FrameTransform(frame_time=1000, polarity="both", time_steps=300, binary=False)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (GRAPH.is_file() and RECORDINGS.is_file()),
        reason="BRAINLEAKS_SHARED names no folder that holds data/networks/cnn_sinabs.nir and data/nmnist_subset.zip",
    ),
]


@pytest.fixture(scope="module")
def network() -> NIRNetwork:
    """With sinabs' dynamics: several spikes a step, each subtracted, membranes of -1 at least."""
    return NIRNetwork(GRAPH, reset="subtract", multi_spike=True, min_v=-1.0)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    with zipfile.ZipFile(RECORDINGS) as archive:
        archive.extractall(folder)
    return folder / "NMNIST"


def load(folder: Path, most: int) -> tuple[Tensor, Tensor]:
    """Counts, uint8 ``(300, N, 2, 34, 34)``, and digits of the first recordings of each digit."""
    paths = [path for digit in range(10) for path in sorted((folder / str(digit)).glob("*.bin"))[:most]]
    frames = np.stack([FRAMES(read_nmnist(path), (34, 34)) for path in paths], axis=1)
    return torch.from_numpy(frames), torch.tensor([int(path.parent.name) for path in paths])


@pytest.mark.parametrize(("part", "most", "recordings_there"), [("Test", 50, 50), ("Train", 30, 300)])
def test_it_recognises_real_digits(
    network: NIRNetwork, recordings: Path, part: str, most: int, recordings_there: int
) -> None:
    frames, digits = load(recordings / part, most)
    assert len(digits) == recordings_there
    assert (network.input_shape, network.num_classes) == ((2, 34, 34), 10)
    with torch.no_grad():
        counts = torch.cat([network(batch.float()).sum(0) for batch in frames.split(50, dim=1)])
    assert (counts.argmax(1) == digits).double().mean() >= 0.95


def convolution(x: Any, weight: Any, bias: Any, stride: int) -> Any:
    """A 2-d convolution of one sample, (C, H, W), with a padding of 1, one tap of the kernel after the other."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    size = (padded.shape[1] - weight.shape[2]) // stride + 1
    y = np.repeat(bias, size * size).reshape(len(bias), size, size)
    for a in range(weight.shape[2]):
        for b in range(weight.shape[3]):
            patch = padded[:, a : a + stride * size : stride, b : b + stride * size : stride]
            y = y + np.einsum("oc,chw->ohw", weight[:, :, a, b], patch[:, :size, :size])
    return y


def pooled(x: Any) -> Any:
    return x[:, ::2, ::2] + x[:, 1::2, ::2] + x[:, ::2, 1::2] + x[:, 1::2, 1::2]


def simulated(frames: Any) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
    """Spikes and membranes of every layer, as sinabs computes them, from the numbers in the file alone."""
    with h5py.File(GRAPH, "r") as file:
        nodes = file["node/nodes"]
        weights = {
            name: (nodes[name]["weight"][()].astype(np.float64), nodes[name]["bias"][()].astype(np.float64))
            for name in ("0", "2", "5", "9", "11")
        }
    names = ("1", "3", "6", "10", "12")
    state: dict[str, Any] = dict.fromkeys(names, 0.0)
    spikes: dict[str, list[Any]] = {name: [] for name in names}
    membranes: dict[str, list[Any]] = {name: [] for name in names}

    def fire(name: str, current: Any) -> Any:
        v = np.maximum(state[name] + current, -1.0)
        fired = np.where(v > 0, np.floor(v), 0.0)
        membranes[name].append(v)
        spikes[name].append(fired)
        state[name] = v - fired
        return fired

    for frame in frames.astype(np.float64):
        x = fire("1", convolution(frame, *weights["0"], stride=2))
        x = fire("3", convolution(x, *weights["2"], stride=1))
        x = fire("6", convolution(pooled(x), *weights["5"], stride=1))
        x = fire("10", weights["9"][0] @ pooled(x).reshape(-1) + weights["9"][1])
        fire("12", weights["11"][0] @ x + weights["11"][1])
    return spikes, membranes


@pytest.mark.parametrize("digit", [2, 7])
def test_every_membrane_and_spike_of_a_recording(recordings: Path, digit: int) -> None:
    network = NIRNetwork(GRAPH, reset="subtract", multi_spike=True, min_v=-1.0).double()
    frames, _ = load(recordings / "Test", 1)
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    for name, module in network.nodes.items():
        if isinstance(module, SpikingNeurons):

            def listen(module: Any, inputs: tuple[Tensor], outputs: Tensor, name: str = name) -> None:
                seen[name] = module.run(inputs[0])

            module.register_forward_hook(listen)
    with torch.no_grad():
        answer = network(frames[:, digit : digit + 1].double())
    spikes, membranes = simulated(frames[:, digit].numpy())
    assert list(seen) == list(spikes)
    for name, (own_spikes, own_membranes) in seen.items():
        np.testing.assert_array_equal(own_spikes[:, 0].numpy(), np.stack(spikes[name]))
        np.testing.assert_allclose(own_membranes[:, 0].numpy(), np.stack(membranes[name]), rtol=0, atol=1e-9)
    assert any(bool((own > 1).any()) for own, _ in seen.values())  # several spikes a step
    assert any(bool((own == -1).any()) for _, own in seen.values())  # membranes at their bound
    assert np.array_equal(answer[:, 0].numpy(), np.stack(spikes["12"]))
    assert int(answer.sum((0, 1)).argmax()) == digit
