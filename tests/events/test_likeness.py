"""Measures of likeness in spikes, against analytic values."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from brainleaks_pl.events.likeness import fit_length, time_course_correlation


def course(*counts: float) -> torch.Tensor:
    """Frames of one pixel."""
    return torch.tensor(counts).view(-1, 1, 1, 1)


def test_fit_length_cuts_or_adds_silence() -> None:
    assert fit_length(course(1, 2, 3), 2).flatten().tolist() == [1, 2]
    assert fit_length(course(1, 2, 3), 5).flatten().tolist() == [1, 2, 3, 0, 0]


@given(
    st.lists(st.floats(0, 1, width=32), min_size=2, max_size=9),
    st.lists(st.floats(0, 1, width=32), min_size=9, max_size=9),
)
def test_equals_pearsons_correlation(mine: list[float], theirs: list[float]) -> None:
    ours = time_course_correlation(course(*mine), course(*theirs))
    cut = theirs[: len(mine)]
    assert -1 - 1e-9 <= ours <= 1 + 1e-9
    if np.std(mine) > 1e-3 and np.std(cut) > 1e-3:
        assert ours == pytest.approx(np.corrcoef(mine, cut)[0, 1], abs=1e-4)


@pytest.mark.parametrize("constant", [0.0, 0.3, 1.0])
def test_nothing_correlates_with_what_never_changes(constant: float) -> None:
    assert time_course_correlation(course(*[constant] * 4), course(0, 1, 0, 1)) == 0.0
    assert time_course_correlation(course(0, 1, 0, 1), course(*[constant] * 4)) == 0.0
