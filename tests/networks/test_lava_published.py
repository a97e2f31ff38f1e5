"""Networks that others trained for Loihi, on real data (slow): their accuracy, and every layer beside plain loops."""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn

from brainleaks_pl.data.idx import read_idx
from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.events.frames import FrameTransform
from brainleaks_pl.networks.lava.network import LavaNetwork
from brainleaks_pl.networks.lava.neurons import LoihiNeurons
from brainleaks_pl.networks.surrogates import ATan

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("BRAINLEAKS_SHARED", ROOT.parent / "shared")) / "data"
MNIST_NET = DATA / "networks" / "mnist.net"
NMNIST_NPZ = DATA / "networks" / "loihi_nmnist.npz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason="no folder of published networks (BRAINLEAKS_SHARED)"),
]

Whole = npt.NDArray[np.int64]


def recorded(network: nn.Module, kind: type[nn.Module]) -> list[tuple[Tensor, Tensor]]:
    records: list[tuple[Tensor, Tensor]] = []
    for module in network.modules():
        if isinstance(module, kind):
            module.register_forward_hook(lambda _module, _inputs, outputs: records.append(outputs))
    return records


def fire(currents: Whole, current_decay: int, voltage_decay: int) -> tuple[Whole, Whole]:
    """Return spikes and membranes (T, N) of Loihi's neurons, threshold 5120, step by step."""
    u = np.zeros(currents.shape[1], np.int64)
    v = np.zeros_like(u)
    spikes, membranes = np.zeros_like(currents), np.zeros_like(currents)
    for t, current in enumerate(currents):
        for n in range(len(u)):
            u[n] = int(u[n] * (4096 - current_decay) / 4096) + current[n]
            v[n] = int(v[n] * (4096 - voltage_decay) / 4096) + u[n]
            membranes[t, n] = v[n]
            if v[n] >= 5120:
                spikes[t, n] = 1
                v[n] = 0
    return spikes, membranes


def sums(weight: Whole, x: Whole) -> Whole:
    return np.stack([weight[:, step != 0] @ step[step != 0] for step in x])


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """MNIST's first 2000 test images as the network takes them, (T, B, C, H, W), and their labels."""
    images = read_idx(DATA / "mnist" / "t10k-images-idx3-ubyte.gz", 3)[:2000]
    labels = read_idx(DATA / "mnist" / "t10k-labels-idx1-ubyte.gz", 1)[:2000]
    normalised = (images.unsqueeze(1) / 255 - 0.5) / 0.5
    return normalised.expand(16, *normalised.shape), labels.long()


@torch.no_grad()
def test_mnist_net_recognises_mnist(digits: tuple[Tensor, Tensor]) -> None:
    network = LavaNetwork(MNIST_NET)
    assert network.input_shape == (1, 28, 28)
    answers = network(digits[0]).sum(0).argmax(1)
    assert (answers == digits[1]).float().mean() >= 0.987


@torch.no_grad()
def test_mnist_net_equals_plain_whole_numbers(digits: tuple[Tensor, Tensor]) -> None:
    with h5py.File(MNIST_NET) as file:
        weights = [file[f"layer/{i}/weight"][()].astype(np.int64) for i in (1, 2, 3)]
    network = LavaNetwork(MNIST_NET)
    records = recorded(network, LoihiNeurons)
    outputs = network(digits[0][:, :6])
    images = read_idx(DATA / "mnist" / "t10k-images-idx3-ubyte.gz", 3)[:6].numpy().reshape(6, 784)
    for sample, pixels in enumerate(images):
        # floor(76 * (2 * p / 255 - 1) + 64) without a fraction
        current = 64 * ((76 * (2 * pixels.astype(np.int64) - 255) + 64 * 255) // 255)
        currents = np.tile(current, (16, 1))
        for layer, weight in enumerate(weights):
            spikes, membranes = fire(currents, 4096, 123)
            assert np.array_equal(records[layer][1][:, sample].flatten(1).numpy(), membranes)
            assert np.array_equal(records[layer][0][:, sample].flatten(1).numpy(), spikes)
            assert 0 < spikes.mean() < 1
            currents = 64 * sums(weight, spikes)
        assert np.array_equal(outputs[:, sample].numpy(), currents)


def test_mnist_net_gives_every_pixel_a_gradient(digits: tuple[Tensor, Tensor]) -> None:
    network = LavaNetwork(MNIST_NET)
    gradients = []
    for surrogate in (None, ATan(6.0)):
        for module in network.modules():
            if surrogate is not None and isinstance(module, LoihiNeurons):
                module.surrogate = surrogate
        x = digits[0][:, :10].clone().requires_grad_()
        torch.nn.functional.cross_entropy(network(x).sum(0) / 4096, digits[1][:10].flip(0)).backward()
        assert x.grad is not None
        assert x.grad.isfinite().all()
        gradients.append(x.grad)
    assert (gradients[0].abs().sum(0) > 0).float().mean() > 0.9
    assert not torch.allclose(*gradients)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tensor, Tensor]:
    """The real test recordings of N-MNIST as event counts in frames of 1 ms, (T, B, 2, 34, 34), and their labels."""
    folder = tmp_path_factory.mktemp("nmnist")
    with zipfile.ZipFile(DATA / "nmnist_subset.zip") as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith("NMNIST/Test/")])
    paths = sorted(folder.glob("NMNIST/Test/*/*.bin"))
    frames = FrameTransform(frame_time=1000, polarity="both", time_steps=300, binary=False)
    counts = [torch.from_numpy(frames(read_nmnist(path), (34, 34))) for path in paths]
    return torch.stack(counts, 1).float(), torch.tensor([int(path.parent.name) for path in paths])


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the example, imported as a user in the repository's folder would."""
    monkeypatch.syspath_prepend(ROOT)
    monkeypatch.delitem(sys.modules, "examples.loihi", raising=False)
    import examples.loihi

    return examples.loihi


