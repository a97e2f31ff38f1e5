"""The tasks that are timed: one attack gradient, whole attacks on MNIST, training steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from measure import Case, Contender
from peers import (
    Limit,
    PlainMLP,
    SteppedCNN,
    SteppedMLP,
    batched_gradient,
    published_gradient,
    published_mi_face,
    published_v1,
    published_v2,
    spikingjelly_mlp,
)
from torch import Tensor, nn
from toys import classifier, silent_trainer

from brainleaks_pl import MLP, BrainLeaksV1, BrainLeaksV2, Classifier, InversionModule, MIFace, SpikingCNN, SpikingMLP
from brainleaks_pl.networks import sparse_linear


@dataclass(frozen=True)
class Task:
    """The sizes of one experiment; ``density`` is the share of inputs that spike."""

    name: str
    input_shape: tuple[int, int, int]
    classes: int
    time_steps: int
    batch: int
    density: float
    hidden: int = 3000

    def target(self, kind: type[SpikingMLP] = SpikingMLP) -> Classifier:
        """Return an untrained target that fires, in evaluation mode."""
        torch.manual_seed(0)
        target = classifier(kind, self.input_shape, self.classes, self.hidden, time_steps=self.time_steps)
        with torch.no_grad():
            target.network.hidden.weight.mul_(3)
        return target.eval()

    def spikes(self) -> Tensor:
        """Return spikes ``(T, B, C, H, W)``."""
        generator = torch.Generator().manual_seed(0)
        shape = (self.time_steps, self.batch, *self.input_shape)
        return (torch.rand(shape, generator=generator) < self.density).float()

    def labels(self) -> Tensor:
        """Return the classes ``(B,)``."""
        return torch.arange(self.batch) % self.classes


TASKS = {
    task.name: task
    for task in (
        Task("mnist", (1, 28, 28), 10, 25, 70, 0.2),
        Task("mnist_10", (1, 28, 28), 10, 25, 10, 0.2),
        Task("mnist_1", (1, 28, 28), 10, 25, 1, 0.2),
        Task("att", (1, 112, 92), 40, 25, 40, 0.4),
        Task("nmnist", (1, 34, 34), 10, 100, 50, 0.02),
        Task("gesture", (1, 128, 128), 11, 100, 50, 0.01),
    )
}


def _ours(task: Task, kind: type[SpikingMLP] = SpikingMLP) -> Callable[[], Any]:
    """Return one gradient by an attack's own code."""
    attack, x, labels = BrainLeaksV1(task.target(kind), steps=1), task.spikes(), task.labels()
    return lambda: attack.ask(x, labels, differentiate=True)


def _in_bfloat16(run: Callable[[], Any]) -> Any:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return run()


def _always_dense(run: Callable[[], Any]) -> Any:
    limit, sparse_linear.SPARSE_BELOW = sparse_linear.SPARSE_BELOW, 0.0
    try:
        return run()
    finally:
        sparse_linear.SPARSE_BELOW = limit


def gradient(task: Task, peers: bool) -> Case:
    """One gradient of the confidence with respect to the spikes of a batch; the limit comes first."""
    target, x, labels, ours = task.target(), task.spikes(), task.labels(), _ours(task)
    target.requires_grad_(False)
    contenders = {
        "limit": Contender(Limit(target.network, x)),
        "ours float32": Contender(ours),
        "ours bf16-mixed": Contender(partial(_in_bfloat16, ours)),
        "ours autograd": Contender(_ours(task, PlainMLP)),
        "ours always dense": Contender(partial(_always_dense, ours)),
    }
    if peers:
        batched = {
            "snntorch batched": SteppedMLP(target.network, frozen=True),
            "spikingjelly": spikingjelly_mlp(target.network),
        }
        for name, network in batched.items():
            if network is not None:
                contenders[name] = Contender(partial(batched_gradient, network, x, labels))
        one = partial(published_gradient, SteppedMLP(target.network), x[:, :1], labels[:1])
        contenders["published"] = Contender(one, scale=task.batch)
    return Case(f"gradient_{task.name}", contenders)


