"""Digits found with priors that never saw one (slow): what judges, pixels and an OCR make of them."""

from __future__ import annotations

import os
import shutil
from functools import partial
from pathlib import Path

import pytest
import torch
from ocr import read

from brainleaks_pl import (
    CNN,
    MNIST,
    BrainLeaksV1,
    BrainLeaksV3,
    Classifier,
    GuidedDenoising,
    MaxMargin,
    PenStroke,
    RateEncoder,
    SpikingMLP,
    Training,
    run_attack,
)
from brainleaks_pl.data.image_base import to_pixels
from brainleaks_pl.engine.fitting import train_network
from brainleaks_pl.evaluation.run import silent_trainer
from brainleaks_pl.evaluation.scoring import score
from brainleaks_pl.evaluation.similarity import similarity

DATA, PRIOR = os.environ.get("BRAINLEAKS_DATA", ""), os.environ.get("BRAINLEAKS_PRIOR", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="BRAINLEAKS_DATA names no folder that holds mnist/"),
]


@pytest.mark.skipif(
    not PRIOR, reason="BRAINLEAKS_PRIOR names no prior that fit --config configs/prior_glyphs.yaml wrote"
)
def test_judges_and_pixels_say_digits(tmp_path: Path) -> None:
    data = MNIST(f"{DATA}/mnist", encoder=RateEncoder(25))
    shape = {"input_shape": data.input_shape, "num_classes": data.num_classes}
    target = Classifier(partial(SpikingMLP, hidden=3000, **shape), training=Training(2e-4, 1, 100))
    judge = Classifier(partial(CNN, **shape), training=Training(1e-3, 1, 100))
    for network in (target, judge):
        own = data.for_network(network.takes_spikes)
        train_network(silent_trainer(accelerator="cpu", max_epochs=1), network, own, seed=7)
    written = BrainLeaksV3(
        target, prior=PenStroke(), loss=MaxMargin(), steps=100, restarts=12, starts=3000, max_shift=1, smoothing=0.0,
        seed=7,
    )  # fmt: skip
    run_attack(written, {}, data).save(tmp_path / "written")
    prior = GuidedDenoising(weights=PRIOR, rounds=(1.0,), margin=4, max_mean=0.17)
    attack = BrainLeaksV3(
        target, first=str(tmp_path / "written"), prior=prior, steps=20, restarts=4, population=2, max_shift=1,
        smoothing=0.0, seed=7,
    )  # fmt: skip
    silent_trainer(accelerator="cpu").invert(attack)
    found = attack.reconstructions()[attack.best_restarts()]
    scored = score(found, judge, list(range(10)), encoder=RateEncoder(25), draws=10)
    assert scored.confidence.mean > 0.9
    rows = similarity(found, range(10), data)
    assert sum(row["ssim_nearest"] for row in rows) / 10 >= 0.66
    if shutil.which("tesseract"):
        noise = BrainLeaksV1(target, steps=10, keep="last", seed=7)
        silent_trainer(accelerator="cpu").invert(noise)
        ours, theirs = (
            sum(own == str(k) for k, own in enumerate(read(images, tmp_path)))
            for images in (found, noise.reconstructions().mean(0).clamp(0, 1))
        )
        assert ours >= max(4, theirs + 2)


@pytest.mark.skipif(not shutil.which("tesseract"), reason="tesseract is not installed")
def test_most_real_digits_are_read(tmp_path: Path) -> None:
    test = MNIST(f"{DATA}/mnist").split("test")
    places = torch.cat([(test.labels == k).nonzero().flatten()[20:40] for k in range(10)])
    answers = read(to_pixels(test.images[places]), tmp_path)
    right = [own == str(int(k)) for own, k in zip(answers, test.labels[places], strict=True)]
    assert sum(right) / len(right) > 0.65
