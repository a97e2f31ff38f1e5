"""The verdict of an audit, in sentences: does one target leak less than another?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from brainleaks_pl.audit.differences import STRONGEST
from brainleaks_pl.audit.scores import ALL_JUDGES
from brainleaks_pl.reporting.text import listed

_MOST_OF_IT = 0.5
"""If less than this share of a difference is left without a class, that class accounts for it."""


def verdict(
    rows: Sequence[Mapping[str, Any]],
    judges: Sequence[str],
    class_names: Sequence[str],
    *,
    leaks: Sequence[str] = (),
    control: str = "",
    refusals: Sequence[str] = (),
    remarks: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the verdict: sentences on the strongest attacks, and on every comparison of confidences.

    The question is whether one network leaks more of these classes than another, so the interval over target seeds
    with exactly these classes comes first; other classes like them follow.

    Args:
        rows: the audit's ``differences``.
        judges: names of the judges that they rest on.
        class_names: of all classes.
        leaks: sentences on how much each target leaks.
        control: the sentence on the planted control.
        refusals: sentences on why no verdict can be given.
        remarks: sentences on what the figures rest on.
    """
    leading = judges[0] if len(judges) == 1 else ALL_JUDGES
    wanted = [row for row in rows if row["judge"] == leading and row["metric"] == "confidence"]
    strongest = [row for row in wanted if row["attack"] == STRONGEST]
    sentences = [*(_sentence(row, class_names) for row in strongest), *refusals]
    return {
        "leaks": list(leaks),
        "control": control,
        "sentence": " ".join(sentences) or "There are no two targets to compare.",
        "details": [_sentence(row, class_names) for row in wanted if row["attack"] != STRONGEST],
        "remarks": list(remarks),
    }


def nothing_to_compare(targets: Sequence[str], rows: Sequence[Mapping[str, Any]], judges: Sequence[str]) -> list[str]:
    """Return why there is no verdict although there are targets; nothing if there is one.

    Args:
        targets: names of the targets that could be compared.
        rows: the audit's ``differences``.
        judges: names of the judges that count.
    """
    if rows or len(targets) < 2:
        return []
    if not judges:
        return ["No verdict: no judge recognises enough of the real test data to count."]
    return [f"No verdict on {listed(targets)}: no attack on each has finished with the same judge, seed and class."]


def _sentence(row: Mapping[str, Any], class_names: Sequence[str]) -> str:
    first, second, difference = row["first"], row["second"], row["difference"]
    single = len(row["judges"]) == 1
    if row["attack"] == STRONGEST:
        chosen = (row["first_attack"], row["second_attack"])
        how = f"under the strongest attack on each, {' and '.join(name.replace('/', ' or ') for name in chosen)}"
        if single and len(row["seeds"]) == 1:
            how += " (chosen by the same scores that are compared)"
    else:
        how = f"under {row['attack']}"
    whose = f"the confidence of {row['judges'][0]}" if single else "the judges' mean confidence"
    what = f"{difference:+.3f} in {whose}"
    if row["low"] is None:
        return f"No difference is shown between {first} and {second} {how}: {what}. One seed gives no interval."
    classes = len(row["by_class"])
    these = "this one class" if classes == 1 else f"these {classes} classes"
    figures = f"{what} (95% interval over {len(row['seeds'])} seeds, {these}: {_span(row)})"
    if row["shown"]:
        lead = f"{first} leaks {'less' if difference < 0 else 'more'} than {second} {how}: {figures}"
    else:
        lead = f"No difference is shown between what {first} and {second} leak {how}: {figures}"
    return f"{lead}. {_by_seed(row)}{_by_class(row, class_names)}{_other_classes(row)}"


def _by_seed(row: Mapping[str, Any]) -> str:
    """Say on how many seeds the difference has the sign of their mean."""
    if not any(row["by_seed"]):
        return "They leak the same on all seeds."
    more = row["difference"] >= 0
    alike = sum((value > 0) if more else (value < 0) for value in row["by_seed"])
    count = len(row["by_seed"])
    where = f"{alike} of {count}" if alike < count else "both" if count == 2 else f"all {count}"
    return f"{row['first']} leaks {'more' if more else 'less'} on {where} seeds."


def _by_class(row: Mapping[str, Any], class_names: Sequence[str]) -> str:
    """Say what is left without the class that counts most: whether this class accounts for the difference."""
    without = row["without"]
    if without is None or not row["shown"]:
        return ""
    name = class_names[without["class"]]
    figures = f"{without['difference']:+.3f} ({_span(without)})"
    if without["difference"] / row["difference"] < _MOST_OF_IT:
        return f" One class accounts for the difference: without {name} it is {figures}."
    if without["low"] <= 0 <= without["high"]:
        return f" The class that counts most is {name}: without it the difference is {figures} and no longer shown."
    return f" The class that counts most is {name}; without it the difference is {figures}."


def _other_classes(row: Mapping[str, Any]) -> str:
    """Say what holds for other classes like these, if the classes are a sample of many."""
    if row["sampled_low"] is None:
        return ""
    figures = f"{row['sampled_low']:+.3f} to {row['sampled_high']:+.3f}"
    if row["sampled_shown"]:
        return f" For other classes like these it is shown too ({figures})."
    return f" For other classes like these no difference is shown ({figures})."


def _span(row: Mapping[str, Any]) -> str:
    return f"{row['low']:+.3f} to {row['high']:+.3f}"
