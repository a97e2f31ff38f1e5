"""Networks as the frameworks' own tutorials write and train them: not a line here is this package's.

Each ``train_*`` takes images ``(N, 1, 12, 12)`` in [0, 1] and their labels and returns a trained network.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STEPS = 8
HIDDEN = 40
CLASSES = 3


def rate(images: Tensor) -> Tensor:
    """Poisson spikes, (T, B, ...)."""
    return (torch.rand(STEPS, *images.shape) < images).float()


def batches(x: Tensor, y: Tensor, epochs: int, size: int = 30) -> Any:
    torch.manual_seed(1)
    for _ in range(epochs):
        for chosen in torch.randperm(len(x)).split(size):
            yield x[chosen], y[chosen]


def snntorch_loop() -> nn.Module:
    """snntorch, tutorial 5: a class that loops over time and returns its recordings."""
    import snntorch as snn
    from snntorch import surrogate

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1 = nn.Linear(144, HIDDEN)
            self.lif1 = snn.Leaky(beta=0.9, spike_grad=surrogate.fast_sigmoid(slope=25))
            self.fc2 = nn.Linear(HIDDEN, CLASSES)
            self.lif2 = snn.Leaky(beta=0.8, threshold=0.7, spike_grad=surrogate.atan())

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
            spk2_rec, mem2_rec = [], []
            for step in range(x.size(0)):
                spk1, mem1 = self.lif1(self.fc1(x[step].flatten(1)), mem1)
                spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
                spk2_rec.append(spk2)
                mem2_rec.append(mem2)
            return torch.stack(spk2_rec), torch.stack(mem2_rec)

    return Net()


def train_snntorch_loop(x: Tensor, y: Tensor) -> nn.Module:
    torch.manual_seed(0)
    net = snntorch_loop()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for images, labels in batches(x, y, 8):
        _, mem_rec = net(rate(images))
        loss = sum(F.cross_entropy(mem, labels) for mem in mem_rec)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def snntorch_sequential() -> nn.Module:
    """snntorch, tutorials 6 and 7: a Sequential of neurons that keep their state."""
    import snntorch as snn
    from snntorch import surrogate

    spike_grad = surrogate.atan()
    return nn.Sequential(
        nn.Conv2d(1, 6, 3),
        nn.MaxPool2d(2),
        snn.Leaky(beta=0.5, spike_grad=spike_grad, init_hidden=True),
        nn.Flatten(),
        nn.Linear(150, CLASSES),
        snn.Leaky(beta=0.5, spike_grad=spike_grad, init_hidden=True, output=True),
    )


def forward_pass(net: nn.Module, data: Tensor) -> Tensor:
    """The tutorials' own loop; the neurons are reset one by one."""
    for layer in net:  # type: ignore[attr-defined]
        if hasattr(layer, "reset_mem"):
            layer.reset_mem()
    return torch.stack([net(data[step])[0] for step in range(data.size(0))])


