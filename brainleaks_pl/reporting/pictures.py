"""Pictures of reconstructions, confidence matrices and spikes, as matplotlib figures for reports and TensorBoard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from snntorch import spikeplot
from torch import Tensor

from brainleaks_pl.reporting.text import LITERAL, entry, short
from brainleaks_pl.reporting.text import width as width_of

ANNOTATED_UP_TO = 12
"""Largest number of classes whose confidences are written into the cells of a matrix."""
_HEADING, _TITLE, _NAME = 300, 64, 28  # most letters of each


@matplotlib.rc_context(LITERAL)
def reconstruction_grid(pictures: Sequence[Tensor], titles: Sequence[str], heading: str) -> Figure:
    """Show several pictures of each class side by side, such as its reconstruction and its mean training image.

    Images are shown on a scale from 0 to 1: three channels in colour, any other number as the mean over channels.
    Smaller ones lie in the middle of a black frame.

    Args:
        pictures: from left to right, each one image a class, pixels in [0, 1], ``(M, C, H, W)``.
        titles: one per class; of one that is too long for its place, the middle is left out.
        heading: title of the figure.

    Raises:
        ValueError: when the number of images, their channels or the number of titles differ.
    """
    if any(p.ndim != 4 for p in pictures) or {(len(p), p.shape[1]) for p in pictures} != {
        (len(titles), pictures[0].shape[1])
    }:
        raise ValueError(
            "pictures must be images (M, C, H, W) with the same M and C, and M titles, "
            f"got {', '.join(str(tuple(p.shape)) for p in pictures)} and {len(titles)} titles."
        )
    height, width = (max(p.shape[axis] for p in pictures) for axis in (2, 3))
    alike = [framed(p.cpu(), height, width) for p in pictures]
    gap = alike[0].new_ones((*alike[0].shape[:3], max(1, width // 28)))
    strips = torch.cat([part for p in alike for part in (gap, p.to(gap))][1:], dim=-1)
    count = len(titles)
    columns = min(count, 5 if count <= 10 else 8)
    rows = math.ceil(count / columns)
    strip_width = 0.95 * len(pictures)
    strip_height = strip_width * height / strips.shape[-1] + 0.28
    size = 9 if max(map(width_of, titles)) <= 14 * strip_width else 7
    most = int(126 * strip_width / size)  # letters that fit above a strip
    figure = Figure(figsize=(max(4.0, columns * strip_width), rows * strip_height + 0.6), layout="constrained")
    figure.suptitle(short(heading, _HEADING), fontsize=10, wrap=True)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, strip, title in zip(axes, strips, titles, strict=False):
        axis.imshow(_pixels(strip), cmap="gray", vmin=0.0, vmax=1.0)
        axis.set_title(short(title, most), fontsize=size, pad=2)
    return figure


@matplotlib.rc_context(LITERAL)
def confidence_matrix(matrix: Tensor, row_names: Sequence[str], column_names: Sequence[str], heading: str) -> Figure:
    """Show a judge's confidence in every class (columns) on every reconstruction (rows).

    Args:
        matrix: confidences in [0, 1], ``(M, K)``; written into the cells up to 12 classes.
        row_names: names of the M attacked classes.
        column_names: names of the K classes.
        heading: title of the figure.

    Raises:
        ValueError: when the names do not fit the matrix.
    """
    if tuple(matrix.shape) != (len(row_names), len(column_names)):
        raise ValueError(
            f"a matrix of shape {tuple(matrix.shape)} needs as many names, "
            f"got {len(row_names)} rows and {len(column_names)} columns."
        )
    row_names, column_names = ([short(name, _NAME) for name in names] for names in (row_names, column_names))
    rows, columns = matrix.shape
    annotated = max(rows, columns) <= ANNOTATED_UP_TO
    cell = 0.5 if annotated else 0.19
    beside, below = (0.1 * max(0, *(len(name) - 8 for name in names)) for names in (row_names, column_names))
    size_of_both = (max(4.5, cell * columns + 2.0) + beside, max(3.0, cell * rows + 1.4) + below)
    figure = Figure(figsize=size_of_both, layout="compressed")
    axis = figure.subplots()
    values = matrix.detach().cpu().numpy()
    image = axis.imshow(values, cmap="viridis", vmin=0.0, vmax=1.0)
    figure.colorbar(image, ax=axis, label="confidence")
    size = 9 if annotated else 7
    rotation = 90 if max(map(len, column_names)) > 3 else 0
    axis.set_xticks(range(columns), column_names, fontsize=size, rotation=rotation)
    axis.set_yticks(range(rows), row_names, fontsize=size)
    axis.set_xlabel("judge's confidence in class")
    axis.set_ylabel("reconstruction of class")
    figure.suptitle(short(heading, _HEADING), fontsize=10, wrap=True)
    if annotated:
        for i in range(rows):
            for j in range(columns):
                colour = "white" if values[i, j] < 0.6 else "black"
                axis.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", color=colour, fontsize=8)
    return figure


@matplotlib.rc_context(LITERAL)
def spike_raster(trains: Mapping[str, Tensor], heading: str) -> Figure:
    """Show which pixel spikes when, spike trains side by side (:func:`snntorch.spikeplot.raster`).

    Args:
        trains: spike trains in {0, 1} by caption, each ``(T, C, H, W)`` with a T of its own; pixels are numbered
            channel by channel, row by row.
        heading: title of the figure.

    Raises:
        ValueError: when there is no train, or one does not have four dimensions.
    """
    shapes = [tuple(train.shape) for train in trains.values()]
    if not shapes or any(len(shape) != 4 for shape in shapes):
        raise ValueError(f"expected the spikes of one input each, (T, C, H, W), got the shapes {shapes}.")
    figure = Figure(figsize=(6.5 * len(trains), 4.5), layout="constrained")
    axes = figure.subplots(1, len(trains), squeeze=False)[0]
    for axis, (caption, train) in zip(axes, trains.items(), strict=True):
        pixels = train.detach().flatten(1)
        spikeplot.raster(pixels, axis, s=3.0, c="black", linewidths=0)
        axis.set_xlim(-0.5, pixels.shape[0] - 0.5)
        axis.set_ylim(-0.5, pixels.shape[1] - 0.5)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.yaxis.set_major_locator(MaxNLocator(integer=True))
        axis.set_xlabel("time step")
        axis.set_title(short(caption, _TITLE), fontsize=9)
    axes[0].set_ylabel("pixel")
    figure.suptitle(short(heading, _HEADING), fontsize=10, wrap=True)
    return figure


def query_plot(curves: Mapping[str, Sequence[Mapping[str, float]]], heading: str) -> Figure:
    """Show attack accuracy (solid) and confidence (dashed) against the queries spent, one colour a network.

    Args:
        curves: by the network's name its points, each with ``queries``, ``attack_accuracy`` and ``confidence``.
        heading: title of the figure.
    """
    figure = Figure(figsize=(6.4, 4.2), layout="constrained")
    axis = figure.subplots()
    for index, (name, points) in enumerate(curves.items()):
        queries = [point["queries"] for point in points]
        for metric, style in (("attack_accuracy", "-"), ("confidence", "--")):
            values = [point[metric] for point in points]
            label = entry(f"{short(name)}: {metric.replace('_', ' ')}")
            axis.plot(queries, values, style, color=f"C{index}", marker=".", label=label)
    axis.set_xscale("log")
    axis.set_ylim(0.0, 1.02)
    axis.set_xlabel("queries per class")
    axis.grid(alpha=0.3)
    for text in axis.legend(fontsize=8).get_texts():
        text.set_parse_math(False)  # while the ticks of the axis are powers of ten
    figure.suptitle(short(heading, _HEADING), fontsize=10, wrap=True, parse_math=False)
    return figure


def framed(images: Tensor, height: int, width: int) -> Tensor:
    """Return images ``(M, C, H, W)`` in the middle of black ones of ``(M, C, height, width)``, which are no smaller."""
    above, left = (height - images.shape[2]) // 2, (width - images.shape[3]) // 2
    return F.pad(images, [left, width - images.shape[3] - left, above, height - images.shape[2] - above])


def _pixels(image: Tensor) -> Any:
    return (image.permute(1, 2, 0) if image.shape[0] == 3 else image.mean(0)).numpy()
