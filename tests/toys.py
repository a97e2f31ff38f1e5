"""Tiny data, tiny networks and a silent trainer, shared by the tests (`from toys import ...`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from lightning.pytorch import Callback
from lightning.pytorch.loggers.logger import DummyLogger
from torch import Tensor, nn

from brainleaks_pl import (
    MLP,
    Classifier,
    EventDataModule,
    FrameTransform,
    ImageDataModule,
    InversionModule,
    InversionTrainer,
    SpikingMLP,
    Surrogate,
    Training,
)
from brainleaks_pl.data.base import LabelledDataset
from brainleaks_pl.data.image_base import ImageDataset


class ToyDigits(ImageDataModule):
    """Noisy 12x12 pictures of a horizontal bar, a vertical bar and a ring, made in memory from a fixed seed."""

    input_shape = (1, 12, 12)
    num_classes = 3
    class_names = ("horizontal", "vertical", "ring")

    def load(self) -> dict[str, ImageDataset]:
        generator = torch.Generator().manual_seed(0)
        shapes = torch.zeros(3, 1, 12, 12)
        shapes[0, :, 5:7, 1:11] = 200
        shapes[1, :, 1:11, 5:7] = 200
        shapes[2, :, 2:10, 2:10] = 200
        shapes[2, :, 4:8, 4:8] = 0

        def split(size: int) -> ImageDataset:
            labels = torch.arange(size) % 3
            noise = torch.randint(0, 56, (size, 1, 12, 12), generator=generator)
            return ImageDataset((shapes[labels] + noise).to(torch.uint8), labels)

        return {"train": split(90), "val": split(30), "test": split(30)}


class _Recordings:
    """Frames ``(N, T, C, H, W)`` and classes held in memory."""

    def __init__(self, frames: Tensor, labels: list[int]) -> None:
        self.frames, self.labels = frames, torch.tensor(labels)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.frames[index], self.labels[index]


class _Bars(EventDataModule):
    sensor_size = (8, 8)
    num_classes = 2

    def load(self) -> dict[str, LabelledDataset]:
        generator = torch.Generator().manual_seed(0)

        def split(labels: list[int]) -> LabelledDataset:
            rates = torch.full((len(labels), 6, 2, 8, 8), 0.05)
            for own, label in zip(rates, labels, strict=True):
                (own[..., 3:5] if label == 0 else own[..., 3:5, :]).fill_(0.5)
            return _Recordings(torch.bernoulli(rates, generator=generator).to(torch.uint8), labels)

        return {"train": split([0, 1] * 8), "val": split([0, 1] * 2), "test": split([0, 0, 0, 1])}


def flickering_bars(time_steps: int | None = None) -> EventDataModule:
    """Recordings, 6 steps of (2, 8, 8): upright bars in class 0, flat ones in class 1, one test recording of these."""
    return _Bars(FrameTransform(1000, polarity="both", time_steps=time_steps), batch_size=8)


def classifier(
    kind: Callable[..., nn.Module],
    *arguments: Any,
    training: Training = Training(),
    spike_penalty: float = 0.0,
    time_steps: int | None = None,
    **settings: Any,
) -> Classifier:
    """A network of a kind, wrapped, and its arguments."""
    made = Classifier(partial(kind, *arguments, **settings), training=training, spike_penalty=spike_penalty)
    made.time_steps = time_steps
    return made


def spiking_mlp(time_steps: int | None = 4, **settings: Any) -> Classifier:
    """A network on 6x6 spikes, 3 classes; its weights are large enough for its neurons to fire."""
    torch.manual_seed(0)
    made = classifier(SpikingMLP, (1, 6, 6), 3, 12, time_steps=time_steps, **settings)
    with torch.no_grad():
        made.network.hidden.weight.mul_(4)
        made.network.output.weight.mul_(3)
    return made


def mlp() -> Classifier:
    """A network on 6x6 images, 3 classes; its weights are large enough for it to become confident."""
    torch.manual_seed(0)
    made = classifier(MLP, (1, 6, 6), 3, 12)
    with torch.no_grad():
        made.network.hidden.weight.mul_(4)
        made.network.output.weight.mul_(8)
    return made


def silent_trainer(**settings: Any) -> InversionTrainer:
    """A trainer on the CPU that writes and prints nothing, unless settings say otherwise."""
    silent = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    return InversionTrainer(**{**silent, "enable_model_summary": False, "accelerator": "cpu", "devices": 1, **settings})


class Recorder(Callback):
    """Keeps what an attack holds after each of its steps."""

    def __init__(self) -> None:
        self.candidates: list[Tensor] = []
        self.reconstructions: list[Tensor] = []
        self.reconstructions_then: list[Tensor] = []
        self.active: list[list[bool]] = []
        self.target_was_frozen: list[bool] = []
        self.metrics: dict[str, float] = {}

    def on_train_batch_end(self, trainer: Any, attack: InversionModule, *_: Any) -> None:
        self.candidates.append(attack.candidates.detach().clone())
        self.reconstructions.append(attack.reconstructions())
        self.reconstructions_then.append(attack.reconstructions().clone())
        self.active.append(attack.active.tolist())
        parts = list(attack.target.modules())
        weights = list(attack.target.parameters())
        self.target_was_frozen.append(not any(m.training for m in parts) and not any(w.requires_grad for w in weights))
        self.metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}


def run(attack: InversionModule, **settings: Any) -> Recorder:
    """Run an attack and return the record of its steps."""
    recorder = Recorder()
    silent_trainer(**{"callbacks": [recorder], "logger": DummyLogger(), **settings}).invert(attack)
    return recorder


def copied_state(network: torch.nn.Module) -> dict[str, Tensor]:
    """A copy of a network's weights and buffers."""
    return {name: value.clone() for name, value in network.state_dict().items()}


class _Derivative(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, centred: Tensor, derivative: Callable[[Tensor], Tensor]) -> Tensor:
        ctx.save_for_backward(derivative(centred))
        return (centred > 0).to(centred.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad * ctx.saved_tensors[0], None


@dataclass(frozen=True)
class Triangle(Surrogate):
    """A user's own surrogate: derivative max(0, 1 - |u - threshold| / width)."""

    width: float = 1.0

    def spike_function(self) -> Callable[[Tensor], Tensor]:
        return lambda centred: _Derivative.apply(centred, lambda u: (1 - u.abs() / self.width).clamp(min=0))


@dataclass(frozen=True)
class Blind(Surrogate):
    """A masked gradient: derivative 0 everywhere."""

    def spike_function(self) -> Callable[[Tensor], Tensor]:
        return lambda centred: _Derivative.apply(centred, torch.zeros_like)


Cost = Callable[[Tensor, Tensor], Tensor]
"""Gives what training lowers, of inputs and labels."""


def train_plainly(
    network: nn.Module, data: ImageDataModule, epochs: int, lr: float = 0.02, cost: Cost | None = None
) -> nn.Module:
    """Train a network as anyone would, in a loop of plain torch, on what the data module gives."""
    cost = cost or (lambda x, labels: nn.functional.cross_entropy(network(x).mean(0), labels))
    optimizer = torch.optim.Adam(network.parameters(), lr=lr)
    data.setup()
    for _ in range(epochs):
        for batch in data.train_dataloader():
            x, labels = data.on_after_batch_transfer(batch, 0)
            loss = cost(x, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network