def growth_units(task: Task, units: Sequence[int]) -> Case:
    """One gradient of more and more units, as time for so many as the first: linear where that stays the same."""
    sizes = {f"{count} units": (replace(task, batch=count), units[0] / count) for count in units}
    return Case("growth_units", {name: Contender(_ours(task), scale) for name, (task, scale) in sizes.items()})


def growth_time(task: Task, time_steps: Sequence[int]) -> Case:
    """One gradient of longer and longer inputs, as time for so many steps as the first."""
    sizes = {f"T {count}": (replace(task, time_steps=count), time_steps[0] / count) for count in time_steps}
    return Case("growth_time", {name: Contender(_ours(task), scale) for name, (task, scale) in sizes.items()})


def _limit(target: Classifier, task: Task, steps: int) -> Contender:
    """The input layer's two products of every step, and nothing else."""
    products = Limit(target.network, task.spikes())
    return Contender(lambda: [products() for _ in range(steps)])


def _whole(make: Callable[[], InversionModule], **settings: Any) -> Contender:
    return Contender(lambda: silent_trainer(**settings).invert(make()))


def v1(task: Task, steps: int, classes: int) -> Case:
    """BrainLeaks-v1 on all classes; the published loop on some of them."""
    target = task.target()
    network, shape = SteppedMLP(target.network), (task.time_steps, 1, *task.input_shape)

    def published() -> None:
        for label in range(classes):
            published_v1(network, shape, label, steps)

    contenders = {
        "ours float32": _whole(lambda: BrainLeaksV1(target, steps=steps)),
        "published": Contender(published, task.classes / classes),
        "limit": _limit(target, replace(task, batch=task.classes), steps),
    }
    return Case("v1", contenders)


def v2(task: Task, steps: int, classes: int, published_steps: int) -> Case:
    """BrainLeaks-v2 on all classes; the published loop on some of them, for some of the steps."""
    target = task.target()
    network, shape = SteppedMLP(target.network), (task.time_steps, 1, *task.input_shape)

    def published() -> None:
        for label in range(classes):
            published_v2(network, shape, label, published_steps)

    contenders = {
        "ours float32": _whole(lambda: BrainLeaksV2(target, steps=steps)),
        "published": Contender(published, task.classes / classes * steps / published_steps),
        "limit": _limit(target, task, steps),
    }
    return Case("v2", contenders)


def mi_face(task: Task, steps: int, classes: int, published_steps: int) -> Case:
    """The first iterations of MI-FACE's 5000 on all classes; the published loop on some classes, for some of them."""
    torch.manual_seed(0)
    target = classifier(MLP, task.input_shape, task.classes, task.hidden).eval()
    network = MLP(task.input_shape, task.classes, task.hidden).eval()

    def published() -> None:
        for label in range(classes):
            published_mi_face(network, label, published_steps)

    contenders = {
        "ours float32": _whole(lambda: MIFace(target, stop_at=None, patience=None), fast_dev_run=steps),
        "published": Contender(published, task.classes / classes * steps / published_steps),
        "limit": _limit(target, replace(task, time_steps=1, batch=task.classes), steps),
    }
    return Case("mi_face", contenders)


def _step(network: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], x: Tensor, fused: bool) -> Contender:
    optimizer, labels = torch.optim.Adam(network.parameters(), lr=1e-6, fused=fused), torch.arange(x.shape[1]) % 10

    def run() -> None:
        optimizer.zero_grad()
        loss(network(x), labels % network.num_classes).backward()
        optimizer.step()

    network.num_classes = int(network(x[:1, :1]).shape[-1])
    return Contender(run)


def training(task: Task) -> Case:
    """A training step of the target on a batch."""
    target, x = task.target(), task.spikes()
    contenders = {
        "ours float32": _step(target.network, target.loss, x, fused=True),
        "published": _step(SteppedMLP(target.network), target.loss, x, fused=False),
        "limit": _limit(target, task, 1),
    }
    return Case("train_target", contenders)


def judge_training(task: Task) -> Case:
    """A training step of the spiking judge on a batch."""
    judge, x = classifier(SpikingCNN, (1, 28, 28), 10), task.spikes()
    ours = _step(judge.network, judge.loss, x, fused=True)
    theirs = _step(SteppedCNN(judge.network), judge.loss, x, fused=False)
    return Case("train_judge", {"ours float32": ours, "published": theirs})
