"""The plots of the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from brainleaks_pl.audit.report.looks import GREY, INK, plotted
from brainleaks_pl.audit.report.parts import Plot
from brainleaks_pl.reporting.text import short

NULLS = {
    "noise": ("noise", "|"),
    "black": ("black frame", "x"),
    "shuffled": ("shuffled spikes", "x"),
    "class_mean": ("class mean", "d"),
    "real": ("real samples", "*"),
}
"""Word and marker of each null."""


@dataclass(frozen=True)
class Row:
    """A line of :func:`interval_plot`: a mean with its interval, and the nulls to read it against."""

    label: str
    mean: float | None
    low: float | None = None
    high: float | None = None
    colour: str = INK
    marker: str = "o"
    filled: bool = True
    nulls: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """A line of :func:`curve_plot` and :func:`stacked_plot`."""

    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    colour: str = INK
    marker: str = "o"
    line: str = "-"


def interval_plot(
    rows: Sequence[Row], *, title: str, label: str, alt: str, caption: str, difference: bool = False
) -> Plot:
    """Show means with their intervals, one a line.

    Args:
        rows: from top to bottom; one without a mean stays empty.
        title: above the plot.
        label: of the horizontal axis, which reaches from 0 to 1.
        alt: as in :class:`Plot`.
        caption: as in :class:`Plot`.
        difference: whether the axis has 0 in the middle instead.
    """
    names = [name for name in NULLS if any(name in row.nulls for row in rows)]
    names += sorted({name for row in rows for name in row.nulls} - NULLS.keys())

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for place, row in enumerate(rows):
            for name in names:
                if row.nulls.get(name) is not None:
                    glyph = NULLS.get(name, (name, "."))[1]
                    axis.plot(row.nulls[name], place, glyph, color=GREY, markersize=7, zorder=2)
            if row.mean is None:
                continue
            if row.low is not None and row.high is not None:
                axis.plot([row.low, row.high], [place, place], color=row.colour, linewidth=2.2, zorder=3)
            face = row.colour if row.filled else "none"
            axis.plot(
                row.mean,
                place,
                row.marker,
                color=row.colour,
                markerfacecolor=face,
                markersize=7,
                zorder=4,
                clip_on=False,
            )
        axis.set_yticks(range(len(rows)), [row.label for row in rows])
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.grid(visible=False, axis="y")
        ends = [abs(end) for row in rows for end in (row.mean, row.low, row.high) if end is not None]
        if difference:
            reach = 1.15 * max([0.05, *ends])
            axis.set_xlim(-reach, reach)
            axis.xaxis.set_major_locator(MaxNLocator(5))  # more labels touch each other
            axis.axvline(0.0, color=INK, linewidth=1.0)
        else:
            axis.set_xlim(-0.02, max(1.02, *ends))
        figure.suptitle(title, fontsize=9.5)
        axis.set_xlabel(label)
        if names:
            handles = [
                Line2D([], [], linestyle="", color=GREY, marker=NULLS.get(name, (name, "."))[1], label=words)
                for name in names
                for words in (NULLS.get(name, (name, "."))[0],)
            ]
            figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.0)

    return plotted(draw, 1.05 + 0.27 * len(rows) + (0.25 if names else 0.0), alt=alt, caption=caption)


def scatter_plot(groups: Sequence[Curve], first: str, second: str, *, alt: str, caption: str) -> Plot:
    """Show one judge's confidences against another's, one point a reconstruction; equals lie on the diagonal."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        axis.axline((0, 0), slope=1, color=GREY, linewidth=1.0, linestyle="--")
        for group in groups:
            axis.plot(
                group.x,
                _numbers(group.y),
                group.marker,
                color=group.colour,
                label=group.label,
                alpha=0.75,
                markersize=6,
            )
        axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axis.set_xlabel(f"confidence of {short(first)}")
        axis.set_ylabel(f"confidence of {short(second)}")
        _legend(figure, axis)

    return plotted(draw, 4.3 + _legend_height(len(groups)), alt=alt, caption=caption)


