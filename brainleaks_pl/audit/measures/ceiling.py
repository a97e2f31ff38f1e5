"""The ceiling set by an encoding: how much of an image remains after encoding and decoding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torchmetrics.functional.image import peak_signal_noise_ratio

from brainleaks_pl.audit.grouping import done, grouped
from brainleaks_pl.audit.measures.base import Document, Findings, Measure
from brainleaks_pl.audit.report.looks import Looks, label
from brainleaks_pl.audit.report.parts import Group, Section, Table
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.audit.report.plots import Curve, ceiling_plot
from brainleaks_pl.audit.scores import LIKENESS, similarity_matrix
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.event_base import EventDataModule
from brainleaks_pl.encoders.base import describe_encoder
from brainleaks_pl.evaluation.similarity import ssim

if TYPE_CHECKING:
    from brainleaks_pl.audit.definition import Audit

MOST_DECIBELS = 60.0
"""PSNR is cut off here: that of images rounded to bytes is about 59 dB, that of equal images infinite."""


_NEAR = 0.05  # an SSIM that is no farther below the ceiling counts as having reached it


@dataclass(frozen=True)
class EncodingCeiling(Measure):
    """What the encoding of images leaves of them, and how alike the attacks' reconstructions are to theirs.

    Args:
        time_steps: the numbers of time steps to encode with; the data's own is added.
        images: test images, the first ones of each class, evenly.

    Examples:
        The more time steps, the more alike a test image and its spike rates are (SSIM):

        >>> from brainleaks_pl.audit import Audit, EncodingCeiling, Findings
        >>> audit = Audit(data, targets={})
        >>> found = Findings("ceiling", audit, {}, [], runs={}, targets={}, judges={}, skills={})
        >>> summary = EncodingCeiling(time_steps=[1, 25], images=10).summarise(found)
        >>> summary["time_steps"], [round(ssim, 2) for ssim in summary["ssim"]]
        ([1, 5, 25], [0.89, 0.97, 0.99])
    """

    time_steps: Sequence[int] = (1, 2, 5, 10, 25, 50, 100, 200)
    images: int = 100

    def check(self, audit: Audit) -> None:
        """See that the numbers are positive."""
        if self.images < 1 or min(self.time_steps, default=1) < 1:
            raise ValueError(
                f"time_steps and images must be positive numbers, got {list(self.time_steps)} and {self.images}."
            )

    def summarise(self, found: Findings) -> dict[str, Any] | None:
        """Return :func:`encoding_ceiling`, and the mean likeness of each attack; None where there is no ceiling."""
        data = found.audit.data
        if data.time_steps is None:
            return None
        ceiling = encoding_ceiling(data, sorted({*self.time_steps, data.time_steps}), self.images)
        if ceiling is None:
            return None
        attacks = [
            {
                "target": target,
                "attack": attack,
                **{metric: float(similarity_matrix(own, metric).mean()) for metric in LIKENESS},
            }
            for (target, attack), own in grouped(done(found.cells), "target", "attack")
        ]
        return {**ceiling, "attacks": attacks}

    def section(self, summary: dict[str, Any] | None, audit: Document, looks: Looks, gallery: Gallery) -> Section:
        """Show how much the encoding keeps, and how close the attacks come to it."""
        title = "What the encoding keeps"
        lead = (
            "Pixels become spikes before the network sees them, and that loses detail. The curve shows how similar "
            "test images are to the originals after encoding and decoding, by number of time steps T. No attack on the "
            "spikes can be expected to recover more. Filled markers are the attacks' similarity to the nearest "
            "training image, hollow ones to the class mean."
        )
        if summary is None:
            return Section(
                "ceiling",
                title,
                "Pixels that become spikes lose detail, which limits any attack.",
                finding="These data are recorded as events or reach the network unchanged: no encoding limits attacks.",
            )
        points = [
            (
                Curve(
                    label(row["target"], row["attack"], length=20),
                    [place],
                    [row[key]],
                    looks.colour(row["attack"]),
                    looks.marker(row["target"]),
                ),
                key == "ssim_nearest",
            )
            for place, row in enumerate(summary["attacks"])
            for key in ("ssim_class_mean", "ssim_nearest")
            if row.get(key) is not None
        ]
        steps = summary["time_steps"]
        plots = (
            ceiling_plot(Curve("encoding", steps, summary["ssim"]), points, summary["at"], label="SSIM",
                         alt="Structural similarity of encoded test images against time steps, and of attacks"),
            ceiling_plot(Curve("encoding", steps, summary["psnr"]), (), summary["at"], label="PSNR (dB)",
                         alt="Signal to noise ratio of encoded test images against time steps"),
        )  # fmt: skip
        measured = list(dict.fromkeys(key for row in summary["attacks"] for key in row))
        tables = [
            Table(
                "The ceiling",
                ("time steps", "SSIM", "PSNR (dB)"),
                tuple(zip(steps, summary["ssim"], summary["psnr"], strict=True)),
            )
        ]
        if measured:
            tables.append(
                Table(
                    "Attacks compared with the ceiling",
                    tuple(key.replace("_", " ").replace("ssim", "SSIM") for key in measured),
                    tuple(tuple(row.get(key) for key in measured) for row in summary["attacks"]),
                )
            )
        return Section(
            "ceiling", title, lead, groups=(Group(plots=plots, tables=tuple(tables)),), finding=_finding(summary)
        )


def _finding(summary: dict[str, Any]) -> str:
    words = (
        f"At T = {summary['at']}, the setting of this audit, the ceiling is an SSIM of {summary['ssim_at']:.3f} and a "
        f"PSNR of {summary['psnr_at']:.1f} dB."
    )
    compared = [row for row in summary["attacks"] if row.get("ssim_nearest") is not None]
    if not compared:
        return words
    best = max(compared, key=lambda row: row["ssim_nearest"])
    near = best["ssim_nearest"]
    limits = "is not" if near < summary["ssim_at"] - _NEAR else "may be"
    return (
        f"{words} {best['attack']} on {best['target']} comes closest to its nearest training image, with an SSIM of "
        f"{near:.3f}, so the encoding {limits} what limits the attacks."
    )


def encoding_ceiling(
    data: BaseDataModule, time_steps: Sequence[int], images: int = 100, seed: int = 0
) -> dict[str, Any] | None:
    """Return how alike test images and what is decoded of their encoding are, by the number of time steps.

    The published explanation of SNNs' resilience is that encoding and decoding lose information (arXiv 2402.00906,
    "non-reversible quantisation"): this is how much.

    Args:
        data: the private data set.
        time_steps: the numbers of time steps, each at least 1.
        images: test images, the first ones of each class, evenly.
        seed: seed of the encoding.

    Returns:
        ``encoder`` with its constants, ``time_steps``, and for each of these the mean ``ssim`` (Wang et al., 2004) and
        ``psnr`` in dB, at most 60; ``at``, ``ssim_at`` and ``psnr_at`` are those of the data's own T. None where the
        data are recordings of events, have no encoder, or one that cannot be decoded.
    """
    if data.encoder is None or data.time_steps is None or isinstance(data, EventDataModule):
        return None
    each = max(1, images // data.num_classes)
    tested = torch.as_tensor(data.split("test").labels).unique().tolist()
    real = torch.cat([data.class_images(label, "test")[:each] for label in tested])
    likeness = {}
    for steps in dict.fromkeys((*time_steps, data.time_steps)):
        encoder = replace(data.encoder, time_steps=steps)
        decoded = encoder.decode(encoder.encode(real, torch.Generator().manual_seed(seed)))
        if decoded is None:
            return None
        noise = peak_signal_noise_ratio(decoded, real, data_range=1.0, reduction="none", dim=(1, 2, 3))
        likeness[steps] = (ssim(decoded, real).mean().item(), noise.clamp(max=MOST_DECIBELS).mean().item())
    at_ssim, at_psnr = likeness[data.time_steps]
    return {
        "encoder": describe_encoder(data.encoder),
        "time_steps": list(time_steps),
        "ssim": [likeness[steps][0] for steps in time_steps],
        "psnr": [likeness[steps][1] for steps in time_steps],
        "at": data.time_steps,
        "ssim_at": at_ssim,
        "psnr_at": at_psnr,
    }
