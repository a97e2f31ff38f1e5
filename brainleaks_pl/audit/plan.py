"""Plans an audit: the attacks on targets that its measures ask for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.system.names import file_part
from brainleaks_pl.targets.classifier import Classifier

if TYPE_CHECKING:
    from brainleaks_pl.audit.measures.base import Measure, Planned

Networks = Mapping[str, Callable[..., Classifier]]
"""Factories by name; each takes arguments that replace its own, by keyword."""
Attacks = Mapping[str, Callable[..., InversionModule]]
"""Factories by name; each takes the target, and arguments that replace its own, by keyword."""
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
    """One attack on one network: the unit that is run, stored and, after an interruption, not run again.

    Args:
        seed: the target seed.
        variant: what is attacked.
        attack: name of the attack.
        kind: what the cell is for: ``main``, a control (``control``, ``blind``, ``adversarial``), or what the measure
            that asked for it calls it.
        label: tells it from other cells of the same seed, variant and attack; part of the name of its folder.
        arguments: arguments of the attack in place of its own.
    """

    seed: int
    variant: Variant
    attack: str
    kind: str = "main"
    label: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def name(self) -> str:
        """Name of its folder."""
        parts = [f"seed{self.seed}", self.variant.name, self.attack, self.label]
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
        label = f" with {self.kind} {self.label}" if self.label else ""
        return f"{self.attack} on {target}{label}, seed {self.seed}"


def hashable(value: Any) -> Any:
    """Return a value of a sweep in a form that tells it from others: lists as tuples."""
    return tuple(value) if isinstance(value, list) else value


def is_chosen(seed: int, chosen: Sequence[int] | None, seeds: Sequence[int]) -> bool:
    """Tell whether a seed is among the chosen ones of an audit's seeds, or, where none were chosen, the first."""
    return seed in (seeds[:1] if chosen is None else chosen)


def check_known(key: str, names: Iterable[Any] | None, known: Iterable[Any]) -> None:
    """See that all names are known.

    Raises:
        ValueError: when one is not.
    """
    known = list(known)
    for name in names or ():
        if name not in known:
            there = f"which is not among {', '.join(map(str, known))}" if known else "and the audit has none"
            raise ValueError(f"{key} names {name!r}, {there}.")


def plan_cells(measures: Mapping[str, Measure], planned: Planned) -> list[Cell]:
    """Return the cells in the order of their running: seed by seed, and of each seed measure by measure.

    A cell that two measures ask for is run once.

    Args:
        measures: the measures by name.
        planned: what they plan on.

    Raises:
        ValueError: when a measure asks for what the audit does not have.
    """
    audit = planned.audit
    cells: dict[Cell, None] = {}
    for seed in audit.seeds:
        for name, measure in measures.items():
            for cell in measure.cells(seed, planned):
                key = f"a cell of the measure {name}"
                check_known(key, [cell.seed], audit.seeds)
                check_known(key, [cell.variant.target], audit.targets)
                check_known(key, [cell.attack], [*audit.attacks, ADVERSARIAL])
                cells[cell] = None
    return list(cells)
