"""AEDAT4 files, as iniVation's own library writes them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from recordings import random_recording, rows_of

from brainleaks_pl.events.aedat4 import aedat4_sensor_size, read_aedat4
from brainleaks_pl.export.aedat4 import write_aedat4


def test_times_count_from_the_first_event(tmp_path: Path) -> None:
    pytest.importorskip("dv_processing")
    events = random_recording(3000, (34, 20), 90_000)
    shifted = events.copy()
    shifted["t"] += 1_600_000_000_000_000
    write_aedat4(tmp_path / "a.aedat4", shifted, (34, 20))
    assert aedat4_sensor_size(tmp_path / "a.aedat4") == (34, 20)
    expected = rows_of(events)
    expected[:, 2] -= expected[0, 2]
    assert np.array_equal(rows_of(read_aedat4(tmp_path / "a.aedat4", (34, 20))), expected)
    with pytest.raises(ValueError, match=r"a\.aedat4: of a sensor of 34x20 pixels, expected 34x34"):
        read_aedat4(tmp_path / "a.aedat4", (34, 34))


@pytest.mark.parametrize("content", [b"", b"no recording", None])
def test_damaged_files(tmp_path: Path, content: bytes | None) -> None:
    pytest.importorskip("dv_processing")
    path = tmp_path / "a.aedat4"
    write_aedat4(path, random_recording(300, (34, 20), 90_000), (34, 20))
    path.write_bytes(path.read_bytes()[:-50] if content is None else content)
    with pytest.raises(ValueError, match=r"a\.aedat4: not a readable AEDAT4 file. Get it again"):
        read_aedat4(path, (34, 20))
    path.unlink()
    with pytest.raises(FileNotFoundError, match="no recording at"):
        read_aedat4(path, (34, 20))


def test_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dv_processing", None)
    with pytest.raises(ValueError, match=r"needs the package dv-processing: pip install 'brainleaks_pl\[aedat4\]'"):
        read_aedat4(tmp_path / "a.aedat4", (34, 20))
