"""Figures that take no time, for tests that do not look at them (`from sketches import sketching`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


@contextmanager
def sketching() -> Iterator[None]:
    """Have matplotlib save a small empty figure in place of each: drawing takes half the time of a tiny audit."""

    def save(figure: Figure, file: Any, **options: Any) -> None:
        blank = Figure(figsize=(0.1, 0.1))
        FigureCanvasAgg(blank)
        drawn(blank, file, **{name: value for name, value in options.items() if name in ("format", "metadata")})

    drawn = Figure.savefig
    with patch.object(Figure, "savefig", save):
        yield
