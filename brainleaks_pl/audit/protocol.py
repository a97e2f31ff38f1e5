"""What an audit's figures rest on: departures from published settings, and gradients spent, in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.scores import Cells
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.reporting.text import listed

PUBLISHED_EPOCHS = {("MNIST", True): 10, ("MNIST", False): 50, ("NMNIST", True): 20, ("ATTFaces", False): 70}
"""Epochs of training by data set and whether the target spikes (arXiv 2402.00906 and its notebooks), where known."""
PUBLISHED_SETTINGS: dict[str, dict[str, Any]] = {
    "BrainLeaksV1": {"steps": 10, "start": 0.0, "loss": None},
    "BrainLeaksV2": {
        "steps": 10, "population": 7, "eta": 1.0, "momentum": 0.9, "decay": 0.1, "eps": 1e-10, "sparsity": 0.01,
        "second_moment": "accumulated", "weighting": "cost", "start": 0.0, "shared_over_time": False, "loss": None,
    },
    "MIFace": {"steps": 5000, "patience": 100, "stop_at": 0.01, "loss": None},
}  # fmt: skip
"""Settings of the attacks by class, as published for MNIST (arXiv 2402.00906 and its notebooks; Fredrikson et al., CCS
2015); a loss of None is the published one."""
_RESCALED = ("MIFace",)  # scored after stretching each reconstruction to [0, 1]


def protocol_remarks(
    cells: Cells,
    data: str,
    networks: Mapping[str, Mapping[str, Any]],
    *,
    attacks: Mapping[str, Mapping[str, Any] | None],
    seeds: int,
    gradients: int | None,
    rescale: bool,
) -> list[str]:
    """Return remarks on an audit's protocol, from what was run.

    Args:
        cells: all cells.
        data: name of the data set's class.
        networks: the document's ``targets``.
        attacks: by name the ``class_path`` and ``init_args`` of the attacks, where these are known.
        seeds: number of the audit's seeds.
        gradients: the audit's budget of gradients per class.
        rescale: whether reconstructions were stretched to [0, 1] before they were judged.
    """
    return [
        *_training(networks, data, seeds),
        *_settings(cells, attacks, rescale),
        *_spending(cells, gradients),
        *_answers(cells),
        *_seeds(cells, seeds),
    ]


def _training(networks: Mapping[str, Mapping[str, Any]], data: str, seeds: int) -> list[str]:
    found = []
    for name, network in networks.items():
        epochs, published = network["recipe"].get("epochs"), PUBLISHED_EPOCHS.get((data, network["spiking"]))
        if network["pretrained"] and seeds > 1:
            found.append(
                f"{name} brought its weights and is the same network with all seeds: intervals cover how attacks and "
                "judges vary, not how networks like it would."
            )
        elif published is not None and epochs != published and not network["pretrained"]:
            found.append(f"{name} is trained for {_count(epochs, 'epoch')} (published: {published}).")
    return found


def _settings(cells: Cells, attacks: Mapping[str, Mapping[str, Any] | None], rescale: bool) -> list[str]:
    found = []
    attempts = []
    for (attack,), own in grouped(done(cells), "attack"):
        settings = {**((attacks.get(attack) or {}).get("init_args") or {}), **own[0]["settings"]}
        other = [
            f"{name.replace('_', ' ')} {_plain(settings[name])}"
            + ("" if name == "loss" else f" (published: {_plain(value)})")
            for name, value in PUBLISHED_SETTINGS.get(settings["class"], {}).items()
            if name in settings and settings[name] != value
        ]
        if settings["class"] in _RESCALED and not rescale:
            other.append("reconstructions judged as they are (published: stretched to [0, 1])")
        if other:
            found.append(f"{attack} departs from {settings['class']} as published for MNIST: {', '.join(other)}.")
        most = max(cell["restarts"] or 1 for cell in own)
        if most > 1:
            attempts.append(f"{most} of {attack}")
    if attempts:
        found.append(
            "Of several attempts per class, judges see the one that the target likes best (published: one attempt): "
            f"{listed(attempts)}."
        )
    return found


def _spending(cells: Cells, gradients: int | None) -> list[str]:
    found = []
    for (target, attack), own in grouped(done(cells), "target", "attack"):
        spent = [cell["gradients"] for cell in own if cell["budget"] is not None]
        budget = max([gradients or 0, *(cell["budget"] or 0 for cell in own)])
        if spent and min(spent) < budget:
            least, most = min(spent), max(spent)
            span = str(least) if least == most else f"{least} to {most}"
            found.append(f"{attack} on {target} spent {span} of {budget}")
    if not found:
        return []
    return [
        f"Gradients per class: {listed(found)}. Attacks spend less if they stop early, or if no whole number of "
        "attempts uses the budget up. A gradient that is asked for again counts once."
    ]


def _answers(cells: Cells) -> list[str]:
    asked = {
        f"{cell['attack']} asked {cell['target']} {cell['queries']} times"
        for cell in done(cells)
        if cell["gradients"] and cell["queries"]
    }
    if not asked:
        return []
    return [
        f"Before its first gradient {listed(sorted(asked))}, to choose what to begin with. These answers are shared by "
        "all classes, and no part of a budget of gradients."
    ]


def _seeds(cells: Cells, seeds: int) -> list[str]:
    words = {
        "control": "the planted control",
        "blind": "the false positive rate",
        "adversarial": "the adversarial examples",
        "surrogate": "the search for masked gradients",
        "sweep": "the sweep",
    }
    numbers: dict[int, list[str]] = {}
    for kind, what in words.items():
        count = len({cell["seed"] for cell in done(cells, kind)})
        if 0 < count < seeds:
            numbers.setdefault(count, []).append(what)
    found = []
    for count, those in numbers.items():
        said = listed(those)
        verb = "rests" if len(those) == 1 and not said.endswith("examples") else "rest"
        found.append(f"{said[0].upper()}{said[1:]} {verb} on {_count(count, 'seed')} of {seeds}.")
    return found


def _plain(value: Any) -> Any:
    """Return a setting in a word: that of a part is the name of its class."""
    if isinstance(value, Mapping):
        return str(value.get("class_path", value)).rpartition(".")[2]
    return "none" if value is None else value


def _count(number: Any, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def judges_that_do_not_count(accuracies: Mapping[str, Sequence[float | None]], scoring: Scoring) -> dict[str, str]:
    """Return, by judge, why its word does not count, of those of which it does not with every seed.

    Args:
        accuracies: by judge its accuracy on real test data with each seed, None where it could not be measured.
        scoring: says what a judge must recognise.
    """
    worst = {
        name: min((own for own in measured if own is not None), default=None) for name, measured in accuracies.items()
    }
    reasons = {name: scoring.why_not(accuracy) for name, accuracy in worst.items()}
    return {name: reason for name, reason in reasons.items() if reason is not None}
