"""Reconstructions beside training recordings, and that simulated data say so everywhere."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.loggers import TensorBoardLogger
from recordings import write_nmnist_folder
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from toys import classifier

from brainleaks_pl import NMNIST, BrainLeaksV1, FrameTransform, Scoring, SpikingCNN, SpikingMLP
from brainleaks_pl.evaluation.report import Report, make_report
from brainleaks_pl.reporting.illustrations import animate, illustrate, illustrate_further
from brainleaks_pl.reporting.publishing import log_report
from brainleaks_pl.reporting.tables import fit_table, score_tables

FACTS: dict[str, Any] = {
    "target": {"test_accuracy": 0.9},
    "judges": {"cnn": {"test_accuracy": 0.8}},
    "attack": {"class_path": "brainleaks_pl.BrainLeaksV1", "init_args": {"steps": 1}},
    "seconds": 1.0,
}


@pytest.fixture
def data(tmp_path: Path) -> NMNIST:
    frames = FrameTransform(frame_time=5000, polarity="off", time_steps=6)
    return NMNIST(write_nmnist_folder(tmp_path), frames, cache=None, val_share=0.5)


def report_of(data: NMNIST) -> Report:
    torch.manual_seed(0)
    attack = BrainLeaksV1(classifier(SpikingMLP, (1, 34, 34), 10, hidden=4), time_steps=6, classes=[3, 8])
    attack.best = (torch.rand_like(attack.best) < 0.2).float()
    judges = {"cnn": classifier(SpikingCNN, (1, 34, 34), 10)}
    return make_report(attack, judges, data, Scoring(draws=2, null_draws=1), title="toy", seed=5, facts=FACTS)


def printed(*tables: Any) -> str:
    console = Console(width=120, file=io.StringIO())
    with console.capture() as capture:
        console.print(*tables)
    return capture.get()


def test_every_class_has_an_animation_and_the_first_a_raster(data: NMNIST, tmp_path: Path) -> None:
    report = report_of(data)
    animations = animate(report)
    assert list(animations) == ["recordings/3", "recordings/8"]
    assert all(len(frames) == 6 for frames in animations.values())
    ours, theirs = illustrate_further(report)["spike_raster"].axes
    assert (ours.get_title(), theirs.get_title()) == ("reconstruction", "training recording")
    shown = len(theirs.collections[0].get_offsets())
    assert shown == int(data.recording(3).sum()) > 0

    logger = TensorBoardLogger(tmp_path / "logs", default_hp_metric=False)
    log_report(report, illustrate(report), [logger])
    logger.finalize("success")
    events = EventAccumulator(logger.log_dir, {"images": 0})
    events.Reload()
    assert {"recordings/3", "recordings/8", "spike_raster", "reconstructions"} <= set(events.Tags()["images"])
    assert events.Images("recordings/3")[0].encoded_image_string.startswith(b"GIF8")


@pytest.mark.parametrize("simulated", [False, True])
def test_simulated_data_say_so(data: NMNIST, monkeypatch: pytest.MonkeyPatch, simulated: bool) -> None:
    monkeypatch.setattr(NMNIST, "simulated", simulated)
    report = report_of(data)
    assert report.scores["data"]["simulated"] == simulated
    assert report.scores["data"]["class_names"] == [str(digit) for digit in range(10)]
    figures = [*illustrate(report).values(), *illustrate_further(report).values()]
    assert ["simulated data" in (figure.get_suptitle() or "") for figure in figures] == [simulated] * len(figures)
    assert ("simulated data" in printed(*score_tables(report.scores))) == simulated
    assert ("simulated data" in printed(fit_table({"target": (0.9, Path("target.pt"))}, simulated))) == simulated
