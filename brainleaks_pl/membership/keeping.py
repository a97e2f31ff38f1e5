"""Keeps shadow networks and their answers, group by group, so that nothing is trained or queried twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl.membership.questions import BINS, NOISE, SHIFTS, Answers, Questions, ask, ask_labels
from brainleaks_pl.membership.shadows import Pool, State, loaded, rounded, train
from brainleaks_pl.system.tensors import UnreadableError, read_tensors, write_tensors
from brainleaks_pl.targets.classifier import Classifier

Say = Callable[[str], None]
FULL = "full"
"""What the answers of networks whose weights are not rounded are called."""


@dataclass(frozen=True)
class Work:
    """What a set of shadow networks is trained and asked for.

    Args:
        make: builds an untrained network.
        pool: the samples and who holds them.
        questions: what each network is asked.
        population: test samples that are asked about.
        label_only: of so many networks, the first ones, labels alone are asked for as well.
        bits: the networks with weights rounded to so many bits are asked too, about one encoding.
        together: networks of a group: between groups, work can be interrupted.
        at_once: networks that are trained together; None chooses.
    """

    make: Callable[[], Classifier]
    pool: Pool
    questions: Questions
    population: int
    label_only: int = 0
    bits: tuple[int, ...] = ()
    together: int = 8
    at_once: int | None = None

    def identity(self) -> str:
        """Return a digest of all that decides what comes out, but for the group."""
        network = self.make()
        network.fit_to(self.pool.data.input_shape, self.pool.data.num_classes)
        members = hashlib.sha256(self.pool.members.tobytes() + self.pool.indices.numpy().tobytes()).hexdigest()
        facts: Any = [network.architecture(), network.recipe(), self.pool.data.digest(), self.pool.data.batch_size]
        facts += [members, self.pool.seed, asdict(self.questions), self.population, self.label_only, self.bits]
        facts += [BINS, NOISE, SHIFTS]
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def all_answers(
    work: Work, folder: Path, device: torch.device, say: Say = lambda line: None
) -> dict[str, list[Answers]]:
    """Return what all networks of a pool say, those that are kept read, the others trained and asked.

    Args:
        work: which networks, and what is asked.
        folder: where groups are kept, one file each, written atomically.
        device: where networks are trained and asked.
        say: tells the user how it goes, one line per group.

    Returns:
        By :data:`FULL` and the bits of rounded weights, the answers of each network in order.
    """
    identity = work.identity()
    found: dict[str, list[Answers]] = {}
    for first in range(0, work.pool.networks, work.together):
        numbers = range(first, min(first + work.together, work.pool.networks))
        name = f"{identity}-{first:03d}"
        group = _kept(folder / f"{name}.pt", len(numbers))
        kept = group is not None
        if group is None:
            group = _new(work, numbers, folder / f"{name}-weights.pt", device)
            write_tensors(folder / f"{name}.pt", group)
            (folder / f"{name}-weights.pt").unlink(missing_ok=True)
        say(f"networks {first + 1} to {numbers[-1] + 1} of {work.pool.networks} {'done before' if kept else 'done'}")
        for view, answers in group.items():
            found.setdefault(view, []).extend(answers)
    return found


def _kept(path: Path, networks: int) -> dict[str, list[Answers]] | None:
    """Return a group's answers, or None where they are missing or damaged."""
    try:
        group: dict[str, list[Answers]] = read_tensors(path)
    except (OSError, UnreadableError):
        return None
    return group if isinstance(group, dict) and all(len(own) == networks for own in group.values()) else None


def _new(work: Work, numbers: Sequence[int], weights: Path, device: torch.device) -> dict[str, list[Answers]]:
    states = _states(work, numbers, weights, device)
    views = {FULL: states, **{f"{bits} bits": [rounded(own, bits) for own in states] for bits in work.bits}}
    group = {}
    for view, own in views.items():
        networks = [loaded(work.make, work.pool, state, device) for state in own]
        questions = work.questions if view == FULL else Questions(draws=1, dropout_draws=0)
        answers = ask(networks, work.pool.data, work.pool.indices, work.population, questions)
        for number, network, said in zip(numbers, networks, answers, strict=True):
            if number < work.label_only and view == FULL:
                said |= ask_labels(network, work.pool.data, work.pool.indices)
        group[view] = answers
    return group


def _states(work: Work, numbers: Sequence[int], path: Path, device: torch.device) -> list[State]:
    """Return the trained weights of a group, kept until its answers are."""
    try:
        states: list[State] = read_tensors(path)
        if len(states) == len(numbers):
            return states
    except (OSError, UnreadableError):
        pass
    states = train(work.make, work.pool, numbers, device, work.at_once)
    write_tensors(path, states)
    return states
