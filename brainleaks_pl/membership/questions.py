"""Queries of an attacker to a network: confidences, labels, and the inner values of spiking networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from brainleaks_pl.attacks.oracle import LabelOracle
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.image_base import ImageDataModule, to_pixels
from brainleaks_pl.membership.draws import encoded, fetch, seed_from
from brainleaks_pl.networks.lif import LIF
from brainleaks_pl.targets.checks.measure import transferred
from brainleaks_pl.targets.classifier import Classifier

Answers = dict[str, Tensor]
"""What one network says, by kind of answer; the kinds are those of :func:`ask`."""
BINS = 5
"""Stretches of time that a spiking network's steps are summed up in."""
SHIFTS = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))
"""Pixels, down and to the right, by which images are shifted when labels alone are asked for."""
NOISE = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Standard deviations of the noise on pixels in [0, 1] when labels alone are asked for."""
_BATCH_ENTRIES = 2**22


@dataclass(frozen=True)
class Questions:
    """What is asked of each network about each sample.

    Args:
        draws: encodings of a sample that a spiking network is asked about, at least 1; where nothing is drawn it is 1.
        dropout_draws: encodings with input dropout (arXiv 2502.13191), whose confidences are averaged; 0 asks none.
        dropout: the probability that an entry of the input is dropped, in (0, 1); the authors' own default is .01.

    Raises:
        ValueError: when a value is out of range.
    """

    draws: int = 4
    dropout_draws: int = 4
    dropout: float = 0.01

    def __post_init__(self) -> None:
        if self.draws < 1 or self.dropout_draws < 0:
            raise ValueError(
                f"draws must be at least 1 and dropout_draws at least 0, got {self.draws} and {self.dropout_draws}."
            )
        if not 0 < self.dropout < 1:
            raise ValueError(f"dropout must lie in (0, 1), got {self.dropout}.")


@torch.no_grad()
def ask(
    networks: Sequence[Classifier], data: BaseDataModule, indices: Tensor, population: int, questions: Questions
) -> list[Answers]:
    """Ask networks about the same samples, under the same encodings; return what each said.

    The kinds of answers, N samples of the training split and Z of the test split:

    - ``confidence``: ``log p - log(1 - p)`` of the true class, p the confidence, of each encoding, ``(Q, N)``.
    - ``probability``: p, of the first encoding, ``(N,)``; ``population``: the same of test samples, ``(Z,)``.
    - ``classes``: confidences in all classes, of the first encoding, ``(N, K)``.
    - ``dropout``, ``dropout_population``: mean p under input dropout, ``(N,)`` and ``(Z,)``.
    - ``spikes``: of each layer of spiking neurons, spikes per neuron and step in :data:`BINS` stretches of time,
      ``(N, layers * BINS)``.
    - ``membranes``: the true class's answer less the largest other one, mean of each stretch, ``(N, BINS)``; of
      networks that answer at every time step.
    - ``correct``: whether the class is right, ``(N,)``; ``correct_population``: likewise, ``(Z,)``.

    Args:
        networks: trained, in evaluation mode, of one shape.
        data: the data as they take them.
        indices: which training samples, ``(N,)``.
        population: Z, test samples that are asked about, the first ones.
        questions: how often.
    """
    drawn = questions.draws if data.encoder is not None and data.encoder.draws else 1
    dropped = questions.dropout_draws
    found: list[list[Answers]] = [[] for _ in networks]
    for split, where in (("train", indices), ("test", torch.arange(population))):
        first = split == "train"
        parts = where.split(_batch_size(data))
        for place, part in enumerate(parts):
            rows: list[Answers] = [{} for _ in networks]
            for draw in range((drawn if first else 1) + dropped):
                kept = draw < (drawn if first else 1)
                seed = seed_from(int(first), place, draw, int(kept))
                x, labels = encoded(data, split, part.tolist(), networks[0].device, seed)
                if not kept:
                    x = _dropped(x, questions.dropout, seed)
                for row, network in zip(rows, networks, strict=True):
                    _note(row, network, x, labels, inside=first and draw == 0, dropped=not kept)
            for own, row in zip(found, rows, strict=True):
                own.append({(key if first else f"{key}@population"): _joined(key, row[key]) for key in row})
    return [_whole(own) for own in found]


def _batch_size(data: BaseDataModule) -> int:
    steps = (data.time_steps or 100) if data.spiking else 1
    return max(1, min(500, _BATCH_ENTRIES // (steps * 1024)))


def _note(row: dict[str, Any], network: Classifier, x: Tensor, labels: Tensor, inside: bool, dropped: bool) -> None:
    """Add what one network says of one batch to what it has said."""
    with _listening(network, inside) as rates:
        logits = network.logits(x).float()
    confidences = logits.double().softmax(-1).mean(0)
    own = confidences.gather(1, labels[:, None])[:, 0]
    if dropped:
        row.setdefault("dropout", []).append(own.cpu())
        return
    others = confidences.scatter(1, labels[:, None], 0).sum(1)
    scaled = own.clamp(min=1e-30).log() - others.clamp(min=1e-30).log()
    row.setdefault("confidence", []).append(scaled.cpu())
    if "classes" in row:
        return
    row["classes"], row["probability"] = confidences.float().cpu(), own.cpu()
    row["correct"] = (logits.sum(0).argmax(-1) == labels).cpu()
    if rates:
        row["spikes"] = torch.cat([_binned(rate) for rate in rates], 1).cpu()
    if inside and len(logits) > 1:
        true = logits.gather(2, labels.expand(len(logits), -1)[..., None])[..., 0]
        wrong = logits.scatter(2, labels.expand(len(logits), -1)[..., None], -torch.inf).amax(-1)
        row["membranes"] = _binned(true - wrong).cpu()


def _dropped(x: Tensor, share: float, seed: int) -> Tensor:
    """Return inputs without a share of their entries; not by the numbers of the same seed, which encoded them."""
    generator = torch.Generator().manual_seed(seed_from(seed, 1))
    return x * (torch.rand(x.shape, generator=generator) >= share).to(x)


def _joined(key: str, value: Any) -> Tensor:
    if key == "dropout":
        return torch.stack(value).mean(0)
    return torch.stack(value) if isinstance(value, list) else value


def _whole(parts: Sequence[Answers]) -> Answers:
    """Put the batches of a network's answers together."""
    names = {"probability@population": "population", "dropout@population": "dropout_population",
             "correct@population": "correct_population"}  # fmt: skip
    whole = {}
    for key in dict.fromkeys(key for part in parts for key in part):
        if "@" in key and key not in names:
            continue
        own = [part[key] for part in parts if key in part]
        whole[names.get(key, key)] = torch.cat(own, 1 if key == "confidence" else 0)
    return whole