@torch.no_grad()
def test_loihi_nmnist_recognises_real_recordings(example: Any, recordings: tuple[Tensor, Tensor]) -> None:
    x, labels = recordings
    assert len(labels) == 50
    outputs = example.LoihiMLP(str(NMNIST_NPZ))(x)
    assert outputs.shape == (300, 50, 10)
    assert (outputs.sum(0).argmax(1) == labels).float().mean() >= 0.98


@torch.no_grad()
def test_loihi_nmnist_equals_plain_whole_numbers(example: Any, recordings: tuple[Tensor, Tensor]) -> None:
    weights = np.load(NMNIST_NPZ)
    network = example.LoihiMLP(str(NMNIST_NPZ))
    records = recorded(network, example.LoihiNeuron)
    x = recordings[0][:, ::20]
    outputs = network(x)
    for sample in range(x.shape[1]):
        events = x[:, sample].flatten(1).numpy().astype(np.int64)
        hidden, hidden_membranes = fire(64 * sums(weights["fc1"].reshape(512, -1).astype(np.int64), events), 1024, 128)
        late = np.concatenate([np.zeros_like(hidden[:1]), hidden[:-1]])
        answers, answer_membranes = fire(64 * sums(weights["fc2"].astype(np.int64), late), 1024, 128)
        assert np.array_equal(records[0][1][:, sample].numpy(), hidden_membranes)
        assert np.array_equal(records[0][0][:, sample].numpy(), hidden)
        assert np.array_equal(records[1][1][:, sample].numpy(), answer_membranes)
        assert np.array_equal(records[1][0][:, sample].numpy(), answers)
        assert np.array_equal(outputs[:, sample].numpy(), answers)
        assert 0 < hidden.mean() < 1
        assert 0 < answers.mean() < 1


def test_loihi_nmnist_gradient_follows_the_surrogate(example: Any, recordings: tuple[Tensor, Tensor]) -> None:
    network = example.LoihiMLP(str(NMNIST_NPZ))
    gradients = []
    for surrogate in (None, ATan(2.0)):
        if surrogate is not None:
            network.hidden.surrogate = network.readout.surrogate = surrogate
        x = recordings[0][:, ::10].clone().requires_grad_()
        network(x).sum(0)[:, 3].sum().backward()
        assert x.grad is not None
        assert x.grad.isfinite().all()
        assert (x.grad != 0).float().mean() > 0.9
        gradients.append(x.grad)
    assert not torch.allclose(*gradients)
    x = recordings[0][:, ::10].clone().requires_grad_()
    network(x)[200].sum().backward()
    assert x.grad is not None
    reached = x.grad.abs().sum((1, 2, 3, 4)) > 0
    assert reached[150:200].all()  # through the states of both layers
    assert not reached[200:].any()
    with torch.no_grad():
        assert torch.equal(network(x), network(x))
        assert torch.equal(network(x[:, 2:3])[:, 0], network(x)[:, 2])
    assert {"fc1", "fc2"} <= set(network.state_dict())
