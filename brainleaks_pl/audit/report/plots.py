"""The plots of the page that have curves or points in them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

from brainleaks_pl.audit.report.looks import GREY, INK, plotted
from brainleaks_pl.audit.report.parts import Plot
from brainleaks_pl.reporting.text import short


@dataclass(frozen=True)
class Curve:
    """A line of :func:`curve_plot` and :func:`stacked_plot`."""

    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    colour: str = INK
    marker: str = "o"
    line: str = "-"


def scatter_plot(groups: Sequence[Curve], first: str, second: str, *, alt: str, caption: str) -> Plot:
    """Show one judge's confidences against another's, one point per reconstruction; equals lie on the diagonal."""

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


def roc_plot(curves: Sequence[Curve], *, title: str, alt: str) -> Plot:
    """Show ROC curves, both axes logarithmic; chance is dashed. The x of a curve are false positive rates."""
    least = min(x for curve in curves for x in curve.x if x > 0)

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for curve in curves:
            shown = [y if y is not None and y > 0 else math.nan for y in curve.y]  # 0 has no place on such an axis
            axis.plot(curve.x, shown, color=curve.colour, linestyle=curve.line, label=curve.label)
        axis.plot([least, 1], [least, 1], color=GREY, linewidth=1.0, linestyle="--")
        axis.set(xscale="log", yscale="log", xlim=(least, 1), ylim=(least, 1))
        axis.set(xlabel="false positive rate", ylabel="true positive rate")
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_formatter(FuncFormatter(lambda rate, _: f"{rate:g}"))
            side.set_minor_formatter(NullFormatter())
        figure.suptitle(title, fontsize=9.5)
        _legend(figure, axis)

    caption = f"{title}: members found against non-members accused; dashed, chance"
    return plotted(draw, 3.6 + _legend_height(len(curves)), alt=alt, caption=caption)


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
