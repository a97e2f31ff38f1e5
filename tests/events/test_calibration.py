"""The simulated camera beside real recordings that it was not fitted to (slow)."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from brainleaks_pl.data.idx import read_idx
from brainleaks_pl.data.simulated_nmnist import simulate
from brainleaks_pl.events.camera import ATIS
from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.formats import read_nmnist
from brainleaks_pl.events.saccades import Saccades

DATA = Path(os.environ.get("BRAINLEAKS_DATA", ""))


def maps(events: Events) -> npt.NDArray[np.float64]:
    """Events by saccade, polarity and pixel, ``(3, 2, 1156)``."""
    place = (events["t"] // 105_000).clip(max=2), events["p"].astype(int), events["y"], events["x"]
    return np.histogramdd(np.stack(place, 1), (3, 2, 34, 34), ((0, 3), (0, 2), (0, 34), (0, 34)))[0].reshape(3, 2, -1)


@pytest.mark.slow
@pytest.mark.skipif(
    not (DATA / "nmnist_subset.zip").is_file(), reason="BRAINLEAKS_DATA holds no mnist/ and nmnist_subset.zip"
)
def test_recordings_are_like_real_ones_of_the_same_digits(tmp_path: Path) -> None:
    with zipfile.ZipFile(DATA / "nmnist_subset.zip") as archive:
        archive.extractall(tmp_path)
    # recordings of odd number were fitted to; recording k shows image k - 1
    paths = sorted(tmp_path.glob("NMNIST/Train/*/*.bin"), key=lambda path: path.stem)[1:200:2]
    images = read_idx(DATA / "mnist" / "train-images-idx3-ubyte.gz", 3)[[int(path.stem) - 1 for path in paths]]
    real = [read_nmnist(path) for path in paths]
    simulated = list(simulate(images.float() / 255, ATIS, Saccades(), (0, 0)))
    correlations = [
        np.corrcoef(one, other)[0, 1]
        for pair in zip(map(maps, real), map(maps, simulated), strict=True)
        for one, other in zip(*(part.reshape(6, -1) for part in pair), strict=True)
    ]
    assert np.mean(correlations) > 0.92
    assert np.quantile(correlations, 0.01) > 0.85
    numbers = np.array([[len(events) for events in part] for part in (real, simulated)])
    assert numbers[1].mean() == pytest.approx(numbers[0].mean(), rel=0.05)
    assert numbers[1].std() == pytest.approx(numbers[0].std(), rel=0.05)
    assert (numbers[0] / numbers[1]).std() < 0.05
