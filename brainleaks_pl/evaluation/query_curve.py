"""How far an attack without gradients had come after some of its queries, as its judges see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.evaluation.scoring import Scores
from brainleaks_pl.targets.classifier import Classifier


def query_curve(
    attack: InversionModule,
    judges: Mapping[str, Classifier],
    scored: Callable[[Tensor, Classifier], Scores],
) -> dict[str, list[dict[str, Any]]]:
    """Score the snapshots of a finished attack. Of several restarts the one that cost least by then is scored.

    Args:
        attack: the finished attack; it has seen no judge.
        judges: the judges by name. The target is scored beside them, as ``target``.
        scored: lets a network score the images of the attacked classes, ``(M, C, H, W)``.

    Returns:
        For each network a list, from the first snapshot to the last, of ``queries`` (spent on a class, all restarts
        together), ``attack_accuracy`` and ``confidence`` (means over the draws).
    """
    curves: dict[str, list[dict[str, Any]]] = {name: [] for name in ("target", *judges)}
    for snapshot in attack.snapshots:
        images = attack.reconstruction(snapshot.candidates[attack.cheapest(snapshot.costs)]).cpu()
        for name, judge in {"target": attack.target, **judges}.items():
            scores = scored(images, judge)
            curves[name].append(
                {
                    "queries": snapshot.queries,
                    "attack_accuracy": scores.attack_accuracy.mean,
                    "confidence": scores.confidence.mean,
                }
            )
    return curves
