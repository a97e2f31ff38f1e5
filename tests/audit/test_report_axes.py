"""Plots whose values are small, equal or hidden by others can still be read."""

from __future__ import annotations

import base64
import re

import pytest

from brainleaks_pl.audit.report.axes import axis_end, flat_words
from brainleaks_pl.audit.report.intervals import NULLS, Row, interval_plot
from brainleaks_pl.audit.report.looks import DIM, Looks
from brainleaks_pl.audit.report.parts import Plot
from brainleaks_pl.audit.report.plots import Curve, ceiling_plot, curve_plot


def svg(plot: Plot) -> str:
    return base64.b64decode(plot.light.partition(",")[2]).decode()


@pytest.mark.parametrize(
    ("values", "end"), [([0.02, None], 0.1), ([0.1], 0.2), ([0.19], 0.5), ([0.46], 1.0), ([1.0], 1.0), ([None], 1.0)]
)
def test_an_axis_ends_above_its_values(values: list[float | None], end: float) -> None:
    assert axis_end(values) == end


def test_flat_lines_are_said_to_be_flat() -> None:
    assert flat_words([[0.3, 0.31], [0.9, 0.9]], "more steps") == (
        " The lines are flat: more steps make no difference here."
    )
    assert flat_words([[0.3, 0.31], [0.8, 0.9]], "more steps") == ""
    assert flat_words([[0.3, None]], "more steps") == flat_words([], "more steps") == ""


def test_curves_near_chance_fill_their_plot_and_the_caption_says_so() -> None:
    def caption(*values: float) -> str:
        curve = Curve("a", range(len(values)), values)
        return curve_plot([curve], title="t", label="l", x_label="x", alt="a", caption="Judge j.").caption

    assert caption(0.1, 0.11) == "Judge j. The axis ends at 0.2. The lines are flat: further time steps make no " + (
        "difference here."
    )
    assert caption(0.1, 0.9) == "Judge j."


def test_an_interval_plot_keeps_its_nulls_on_the_axis_and_says_that_all_differences_are_none() -> None:
    def caption(difference: bool = False, **nulls: float) -> str:
        row = Row("a", 0.0 if difference else 0.05, nulls=nulls)
        shown = interval_plot([row], title="t", label="l", alt="a", caption="c.", difference=difference)
        return shown.caption

    assert caption() == "c. The axis ends at 0.1."
    assert caption(real=0.97) == "c."
    assert caption(difference=True) == "c. All differences are 0."


def test_every_null_has_a_word_a_marker_of_its_own_and_a_visible_colour() -> None:
    row = Row("a", 0.5, nulls=dict.fromkeys(NULLS, 0.5))
    drawn = svg(interval_plot([row], title="t", label="l", alt="a", caption="c."))
    assert {"prior_alone", "prior_mean"} < NULLS.keys()
    assert all(f"{word}<" in drawn for word, _ in NULLS.values())
    assert len({marker for _, marker in NULLS.values()} - {"x"}) == len(NULLS) - 2  # black and shuffled never meet
    assert len(re.findall(DIM, drawn)) > len(NULLS)


def test_a_ceiling_of_equal_values_has_an_axis_from_0() -> None:
    drawn = svg(ceiling_plot(Curve("e", [1, 2, 4], [0.9999, 0.99992, 0.99995]), (), 2, label="SSIM", alt="a"))
    assert ">0.0<" in drawn
    assert ">1.0<" in drawn


def test_attacks_of_the_same_colour_have_other_dashes() -> None:
    looks = Looks({"attacks": [f"a{n}" for n in range(9)], "targets": [], "judges": []})
    assert looks.colour("a0") == looks.colour("a8")
    assert looks.attack_line("a0") != looks.attack_line("a8")
