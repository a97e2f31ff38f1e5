"""The pictures of docs/event_camera.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from camera_statistics import MOST, SAME_EDGES, TIME_EDGES, Statistics
from matplotlib.figure import Figure
from torch import Tensor

SHOWN = (0, 2, 4, 7)
"""Digits whose first recording is drawn."""


def draw_statistics(columns: dict[str, Statistics], path: Path) -> None:
    """Draw histograms of times, intervals, events a pixel and events a recording."""
    figure = Figure(figsize=(9, 6), layout="constrained")
    (times, intervals), (pixels, counts) = figure.subplots(2, 2)
    for (name, one), style in zip(columns.items(), ("k-", "r-", "b:"), strict=True):
        times.plot((TIME_EDGES[:-1] + TIME_EDGES[1:]) / 2000, one.times, style, label=name)
        intervals.plot(SAME_EDGES[:34] / 1000, one.same[:34], style)
        pixels.semilogy(np.arange(1, MOST), one.per_pixel[:, 1:].sum(0).clip(0.01), style, marker=".")
        heights, edges = np.histogram(one.counts, np.arange(0, 9001, 500))
        counts.step(edges[:-1] + 250, heights, style, where="mid")
    times.set(xlabel="time in ms", ylabel="events in 5 ms")
    intervals.set(xlabel="interval between a pixel's events of one polarity, ms", ylabel="intervals in 0.3 ms")
    pixels.set(xlabel="events of one polarity a pixel and saccade", ylabel="pixels")
    counts.set(xlabel="events", ylabel="recordings")
    times.legend(fontsize=8)
    figure.savefig(path, dpi=80)


def draw_maps(columns: dict[str, Statistics], labels: Tensor, path: Path) -> None:
    """Draw the events of every saccade of a few digits: OFF red, ON blue, on white."""
    figure = Figure(figsize=(3 * len(columns), 1.05 * len(SHOWN) + 0.2), layout="constrained")
    for part, (name, one) in zip(figure.subfigures(1, len(columns)), columns.items(), strict=True):
        part.suptitle(f"{name}: saccades 1, 2, 3", fontsize=9)
        for line, digit in zip(part.subplots(len(SHOWN), 3), SHOWN, strict=True):
            maps = one.maps[int((labels == digit).nonzero()[0])]
            for axis, (off, on) in zip(line, (maps / 6).clip(0, 1), strict=True):
                axis.imshow(np.stack([1 - on, 1 - (on + off) / 1.4, 1 - off], -1).clip(0, 1))
                axis.set(xticks=[], yticks=[])
    figure.savefig(path, dpi=60)
