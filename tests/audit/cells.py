"""Finished cells of an audit, as small as they can be (`from cells import ...`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from brainleaks_pl.evaluation.provenance import provenance

METRICS = ("attack_accuracy", "top3_accuracy", "confidence", "daa")


def made_cell(
    target: str, attack: str, seed: int, judged: Mapping[str, Sequence[float]], kind: str = "main", **changes: Any
) -> dict[str, Any]:
    """A cell in which each judge has these confidences in the classes 0, 1, ...; all other metrics are as high."""
    classes = changes.pop("classes", list(range(len(next(iter(judged.values()))))))
    nulls = changes.pop("nulls", {"noise": 0.1, "real": 0.9})
    cell = {
        "kind": kind, "target": target, "attack": attack, "seed": seed, "label": None, "surrogate": None, "sweep": None,
        "withheld": None, "status": "done", "error": None, "classes": classes, "restarts": 1, "gradients": 10,
        "budget": 10, "queries": 0, "zero_gradients": 0.0, "seconds": 1.0, "test_accuracy": 0.95,
        "settings": {"class": "BrainLeaksV3", "steps": 10, "restarts": 1},
        "judges": {
            judge: {
                "per_class": [
                    {"class": k, "rank": 1, **dict.fromkeys(METRICS, value)}
                    for k, value in zip(classes, values, strict=True)
                ],
                "nulls": {null: {m: {"mean": level, "std": 0.0} for m in METRICS} for null, level in nulls.items()},
                "association": 0.5,
            }
            for judge, values in judged.items()
        },
        "similarity": [
            {"class": k, "ssim_class_mean": 0.5, "ssim_nearest": 0.5, "rank": 1, "verified": 1.0, "member_nearer": 0.5}
            for k in classes
        ],
        "similarity_nulls": {}, "measured": {}, "measure_errors": {}, "target_confidence": [1.0] * len(classes),
        "provenance": provenance(),
    }  # fmt: skip
    return {**cell, **changes}
