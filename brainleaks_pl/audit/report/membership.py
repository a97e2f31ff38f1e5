"""Membership inference in the report: curves, rates, differences, and the images most at risk."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.parts import Group, Strip, Table, Value
from brainleaks_pl.audit.report.pictures import Gallery, still
from brainleaks_pl.audit.report.plots import Curve, roc_plot
from brainleaks_pl.membership.attacks import ATTACKS
from brainleaks_pl.membership.run import RISK

_PLOTTED = 8  # attacks of a plot, those with the largest areas
_CHANCE = 0.5


def membership_groups(run: Mapping[str, Any], gallery: Gallery, several: bool) -> Sequence[Group]:
    """Return curves, tables and pictures of membership inference on one seed.

    Args:
        run: the results on that seed.
        gallery: names of the classes.
        several: whether there are other seeds, so that this one must be named.
    """
    kinds, pool = run["targets"], run["pool"]
    names = list(dict.fromkeys(name for own in kinds.values() for name in own["attacks"]))
    looks = Looks({"attacks": names, "targets": list(kinds), "judges": []})
    of_kinds = [
        _curve(kind, own["attacks"][RISK], looks.colour(names[place % len(names)]))
        for place, (kind, own) in enumerate(kinds.items())
        if RISK in own["attacks"]
    ]
    plots = (
        [
            roc_plot(
                of_kinds, title=ATTACKS[RISK].words, alt="ROC curves of all kinds of networks, both axes logarithmic"
            )
        ]
        if of_kinds
        else []
    )
    for kind, own in kinds.items():
        strongest = sorted(own["attacks"], key=lambda name: -own["attacks"][name]["auc"]["value"])[:_PLOTTED]
        curves = [
            _curve(name, own["attacks"][name], looks.colour(name), looks.attack_line(name))
            for name in names
            if name in strongest
        ]
        plots.append(roc_plot(curves, title=kind, alt=f"ROC curves of attacks on {kind}, both axes logarithmic"))
    title = f"Seed {run['seed']}" if several else ""
    text = (
        f"There are {pool['networks']} networks of each kind, each trained on half of {pool['samples']} training "
        "samples. All networks of a kind share one threshold. Intervals are over networks (in pairs) and samples."
    )
    return (
        Group(title, text, plots=tuple(plots), tables=(_accuracies(kinds), _rates(kinds), _differences(run))),
        Group(
            "Most exposed",
            f"The training images that the largest share of the networks trained on them give away "
            f"({ATTACKS[RISK].words}), at one threshold for all networks and images.",
            strips=tuple(_strip(kind, risk, gallery) for kind, risk in run["exposed"].items()),
        ),
    )


def _curve(name: str, row: Mapping[str, Any], colour: str, line: str = "-") -> Curve:
    return Curve(name, [x for x, _ in row["roc"]], [y for _, y in row["roc"]], colour, line=line)


def _accuracies(kinds: Mapping[str, Any]) -> Table:
    keys = ("train", "other_half", "test", "gap")
    return Table(
        "Accuracy, mean over networks: on their own half, on the other, on test data, and the gap between the first "
        "two",
        ("kind", *(key.replace("_", " ") for key in keys)),
        tuple((kind, *(own["accuracy"][key]["mean"] for key in keys)) for kind, own in kinds.items()),
    )


def _rates(kinds: Mapping[str, Any]) -> Table:
    rates = list(
        dict.fromkeys(rate for own in kinds.values() for row in own["attacks"].values() for rate in row["tpr"])
    )
    priors = list(
        dict.fromkeys(
            prior
            for own in kinds.values()
            for row in own["attacks"].values()
            for of_rate in row["precision"].values()
            for prior in of_rate
        )
    )
    header = ["kind", "attack", "AUC", "low", "high"]
    for rate in rates:
        header += [f"found at {rate}", "low", "high", *(f"precision at {rate}, prior {prior}" for prior in priors)]
    rows: list[tuple[Value, ...]] = []
    for kind, own in kinds.items():
        for attack, row in own["attacks"].items():
            cells: list[Value] = [kind, attack, *(row["auc"][key] for key in ("value", "low", "high"))]
            for rate in rates:
                cells += [row["tpr"][rate].get(key) for key in ("value", "low", "high")]
                cells += [row["precision"].get(rate, {}).get(prior) for prior in priors]
            rows.append(tuple(cells))
    return Table(
        "Members found, by false positive rate, and the share of those accused who are members",
        tuple(header),
        tuple(rows),
    )


def _differences(run: Mapping[str, Any]) -> Table:
    rows = tuple(
        (row["first"], row["second"], row["attack"], figure, *(row[figure][key] for key in ("value", "low", "high")))
        for row in run["differences"]
        for figure in row
        if isinstance(row[figure], Mapping)
    )
    header = ("first", "second", "attack", "figure", "difference", "low", "high")
    return Table(
        "Differences between kinds, first less second: AUC, and members found by false positive rate", header, rows
    )


def _strip(kind: str, risk: Mapping[str, Any], gallery: Gallery) -> Strip:
    pictures = []
    for row in risk["samples"]:
        content = torch.frombuffer(bytearray(base64.b64decode(row["picture"])), dtype=torch.uint8)
        words = f"{gallery.class_name(row['class'])}: {row['found']:.0%}"
        alt = f"training image {row['index']} of {gallery.class_name(row['class'])}"
        pictures.append(still(content.view(row["shape"]), words, alt))
    detail = (
        f"share of the networks trained on an image that give it away, at a false positive rate of {risk['rate']:g}; "
        f"more than half of them give away {risk['by_most']:.1%} of all images"
    )
    return Strip(kind, detail, tuple(pictures))


def membership_finding(run: Mapping[str, Any]) -> str:
    """Return what membership inference on one seed shows, in sentences."""
    words = []
    for kind, own in run["targets"].items():
        if own["attacks"]:
            name = max(own["attacks"], key=lambda attack: own["attacks"][attack]["auc"]["value"])
            auc = own["attacks"][name]["auc"]
            seen = "so membership leaks" if auc["low"] > _CHANCE else "so no leak of membership is shown"
            words.append(
                f"Of the attacks on {kind}, {name} has the largest AUC, {auc['value']:.3f} (95% interval "
                f"{auc['low']:.3f} to {auc['high']:.3f}; guessing has .5), {seen}. Accuracy on the own half exceeds "
                f"that on the other by {own['accuracy']['gap']['mean']:.3f}."
            )
    for row in run["differences"]:
        if row["attack"] == RISK:
            value, low, high = (row["auc"][key] for key in ("value", "low", "high"))
            seen = "differ" if low > 0 or high < 0 else "are not shown to differ"
            words.append(
                f"Under {ATTACKS[RISK].words}, {row['first']} and {row['second']} {seen} (AUC {value:+.3f}, "
                f"95% interval {low:+.3f} to {high:+.3f})."
            )
    return " ".join(words)
