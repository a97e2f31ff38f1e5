"""Our own networks as NIR graphs: the constants that are written, and the same answers after reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from brainleaks_pl.networks.cnn import SpikingCNN
from brainleaks_pl.networks.lif import LIF
from brainleaks_pl.networks.mlp import MLP, SpikingMLP
from brainleaks_pl.networks.nir.export import write_nir
from brainleaks_pl.networks.nir.network import NIRNetwork
from brainleaks_pl.networks.nir.neurons import SpikingNeurons
from brainleaks_pl.networks.scan import Reset

nir = pytest.importorskip("nir")


def dyadic(network: nn.Module) -> None:
    """Draw weights whose sums are exact in any order, large enough for neurons to fire."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randint(-24, 32, weight.shape, generator=generator) / 64)


def spikes(*shape: int, rate: float = 0.3) -> Tensor:
    return (torch.rand(shape, generator=torch.Generator().manual_seed(1)) < rate).float()


@pytest.mark.parametrize("dt", [1.0, 1e-3])
@pytest.mark.parametrize("reset", ["subtract", "zero"])
@pytest.mark.parametrize("beta", [0.0, 0.7, 0.95, 1.0])
def test_a_network_comes_back_spike_for_spike(tmp_path: Path, beta: float, reset: Reset, dt: float) -> None:
    network = SpikingMLP((2, 5, 5), num_classes=4, hidden=30, beta=beta, threshold=0.8, reset=reset)
    dyadic(network)
    write_nir(network, tmp_path / "mlp.nir", dt)
    again = NIRNetwork(tmp_path / "mlp.nir")
    assert (again.input_shape, again.num_classes) == ((2, 5, 5), 4)
    seen: list[Tensor] = []
    network.neurons.register_forward_hook(lambda _module, _inputs, outputs: seen.append(outputs[0]))
    again.nodes["neurons"].register_forward_hook(lambda _module, _inputs, outputs: seen.append(outputs))
    x = spikes(40, 8, 2, 5, 5)
    answer = network(x)
    assert torch.equal(again(x), answer)
    ours, theirs = seen
    assert torch.equal(ours, theirs)
    assert 0.05 < ours.mean() < 0.95
    assert torch.equal(NIRNetwork(tmp_path / "mlp.nir", output="spikes")(x), (answer > 0.8).float())


def test_gradients_come_back_with_the_surrogate(tmp_path: Path) -> None:
    network = SpikingMLP((1, 4, 4), num_classes=3, hidden=20)
    dyadic(network)
    write_nir(network, tmp_path / "mlp.nir")
    again = NIRNetwork(tmp_path / "mlp.nir", surrogate=network.neurons.surrogate)
    x = spikes(10, 4, 1, 4, 4).requires_grad_()
    gradients = [torch.autograd.grad(one(x)[:, :, 0].sum(), x)[0] for one in (network, again)]
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(gradients[0], gradients[1])


def test_constants_that_are_written(tmp_path: Path) -> None:
    network = SpikingMLP((1, 2, 3), num_classes=2, hidden=4, beta=0.75, threshold=0.5)
    write_nir(network, tmp_path / "mlp.nir", dt=0.001)
    graph = nir.read(tmp_path / "mlp.nir")  # with its shapes checked
    assert list(graph.nodes["input"].output_type["output"]) == [1, 2, 3]
    neurons = graph.nodes["neurons"]
    np.testing.assert_allclose(neurons.tau, np.full(4, 0.004))
    np.testing.assert_allclose(neurons.r, np.full(4, 4.0))
    assert neurons.v_threshold.tolist() == [0.5] * 4
    assert neurons.v_reset.tolist() == neurons.v_leak.tolist() == [0.0] * 4
    np.testing.assert_array_equal(graph.nodes["hidden"].weight, network.hidden.weight.detach().numpy())
    np.testing.assert_array_equal(graph.nodes["output_layer"].bias, network.output.bias.detach().numpy())

    network = SpikingMLP((1, 2, 3), num_classes=2, hidden=4, beta=1.0)
    write_nir(network, tmp_path / "mlp.nir", dt=0.25)
    integrate = nir.read(tmp_path / "mlp.nir").nodes["neurons"]
    assert isinstance(integrate, nir.IF)
    assert integrate.r.tolist() == [4.0] * 4


class Convolutional(nn.Module):
    """Two convolutions, of which the second pads and strides, a layer without bias, neurons of different constants."""

    def __init__(self) -> None:
        super().__init__()
        self.input_shape = (2, 6, 6)
        self.features = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False))
        self.neurons = LIF(0.9, 0.7)
        self.output = nn.Linear(16, 3, bias=False)
        self.output_neurons = LIF(0.5)

    def forward(self, x: Tensor) -> Tensor:
        currents = self.features(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        membranes: Tensor = self.output_neurons(self.output(self.neurons(currents)[0].flatten(2)))[1]
        return membranes


def test_convolutions_come_back(tmp_path: Path) -> None:
    network = Convolutional()
    dyadic(network)
    write_nir(network, tmp_path / "cnn.nir")
    again = NIRNetwork(tmp_path / "cnn.nir")
    x = spikes(20, 4, 2, 6, 6)
    assert torch.equal(again(x), network(x))
    assert sum(isinstance(module, SpikingNeurons) for module in again.modules()) == 2


class Negated(SpikingMLP):
    """Does more between its layers than they say."""

    def forward(self, x: Tensor) -> Tensor:
        return -super().forward(x)


class Summed(SpikingMLP):
    """Answers once for all steps."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).sum(0)


def test_networks_that_a_graph_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "network.nir"
    path.write_bytes(b"before")
    mixed = SpikingMLP((1, 2, 3), num_classes=2, hidden=4)
    mixed.neurons.reset = "zero"
    for network, complaint in [
        (SpikingCNN((1, 20, 20)), r"no node for the layer 'pool' \(MaxPool2d\) of SpikingCNN"),
        (MLP((1, 2, 3), num_classes=2, hidden=4), "MLP must end in neurons"),
        (mixed, "must end in neurons, and all of them reset alike"),
        (Negated((1, 2, 3), num_classes=2, hidden=4), "does not answer as the network does"),
        (Summed((1, 2, 3), num_classes=2, hidden=4), r"the network answers \(8, 2\), its graph \(10, 8, 2\)"),
    ]:
        with pytest.raises(ValueError, match=complaint):
            write_nir(network, path)
    with pytest.raises(ValueError, match="dt must be positive"):
        write_nir(SpikingMLP((1, 2, 3), num_classes=2, hidden=4), path, dt=0.0)
    assert [file.name for file in tmp_path.iterdir()] == ["network.nir"]
    assert path.read_bytes() == b"before"
