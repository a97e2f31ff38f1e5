"""The looks of plots: a colour per attack, a marker per target, and ink that fits light and dark pages."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Callable
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from brainleaks_pl.audit.report.parts import Audit, Plot
from brainleaks_pl.reporting.text import LITERAL, entry, one_line, short, width

INK = "#1c2126"
"""Text and axes on a light page; a dark one has its own."""
GREY = "#83898f"
"""Grids and lines of reference. Visible on both pages."""
DIM = "#565d65"
"""What is read beside the results, such as nulls: paler than ink, but not as pale as a grid."""
WIDTH = 4.5
"""Inches of a plot's width: 432 CSS pixels, so that its text stays legible on a telephone."""

# Okabe and Ito (2008), without black and yellow, which one of the two pages would swallow; two of Tol's follow
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#999933", "#aa4499")
_ON_DARK = {INK: "#e4e7ea", DIM: "#b4bcc4", "#0072b2": "#2f8fd6", "#aa4499": "#cf6fc0"}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_LINES = ("-", "--", ":", "-.")
_STYLE: Any = {
    **LITERAL,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9.5,
    "font.family": "sans-serif",
    "font.size": 9,
    "grid.alpha": 0.35,
    "grid.color": GREY,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "svg.fonttype": "none",  # letters stay letters: smaller, and sharp at any size
    "svg.hashsalt": "brainleaks_pl",
    "text.color": INK,
    "xtick.color": INK,
    "xtick.labelsize": 8.5,
    "ytick.color": INK,
    "ytick.labelsize": 8.5,
}


class Looks:
    """Colours and markers by name; they repeat from the ninth name on."""

    def __init__(self, audit: Audit) -> None:
        self._attacks = list(audit["attacks"])
        self._targets = list(audit["targets"])
        self._judges = list(audit["judges"])

    def colour(self, attack: str) -> str:
        """Return the colour of an attack; other rows, such as the strongest attack, are drawn in ink."""
        return _COLOURS[self._attacks.index(attack) % len(_COLOURS)] if attack in self._attacks else INK

    def attack_line(self, attack: str) -> str:
        """Return the dashes of an attack's lines, which tell apart attacks of the same colour."""
        return _LINES[self._attacks.index(attack) // len(_COLOURS) % len(_LINES)] if attack in self._attacks else "-"

    def marker(self, target: str) -> str:
        """Return the marker of a target."""
        return _MARKERS[self._targets.index(target) % len(_MARKERS)] if target in self._targets else "o"

    def line(self, target: str) -> str:
        """Return the dashes of a target's lines."""
        return _LINES[self._targets.index(target) % len(_LINES)] if target in self._targets else "-"

    def judge_line(self, judge: str) -> str:
        """Return the dashes of a judge's lines, where a plot shows one target."""
        return _LINES[self._judges.index(judge) % len(_LINES)] if judge in self._judges else "-"


def plotted(draw: Callable[[Figure], None], height: float, *, alt: str, caption: str) -> Plot:
    """Draw a plot for both colour schemes.

    Args:
        draw: draws on an empty figure.
        height: inches.
        alt: what the plot shows.
        caption: the line below it.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        draw(figure)
        file = io.StringIO()
        with warnings.catch_warnings():  # of letters that are not drawn here but in a browser, by its own fonts
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    light = file.getvalue()
    dark = light
    for before, after in _ON_DARK.items():
        dark = dark.replace(before, after)
    return Plot(_uri(light), _uri(dark), alt, caption, round(96 * WIDTH), round(96 * height))


def label(*names: str, length: int = 32) -> str:
    """Return names in one line, each shortened if together they are longer than ``length``."""
    whole = " · ".join(map(one_line, names))
    return entry(whole if width(whole) <= length else " · ".join(short(name, length // len(names)) for name in names))


def _uri(svg: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
