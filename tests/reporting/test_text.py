"""Whatever a config, a class or an attack is called: pictures show it as it is, and do not break."""

from __future__ import annotations

import io
import warnings

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from brainleaks_pl.reporting.animation import animation_frames
from brainleaks_pl.reporting.pictures import confidence_matrix, query_plot, reconstruction_grid, spike_raster
from brainleaks_pl.reporting.text import one_line, printable, short

NAMES = [
    "$\\frac{$",
    "$a$ & $b",
    "two\nlines\r\n\tand\u2028more",
    "\0\x1b[31m\udc80\ufffe",
    "_hidden",
    "スパイク" * 60,
    "",
]


def test_what_cannot_be_shown_is_replaced() -> None:
    assert printable("a\tb\nc\r\n$ é 字") == "a\tb\nc\r\n$ é 字"
    assert printable("\0a\x1b\udc80\ufffe\u202e") == "\ufffda\ufffd\ufffd\ufffd\ufffd"
    assert one_line("a\n\t b\u2028c\x85d\x0b") == "a  b c d "
    assert short("a\nb" * 20, 9) == "a ba…ba b"
    assert short("字" * 9, 9) == "字字…字字"


def drawn(figure: Figure) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # the letters of some scripts
        figure.savefig(io.BytesIO(), format="png")


@pytest.mark.parametrize("name", NAMES)
def test_figures_take_any_name_literally(name: str) -> None:
    images, points = torch.rand(2, 1, 8, 8), [{"queries": 10, "attack_accuracy": 0.2, "confidence": 0.1}]
    figures = [
        reconstruction_grid([images, images], [name, name], name),
        confidence_matrix(torch.eye(2), [name, name], [name, name], name),
        spike_raster({name: torch.ones(3, 1, 2, 2)}, name),
        query_plot({name: points}, name),
    ]
    for figure in figures:
        drawn(figure)
        assert figure.get_suptitle() == short(name, 300)
    assert [len(figure.axes) for figure in figures[:1]] == [2]
    assert len(figures[-1].axes[0].get_legend().get_texts()) == 2


def test_the_ticks_of_queries_are_powers_of_ten() -> None:
    points = [{"queries": queries, "attack_accuracy": 0.2, "confidence": 0.1} for queries in (10, 1000)]
    figure = query_plot({"cnn": points}, "$")
    figure.canvas.draw()
    ticks = figure.axes[0].get_xticklabels()
    assert ticks
    assert all(tick.get_parse_math() for tick in ticks)


def test_settings_of_the_user_are_left_as_they_were() -> None:
    before = dict(matplotlib.rcParams)
    spike_raster({"": torch.ones(3, 1, 2, 2)}, "$")
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("name", NAMES)
def test_animations_take_any_name(name: str) -> None:
    frames = animation_frames({name: torch.ones(2, 1, 4, 4)}, heading=name * 5, polarity="on", frame_time=1000)
    assert frames.dtype == np.uint8
    assert frames.shape[2] < 1500  # a long name does not make a picture of millions of pixels
