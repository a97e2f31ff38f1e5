"""How much each target leaks: what an attacker recovers from it, in sentences, compared with the nulls."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from brainleaks_pl.audit.grouping import grouped, mean
from brainleaks_pl.reporting.text import listed

_NULLS = {
    "real": "real test data reach {}",
    "noise": "noise {}",
    "false_positive": "the same attack on a network that never saw the class {}",
    "prior_alone": "the attack's prior alone {}",
    "adversarial": "adversarial examples, which hold nothing of the class, {}",
}
_FLOOR = ("noise", "false_positive", "prior_alone", "prior_mean")
_GRADES = (
    (0.9, "gives away what its classes look like"),
    (0.5, "gives away much of what its classes look like"),
    (0.1, "gives away something of what its classes look like"),
)
"""Least share of the way from the floor (noise, the same attack where the class was never seen, the attack's prior by
itself) to real data."""
_AS_MUCH = 0.05
"""Attack accuracies that differ by no more count as the same."""
PROTOTYPE = (
    "Class means score as high as the attacks: what leaks is a prototype, what is typical of a class, rather than a "
    "single training sample. Where a class is one person, that is their likeness."
)


def leak_sentences(
    summary: Sequence[Mapping[str, Any]],
    targets: Mapping[str, Mapping[str, Any]],
    attackers: Mapping[str, str],
    *,
    judges: Collection[str],
    without: Collection[str] = (),
    classes: int,
) -> list[str]:
    """Return a sentence of risk for each target: what its strongest attack reaches, and what the nulls do.

    Attack accuracies are means over seeds, classes and the judges that count; the strongest attack is the one whose
    judges are surest.

    Args:
        summary: the audit's ``summary``.
        targets: its ``targets``.
        attackers: by attack, who could run it.
        judges: names of the judges that count.
        without: targets about which nothing is said, because they have learnt nothing.
        classes: number of attacked classes, at least 1.
    """
    rows = [row for row in summary if row["judge"] in judges and row["target"] not in without]
    found, prototypes = [], []
    for (target,), own in grouped(rows, "target"):
        surest = {attack: _mean(those, "confidence") for (attack,), those in grouped(own, "attack")}
        attack = max(surest, key=lambda name: surest[name])
        strongest = [row for row in own if row["attack"] == attack and row["metric"] == "attack_accuracy"]
        reached = mean([row["mean"] for row in strongest])
        if reached is None:
            continue
        nulls = {
            name: value
            for name in (*_NULLS, "prior_mean", "class_mean")
            if (value := mean([row["nulls"].get(name) for row in strongest])) is not None
        }
        prototypes.append("class_mean" in nulls and reached <= nulls["class_mean"] + _AS_MUCH)
        beside = [words.format(_count(nulls[name], classes)) for name, words in _NULLS.items() if name in nulls]
        seen = "a judge takes" if len(judges) == 1 else "independent judges take"
        found.append(
            f"{target}{_accuracy(targets[target])} {_grade(reached, nulls)}: with {attack}, an attacker "
            f"{attackers[attack]} recovers what {seen} for the right class in {_count(reached, classes)} of {classes} "
            f"classes on average{f'; {listed(beside)}' if beside else ''}."
        )
    return [*found, PROTOTYPE] if prototypes and all(prototypes) else found


def _grade(reached: float, nulls: Mapping[str, float]) -> str:
    floor, top = max((nulls[name] for name in _FLOOR if name in nulls), default=0.0), nulls.get("real")
    if top is None or top <= floor:
        return "cannot be placed, because the nulls score as high as real data"
    if nulls.get("adversarial", 0.0) >= reached - _AS_MUCH and reached > floor + _AS_MUCH:
        return "may give away nothing, because adversarial examples convince the judges as often"
    share = (reached - floor) / (top - floor)
    grade = next((words for least, words in _GRADES if share >= least), None)
    return grade or "gives away nothing that these attacks could find"


def _mean(rows: Sequence[Mapping[str, Any]], metric: str) -> float:
    return mean([row["mean"] for row in rows if row["metric"] == metric]) or 0.0


def _count(share: float, classes: int) -> str:
    return f"{share * classes:.1f}"


def _accuracy(target: Mapping[str, Any]) -> str:
    known = mean(target["test_accuracy"])
    return "" if known is None else f" (test accuracy {known:.2f})"
