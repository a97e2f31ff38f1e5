"""Pictures of reconstructions, confidence matrices and spikes, as matplotlib figures for reports and TensorBoard."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from snntorch import spikeplot
from torch import Tensor

ANNOTATED_UP_TO = 12
"""Largest number of classes whose confidences are written into the cells of a matrix."""


def reconstruction_grid(reconstructions: Tensor, means: Tensor, titles: Sequence[str], heading: str) -> Figure:
    """Show each reconstruction (left) beside the mean training image of its class (right).

    Images are shown on a scale from 0 to 1: three channels in colour, any other number as the mean over channels.

    Args:
        reconstructions: pixels in [0, 1], ``(M, C, H, W)``.
        means: pixels in [0, 1], of the same shape.
        titles: one a pair.
        heading: title of the figure.

    Raises:
        ValueError: when the shapes or the number of titles differ.
    """
    if reconstructions.ndim != 4 or reconstructions.shape != means.shape or len(titles) != len(reconstructions):
        raise ValueError(
            "reconstructions and means must have the same shape (M, C, H, W) with M titles, "
            f"got {tuple(reconstructions.shape)}, {tuple(means.shape)} and {len(titles)} titles."
        )
    count, _, height, width = reconstructions.shape
    gap = reconstructions.new_ones((*reconstructions.shape[:3], max(1, width // 28)))
    pairs = torch.cat([reconstructions, gap, means.to(gap)], dim=-1).cpu()
    columns = min(count, 5 if count <= 10 else 8)
    rows = math.ceil(count / columns)
    pair_width = 1.9
    pair_height = pair_width * height / pairs.shape[-1] + 0.28
    figure = Figure(figsize=(max(4.0, columns * pair_width), rows * pair_height + 0.6), layout="constrained")
    figure.suptitle(heading, fontsize=10, wrap=True)
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for axis, pair, title in zip(axes, pairs, titles, strict=False):
        axis.imshow(_pixels(pair), cmap="gray", vmin=0.0, vmax=1.0)
        axis.set_title(title, fontsize=9, pad=2)
    return figure


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
    rows, columns = matrix.shape
    annotated = max(rows, columns) <= ANNOTATED_UP_TO
    cell = 0.5 if annotated else 0.19
    figure = Figure(figsize=(max(4.5, cell * columns + 2.0), max(3.0, cell * rows + 1.4)), layout="compressed")
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
    figure.suptitle(heading, fontsize=10, wrap=True)
    if annotated:
        for i in range(rows):
            for j in range(columns):
                colour = "white" if values[i, j] < 0.6 else "black"
                axis.text(j, i, f"{values[i, j]:.2f}", ha="center", va="center", color=colour, fontsize=8)
    return figure


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
        axis.set_title(caption, fontsize=9)
    axes[0].set_ylabel("pixel")
    figure.suptitle(heading, fontsize=10, wrap=True)
    return figure


def _pixels(image: Tensor) -> Any:
    return (image.permute(1, 2, 0) if image.shape[0] == 3 else image.mean(0)).numpy()
