"""Pictures of reconstructions as data URIs."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from brainleaks_pl.audit.report.parts import Audit, Picture
from brainleaks_pl.events.frames import Polarity
from brainleaks_pl.reporting.animation import animation_frames, bare_frames, encode_gif
from brainleaks_pl.system.tensors import UnreadableError, read_tensors

SIDE = 96
"""CSS pixels of the longer side of a picture."""

_WORDS = {"reconstruction": "reconstruction", "class_mean": "class mean", "nearest": "nearest training image"}
_SECONDS = 4.0
_MOST_BARE_STEPS = 16
_MOST_STEPS = 32  # of an animation: a long recording would make the page tens of megabytes


class Gallery:
    """The pictures of an audit's cells, each file read once.

    Args:
        audit: the content of ``audit.json``.
        folder: the folder that the cells' folders are relative to.
    """

    def __init__(self, audit: Audit, folder: Path) -> None:
        self._data = audit["data"]
        self._folder = folder
        self._read: dict[str, dict[str, Tensor]] = {}

    def class_name(self, label: int) -> str:
        """Return a class in words: its number, and its name where it has one."""
        names = self._data.get("class_names") or []
        name = names[label] if label < len(names) else str(label)
        return f"class {label}" if name == str(label) else f"class {label}, {name}"

    def pictures(self, cell: Mapping[str, Any], label: int, *, moving: bool = True) -> tuple[Picture, ...]:
        """Return the pictures of one class; none where the cell's file is missing or damaged.

        Args:
            cell: one of the audit's cells.
            label: one of its classes.
            moving: whether to animate spikes, where there are any.
        """
        stored = self.stored(cell)
        index = list(cell["classes"]).index(label)
        what = f"{cell['attack']} on {cell['target']}, {self.class_name(label)}"
        shown = []
        if moving and "spikes" in stored:
            shown.append(self._animation(stored, index, self.class_name(label), what))
        if "scene" in stored:
            shown.append(still(stored["scene"][index], "scene", f"{what}: the scene behind the spikes"))
        shown += [
            still(stored[key][index], words, f"{what}: {words}") for key, words in _WORDS.items() if key in stored
        ]
        return tuple(shown)

    def stored(self, cell: Mapping[str, Any]) -> dict[str, Tensor]:
        """Return what ``pictures.pt`` of a cell holds; nothing where the file is missing or damaged."""
        name = str(cell["folder"])
        if name not in self._read:
            try:
                content = read_tensors(self._folder / name / "pictures.pt")
            except (OSError, UnreadableError):
                content = {}  # a page without a picture says more than no page
            self._read[name] = content
        return self._read[name]

    def _animation(self, stored: Mapping[str, Tensor], index: int, heading: str, what: str) -> Picture:
        recordings = {"reconstruction": stored["spikes"][:, index]}
        if "real" in stored:
            recordings["training recording"] = stored["real"][:, index]
        frames = self._data.get("frames") or {}
        together = math.ceil(max(map(len, recordings.values())) / _MOST_STEPS)
        recordings = {name: _coarser(spikes, together) for name, spikes in recordings.items()}
        pictures = animation_frames(
            recordings,
            heading=heading,
            polarity=self._polarity(recordings["reconstruction"].shape[1]),
            frame_time=together * max(1, int(frames.get("frame_time", 1000))),
            simulated=bool(self._data.get("simulated")),
            size=SIDE,
        )
        height, width = pictures.shape[1:3]
        fps = min(25.0, max(2.0, len(pictures) / _SECONDS))
        return Picture(
            _uri("gif", encode_gif(pictures, fps)),
            "spikes, animated",
            f"{what}: spikes of the reconstruction" + (" beside those of a training recording" * ("real" in stored)),
            width,
            height,
            still=_png(Image.fromarray(pictures[-1])),
        )

    def bare_animation(self, spikes: Tensor, alt: str) -> Picture:
        """Return spikes as they come, ``(T, C, H, W)``, without a word or a clock beside them."""
        spikes = _coarser(spikes, math.ceil(len(spikes) / _MOST_BARE_STEPS))
        pictures = bare_frames(spikes, polarity=self._polarity(spikes.shape[1]), size=SIDE)
        uri = _uri("gif", encode_gif(pictures, max(2.0, len(pictures) / _SECONDS)))
        return Picture(uri, "", alt, *_sides(spikes))

    def _polarity(self, channels: int) -> Polarity:
        stated = (self._data.get("frames") or {}).get("polarity")
        if channels == 2:
            return "both"
        return "on" if stated == "on" else "off" if stated == "off" else "merged"


def _coarser(spikes: Tensor, together: int) -> Tensor:
    """Return counts of spikes ``(T, C, H, W)`` with so many steps counted as one, silence after the last."""
    missing = -len(spikes) % together
    padded = torch.cat([spikes, spikes.new_zeros((missing, *spikes.shape[1:]))])
    counts: Tensor = padded.unflatten(0, (-1, together)).sum(1)
    return counts


def still(pixels: Tensor, label: str, alt: str) -> Picture:
    """Return a picture of ``(C, H, W)``: three channels in colour, any other number as their mean."""
    shown = pixels.permute(1, 2, 0) if pixels.shape[0] == 3 else pixels.float().mean(0).round().to(torch.uint8)
    return Picture(_png(Image.fromarray(shown.contiguous().numpy())), label, alt, *_sides(pixels))


def _sides(pixels: Tensor) -> tuple[int, int]:
    """Return the CSS pixels of a picture's width and height."""
    height, width = pixels.shape[-2:]
    scale = SIDE / max(height, width)
    return round(scale * width), round(scale * height)


def _png(image: Image.Image) -> str:
    file = io.BytesIO()
    image.save(file, "PNG", optimize=True)
    return _uri("png", file.getvalue())


def _uri(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()