def _binned(values: Tensor) -> Tensor:
    """Return means over stretches of time of ``(T, B)`` as ``(B, bins)``; of fewer steps, each is a stretch."""
    return torch.stack([part.mean(0) for part in values.double().tensor_split(min(BINS, len(values)))], 1)


@contextmanager
def _listening(network: Classifier, inside: bool) -> Iterator[list[Tensor]]:
    """Give the mean spikes per neuron of each layer of the package's spiking neurons, ``(T, B)``, after its call."""
    rates: list[Tensor] = []
    layers = [module for module in torch.nn.Module.modules(network) if inside and isinstance(module, LIF)]
    hooks = [
        layer.register_forward_hook(lambda _, __, out: rates.append(out[0].flatten(2).mean(2))) for layer in layers
    ]
    try:
        yield rates
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def ask_labels(network: Classifier, data: BaseDataModule, indices: Tensor) -> Answers:
    """Ask a network for labels alone.

    Returns:
        ``shifted``, the share of shifted copies (:data:`SHIFTS`) whose label is right, and ``noisy``, that of noisy
        ones (:data:`NOISE`), both ``(N,)``: how far the boundary lies, as labels can tell. Where the data are no
        images, entries of recordings are dropped, with the same numbers as probabilities.
    """
    oracle = LabelOracle(network, len(indices), len(SHIFTS) + len(NOISE))
    right: dict[str, list[Tensor]] = {"shifted": [], "noisy": []}
    batch = _batch_size(data)
    for place, part in enumerate(indices.split(batch)):
        units = torch.arange(len(part)) + place * batch
        for kind, changes in (("shifted", SHIFTS), ("noisy", NOISE)):
            share = []
            for number, change in enumerate(changes):
                seed = seed_from(2, place, number, int(kind == "noisy"))
                x, labels = _changed(data, part.tolist(), change, network.device, seed)
                share.append((oracle(x, units) == labels).double().cpu())
            right[kind].append(torch.stack(share).mean(0))
    return {kind: torch.cat(parts) for kind, parts in right.items()}


def _changed(
    data: BaseDataModule, indices: Sequence[int], change: Any, device: torch.device, seed: int
) -> tuple[Tensor, Tensor]:
    """Return training samples shifted by a pair of pixels, or with noise of a standard deviation."""
    x, labels = fetch(data, "train", indices)
    if isinstance(data, ImageDataModule) and not isinstance(change, tuple):
        generator = torch.Generator().manual_seed(seed_from(seed, 1))
        pixels = to_pixels(x)
        x = (pixels + change * torch.randn(pixels.shape, generator=generator)).clamp(0, 1)
    x, labels = transferred(data, (x, labels), device, seed=seed)
    if isinstance(change, tuple):
        return _shifted(x, *change), labels
    if not isinstance(data, ImageDataModule):
        x = _dropped(x, change, seed)
    return x, labels


def _shifted(x: Tensor, down: int, right: int) -> Tensor:
    """Return inputs ``(..., H, W)`` shifted, zeros behind them."""
    moved = torch.nn.functional.pad(x, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
    height, width = x.shape[-2:]
    return moved[..., max(-down, 0) : max(-down, 0) + height, max(-right, 0) : max(-right, 0) + width]
