"""A small but complete audit, as the runner writes it: two targets, three attacks, two judges, two seeds."""

from __future__ import annotations

import math
import random
from itertools import product
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl.audit.measures.standard import with_standard
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.parts import Section
from brainleaks_pl.audit.report.pictures import Gallery

MEASURES = with_standard({}, attacks=True)
CLASSES = [0, 1, 2, 3]
STEPS = 6
METRICS = ("attack_accuracy", "top3_accuracy", "confidence", "daa")
SIMILARITIES = ("ssim_class_mean", "ssim_nearest", "identified", "verified", "member_nearer")
PROVENANCE = {"version": "0.2.0", "commit": "4891a3b", "code": "c0de", "torch": "2.9.0", "threads": 1, "target": "7a",
              "judges": {"cnn": "9c"}, "data": "da7a"}  # fmt: skip


def fake_audit(
    folder: Path,
    *,
    events: bool = False,
    seeds: tuple[int, ...] = (0, 1),
    judges: tuple[str, ...] = ("spiking_cnn", "cnn"),
    failed: bool = False,
) -> dict[str, Any]:
    """Return an audit and write its cells' pictures below ``folder``.

    Args:
        folder: where ``audit.json`` would lie.
        events: recordings of events in place of images.
        seeds: the seeds.
        judges: the judges' names.
        failed: whether the last main cell failed.
    """
    draw = random.Random(0)
    count = len(seeds)
    targets, attacks = ("snn", "ann"), ("v1", "v3", "mi_face")
    cells = [
        _cell(draw, folder, "main", target, attack, seed, judges, events)
        for seed, target, attack in product(seeds, targets, attacks)
    ]
    if failed:
        gone: dict[str, Any] = {
            "test_accuracy": None,
            "restarts": None,
            "gradients": None,
            "zero_gradients": None,
            "seconds": None,
        }
        gone |= {"judges": {}, "similarity": [], "provenance": None}
        cells[-1] = {**cells[-1], **gone, "status": "failed", "error": "RuntimeError: <b>out of memory</b>"}
    for kind, name in (("control", "v1"), ("blind", "v1"), ("adversarial", "adversarial")):
        extra = _cell(draw, folder, kind, "snn", name, seeds[0], judges, events)
        cells.append({**extra, "withheld": [0, 2] if kind == "blind" else None})
    surrogate = {"class_path": "brainleaks_pl.ATan", "init_args": {"alpha": 2.0}}
    cells.append({**_cell(draw, folder, "surrogate", "snn", "v1", 0, judges, events), "surrogate": surrogate})
    swept = [("beta", value) for value in (0.5, 0.9, 0.99)] + [("hidden", value) for value in (32, 128)]
    for parameter, value in swept[:1]:
        change = {"parameter": parameter, "value": value}
        cells.append({**_cell(draw, folder, "sweep", "snn", "v3", 0, judges, events), "sweep": change})
    data: dict[str, Any] = {"class": "NMNIST" if events else "MNIST", "simulated": events}
    data["frames" if events else "encoder"] = {"frame_time": 5000, "polarity": "both"} if events else {"class": "Rate"}
    pairs = [(judges[0], judges[1])] if len(judges) > 1 else []
    return {
        "format": "brainleaks_pl.audit/3",
        "title": "audit_fake",
        "data": {**data, "class_names": ["zero", "one", "two", "three"]},
        "seeds": list(seeds),
        "gradients": 280,
        "targets": {
            name: {"class": cls, "spiking": spiking, "architecture": {"hidden": 64}, "test_accuracy": [0.95] * count}
            for name, cls, spiking in (("snn", "SpikingMLP", True), ("ann", "MLP", False))
        },
        "judges": {
            name: {"class": "CNN", "spiking": "spiking" in name, "architecture": {}, "test_accuracy": [0.98] * count,
                   "counts": True, "why_not": None}
            for name in judges
        },
        "attacks": {name: {"class_path": f"brainleaks_pl.{name}", "init_args": {"lr": 0.1}} for name in attacks},
        "cells": cells,
        "summary": _summary(draw, targets, attacks, judges, len(seeds), events),
        "control": [
            {
                "target": "snn", "attack": attack, "judge": judge, "metric": metric, "mean": 0.09,
                "low": None if count == 1 else 0.05, "high": None if count == 1 else 0.13, "null": 0.14,
                "false_positive": 0.1 if attack == "v1" else None, "test_accuracy": 0.11, "seeds": count,
                "at_null": True,
            }
            for attack, judge, metric in product(attacks, judges, ("attack_accuracy", "confidence"))
        ],
        "differences": _differences(draw, attacks, judges, seeds),
        "verdict": {
            "leaks": ["snn gives away what its classes look like.", "ann does as well."],
            "control": "On networks that learnt shuffled labels, all judges stay at the nulls.",
            "sentence": "The spiking network gives away as much as the ordinary one.",
            "details": ["Strongest attack on snn: v3.", "Strongest attack on ann: mi_face."],
            "remarks": ["The networks were trained for 1 of the 10 epochs that were published."],
        },
        "people": None,
        "runs": [],
        "measures": {
            "agreement": [
                {
                    "target": target, "attack": attack, "first": first, "second": second,
                    "same_verdict": 0.75, "correlation": None if attack == "v1" else 0.7,
                    "disagree": [{"seed": seeds[0], "class": 3, "confidence": [0.91, 0.12]}] if attack == "v1" else [],
                }
                for (first, second), target, attack in product(pairs, targets, attacks)
            ],
            "ceiling": None if events else {
                "encoder": {"class": "RateEncoder"}, "time_steps": [1, 2, 4, 8, 16, 32, 64],
                "ssim": [0.2, 0.35, 0.5, 0.63, 0.75, 0.85, 0.92], "psnr": [4.0, 7.0, 10.0, 13.0, 16.0, 19.0, 22.0],
                "at": 25, "ssim_at": 0.812, "psnr_at": 18.2,
                "attacks": [
                    {"target": t, "attack": a, "ssim_class_mean": draw.uniform(0.2, 0.4), "ssim_nearest": 0.55}
                    for t, a in product(targets, attacks)
                ],
            },
            "over_time": [
                {
                    "target": target, "attack": attack, "judge": judge,
                    "confidence": [sum(step) / count for step in zip(*map(_curve, seeds), strict=True)],
                }
                for target, attack, judge in product(targets, attacks, judges)
            ],
            "masking": [
                {
                    "target": "snn", "attack": "v1", "judge": judge, "surrogate": name, "attack_accuracy": value,
                    "confidence": value - 0.1, "zero_gradients": zero,
                    "seeds": 1,
                }
                for judge in judges
                for name, value, zero in (("as trained", 0.3, 0.8), ("ATan(alpha=2.0)", 0.9, 0.05))
            ],
            "sweep": [
                {
                    "target": "snn", "parameter": parameter, "value": value, "seeds": 1,
                    "test_accuracy": 0.9 + 0.01 * place, "attack": "v3", "judge": judge,
                    "attack_accuracy": 0.8, "confidence": draw.uniform(0.4, 0.8),
                }
                for place, (parameter, value) in enumerate(swept)
                for judge in judges
            ],
        },
        "warnings": ["v1 on snn: 80% of the gradients are zero."],
        "repeat": {
            "command": "brainleaks audit --config audit.yaml", "config": "title: audit_fake\nseeds: [0, 1]\n",
            "versions": {"torch": "2.9.0", "brainleaks_pl": "0.1.0"}, "commit": "4891a3b",
            "hardware": {"processor": "a processor", "cores": 2, "threads": 2, "device": "cpu"},
            "seconds": 410.0, "gradients": 123456,
        },
    }  # fmt: skip


