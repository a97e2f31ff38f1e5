"""Runs membership inference, from networks' recipes to results, for audits and for Python."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.image_base import to_pixels
from brainleaks_pl.membership.attacks import ATTACKS, Panel
from brainleaks_pl.membership.curves import Ranking
from brainleaks_pl.membership.draws import fetch
from brainleaks_pl.membership.halves import even_pool, halves
from brainleaks_pl.membership.intervals import Resampling
from brainleaks_pl.membership.keeping import FULL, Say, Work, all_answers
from brainleaks_pl.membership.questions import Questions
from brainleaks_pl.membership.results import Reading, Row, Scored, accuracies, attack_row, difference_rows, exposed
from brainleaks_pl.membership.shadows import Pool, check_bits
from brainleaks_pl.targets.classifier import Classifier

RISK = "lira_online"
"""The attack that says which samples are the most exposed."""


@dataclass(frozen=True)
class Membership:
    """How membership inference is measured.

    Args:
        networks: S, trained on random halves of the pool, an even number, at least 4. Each is the target in turn and
            the others its shadows, but for the one that was trained on the other half.
        samples: largest number of training samples in the pool; None takes all.
        population: largest number of test samples, the first ones, as RMIA's population and for test accuracy.
        attacks: names of attacks (:data:`~brainleaks_pl.membership.attacks.ATTACKS`); None takes all that fit.
        label_only: number of networks that are asked for labels alone, even; 0 leaves such attacks out.
        questions: what each network is asked.
        reading: what is read from curves.
        together: networks in a group; an interruption costs at most one group.
        at_once: networks that are trained at once; None chooses what is faster.

    Raises:
        ValueError: when a value is out of range.

    Examples:
        Eight networks, each trained on half of 1000 samples, and two attacks:

        >>> from brainleaks_pl import Membership
        >>> Membership(networks=8, samples=1000, attacks=["loss", "lira_online"]).population
        1000
        >>> Membership(networks=5)
        Traceback (most recent call last):
            ...
        ValueError: networks must be an even number, at least 4, got 5.
    """

    networks: int = 64
    samples: int | None = None
    population: int = 1000
    attacks: Sequence[str] | None = None
    label_only: int = 8
    questions: Questions = field(default_factory=Questions)
    reading: Reading = field(default_factory=Reading)
    together: int = 8
    at_once: int | None = None

    def __post_init__(self) -> None:
        if self.networks < 4 or self.networks % 2:
            raise ValueError(f"networks must be an even number, at least 4, got {self.networks}.")
        if self.label_only % 2 or not 0 <= self.label_only <= self.networks:
            raise ValueError(
                f"label_only must be an even number from 0 to networks, {self.networks}, got {self.label_only}."
            )
        if self.population < 1 or self.together < 1:
            raise ValueError(f"population and together must be at least 1, got {self.population} and {self.together}.")
        unknown = [name for name in self.attacks or () if name not in ATTACKS]
        if unknown:
            raise ValueError(f"attacks names {unknown[0]!r}: choose from {', '.join(ATTACKS)}.")


@dataclass(frozen=True)
class NetworkKind:
    """A kind of network whose members are sought.

    Args:
        make: builds an untrained network.
        data: the data as this kind takes them, the same samples encoded over other time steps, say; None takes those
            that all kinds share.
        bits: numbers of bits; the networks with weights rounded to each are attacked too, as kinds of their own.

    Raises:
        ValueError: when bits are not 2 to 16.

    Examples:
        A network, and the same one with weights of four bits:

        >>> from functools import partial
        >>> from brainleaks_pl import MLP, Classifier, NetworkKind
        >>> kind = NetworkKind(partial(Classifier, partial(MLP, hidden=20)), bits=[4])
        >>> kind.make().name, kind.bits
        ('MLP', [4])
    """

    make: Callable[[], Classifier]
    data: BaseDataModule | None = None
    bits: Sequence[int] = ()

    def __post_init__(self) -> None:
        for bits in self.bits:
            check_bits(bits)


def run_membership(
    targets: Mapping[str, Callable[[], Classifier] | NetworkKind],
    data: BaseDataModule,
    membership: Membership | None = None,
    *,
    folder: str | Path,
    seed: int = 0,
    device: torch.device | str = "cpu",
    say: Say = lambda line: None,
) -> dict[str, Any]:
    """Train networks on halves of the training data, and measure how well it can be told which half.

    All kinds of networks are trained on the same halves, so that their figures can be compared pair by pair. Work that
    was interrupted is resumed where it stopped, with the same result.

    Args:
        targets: by name, a kind of network, or what builds an untrained network of it.
        data: the private data.
        membership: how it is measured; None means the defaults.
        folder: where groups of trained networks and their answers are kept.
        seed: seed of the halves, of the networks and of all that is drawn.
        device: where networks are trained and asked.
        say: tells the user how it goes, one line at a time.

    Returns:
        Plain values: ``pool``, its sizes; ``targets``, of each kind its accuracies and the rows of its attacks;
        ``differences`` between kinds; ``exposed``, of each kind how many samples most networks give
        away, and pictures of those most at risk.

    Raises:
        ValueError: when settings do not fit the data, or a training diverges.

    Examples:
        Four tiny networks, each trained on half of twenty images; a serious measurement takes 64 of the real size.

        >>> from functools import partial
        >>> from brainleaks_pl import MLP, Classifier, Membership, Training, run_membership
        >>> make = partial(Classifier, partial(MLP, hidden=8), training=Training(lr=0.01, epochs=2, batch_size=10))
        >>> settings = Membership(networks=4, samples=20, population=20, label_only=0)
        >>> found = run_membership({"mlp": make}, data, settings, folder="membership")
        >>> found["pool"]
        {'samples': 20, 'population': 20, 'networks': 4, 'non_members': 40}
        >>> sorted(found["targets"]["mlp"]["attacks"])[:5]
        ['bavaria', 'entropy', 'lira_offline', 'lira_online', 'loss']
    """
    settings = membership or Membership()
    data.setup()
    labels = torch.as_tensor(data.split("train").labels).long()
    indices = even_pool(labels, settings.samples, seed)
    own = labels[indices]
    members = halves(own, settings.networks, seed)
    population = min(settings.population, len(data.split("test")))
    draws = {
        count: Resampling(count, len(indices), seed) for count in (settings.networks, settings.label_only) if count
    }
    scored: dict[str, dict[str, Scored]] = {}
    document: dict[str, Any] = {
        "pool": {
            "samples": len(indices),
            "population": population,
            "networks": settings.networks,
            "non_members": int((~members).sum()),
        },
        "targets": {},
        "exposed": {},
    }
    for name, target in targets.items():
        kind = target if isinstance(target, NetworkKind) else NetworkKind(target)
        own_data = (kind.data or data).for_network(kind.make().takes_spikes)
        work = Work(
            make=kind.make,
            pool=Pool(own_data, indices, members, seed),
            questions=settings.questions,
            population=population,
            label_only=settings.label_only,
            bits=tuple(kind.bits),
            together=settings.together,
            at_once=settings.at_once,
        )
        said = all_answers(work, Path(folder) / name, torch.device(device), partial(_say, say, name))
        for view, answers in said.items():
            title = name if view == FULL else f"{name}, {view}"
            panel = Panel(answers, members, own.numpy())
            scored[title] = _scored(panel, settings.attacks)
            rows = {
                attack: attack_row(one, draws[len(one.scores)], settings.reading)
                for attack, one in scored[title].items()
            }
            document["targets"][title] = {"accuracy": accuracies(answers, members), "attacks": rows}
            if RISK in scored[title] and view == FULL:
                risk = exposed(scored[title][RISK].scores, members, settings.reading.rates[0])
                risk["samples"] = _pictured(risk["samples"], indices, own_data, own)
                document["exposed"][title] = risk
    attacked = {kind: target["attacks"] for kind, target in document["targets"].items()}
    document["differences"] = difference_rows(scored, attacked, draws.__getitem__)
    return document


def _say(say: Say, name: str, line: str) -> None:
    say(f"{name}: {line}")


def _scored(panel: Panel, names: Sequence[str] | None) -> dict[str, Scored]:
    found = {}
    for name, entry in ATTACKS.items():
        if (names is None or name in names) and entry.fits(panel):
            scores = entry.attack(panel)
            found[name] = Scored(scores, Ranking(scores, panel.members[: len(scores)]))
    return found


def _pictured(rows: list[Row], indices: torch.Tensor, data: BaseDataModule, labels: torch.Tensor) -> list[Row]:
    """Add class, index and picture of each sample: bytes of ``shape`` (C, H, W), in base 64."""
    for row in rows:
        index = int(indices[row["place"]])
        x, _ = fetch(data, "train", [index])
        pixels = to_pixels(x).float()
        pixels = data.display((pixels.mean(0) if pixels.ndim == 5 else pixels)[:1])[0]
        content = (pixels * 255).round().to(torch.uint8).numpy()
        row |= {
            "index": index,
            "class": int(labels[row["place"]]),
            "shape": list(content.shape),
            "picture": base64.b64encode(np.ascontiguousarray(content).tobytes()).decode(),
        }
    return rows
