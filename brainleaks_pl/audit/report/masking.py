"""Does an attack that finds little find little because there is little, or because it has no gradient to follow?"""

from __future__ import annotations

from typing import Any

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.report.intervals import Row, interval_plot
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Audit, Group, Plot, Section, Table
from brainleaks_pl.audit.report.probes import finding, notes
from brainleaks_pl.reporting.text import short


def masking(audit: Audit, looks: Looks) -> Section:
    """Show what the attacks find with other surrogates, and how far that can be trusted."""
    rows = audit["masking"]
    header = ("target", "attack", "judge", "surrogate", "attack_accuracy", "confidence", "zero_gradients", "seeds")
    tables = [
        Table(
            "Share of units and time steps without any gradient",
            ("target", "attack", "seed", "zero gradients"),
            tuple(
                tuple(cell[key] for key in ("target", "attack", "seed", "zero_gradients"))
                for cell in done(audit["cells"])
            ),
        )
    ]
    if rows:
        tables.insert(
            0,
            Table(
                "The same attacks with other surrogates",
                tuple(key.replace("_", " ") for key in header),
                tuple(tuple(row[key] for key in header) for row in rows),
            ),
        )
    return Section(
        "masking",
        "Is it the network or the attack?",
        "Spikes have no derivative; attacks follow that of a smooth surrogate instead. Where it is zero almost "
        "everywhere, the attack is blind, and a low score says nothing of privacy. The same attack with other "
        "surrogates tells the two apart: if one of them finds much more, the network was not safe but the attack weak.",
        tuple(notes(audit)),
        (
            Group(
                plots=tuple(_surrogates(those, looks, judge) for (judge,), those in grouped(rows, "judge")),
                tables=tuple(tables),
            ),
        ),
        finding(audit),
    )


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
        alt=f"Confidence of the judge {judge} in each attack by surrogate, beside the share of zero gradients",
        caption=f"Confidence of {judge}; grey: share of zero gradients",
    )
