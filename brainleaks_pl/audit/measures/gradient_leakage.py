"""What a federated participant's gradient reveals about its batch."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from brainleaks_pl.audit.grouping import grouped
from brainleaks_pl.audit.measures.base import Bench, Document, Findings, Measure
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.parts import Group, Picture, Section, Strip, Table
from brainleaks_pl.audit.report.pictures import Gallery, still
from brainleaks_pl.audit.statistics import mean_intervals
from brainleaks_pl.evaluation.gradient_leakage import Sharing, gradient_leakage
from brainleaks_pl.leakage.base import GradientAttack
from brainleaks_pl.leakage.closed_form import BiasRatio, MeanFrame, SpikeFrames
from brainleaks_pl.leakage.layers import NotApplicableError
from brainleaks_pl.leakage.shared import Protection
from brainleaks_pl.system.names import check_names

if TYPE_CHECKING:
    from brainleaks_pl.audit.definition import Audit

RECOGNISABLE = 0.5
"""SSIM from which a recovered image counts as leaked."""
_KEYS = ("target", "attack", "batch_size", "local_steps", "protection")
_SHOWN = 8
_SCORES = ("ssim", "identified", "itself", "frames", "right_labels")


@dataclass(frozen=True)
class GradientLeakage(Measure):
    """What the gradient of a batch of training images, as a federated server receives it, reveals about them.

    Args:
        images: private training images of each seed at least, in whole batches.
        batch_sizes: samples per batch, one after the other.
        local_steps: steps of gradient descent of which the server receives the mean gradient, one after the other.
        learning_rate: of the steps, where there are several.
        attacks: by name; None takes those in closed form.
        protections: what participants do before they send, by name; None takes nothing at all.

    Examples:
        What one image's gradient shows of it:

        >>> from pathlib import Path
        >>> from brainleaks_pl import BiasRatio
        >>> from brainleaks_pl.audit import Bench, GradientLeakage
        >>> bench = Bench(0, [0], data, {"ann": ann}, {}, {}, {}, say=print, own_folder=Path("results"))
        >>> (row,) = GradientLeakage(images=1, attacks={"bias_ratio": BiasRatio()}).run(bench)
        1 of 1: bias_ratio on ann, batch of 1
        >>> round(row["ssim"], 2), row["identified"]
        (1.0, 1.0)
    """

    images: int = 8
    batch_sizes: Sequence[int] = (1,)
    local_steps: Sequence[int] = (1,)
    learning_rate: float = 0.01
    attacks: dict[str, GradientAttack] = field(
        default_factory=lambda: {
            "bias_ratio": BiasRatio(),
            "mean_frame": MeanFrame(),
            "spike_frames": SpikeFrames(),
        }
    )
    protections: dict[str, Protection] = field(default_factory=lambda: {"none": Protection()})

    def check(self, audit: Audit) -> None:
        """Check that numbers are positive, and that there is something to try."""
        for name in ("batch_sizes", "local_steps"):
            values = getattr(self, name)
            if not values or min(values) < 1:
                raise ValueError(f"{name} must hold at least one number, all positive, got {list(values)}.")
        if self.images < 1:
            raise ValueError(f"images must be at least 1, got {self.images}.")
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate must be positive, got {self.learning_rate}.")
        for name in ("attacks", "protections"):
            check_names(name, getattr(self, name))
            if not getattr(self, name):
                raise ValueError(f"{name} is empty: name at least one.")

    def run(self, bench: Bench) -> list[dict[str, Any]]:
        """Return a row for each target, batch size, number of local steps, protection and attack."""
        rows = []
        settings = list(product(bench.targets, self.attacks, self.batch_sizes, self.local_steps, self.protections))
        for place, (target, attack, size, steps, protection) in enumerate(settings, 1):
            sharing = Sharing(size, steps, self.learning_rate, self.protections[protection])
            row = dict(zip(_KEYS, (target, attack, size, steps, protection), strict=True))
            rows.append(row | self._row(bench, target, attack, sharing))
            bench.say(f"{place} of {len(settings)}: {attack} on {target}, batch of {size}")
        return rows

    def _row(self, bench: Bench, target: str, attack: str, sharing: Sharing) -> dict[str, Any]:
        network = bench.targets[target]
        try:
            found = gradient_leakage(network, bench.data, self.attacks[attack], sharing, self.images, bench.seed)
        except NotApplicableError as error:
            return {"refused": str(error)}
        shown = list(zip(found.labels, found.private, found.recovered, strict=True))[:_SHOWN]
        return {
            "images": len(found.labels),
            **{key: mean(own) for key in _SCORES if (own := getattr(found, key))},
            "seconds": found.seconds,
            "pictures": [
                {"class": label, "private": _packed(own), "recovered": _packed(other)} for label, own, other in shown
            ]
            if bench.seed == bench.seeds[0]
            else [],
        }

    def summarise(self, found: Findings) -> list[dict[str, Any]]:
        """Return the rows with means over seeds and 95% intervals, as lists of mean, low and high."""
        rows = []
        for head, own in grouped([row for run in found.runs.values() for row in run], *_KEYS):
            done = [row for row in own if "refused" not in row]
            row: dict[str, Any] = dict(zip(_KEYS, head, strict=True))
            if not done:
                rows.append({**row, "refused": own[0]["refused"]})
                continue
            row |= {"seeds": len(done), "of": len(own), "images": sum(part["images"] for part in done)}
            for key in _SCORES:
                values = [[part[key]] for part in done if key in part]
                row[key] = [*mean_intervals(np.array(values).clip(0, 1)).fixed] if values else None
            pictures: list[Any] = next((part["pictures"] for part in done if part["pictures"]), [])
            rows.append({**row, "seconds": mean(part["seconds"] for part in done), "pictures": pictures})
        return rows

    def warnings(self, summary: list[dict[str, Any]], audit: Document) -> list[str]:
        """Say whose gradients reveal images, and where no attack applied."""
        return _warnings(summary)

    def section(self, summary: list[dict[str, Any]], audit: Document, looks: Looks, gallery: Gallery) -> Section:
        """Show private images next to recovered ones, and how similar they are."""
        done = [row for row in summary if "refused" not in row]
        refused = [row for row in summary if "refused" in row]
        header = (*(key.replace("_", " ") for key in _KEYS), "SSIM", "low", "high", "identity", "image itself",
                  "frames", "labels", "seconds", "images")  # fmt: skip
        table = Table("What gradients reveal", header, tuple(_cells(row) for row in done))
        reasons = tuple(
            f"{row['attack']} on {row['target']}, batch of {row['batch_size']}, local steps: {row['local_steps']}, "
            f"protection {row['protection']}: {row['refused']}"
            for row in refused
        )
        strips = tuple(_strip(row, gallery) for row in done if row["pictures"])
        return Section(
            "gradient_leakage",
            "What does a gradient reveal about its batch?",
            "In federated learning, participants keep their data and send gradients. Whoever receives one knows the "
            "network, and can compute much of the batch from it. Each private training image is compared with the most "
            "similar recovered image. The table gives their structural similarity (SSIM), whether the nearest training "
            "image is of the same class (identity), whether it is this very image within the class (image itself), and "
            "the shares of binary frames (frames) and of labels (labels) that are recovered exactly.",
            reasons,
            (Group(strips=strips, tables=(table,)),) if done else (),
            _finding(done),
        )


def _packed(image: Tensor) -> dict[str, Any]:
    pixels = (image * 255).round().to(torch.uint8).contiguous()
    return {"shape": list(pixels.shape), "pixels": base64.b64encode(pixels.numpy().tobytes()).decode()}


def _picture(packed: Mapping[str, Any], label: str, alt: str) -> Picture:
    pixels = torch.frombuffer(bytearray(base64.b64decode(packed["pixels"])), dtype=torch.uint8)
    return still(pixels.view(packed["shape"]), label, alt)


def _strip(row: Mapping[str, Any], gallery: Gallery) -> Strip:
    title = f"{row['attack']} on {row['target']}"
    pictures = [
        _picture(own[key], words, f"{title}, {gallery.class_name(own['class'])}: {words}")
        for own in row["pictures"]
        for key, words in (("private", "private"), ("recovered", "recovered"))
    ]
    detail = f"batch of {row['batch_size']} · local steps: {row['local_steps']} · protection: {row['protection']}"
    return Strip(title, detail, tuple(pictures))


def _cells(row: Mapping[str, Any]) -> tuple[Any, ...]:
    means = [None if row[key] is None else row[key][0] for key in _SCORES[1:]]
    return (*(row[key] for key in _KEYS), *row["ssim"], *means, row["seconds"], row["images"])


def _strongest(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return of each target the row of the highest SSIM."""
    return [max(own, key=lambda row: row["ssim"][0]) for _, own in grouped(list(rows), "target")]


def _finding(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "No attack applied to any of the targets, so nothing is said about their gradients."
    said = []
    for row in _strongest(rows):
        value, low, high = row["ssim"]
        interval = "" if low is None else f", 95% interval {low:.2f} to {high:.2f}"
        verdict = "the images leak" if value >= RECOGNISABLE else "too little to call it a leak"
        said.append(
            f"From a gradient of {row['target']}, {row['attack']} recovers private images at a mean SSIM of "
            f"{value:.2f} (batch of {row['batch_size']}, protection {row['protection']}{interval}): {verdict}."
        )
    return " ".join(said)


def _warnings(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    done = [row for row in rows if "refused" not in row]
    said = [
        f"A gradient of {row['target']} reveals private images at an SSIM of {row['ssim'][0]:.2f} ({row['attack']}, "
        f"batch of {row['batch_size']}, protection {row['protection']}): sending gradients instead of data protects "
        "nobody here."
        for row in _strongest(done)
        if row["ssim"][0] >= RECOGNISABLE
    ]
    measured = {row["target"] for row in done}
    missing = dict.fromkeys(row["target"] for row in rows if row["target"] not in measured)
    return said + [f"No attack on gradients applied to {name}, which is no sign of privacy." for name in missing]