def section(name: str, audit: dict[str, Any], folder: Path = Path()) -> Section:
    """The section of a standard measure."""
    found = MEASURES[name].section(audit["measures"][name], audit, Looks(audit), Gallery(audit, folder))
    assert isinstance(found, Section)
    return found


def _curve(seed: int) -> list[float]:
    return [1 - math.exp(-(step + 1) / (2 + seed)) for step in range(STEPS)]


def _nulls(events: bool) -> dict[str, dict[str, dict[str, float]]]:
    levels = {"noise": 0.1, "shuffled" if events else "black": 0.08, "class_mean": 0.88, "real": 0.97}
    return {name: {metric: {"mean": level, "std": 0.01} for metric in METRICS} for name, level in levels.items()}


def _cell(
    draw: random.Random,
    folder: Path,
    kind: str,
    target: str,
    attack: str,
    seed: int,
    judges: tuple[str, ...],
    events: bool,
) -> dict[str, Any]:
    name = f"cells/{kind}{seed}-{target}-{attack}"
    _pictures(folder / name, attack, seed, events)
    confidences = {judge: [draw.uniform(0.2, 1.0) for _ in CLASSES] for judge in judges}
    return {
        "kind": kind, "target": target, "attack": attack, "seed": seed, "label": None, "surrogate": None, "sweep": None,
        "test_accuracy": 0.951, "status": "done", "error": None, "folder": name, "restarts": 4,
        "gradients": 280, "budget": 300, "withheld": None, "provenance": PROVENANCE,
        "zero_gradients": 0.01 if target == "snn" else 0.0, "seconds": 3.1, "classes": CLASSES,
        "judges": {
            judge: {
                **{metric: {"mean": sum(values) / len(values), "std": 0.02} for metric in METRICS},
                "per_class": [{"class": k, "rank": 1, "confidence": value} for k, value in enumerate(values)],
                "nulls": _nulls(events),
            }
            for judge, values in confidences.items()
        },
        "measured": {"over_time": {judge: _curve(seed) for judge in judges}}, "measure_errors": {},
        "similarity": [
            {
                "class": k, "ssim_class_mean": 0.3 + 0.1 * k, "ssim_nearest": 0.4 + 0.1 * k, "rank": 1 + min(k, 1),
                "verified": float(k == 0), "member_nearer": 0.5, "distance_member": 2.0 + k,
                "distance_non_member": 3.0 + k,
            }
            for k in CLASSES
        ],
    }  # fmt: skip


