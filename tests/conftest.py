"""Fixtures shared by all tests; what they are made of lies in `datafiles.py` and `toys.py`."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator

import hypothesis
import pytest

if "PYTEST_XDIST_WORKER" not in os.environ:  # workers, and the commands that tests run, share the folder
    _caches = tempfile.mkdtemp(prefix="caches-")  # in place of HOME, which may be read-only
    atexit.register(shutil.rmtree, _caches, ignore_errors=True)
    for _name in ("MPLCONFIGDIR", "TORCHINDUCTOR_CACHE_DIR", "HYPOTHESIS_STORAGE_DIRECTORY"):
        os.environ[_name] = _caches

import torch
from sketches import sketching
from toys import ToyDigits, mlp, spiking_mlp

from brainleaks_pl import Classifier, RateEncoder

pytest_plugins = ["datafiles"]
# what failed in an earlier run plays no part, nor how fast the machine is
hypothesis.settings.register_profile(
    "tests", database=None, deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")

torch.set_num_threads(1)  # small tensors gain nothing from more, and test processes share the cores


@pytest.fixture
def spiking_target() -> Classifier:
    """An untrained spiking network on (1, 6, 6), 3 classes, T = 4, that fires."""
    return spiking_mlp()


@pytest.fixture
def ordinary_target() -> Classifier:
    """An untrained network of sigmoid units on (1, 6, 6), 3 classes."""
    return mlp()


@pytest.fixture
def sketched() -> Iterator[None]:
    """Have matplotlib sketch figures; a file whose fixtures draw uses :func:`sketches.sketching` there."""
    with sketching():
        yield


@pytest.fixture
def toy_digits() -> ToyDigits:
    """Images of three classes, (1, 12, 12)."""
    return ToyDigits(batch_size=30)


@pytest.fixture
def toy_spikes() -> ToyDigits:
    """The same, rate-coded over 5 steps."""
    return ToyDigits(encoder=RateEncoder(time_steps=5), batch_size=30)
