"""Does an attack find little because there is little to find, or because its gradient is masked?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import mean
from typing import TYPE_CHECKING, Any

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.measures.base import Document, Findings, Measure, Planned
from brainleaks_pl.audit.measures.probes import AS_TRAINED, MASKED_GAIN, finding, notes
from brainleaks_pl.audit.plan import Cell, Variant, check_known, is_chosen
from brainleaks_pl.audit.report.intervals import Row, interval_plot
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Group, Plot, Section, Table
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.scores import Cells, beside, common_judges, mean_scores, same_seeds
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.reporting.text import short
from brainleaks_pl.system.names import check_names

if TYPE_CHECKING:
    from brainleaks_pl.audit.definition import Audit

KIND = "surrogate"
"""What its cells are for."""


@dataclass(frozen=True)
class Masking(Measure):
    """The same attacks with other surrogate gradients: is the network private, or is its gradient masked?

    Args:
        attacks: names of attacks that take a surrogate.
        surrogates: surrogates by name.
        seeds: of the audit's; None takes the first.

    Examples:
        >>> from brainleaks_pl import ATan, BrainLeaksV1, StraightThrough
        >>> from brainleaks_pl.audit import Audit, Masking
        >>> masking = Masking(attacks=["v1"], surrogates={"wide": ATan(0.5), "one": StraightThrough()})
        >>> targets, attacks = {"snn": lambda: network}, {"v1": BrainLeaksV1}
        >>> audit = Audit(data, targets, attacks=attacks, measures={"masking": masking})
        >>> masking.check(audit)
        >>> Masking(attacks=["v2"]).check(audit)
        Traceback (most recent call last):
            ...
        ValueError: attacks names 'v2', which is not among v1.
    """

    attacks: list[str] = field(default_factory=list)
    surrogates: dict[str, Surrogate] = field(default_factory=dict)
    seeds: list[int] | None = None

    def check(self, audit: Audit) -> None:
        """Check that names are known, and that those of surrogates can be names of files."""
        check_names("surrogates", self.surrogates)
        check_known("attacks", self.attacks, audit.attacks)
        check_known("seeds", self.seeds, audit.seeds)

    def cells(self, seed: int, planned: Planned) -> list[Cell]:
        """Return the attacks with other surrogates, on the targets that have surrogates."""
        if not is_chosen(seed, self.seeds, planned.audit.seeds):
            return []
        return [
            Cell(seed, Variant(target), attack, KIND, name, {"surrogate": surrogate})
            for target, attacks in planned.fits.items()
            if planned.networks[target].has_surrogates
            for attack in attacks
            if attack in self.attacks
            for name, surrogate in self.surrogates.items()
        ]

    def summarise(self, found: Findings) -> list[dict[str, Any]]:
        """Return :func:`masking_rows`."""
        return masking_rows(found.cells)

    def warnings(self, summary: list[dict[str, Any]], audit: Document) -> list[str]:
        """Say which attacks reach much more with another surrogate, by the judges that count."""
        rows = [row for row in summary if audit["judges"][row["judge"]]["counts"]]
        plain = {(row["target"], row["attack"], row["judge"]): row for row in rows if row["surrogate"] == AS_TRAINED}
        said = []
        for row in rows:
            target, attack, judge, reached = (row[key] for key in ("target", "attack", "judge", "confidence"))
            trained = plain[target, attack, judge]["confidence"] if (target, attack, judge) in plain else reached
            if reached - trained > MASKED_GAIN:
                said.append(
                    f"{attack} on {target} reaches a confidence of {reached:.2f} with the surrogate "
                    f"{row['surrogate']}, but {trained:.2f} with the one it was trained with (judge {judge}): a masked "
                    "gradient, not privacy."
                )
        return said

    def section(self, summary: list[dict[str, Any]], audit: Document, looks: Looks, gallery: Gallery) -> Section:
        """Show what the attacks find with other surrogates, and how far to trust it."""
        header = ("target", "attack", "judge", "surrogate", "attack_accuracy", "confidence", "zero_gradients", "seeds")
        tables = [
            Table(
                "Share of steps in which an attack had no gradient at all",
                ("target", "attack", "seed", "zero gradients"),
                tuple(
                    tuple(cell[key] for key in ("target", "attack", "seed", "zero_gradients"))
                    for cell in done(audit["cells"])
                ),
            )
        ]
        if summary:
            tables.insert(
                0,
                Table(
                    "The same attacks with other surrogates",
                    tuple(key.replace("_", " ") for key in header),
                    tuple(tuple(row[key] for key in header) for row in summary),
                ),
            )
        return Section(
            "masking",
            "Is it the network or the attack?",
            "Spikes have no useful derivative, so attacks follow that of a smooth surrogate. If it is zero almost "
            "everywhere, the attack is blind, and a low score says nothing about privacy. The same attack with other "
            "surrogates tells the two apart: if one of them finds much more, the attack was weak and the network is "
            "not safe.",
            tuple(notes(summary, audit)),
            (
                Group(
                    plots=tuple(_surrogates(those, looks, judge) for (judge,), those in grouped(summary, "judge")),
                    tables=tuple(tables),
                ),
            ),
            finding(summary, audit),
        )


def masking_rows(cells: Cells) -> list[dict[str, Any]]:
    """Return what the attacks reach with other surrogates, and with their own on the same seeds."""
    rows = []
    for (target, attack), own in grouped(done(cells, KIND), "target", "attack"):
        named: list[Mapping[str, Any]] = [{**cell, "name": cell["surrogate"]["name"]} for cell in own]
        groups = [(AS_TRAINED, beside(own, cells)), *((name, those) for (name,), those in grouped(named, "name"))]
        for surrogate, group in same_seeds(groups):
            rows += [
                {
                    "target": target,
                    "attack": attack,
                    "judge": judge,
                    "surrogate": surrogate,
                    **mean_scores(group, judge),
                    "zero_gradients": mean(cell["zero_gradients"] for cell in group),
                    "seeds": len(group),
                }
                for judge in common_judges(group)
            ]
    return rows


def _surrogates(rows: list[dict[str, Any]], looks: Looks, judge: str) -> Plot:
    lines = [
        Row(
            label(row["target"], row["attack"], row["surrogate"]),
            row["confidence"],
            colour=looks.colour(row["attack"]),
            marker=looks.marker(row["target"]),
            nulls={} if row["zero_gradients"] is None else {"zero gradients": row["zero_gradients"]},
        )
        for row in rows
    ]
    return interval_plot(
        lines,
        title=f"judge {short(judge)}",
        label="confidence",
        alt=f"Confidence of the judge {judge} in each attack by surrogate, and the share of zero gradients",
        caption=f"Confidence of {judge}. Grey: share of steps without any gradient.",
    )
