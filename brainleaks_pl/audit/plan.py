"""What an audit runs: every attack on every target it fits, then the probes of masked gradients and the sweep."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.reporting.text import short
from brainleaks_pl.system.names import MOST_BYTES, caseless, check_names, file_part
from brainleaks_pl.targets.classifier import Classifier

Networks = Mapping[str, Callable[..., Classifier]]
"""Factories by name; each takes arguments that replace its own, by keyword."""
Attacks = Mapping[str, Callable[..., InversionModule]]
"""Factories by name; each takes the target, and arguments that replace its own, by keyword."""
Kind = Literal["main", "surrogate", "sweep"]


@dataclass(frozen=True)
class SurrogateProbe:
    """The same attacks with other surrogate gradients: is it the network that is private, or the gradient masked?

    Args:
        attacks: names of attacks that take a surrogate.
        surrogates: surrogates by name.
        seeds: of the audit's; None takes the first.
    """

    attacks: list[str] = field(default_factory=list)
    surrogates: dict[str, Surrogate] = field(default_factory=dict)
    seeds: list[int] | None = None


@dataclass(frozen=True)
class Sweep:
    """Variants of one target, each trained anew: how the leak changes with it, and what that costs in accuracy.

    Args:
        target: name of the target.
        attacks: names of the attacks on its variants.
        values: by argument of the target, or ``time_steps`` for the encoder's T, the values it takes one at a time.
        seeds: of the audit's; None takes the first.
    """

    target: str | None = None
    attacks: list[str] = field(default_factory=list)
    values: dict[str, list[Any]] = field(default_factory=dict)
    seeds: list[int] | None = None


@dataclass(frozen=True)
class Variant:
    """A target, or one that differs from it in one argument."""

    target: str
    parameter: str | None = None
    value: Any = None

    @property
    def name(self) -> str:
        """Name of its checkpoint, and of what is attacked in messages."""
        if self.parameter is None:
            return self.target
        value = "x".join(map(str, self.value)) if isinstance(self.value, tuple) else self.value
        return f"{self.target}-{file_part(self.parameter)}-{file_part(value)}"

    def __str__(self) -> str:
        return self.target if self.parameter is None else f"{self.target} with {self.parameter}: {self.value!r}"


@dataclass(frozen=True)
class Cell:
    """One attack on one network: the unit that is run, stored and, after an interruption, not run again."""

    seed: int
    variant: Variant
    attack: str
    surrogate: str | None = None

    @property
    def kind(self) -> Kind:
        """What the cell is for."""
        if self.variant.parameter is not None:
            return "sweep"
        return "main" if self.surrogate is None else "surrogate"

    @property
    def name(self) -> str:
        """Name of its folder."""
        parts = [f"seed{self.seed}", self.variant.name, self.attack, self.surrogate]
        return "-".join(part for part in parts if part is not None)

    @property
    def title(self) -> str:
        """What messages and pictures call it."""
        return self._words(self.variant.name)

    @property
    def words(self) -> str:
        """The same, with the value of a sweep as it was given."""
        return self._words(str(self.variant))

    def _words(self, target: str) -> str:
        surrogate = f" with surrogate {self.surrogate}" if self.surrogate else ""
        return f"{self.attack} on {target}{surrogate}, seed {self.seed}"


def hashable(value: Any) -> Any:
    """Return a value of a sweep in a form that tells it from others: lists as tuples."""
    return tuple(value) if isinstance(value, list) else value


def plan_cells(
    seeds: Sequence[int],
    fits: Mapping[str, Iterable[str]],
    spiking: Collection[str],
    probe: SurrogateProbe,
    sweep: Sweep,
) -> list[Cell]:
    """Return the cells in the order of their running: seed by seed, and of each seed the main ones first.

    Args:
        seeds: the target seeds.
        fits: by target the attacks that fit it.
        spiking: the targets that have surrogates.
        probe: the surrogates to try.
        sweep: the variants to try.
    """
    cells = []
    for seed in seeds:
        cells += [Cell(seed, Variant(target), attack) for target, attacks in fits.items() for attack in attacks]
        if seed in (seeds[:1] if probe.seeds is None else probe.seeds):
            cells += [
                Cell(seed, Variant(target), attack, surrogate)
                for target, attacks in fits.items()
                for attack in attacks
                if target in spiking and attack in probe.attacks
                for surrogate in probe.surrogates
            ]
        if sweep.target is not None and seed in (seeds[:1] if sweep.seeds is None else sweep.seeds):
            cells += [
                Cell(seed, Variant(sweep.target, parameter, hashable(value)), attack)
                for parameter, values in sweep.values.items()
                for value in values
                for attack in sweep.attacks
            ]
    return cells


def check_plan(
    seeds: Sequence[int], targets: Networks, judges: Networks, attacks: Attacks, probe: SurrogateProbe, sweep: Sweep
) -> None:
    """See that an audit has all it needs and that names mean something.

    Raises:
        ValueError: when there is no seed, target, judge or attack, when a name or seed is not known or stands twice, or
            when a name cannot be that of a file.
    """
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise ValueError(f"seeds must be distinct numbers from 0 on, one at least, got {list(seeds)}.")
    for key, things in (("targets", targets), ("judges", judges), ("attacks", attacks)):
        if not things:
            raise ValueError(f"an audit needs {key}: the config names none.")
        check_names(key, things)
    check_names("surrogates.surrogates", probe.surrogates)
    both = sorted(set(targets) & set(judges))
    if both:
        raise ValueError(f"targets and judges need names of their own, but {', '.join(both)} is both: rename one.")
    if sweep.values and sweep.target is None:
        raise ValueError("sweep.values without sweep.target: name the target whose variants are to be attacked.")
    named: list[tuple[str, Sequence[Any], Sequence[Any]]] = [
        ("surrogates.attacks", probe.attacks, list(attacks)),
        ("surrogates.seeds", probe.seeds or [], list(seeds)),
        ("sweep.target", [] if sweep.target is None else [sweep.target], list(targets)),
        ("sweep.attacks", sweep.attacks, list(attacks)),
        ("sweep.seeds", sweep.seeds or [], list(seeds)),
    ]
    for key, names, known in named:
        for name in names:
            if name not in known:
                raise ValueError(f"{key} names {name!r}, which is not among {', '.join(map(str, known))}.")
    for parameter, values in sweep.values.items():
        if len({repr(value) for value in values}) < len(values) or any(
            value in values[:place] for place, value in enumerate(values)
        ):
            raise ValueError(f"sweep.values gives {parameter} a value twice: {values}.")
        for value in values:
            parts = value if isinstance(value, list) else [value]
            if any(isinstance(part, list | dict) for part in parts):
                raise ValueError(f"sweep.values takes numbers, names and lists of them, got {value} for {parameter}.")


def check_paths(cells: Iterable[Cell], networks: Iterable[str]) -> None:
    """See that no two cells of an audit, and no two of its networks, would share a path.

    Args:
        cells: all cells.
        networks: names of the targets and judges.

    Raises:
        ValueError: when two would, or a path would be too long.
    """
    cells = list(cells)
    variants = dict.fromkeys([*map(Variant, networks), *(cell.variant for cell in cells)])
    paths: tuple[tuple[str, list[tuple[str, str]]], ...] = (
        ("networks", [(variant.name, str(variant)) for variant in variants]),
        ("attacks", [(cell.name, cell.words) for cell in cells]),
    )
    for what, named in paths:
        seen: dict[str, str] = {}
        for name, words in named:
            if len(name.encode()) > MOST_BYTES:
                raise ValueError(f"the names of {short(words, 80)} are too long for that of a file: shorten one.")
            if caseless(name) in seen:
                raise ValueError(
                    f"two {what} would be stored as {name!r}: {seen[caseless(name)]}; and {words}. Rename one, or "
                    "change its value in sweep.values."
                )
            seen[caseless(name)] = words