def train_snntorch_sequential(x: Tensor, y: Tensor) -> nn.Module:
    import snntorch.functional as SF

    torch.manual_seed(0)
    net = snntorch_sequential()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
    loss_fn = SF.ce_count_loss()
    for images, labels in batches(x, y, 10):
        loss = loss_fn(forward_pass(net, rate(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def spikingjelly_multi_step() -> nn.Module:
    """spikingjelly, "Classify MNIST", in step mode m."""
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    net = nn.Sequential(
        layer.Flatten(),
        layer.Linear(144, HIDDEN, bias=False),
        neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan()),
        layer.Linear(HIDDEN, CLASSES, bias=False),
        neuron.LIFNode(tau=2.0, surrogate_function=surrogate.ATan()),
    )
    functional.set_step_mode(net, "m")
    return net


def spikingjelly_single_step() -> nn.Module:
    """The same, in step mode s."""
    from spikingjelly.activation_based import functional

    net = spikingjelly_multi_step()
    functional.set_step_mode(net, "s")
    return net


def train_spikingjelly_multi_step(x: Tensor, y: Tensor) -> nn.Module:
    from spikingjelly.activation_based import functional

    torch.manual_seed(0)
    net = spikingjelly_multi_step()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-2)
    for images, labels in batches(x, y, 10):
        out_fr = net(rate(images)).mean(0)
        loss = F.mse_loss(out_fr, F.one_hot(labels, CLASSES).float())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        functional.reset_net(net)
    return net


def norse_sequential() -> nn.Module:
    """norse, "Training an MNIST classifier": LIF cells and a leaky integrator, stepped by hand."""
    import norse.torch as norse

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.l1 = norse.LIFRecurrentCell(
                144, HIDDEN, p=norse.LIFParameters(alpha=torch.tensor(20.0), v_th=torch.tensor(0.5))
            )
            self.fc_out = nn.Linear(HIDDEN, CLASSES, bias=False)
            self.out = norse.LICell()

        def forward(self, x: Tensor) -> Tensor:
            s1 = so = None
            voltages = []
            for ts in range(x.shape[0]):
                z, s1 = self.l1(x[ts].flatten(1), s1)
                vo, so = self.out(self.fc_out(z), so)
                voltages.append(vo)
            return torch.stack(voltages)

    return Model()


def train_norse_sequential(x: Tensor, y: Tensor) -> nn.Module:
    torch.manual_seed(0)
    net = norse_sequential()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for images, labels in batches(x, y, 10):
        voltages, _ = torch.max(net(rate(images)), 0)
        loss = F.nll_loss(F.log_softmax(voltages, dim=1), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def sinabs_squeezed(batch_size: int = 30) -> nn.Module:
    """sinabs, "BPTT on N-MNIST": squeezing layers, for a batch size that is fixed."""
    from sinabs.activation import SingleExponential
    from sinabs.layers import IAFSqueeze

    return nn.Sequential(
        nn.Conv2d(1, 4, 3, stride=2, bias=False),
        IAFSqueeze(batch_size=batch_size, min_v_mem=-1.0, surrogate_grad_fn=SingleExponential()),
        nn.Flatten(),
        nn.Linear(100, CLASSES, bias=False),
        IAFSqueeze(batch_size=batch_size, min_v_mem=-1.0, surrogate_grad_fn=SingleExponential()),
    )


def train_sinabs_squeezed(x: Tensor, y: Tensor) -> nn.Module:
    from sinabs import reset_states, zero_grad

    torch.manual_seed(0)
    net = sinabs_squeezed()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for images, labels in batches(x, y, 12):
        reset_states(net)
        zero_grad(net)
        data = rate(images).transpose(0, 1).flatten(0, 1)
        outputs = net(data).unflatten(0, (len(images), STEPS)).sum(1)
        loss = F.cross_entropy(outputs, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def rockpool_sequential() -> nn.Module:
    """rockpool, "Training a spiking network with torch"."""
    from rockpool.nn.combinators import Sequential
    from rockpool.nn.modules import LIFTorch, LinearTorch
    from rockpool.parameters import Constant

    fixed = {"tau_mem": Constant(0.02), "tau_syn": Constant(0.01), "threshold": Constant(1.0), "bias": Constant(0.0)}
    return Sequential(
        LinearTorch((144, HIDDEN)), LIFTorch(HIDDEN, dt=0.01, **fixed),
        LinearTorch((HIDDEN, CLASSES)), LIFTorch(CLASSES, dt=0.01, learning_window=2.0, **fixed),
    )  # fmt: skip


def train_rockpool_sequential(x: Tensor, y: Tensor) -> nn.Module:
    torch.manual_seed(0)
    net = rockpool_sequential()
    optimizer = torch.optim.Adam(net.parameters().astorch(), lr=2e-2)
    for images, labels in batches(x, y, 12):
        net.reset_state()
        out, _, _ = net(rate(images).flatten(2).transpose(0, 1))
        loss = F.cross_entropy(out.sum(1), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


MEAN, STD = 0.25, 0.3


def plain_sequential() -> nn.Module:
    """An ANN as every PyTorch tutorial has it, on normalised inputs."""
    return nn.Sequential(nn.Flatten(), nn.Linear(144, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES))


def train_plain_sequential(x: Tensor, y: Tensor) -> nn.Module:
    torch.manual_seed(0)
    net = plain_sequential()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for images, labels in batches(x, y, 8):
        loss = F.cross_entropy(net((images - MEAN) / STD), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net
