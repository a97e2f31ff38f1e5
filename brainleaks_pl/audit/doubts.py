"""What makes an audit's figures doubtful: failures, masked gradients, judges that disagree, other code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.scores import AS_TRAINED, Cells
from brainleaks_pl.evaluation.provenance import provenance

MASKED_GAIN = 0.1
"""Confidence that another surrogate must add to tell of a masked gradient."""
MANY_ZERO_GRADIENTS = 0.1
"""Share of steps without any gradient that is worth a word."""
_LITTLE_AGREEMENT = 0.8
_FOOLED = 0.5


def warnings(
    cells: Cells, masking: Sequence[Mapping[str, Any]], agreement: Sequence[Mapping[str, Any]], errors: Sequence[str]
) -> list[str]:
    """Return what makes the figures doubtful.

    Args:
        cells: all cells.
        masking: the audit's ``masking``.
        agreement: the audit's ``agreement``.
        errors: what went wrong with networks.
    """
    found = list(errors)
    failed = sum(cell["status"] == "failed" for cell in cells)
    if failed:
        found.append(f"{failed} of {len(cells)} attacks failed; their errors are listed at the end.")
    for (target, attack), own in grouped(done(cells), "target", "attack"):
        shares = [cell["zero_gradients"] or 0.0 for cell in own]
        if max(shares) > MANY_ZERO_GRADIENTS:
            found.append(
                f"{attack} on {target} had no gradient at all in up to {max(shares):.0%} of its steps: a low leak may "
                "be a masked gradient."
            )
    plain = {(row["target"], row["attack"], row["judge"]): row for row in masking if row["surrogate"] == AS_TRAINED}
    for row in masking:
        target, attack, judge, reached = (row[key] for key in ("target", "attack", "judge", "confidence"))
        trained = plain[target, attack, judge]["confidence"] if (target, attack, judge) in plain else reached
        if reached - trained > MASKED_GAIN:
            found.append(
                f"{attack} on {target} reaches a confidence of {reached:.2f} with the surrogate {row['surrogate']}, "
                f"but {trained:.2f} with that of training (judge {judge}): a masked gradient, not privacy."
            )
    found += _disagreements(agreement)
    return [*found, *_unmoved(cells), *_other_code(cells)]


def _disagreements(agreement: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say how many pairs of judges disagree on many of an attack's reconstructions, and which do so most."""
    pairs = grouped(agreement, "first", "second")
    worst = [min(rows, key=lambda row: float(row["same_verdict"])) for _, rows in pairs]
    apart = [row for row in worst if row["same_verdict"] < _LITTLE_AGREEMENT]
    if not apart:
        return []
    row = min(apart, key=lambda row: float(row["same_verdict"]))
    return [
        f"{len(apart)} of {len(pairs)} pairs of judges disagree on more than {1 - _LITTLE_AGREEMENT:.0%} of an "
        f"attack's reconstructions, most of all {row['first']} and {row['second']}: on {1 - row['same_verdict']:.0%} "
        f"of those of {row['attack']} on {row['target']}."
    ]


def _unmoved(cells: Cells) -> list[str]:
    """Say whose adversarial examples do not even fool the target: no judge need resist them."""
    found = []
    for (target,), own in grouped(done(cells, "adversarial"), "target"):
        values = [value for cell in own for value in cell["target_confidence"]]
        if mean(values) < _FOOLED:
            found.append(
                f"The adversarial examples of {target} hardly fool it itself (mean confidence {mean(values):.2f}), so "
                "that they say little of the judges: raise controls.eps."
            )
    return found


def _other_code(cells: Cells) -> list[str]:
    """Say which cells other code, or another torch, computed than this report's: they are not mixed in silence."""
    now = provenance()
    made: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for cell in cells:
        if cell["provenance"]:
            made.setdefault((cell["provenance"]["code"], cell["provenance"]["torch"]), []).append(cell)
    made.pop((now["code"], now["torch"]), None)
    if not made:
        return []
    groups = []
    for (code, torch), those in made.items():
        facts = those[0]["provenance"]
        commit = (facts["commit"] or "unknown")[:7]
        groups.append(f"{len(those)} by {facts['version']} (commit {commit}, code {code[:7]}, torch {torch})")
    return [
        f"Attacks were run by other code than this report's: {'; '.join(groups)}. To have them run anew, remove the "
        "folder cells/ of the results."
    ]
