"""How long the rest takes, by what was like it."""

import pytest

from brainleaks_pl.audit.clock import Clock, duration


def test_tasks_take_as_long_as_those_most_like_them() -> None:
    clock = Clock()
    assert clock.estimate([("fit", "snn")]) is None
    clock.took(("fit", "snn"), 10)
    clock.took(("fit", "snn"), 20)
    clock.took(("fit", "ann"), 3)
    clock.took(("attack", "snn", "v1"), 7)
    assert clock.estimate([("fit", "snn")]) == 15
    assert clock.estimate([("fit", "other")]) == 11  # as any other fit
    assert clock.estimate([("attack", "snn", "v9")]) == 7  # as another attack on the same network
    assert clock.estimate([("unheard",)]) == 10  # as anything
    assert clock.estimate([("fit", "snn"), ("fit", "ann")]) == 18
    assert clock.estimate([]) == 0


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (11_100, "3 h 05 min")]
)
def test_durations_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
