"""Leakage over time: how sure a judge is after the first time steps of a reconstruction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from brainleaks_pl.audit.grouping import done, grouped, mean
from brainleaks_pl.audit.measures.base import Attacked, Document, Findings, Measure
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Group, Plot, Section
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.plots import Curve, curve_plot
from brainleaks_pl.audit.report.words import counting_judges
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.evaluation.scoring import judge_inputs, min_max_rescale
from brainleaks_pl.reporting.text import short
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.modes import evaluating

MOST_BEGINNINGS = 100
"""A judge that has to see every beginning of an input by itself is not asked if there are more than these."""
_DRAWS = 10


@dataclass(frozen=True)
class OverTime(Measure):
    """How soon judges recognise the class, as they see more and more time steps of a reconstruction.

    Examples:
        It is part of every audit with attacks, unless it is left out:

        >>> from brainleaks_pl import BrainLeaksV1
        >>> from brainleaks_pl.audit import Audit, OverTime
        >>> targets, attacks = {"snn": lambda: network}, {"v1": BrainLeaksV1}
        >>> isinstance(Audit(data, targets, attacks=attacks).all_measures()["over_time"], OverTime)
        True
        >>> "over_time" in Audit(data, targets, attacks=attacks, measures={"over_time": None}).all_measures()
        False
    """

    def of_attack(self, attacked: Attacked) -> dict[str, list[float] | None]:
        """Return, by judge, :func:`confidence_over_time`."""
        return {
            name: confidence_over_time(
                attacked.report.best,
                judge,
                attacked.attack.classes,
                encoder=attacked.encoder,
                draws=min(attacked.scoring.draws, _DRAWS),
                rescale=attacked.scoring.rescale,
                seed=attacked.cell.seed,
            )
            for name, judge in attacked.judges.items()
        }

    def summarise(self, found: Findings) -> list[dict[str, Any]]:
        """Return, by target, attack and judge, the mean ``confidence`` over seeds and classes after each time step."""
        rows = []
        for (target, attack), cells in grouped(done(found.cells), "target", "attack"):
            kept = [found.of_cell(cell) or {} for cell in cells]
            for judge in found.judges:
                curves = [curve for own in kept if (curve := own.get(judge))]
                if curves:
                    curve = [mean(step) for step in zip(*curves, strict=False)]
                    rows.append({"target": target, "attack": attack, "judge": judge, "confidence": curve})
        return rows

    def section(self, summary: list[dict[str, Any]], audit: Document, looks: Looks, gallery: Gallery) -> Section:
        """Show how soon judges recognise the class."""
        plots = tuple(_plot(rows, judge, looks) for (judge,), rows in grouped(summary, "judge"))
        counting = counting_judges(audit)
        return Section(
            "time",
            "Leakage over time",
            "The lines show how sure a judge is of the class when it sees only the first t steps of a reconstruction. "
            "A line that rises early means that a few steps give the class away.",
            groups=(Group(plots=plots),) if plots else (),
            finding=_finding([row["confidence"] for row in summary if row["judge"] in counting])
            if plots
            else "The judges' inputs have no time steps here, so there is nothing to show.",
        )


def _plot(rows: Sequence[dict[str, Any]], judge: str, looks: Looks) -> Plot:
    curves = [
        Curve(
            label(row["target"], row["attack"]),
            range(1, len(row["confidence"]) + 1),
            row["confidence"],
            looks.colour(row["attack"]),
            looks.marker(row["target"]),
            looks.line(row["target"]),
        )
        for row in rows
    ]
    return curve_plot(
        curves,
        title=f"judge {short(judge)}",
        label="confidence",
        x_label="first time steps shown to the judge",
        alt=f"Confidence of the judge {judge} against the time steps it has seen, one line per target and attack",
        caption=f"Judge {judge}, mean over seeds and classes.",
    )


def confidence_over_time(
    reconstructions: Tensor,
    judge: Classifier,
    classes: Sequence[int],
    *,
    encoder: Encoder | None = None,
    draws: int = 1,
    rescale: bool = False,
    seed: int = 0,
) -> list[float] | None:
    """Return a judge's mean confidence in the attacked classes on the first 1, 2, ..., T steps of its input.

    A spiking judge is causal: where every step is an answer of its own, its confidence on the first t steps is the mean
    over them of the softmax of its answers. One that reduces time first is asked about every beginning by itself. A
    non-spiking one sees the rate image of the first t steps.

    Args:
        reconstructions: images ``(M, C, H, W)``, or spikes or spike probabilities ``(T, M, C, H, W)``, as in
            :func:`brainleaks_pl.evaluation.scoring.score`.
        judge: the judge.
        classes: the class of each reconstruction.
        encoder: turns images into the input of a spiking judge, and scenes into that of any.
        draws: number of draws of a random input, at least 1.
        rescale: stretch each reconstruction to [0, 1] first.
        seed: seed of the draws.

    Returns:
        T numbers in [0, 1], or None where the judge's input, an image, has no time, or where it would have to be asked
        about more than :data:`MOST_BEGINNINGS`.
    """
    x = reconstructions.detach().to(judge.device, torch.float32)
    sample, random = judge_inputs(min_max_rescale(x) if rescale else x, judge, encoder)
    generator = torch.Generator(judge.device).manual_seed(seed)
    labels = torch.tensor(list(classes), device=judge.device)
    curves = []
    with evaluating(judge), torch.inference_mode():
        for _ in range(draws if random else 1):
            inputs = sample(generator)
            if inputs.ndim == 4:
                return None
            counts = torch.arange(1, len(inputs) + 1, device=inputs.device).view(-1, 1, 1)
            if judge.takes_spikes:
                answers = judge.logits(inputs)
                if len(answers) == len(inputs):
                    confidences = answers.softmax(-1).cumsum(0) / counts
                elif len(inputs) > MOST_BEGINNINGS:
                    return None
                else:
                    confidences = torch.stack([judge.confidences(inputs[: t + 1]) for t in range(len(inputs))])
            else:
                rates = inputs.cumsum(0) / counts[..., None, None]
                confidences = torch.stack([judge.confidences(images) for images in rates])
            curves.append(confidences[:, torch.arange(len(labels)), labels].double().mean(1))
    curve: list[float] = torch.stack(curves).mean(0).tolist()
    return curve


def _finding(lines: Sequence[Sequence[float | None]]) -> str:
    levels = [mean(step) or 0.0 for step in zip(*lines, strict=False)]
    if not levels:
        return "No judge that counts sees the reconstructions step by step."
    half = next(step for step, level in enumerate(levels, 1) if level >= levels[-1] / 2)
    return (
        f"On average over targets, attacks and judges, the confidence is {levels[0]:.2f} after the first step and "
        f"{levels[-1]:.2f} after {len(levels)}. It reaches half of that at step {half}."
    )
