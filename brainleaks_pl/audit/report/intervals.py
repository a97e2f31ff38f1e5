"""Plots of one line per attack: means with their intervals, and how single seeds and classes spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from brainleaks_pl.audit.report.looks import GREY, INK, plotted
from brainleaks_pl.audit.report.parts import Plot
from brainleaks_pl.reporting.text import short

NULLS = {
    "noise": ("noise", "|"),
    "black": ("black frame", "x"),
    "shuffled": ("shuffled spikes", "x"),
    "class_mean": ("class mean", "d"),
    "real": ("real samples", "*"),
    "false_positive": ("made on a network that never saw the class", ">"),
    "adversarial": ("adversarial examples of another class's images", "+"),
}
"""Word and marker of each null."""
READINGS = (
    "Thick bars are 95% intervals over seeds, for these classes; thin lines with caps are those for other classes like "
    "these."
)
"""How the two intervals of a line are told apart."""

_MEASURED = ("false_positive", "adversarial")
_BAR, _LINE = 4.0, 1.0


@dataclass(frozen=True)
class Row:
    """A line of :func:`interval_plot`: a mean with its two intervals, and the nulls to read it against.

    Args:
        label: beside the line.
        mean: None where there is nothing to draw.
        low: lower end of the interval over seeds, for these classes.
        high: its upper end.
        sampled_low: lower end of the interval for other classes like these.
        sampled_high: its upper end.
        colour: of the mean and the intervals.
        marker: of the mean.
        filled: whether the marker is.
        nulls: means by name.
    """

    label: str
    mean: float | None
    low: float | None = None
    high: float | None = None
    sampled_low: float | None = None
    sampled_high: float | None = None
    colour: str = INK
    marker: str = "o"
    filled: bool = True
    nulls: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Spread:
    """A line of :func:`spread_plot`: single values around their mean, one of which may be marked by a word."""

    label: str
    values: Sequence[float]
    colour: str = INK
    marked: tuple[float, str] | None = None


def interval_plot(
    rows: Sequence[Row],
    *,
    title: str,
    label: str,
    alt: str,
    caption: str,
    difference: bool = False,
    reference: float | None = None,
) -> Plot:
    """Show means with their intervals, one per line: a thick bar for these classes, a thin line for others like them.

    Args:
        rows: from top to bottom; one without a mean stays empty.
        title: above the plot.
        label: of the horizontal axis, which reaches from 0 to 1.
        alt: as in :class:`Plot`.
        caption: as in :class:`Plot`.
        difference: whether the axis has 0 in the middle instead.
        reference: where a dashed line stands, if anywhere.
    """
    names = [name for name in NULLS if any(row.nulls.get(name) is not None for row in rows)]
    names += sorted({name for row in rows for name in row.nulls} - NULLS.keys())
    handles = [*(_null_handle(name) for name in names), *_reading_handles(rows)]
    handles.sort(key=lambda handle: len(str(handle.get_label())))  # columns fill from the left: the short words first
    columns = 1 if len(handles) < 2 else 2

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for place, row in enumerate(rows):
            for name in names:
                if (level := row.nulls.get(name)) is not None:
                    axis.plot([level], [place], **_null_look(name), zorder=3.5)
            if row.mean is not None:
                _draw_row(axis, place, row, row.mean)
        _lines(axis, [row.label for row in rows])
        ends = [
            end
            for row in rows
            for end in (row.mean, row.low, row.high, row.sampled_low, row.sampled_high)
            if end is not None
        ]
        if difference:
            _around_zero(axis, ends)
        else:
            axis.set_xlim(min(-0.02, *ends, 0.0), max(1.02, *ends, 0.0))
        if reference is not None:
            axis.axvline(reference, color=INK, linewidth=1.0, linestyle="--")
        figure.suptitle(title, fontsize=9.5)
        axis.set_xlabel(label)
        if handles:
            figure.legend(
                handles=handles,
                loc="outside lower center",
                ncols=columns,
                columnspacing=1.0,
                handlelength=1.6,
                handletextpad=0.7,
            )

    entries = -(-len(handles) // columns)
    return plotted(draw, 1.05 + 0.27 * len(rows) + 0.2 * entries + 0.05 * bool(handles), alt=alt, caption=caption)


def spread_plot(rows: Sequence[Spread], *, title: str, label: str, alt: str, caption: str) -> Plot:
    """Show single differences around 0, one line of dots each with its mean as an upright stroke.

    Args:
        rows: from top to bottom.
        title: above the plot.
        label: of the horizontal axis, which has 0 in the middle.
        alt: as in :class:`Plot`.
        caption: as in :class:`Plot`.
    """

    def draw(figure: Figure) -> None:
        axis = figure.subplots()
        for place, row in enumerate(rows):
            heights = [place + 0.1 * (index % 3 - 1) for index in range(len(row.values))]  # equal values stay apart
            axis.plot(row.values, heights, "o", color=row.colour, alpha=0.65, markersize=5, markeredgewidth=0)
            if row.values:
                axis.plot(sum(row.values) / len(row.values), place, "|", color=INK, markersize=13, markeredgewidth=1.6)
            if row.marked is not None:
                value, word = row.marked
                height = heights[list(row.values).index(value)]
                axis.plot(value, height, "o", color=INK, markerfacecolor="none", markersize=10)
                axis.annotate(
                    short(word, 24), (value, height), (-7 if value > 0 else 7, 0), textcoords="offset points",
                    ha="right" if value > 0 else "left", va="center", fontsize=8,
                )  # fmt: skip
        _lines(axis, [row.label for row in rows])
        _around_zero(axis, [abs(value) for row in rows for value in row.values])
        figure.suptitle(title, fontsize=9.5)
        axis.set_xlabel(label)

    return plotted(draw, 1.05 + 0.32 * len(rows), alt=alt, caption=caption)


def _draw_row(axis: Axes, place: int, row: Row, mean: float) -> None:
    if row.low is not None and row.high is not None:
        axis.plot([row.low, row.high], [place, place], color=row.colour, linewidth=_BAR, solid_capstyle="butt")
    if row.sampled_low is not None and row.sampled_high is not None:
        ends = [row.sampled_low, row.sampled_high]
        axis.plot(ends, [place, place], "-|", color=row.colour, linewidth=_LINE, markersize=7, zorder=3)
    axis.plot(
        mean,
        place,
        row.marker,
        color=row.colour,
        markerfacecolor=row.colour if row.filled else "none",
        markersize=7,
        zorder=4,
        clip_on=False,
    )


def _lines(axis: Axes, labels: Sequence[str]) -> None:
    axis.set_yticks(range(len(labels)), list(labels))
    axis.set_ylim(len(labels) - 0.4, -0.6)
    axis.grid(visible=False, axis="y")


def _around_zero(axis: Axes, ends: Sequence[float]) -> None:
    reach = 1.15 * max([0.05, *map(abs, ends)])
    axis.set_xlim(-reach, reach)
    axis.xaxis.set_major_locator(MaxNLocator(5))  # more labels touch each other
    axis.axvline(0.0, color=INK, linewidth=1.0)


def _null_look(name: str) -> dict[str, Any]:
    measured = name in _MEASURED  # by the attack itself: in ink, because they are what a score must beat
    return {
        "linestyle": "",
        "marker": NULLS.get(name, (name, "."))[1],
        "color": INK if measured else GREY,
        "markerfacecolor": "none" if measured else GREY,
        "markersize": 7,
    }


def _null_handle(name: str) -> Line2D:
    return Line2D([], [], label=NULLS.get(name, (name, "."))[0], **_null_look(name))


def _reading_handles(rows: Sequence[Row]) -> list[Line2D]:
    handles = []
    if any(row.low is not None for row in rows):
        handles.append(Line2D([], [], color=INK, linewidth=_BAR, label="interval, these classes"))
    if any(row.sampled_low is not None for row in rows):
        handles.append(
            Line2D([], [], color=INK, linewidth=_LINE, marker="|", label="interval, other classes like these")
        )
    return handles
