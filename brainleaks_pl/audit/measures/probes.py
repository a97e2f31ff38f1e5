"""Sentences on attacks with other surrogates: what they show, and what they leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from brainleaks_pl.audit.differences import STRONGEST
from brainleaks_pl.audit.doubts import MANY_ZERO_GRADIENTS
from brainleaks_pl.audit.grouping import done, grouped, mean
from brainleaks_pl.audit.report.differences import leading_rows
from brainleaks_pl.audit.report.parts import Audit as Document
from brainleaks_pl.audit.report.words import counting_judges, null_confidence, share_of_seeds, spanned
from brainleaks_pl.reporting.text import listed

AS_TRAINED = "as trained"
"""Name of the surrogate that a target was trained with."""
MASKED_GAIN = 0.1
"""Confidence that another surrogate must add to show a masked gradient."""
_HEADROOM = 0.05

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Probe:
    """One attack on one target with other surrogates, in mean confidences of the judges that count.

    Args:
        pair: the attack and the target, in words.
        trained: confidence with the surrogate of training; None if that attack is missing.
        best: the other surrogate that reaches most, and its confidence; None if there is no other.
        real: confidence in real samples; None where it was not measured.
    """

    pair: str
    trained: float | None
    best: tuple[str, float] | None
    real: float | None

    @property
    def gain(self) -> float | None:
        """What the best other surrogate adds."""
        return None if self.trained is None or self.best is None else self.best[1] - self.trained

    @property
    def masked(self) -> bool:
        """Whether another surrogate finds much more."""
        return self.gain is not None and self.gain > MASKED_GAIN

    @property
    def headroom(self) -> bool:
        """Whether there was anything left for another surrogate to find."""
        return self.trained is not None and self.real is not None and self.trained < self.real - _HEADROOM


def probes(rows: Rows, audit: Document) -> list[Probe]:
    """Return the attacks that were tried with other surrogates."""
    judges = counting_judges(audit)
    found = []
    for (target, attack), own in grouped(rows, "target", "attack"):
        reached = {
            name: level
            for (name,), those in grouped(own, "surrogate")
            if (level := mean([row["confidence"] for row in those if row["judge"] in judges])) is not None
        }
        trained = reached.pop(AS_TRAINED, None)
        best = max(reached.items(), key=lambda pair: pair[1]) if reached else None
        found.append(Probe(_pair(attack, target), trained, best, null_confidence(audit, target, attack, "real")))
    return found


def notes(rows: Rows, audit: Document) -> list[str]:
    """Return what the probes rest on, what they left out, and what each found."""
    found = []
    if rows:
        seeds = share_of_seeds(audit, [row["seeds"] for row in rows])
        found.append(f"The other surrogates were tried on {seeds}.")
    found += _coverage(rows, audit)
    for probe in probes(rows, audit):
        if probe.best is None or probe.trained is None or probe.gain is None:
            found.append(f"{probe.pair} lacks a result to compare with, so nothing can be said about its gradient.")
            continue
        name, level = probe.best
        found.append(
            f"{probe.pair}: the best other surrogate, {name}, reaches a mean confidence of {level:.2f}, the one of "
            f"training {probe.trained:.2f} ({probe.gain:+.2f})."
        )
        if probe.real is None:
            found.append(f"Whether {probe.pair} left room for more is not known: real samples were not scored.")
        elif not probe.headroom:
            found.append(
                f"{probe.pair} left no room for more ({probe.trained:.2f}, real samples {probe.real:.2f}), so other "
                "surrogates could not have shown a masked gradient."
            )
    for (target, attack), cells in grouped(done(audit["cells"]), "target", "attack"):
        share = max(cell["zero_gradients"] or 0.0 for cell in cells)
        if share > MANY_ZERO_GRADIENTS:
            found.append(f"{_pair(attack, target)} had no gradient at all in as many as {share:.0%} of its steps.")
    return found


def finding(rows: Rows, audit: Document) -> str:
    """Return what the probes show: which gradients were masked, which were not, and which stay open."""
    found = probes(rows, audit)
    if not found:
        return "No other surrogates were tried, so nothing here tells a safe network from a blind attack."
    masked = [probe.pair for probe in found if probe.masked]
    clear = [probe.pair for probe in found if not probe.masked and probe.headroom and probe.gain is not None]
    silent = [probe.pair for probe in found if probe.pair not in masked + clear]
    words = []
    if masked:
        words.append(
            f"It was the attack: {listed(masked)} gained more than {MASKED_GAIN:g} from another surrogate. The "
            "gradient was masked, and a low score there is no privacy."
        )
    if clear:
        own = [row["seeds"] for row in rows if _pair(row["attack"], row["target"]) in clear]
        words.append(
            f"No other surrogate found much more for {listed(clear)}, on {spanned(own, 'seed')}. This says nothing "
            "about other attacks and seeds."
        )
    if silent:
        words.append(f"Whether the gradient is masked stays open for {listed(silent)}.")
    return " ".join(words)


def _coverage(rows: Rows, audit: Document) -> list[str]:
    """Return which attacks that follow gradients of spiking targets were probed, and which were not."""
    probed = {(row["target"], row["attack"]) for row in rows}
    open_pairs = [
        (target, attack)
        for (target, attack), cells in grouped(done(audit["cells"]), "target", "attack")
        if audit["targets"][target]["spiking"]
        and any(cell["budget"] is not None for cell in cells)
        and (target, attack) not in probed
    ]
    found = []
    if probed:
        tried = listed(_pair(row["attack"], row["target"]) for row in _first_of_each(rows))
        left = f"; not tried: {listed(_pair(attack, target) for target, attack in open_pairs)}" if open_pairs else ""
        found.append(f"Tried with other surrogates: {tried}{left}.")
    strongest = [row for row in leading_rows(audit["differences"]) if row["attack"] == STRONGEST]
    carrying = {(row[side], row[f"{side}_attack"]) for row in strongest for side in ("first", "second")}
    found += [
        f"The verdict rests on {_pair(attack, target)}, which was not tried with other surrogates: nothing is known "
        "about its gradient."
        for target, attack in open_pairs
        if (target, attack) in carrying
    ]
    return found


def _first_of_each(rows: Rows) -> list[dict[str, str]]:
    return [own[0] for _, own in grouped(rows, "target", "attack")]


def _pair(attack: str, target: str) -> str:
    return f"{attack} on {target}"
