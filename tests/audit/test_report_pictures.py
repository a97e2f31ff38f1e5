"""Pictures of the report: short animations, and pages without what cannot be read."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
import torch
from fake_audit import MEASURES, fake_audit
from PIL import Image
from report_page import Page

from brainleaks_pl.audit.report import render_report
from brainleaks_pl.audit.report.pictures import Gallery


def test_long_recordings_are_animated_in_fewer_steps(tmp_path: Path) -> None:
    steps, classes = 70, [4, 7]
    spikes = torch.zeros((steps, 2, 1, 5, 6), dtype=torch.uint8)
    spikes[torch.arange(steps), :, 0, 0, torch.arange(steps) % 6] = 1
    blank = torch.zeros((2, 1, 5, 6), dtype=torch.uint8)
    stored = {"reconstruction": blank, "class_mean": blank, "nearest": blank, "spikes": spikes, "real": spikes[:40]}
    torch.save(stored, tmp_path / "pictures.pt")
    audit = {"data": {"frames": {"frame_time": 1000, "polarity": "on"}}}
    cell = {"folder": ".", "classes": classes, "attack": "v1", "target": "snn"}
    moving, *_ = Gallery(audit, tmp_path).pictures(cell, 7)
    with Image.open(io.BytesIO(base64.b64decode(moving.uri.partition(",")[2]))) as gif:
        assert getattr(gif, "n_frames", 1) == 24  # three steps are one, which makes 23 1/3


@pytest.mark.usefixtures("sketched")
@pytest.mark.parametrize("content", [None, b"damaged"])
def test_missing_and_damaged_pictures_are_said_to_be_missing(content: bytes | None, tmp_path: Path) -> None:
    audit = fake_audit(tmp_path, seeds=(0,), judges=("cnn",))
    file = tmp_path / audit["cells"][0]["folder"] / "pictures.pt"
    file.unlink() if content is None else file.write_bytes(content)
    found = Page(render_report(audit, tmp_path, MEASURES))
    assert "Some pictures are missing" in found.texts["reconstructions"]
    assert found.texts["reconstructions"].count("no picture") == 3
