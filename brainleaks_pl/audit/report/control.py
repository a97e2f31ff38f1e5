"""The planted control: attacks on networks that learnt shuffled labels, in which there is nothing to find."""

from __future__ import annotations

from typing import Any

from brainleaks_pl.audit.grouping import grouped
from brainleaks_pl.audit.report.parts import Audit, Group, Section, Table
from brainleaks_pl.audit.report.scores import metric_title
from brainleaks_pl.audit.report.words import counted, spanned
from brainleaks_pl.reporting.text import listed

_KEYS = ("target", "attack", "judge")


def control(audit: Audit) -> Section:
    """Show whether the audit finds nothing where there is nothing."""
    rows = audit["control"]
    header = (*_KEYS, "metric", "mean", "low", "high", "nulls reach", "false positive", "test accuracy", "seeds",
              "at the nulls")  # fmt: skip
    table = Table(
        "Attacks on networks that were trained on shuffled labels",
        header,
        tuple(
            (
                *(row[key] for key in _KEYS),
                metric_title(row["metric"]),
                *(row[key] for key in ("mean", "low", "high", "null", "false_positive", "test_accuracy", "seeds")),
                row["at_null"],
            )
            for row in rows
        ),
    )
    return Section(
        "control",
        "Planted control",
        "The same networks were trained once more on the same images with shuffled labels. They cannot have learnt "
        "anything about the classes, so attacks on them should score no better than noise or an empty input. This "
        "shows whether the audit finds nothing where there is nothing to find.",
        groups=(Group(tables=(table,)),) if rows else (),
        finding=_finding(rows),
    )


def _finding(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return (
            "No control was run, so nothing shows that this audit finds nothing where there is nothing to find. Its "
            "scores can only be compared with the nulls."
        )
    told = [row for row in rows if row["at_null"] is not None]
    if not told:
        return "Too few classes were attacked to tell chance from a fault, so the control says nothing."
    above = [row for row in told if not row["at_null"]]
    rest = [row for row in rows if row["at_null"] is None]
    untold = [f"{attack} on {target}" for (attack, target), _ in grouped(rest, "attack", "target")]
    open_words = f" Too few classes were attacked to tell chance from a fault for {listed(untold)}." if untold else ""
    seeds = spanned((row["seeds"] for row in told), "seed")
    if not above:
        which = "of the control that can tell" if rest else "of the control"
        return (
            f"All {counted(len(told), 'score')} {which}, on {seeds}, are at the nulls. Where there is nothing to find, "
            f"the audit finds nothing, so what it finds elsewhere is not an artefact.{open_words}"
        )
    cases = [
        f"{metric_title(row['metric']).lower()} of {row['attack']} on {row['target']} by {row['judge']} "
        f"({row['mean']:.2f}, where the nulls reach {row['null']:.2f})"
        for row in above
    ]
    most = 6
    named = listed([*cases[:most], counted(len(cases) - most, "other")] if len(cases) > most else cases)
    judges = listed(name for (name,), _ in grouped(above, "judge"))
    return (
        f"{len(above)} of {counted(len(told), 'score')} of the control, on {seeds}, lie above the nulls: {named}. In a "
        f"network that learnt no class, {judges} recognised one. Up to these levels, scores of these attacks by these "
        f"judges are no evidence of a leak.{open_words}"
    )