def _pictures(folder: Path, attack: str, seed: int, events: bool) -> None:
    generator = torch.Generator().manual_seed(100 * seed + len(attack))
    channels, side = (2, 17) if events else (1, 14)
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing="ij")
    shapes = torch.stack([((x**2 + y**2).sqrt() - 0.2 * (k + 1)).abs() < 0.15 for k in CLASSES]).float()[:, None]
    shapes = shapes.expand(-1, channels, -1, -1)
    noise = torch.rand(shapes.shape, generator=generator)
    content = {
        "reconstruction": (0.6 * shapes + 0.4 * noise).mul(255).to(torch.uint8),
        "class_mean": shapes.mul(200).to(torch.uint8),
        "nearest": shapes.mul(255).to(torch.uint8),
    }
    if events:
        many = torch.rand((STEPS, *shapes.shape), generator=generator)
        content["spikes"] = (many < 0.5 * shapes + 0.02).to(torch.uint8)
        content["real"] = (many.flip(0) < 0.5 * shapes).to(torch.uint8)
        content["scene"] = shapes[:, :1].mul(255).to(torch.uint8)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(content, folder / "pictures.pt")


def _summary(
    draw: random.Random,
    targets: tuple[str, ...],
    attacks: tuple[str, ...],
    judges: tuple[str, ...],
    seeds: int,
    events: bool,
) -> list[dict[str, Any]]:
    rows = []
    measures: list[tuple[str, str | None]] = [(metric, judge) for metric in METRICS for judge in judges]
    measures += [(metric, None) for metric in SIMILARITIES]
    level = {"noise": 0.1, "shuffled" if events else "black": 0.08, "class_mean": 0.88, "real": 0.97}
    for (metric, judge), target, attack in product(measures, targets, attacks):
        nearer = metric == "member_nearer"
        mean = 0.51 if nearer else draw.uniform(0.3, 0.95)
        nulls: dict[str, float] = {} if metric.startswith("ssim") else dict(level)
        if judge is not None:
            nulls |= {"adversarial": 0.25} | ({"false_positive": 0.2} if attack != "v3" else {})
        alone = seeds == 1
        rows.append(
            {
                "target": target, "attack": attack, "judge": judge, "metric": metric, "mean": mean,
                "low": None if alone else mean - 0.05, "high": None if alone else min(1.0, mean + 0.05),
                "sampled_low": None if alone else mean - 0.12, "sampled_high": None if alone else min(1.0, mean + 0.12),
                "seeds": seeds, "nulls": dict.fromkeys(nulls, 0.5) if nearer else nulls,
            }
        )  # fmt: skip
    return rows


def _differences(
    draw: random.Random, attacks: tuple[str, ...], judges: tuple[str, ...], seeds: tuple[int, ...]
) -> list[dict[str, Any]]:
    rows = []
    leading = ("all judges", *judges) if len(judges) > 1 else judges
    alone = len(seeds) == 1
    for judge, attack, metric in product(leading, (*attacks, "strongest"), ("confidence", "attack_accuracy")):
        by_class = [draw.uniform(-0.05, 0.1) for _ in CLASSES[1:]] + [0.4]
        difference, rest = sum(by_class) / len(CLASSES), sum(by_class[:-1]) / (len(CLASSES) - 1)
        rows.append(
            {
                "attack": attack, "first": "snn", "second": "ann", "judge": judge, "metric": metric,
                "first_attack": "v3" if attack == "strongest" else attack,
                "second_attack": "mi_face" if attack == "strongest" else attack,
                "seeds": list(seeds), "difference": difference,
                "low": None if alone else difference - 0.06, "high": None if alone else difference + 0.06,
                "shown": difference > 0.06 and not alone,
                "sampled_low": None if alone else difference - 0.2, "sampled_high": None if alone else difference + 0.2,
                "sampled_shown": False,
                "by_seed": [difference + 0.01 * (place - (len(seeds) - 1) / 2) for place in range(len(seeds))],
                "by_class": [{"class": k, "difference": by_class[k]} for k in CLASSES],
                "without": {
                    "class": CLASSES[-1], "difference": rest, "low": None if alone else rest - 0.05,
                    "high": None if alone else rest + 0.05,
                },
            }
        )  # fmt: skip
    return rows
