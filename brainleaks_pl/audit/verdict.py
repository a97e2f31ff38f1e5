"""What an audit comes to, in sentences: does one target leak less than another, and what makes that doubtful?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.scores import ALL_JUDGES, Cells, common_judges, mean_matrix
from brainleaks_pl.audit.statistics import difference_interval

STRONGEST = "strongest"
"""What the comparison of each target's strongest attack is called."""
_COMPARED = ("confidence", "attack_accuracy")
_MASKED_GAIN = 0.1
_MANY_ZERO_GRADIENTS = 0.1
_LITTLE_AGREEMENT = 0.8


def compared_targets(spiking: Mapping[str, bool]) -> list[tuple[str, str]]:
    """Return which targets are compared: each spiking one with each ordinary one, or all pairs of a single kind."""
    kinds = [[name for name, is_spiking in spiking.items() if is_spiking is kind] for kind in (True, False)]
    if all(kinds):
        return [(first, second) for first in kinds[0] for second in kinds[1]]
    return list(combinations(spiking, 2))


def differences(cells: Cells, spiking: Mapping[str, bool], judges: Sequence[str]) -> list[dict[str, Any]]:
    """Return the differences of the leak between targets, by attack, judge and metric, with 95% intervals.

    Attacks that fit both targets are compared with themselves; ``strongest`` compares the attack that serves each
    target best, by the mean confidence of all judges.

    Args:
        cells: all cells.
        spiking: the targets, and whether they spike.
        judges: names of the judges; without one there is nothing to compare.

    Raises:
        ValueError: when a score is not finite.
    """
    rows: list[dict[str, Any]] = []
    if not judges:
        return rows
    for first, second in compared_targets(spiking):
        attacks = [_attacks(cells, target) for target in (first, second)]
        if not all(attacks):
            continue
        pairs = {attack: (attack, attack) for attack in attacks[0] if attack in attacks[1]}
        pairs[STRONGEST] = (_strongest(cells, first, attacks[0]), _strongest(cells, second, attacks[1]))
        for name, (one, other) in pairs.items():
            groups = [done(cells, target=first, attack=one), done(cells, target=second, attack=other)]
            for judge in (ALL_JUDGES, *judges) if len(judges) > 1 else judges:
                names = common_judges([*groups[0], *groups[1]]) if judge == ALL_JUDGES else [judge]
                if not names or any(name not in cell["judges"] for name in names for group in groups for cell in group):
                    continue
                for metric in _COMPARED:
                    values, others = (mean_matrix(group, names, metric) for group in groups)
                    interval = difference_interval(values, others).within(-1.0, 1.0)
                    rows.append(
                        {
                            "attack": name,
                            "first": first,
                            "second": second,
                            "first_attack": one,
                            "second_attack": other,
                            "judge": judge,
                            "metric": metric,
                            "difference": interval.mean,
                            "low": interval.low,
                            "high": interval.high,
                            "shown": interval.excludes_zero,
                        }
                    )
    return rows


def verdict(rows: Sequence[Mapping[str, Any]], judges: Sequence[str], refusals: Sequence[str] = ()) -> dict[str, Any]:
    """Return the verdict: one sentence on the strongest attacks, and one each on every comparison of confidences.

    Args:
        rows: the audit's ``differences``.
        judges: names of the judges that they rest on.
        refusals: sentences on what no verdict can be given of.
    """
    leading = judges[0] if len(judges) == 1 else ALL_JUDGES
    wanted = [row for row in rows if row["judge"] == leading and row["metric"] == "confidence"]
    strongest = [row for row in wanted if row["attack"] == STRONGEST]
    sentences = [*(_sentence(row) for row in strongest), *refusals]
    return {
        "sentence": " ".join(sentences) or "There are no two targets to compare.",
        "details": [_sentence(row) for row in wanted if row["attack"] != STRONGEST],
    }


def warnings(
    cells: Cells, masking: Sequence[Mapping[str, Any]], agreement: Sequence[Mapping[str, Any]], errors: Sequence[str]
) -> list[str]:
    """Return what makes the figures doubtful: failures, masked gradients, judges that disagree.

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
        if max(shares) > _MANY_ZERO_GRADIENTS:
            found.append(
                f"{attack} on {target} had no gradient at all in up to {max(shares):.0%} of its steps: a low leak may "
                "be a masked gradient."
            )
    plain = {(row["target"], row["attack"], row["judge"]): row for row in masking if row["surrogate"] == "as trained"}
    for row in masking:
        target, attack, judge, reached = (row[key] for key in ("target", "attack", "judge", "confidence"))
        trained = plain[target, attack, judge]["confidence"] if (target, attack, judge) in plain else reached
        if reached - trained > _MASKED_GAIN:
            found.append(
                f"{attack} on {target} reaches a confidence of {reached:.2f} with the surrogate {row['surrogate']}, "
                f"but {trained:.2f} with that of training (judge {judge}): a masked gradient, not privacy."
            )
    found += [
        f"The judges {row['first']} and {row['second']} disagree on {1 - row['same_verdict']:.0%} of the "
        f"reconstructions of {row['attack']} on {row['target']}."
        for row in agreement
        if row["same_verdict"] < _LITTLE_AGREEMENT
    ]
    return found


def _attacks(cells: Cells, target: str) -> list[str]:
    return list(dict.fromkeys(cell["attack"] for cell in done(cells, target=target)))


def _strongest(cells: Cells, target: str, attacks: Sequence[str]) -> str:
    def leak(attack: str) -> float:
        own = done(cells, target=target, attack=attack)
        names = common_judges(own)
        return float(mean_matrix(own, names, "confidence").mean()) if names else 0.0

    return max(attacks, key=leak)


def _sentence(row: Mapping[str, Any]) -> str:
    first, second, difference = row["first"], row["second"], row["difference"]
    if row["attack"] == STRONGEST:
        how = f"under the strongest attack on each, {row['first_attack']} and {row['second_attack']}"
    else:
        how = f"under {row['attack']}"
    what = f"{difference:+.3f} in the judges' mean confidence"
    if row["low"] is None:
        return f"No difference is shown between {first} and {second} {how}: {what}, and one seed gives no interval."
    figures = f"{what} (95% interval {row['low']:+.3f} to {row['high']:+.3f})"
    if not row["shown"]:
        return f"No difference is shown between what {first} and {second} leak {how}: {figures}."
    return f"{first} leaks {'less' if difference < 0 else 'more'} than {second} {how}: {figures}."
