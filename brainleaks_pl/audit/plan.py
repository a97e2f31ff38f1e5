"""What an audit runs: every attack on every target it fits, then the controls, the probes of masks and the sweep."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.audit.settings import Controls, SurrogateProbe, Sweep
from brainleaks_pl.system.names import file_part
from brainleaks_pl.targets.classifier import Classifier

Networks = Mapping[str, Callable[..., Classifier]]
"""Factories by name; each takes arguments that replace its own, by keyword."""
Attacks = Mapping[str, Callable[..., InversionModule]]
"""Factories by name; each takes the target, and arguments that replace its own, by keyword."""
Kind = Literal["main", "surrogate", "sweep", "control", "blind", "adversarial"]
ADVERSARIAL = "adversarial"
"""What the adversarial examples of a target are called among the attacks."""


@dataclass(frozen=True)
class Variant:
    """A target, one that differs from it in one argument, or one that learnt from other labels or fewer classes."""

    target: str
    parameter: str | None = None
    value: Any = None
    shuffled: bool = False
    withheld: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Name of its checkpoint, and of what is attacked in messages."""
        if self.shuffled:
            return f"{self.target}-shuffled"
        if self.withheld:  # the first one tells the groups of an audit apart
            return f"{self.target}-without-{self.withheld[0]}"
        if self.parameter is None:
            return self.target
        value = "x".join(map(str, self.value)) if isinstance(self.value, tuple) else self.value
        return f"{self.target}-{file_part(self.parameter)}-{file_part(value)}"

    @property
    def is_control(self) -> bool:
        """Whether it was kept from learning some class, or all."""
        return self.shuffled or bool(self.withheld)

    def __str__(self) -> str:
        if self.shuffled:
            return f"{self.target} with shuffled labels"
        if self.withheld:
            return f"{self.target} without the classes {', '.join(map(str, self.withheld))}"
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
        if self.variant.shuffled:
            return "control"
        if self.variant.withheld:
            return "blind"
        if self.attack == ADVERSARIAL:
            return "adversarial"
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
    controlled: Sequence[Variant],
    controls: Controls,
) -> list[Cell]:
    """Return the cells in the order of their running: seed by seed, and of each seed the main ones first.

    Args:
        seeds: the target seeds.
        fits: by target the attacks that fit it.
        spiking: the targets that have surrogates.
        probe: the surrogates to try.
        sweep: the variants to try.
        controlled: the targets that were kept from learning something, and those whose adversarial examples are sought.
        controls: how these are attacked.
    """
    cells = []
    for seed in seeds:
        cells += [Cell(seed, Variant(target), attack) for target, attacks in fits.items() for attack in attacks]
        if seed in (seeds[:1] if controls.seeds is None else controls.seeds):
            cells += [
                Cell(seed, variant, attack)
                for variant in controlled
                for attack in (
                    [name for name in fits[variant.target] if controls.attacks is None or name in controls.attacks]
                    if variant.is_control
                    else [ADVERSARIAL]
                )
            ]
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