def curve_plot(curves: Sequence[Curve], *, title: str, label: str, x_label: str, alt: str, caption: str) -> Plot:
    """Show values in [0, 1] against time steps, one line each."""

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for curve in curves:
            _draw_curve(axis, curve, every=max(1, len(curve.x) // 8))
        axis.set_ylim(-0.02, 1.02)
        figure.suptitle(title, fontsize=9.5)
        axis.set(xlabel=x_label, ylabel=label)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        _legend(figure, axis)

    return plotted(draw, 3.0 + _legend_height(len(curves)), alt=alt, caption=caption)


def ceiling_plot(curve: Curve, points: Sequence[tuple[Curve, bool]], at: float, *, label: str, alt: str) -> Plot:
    """Show what an encoding lets through against its time steps, and beside it what attacks reach.

    Args:
        curve: the ceiling.
        points: of attacks, at x = 0, 1, ... and whether their markers are filled.
        at: time steps in use.
        label: of the vertical axis.
        alt: as in :class:`Plot`.
    """

    def draw(figure: Figure) -> None:
        if points:
            axis, beside = figure.subplots(1, 2, sharey=True, width_ratios=(2, 1))
            for point, filled in points:
                face = point.colour if filled else "none"
                beside.plot(point.x, point.y, point.marker, color=point.colour, markerfacecolor=face, markersize=7)
            names = {point.x[0]: point.label for point, _ in points}
            beside.set_xticks(list(names), list(names.values()), rotation=90)
            beside.set_xlim(-0.6, len(names) - 0.4)
            beside.set_title("attacks")
        else:
            axis = figure.subplots()
        _draw_curve(axis, curve)
        axis.axvline(at, color=GREY, linestyle=":")
        axis.annotate(
            f"T = {at:g}", (at, 0.02), (-3, 0), xycoords=("data", "axes fraction"), textcoords="offset points",
            rotation=90, ha="right", fontsize=8.5,
        )  # fmt: skip
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_locator(FixedLocator([x for x in curve.x if x > 0]))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.set_title("encoding")
        axis.set(xlabel="time steps T", ylabel=label)

    return plotted(draw, 3.3, alt=alt, caption=f"{label} of test images after encoding and decoding")


def stacked_plot(
    panels: Mapping[str, Sequence[Curve]], ticks: Sequence[str], *, title: str, x_label: str, alt: str, caption: str
) -> Plot:
    """Show several quantities in [0, 1] above one another against the same values, which are evenly spaced.

    Args:
        panels: curves by the label of their vertical axis; the x of a curve are places among ``ticks``.
        ticks: the values in words.
        title: above the plot.
        x_label: of the horizontal axis.
        alt: as in :class:`Plot`.
        caption: as in :class:`Plot`.
    """
    most = max(len(curves) for curves in panels.values())

    def draw(figure: Figure) -> None:
        axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (label, curves) in zip(axes, panels.items(), strict=True):
            for curve in curves:
                _draw_curve(axis, curve)
            axis.set_ylim(-0.04, 1.04)
            axis.set_ylabel(label)
        figure.suptitle(title, fontsize=9.5)
        axes[-1].set_xlabel(x_label)
        axes[-1].set_xticks(range(len(ticks)), [short(tick, 12) for tick in ticks])
        _legend(figure, max(axes, key=lambda axis: len(axis.lines)))

    return plotted(draw, 0.8 + 1.45 * len(panels) + _legend_height(most), alt=alt, caption=caption)


def _draw_curve(axis: Axes, curve: Curve, every: int = 1) -> None:
    axis.plot(
        curve.x, _numbers(curve.y), color=curve.colour, marker=curve.marker, linestyle=curve.line, 
        label=curve.label, markersize=5, markevery=every, linewidth=1.6,
    )  # fmt: skip


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _legend(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside lower center", ncols=2, handlelength=2.4, columnspacing=1.0, handletextpad=0.5
        )


def _legend_height(entries: int) -> float:
    return 0.2 * ((entries + 1) // 2) + 0.1
