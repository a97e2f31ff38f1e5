"""Networks that others trained on the real N-MNIST, attacked through the camera (slow): another one recognises it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from brainleaks_pl import BrainLeaksV3, EventCameraEncoder, FrameTransform, MaxMargin, TimeFirst, score, wrap
from brainleaks_pl.evaluation.run import silent_trainer
from brainleaks_pl.networks.nir import NIRNetwork

ROOT = Path(__file__).parents[1]
NETWORKS = Path(os.environ.get("BRAINLEAKS_SHARED", ROOT.parent / "shared")) / "data" / "networks"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not NETWORKS.is_dir(), reason="no folder of published networks (BRAINLEAKS_SHARED)"),
]


def camera(milliseconds: int) -> EventCameraEncoder:
    """Frames so long, which hold spikes where they are short and counts where they are long."""
    frames = FrameTransform(1000 * milliseconds, polarity="both", binary=milliseconds == 1)
    return EventCameraEncoder(time_steps=300 // milliseconds, frames=frames)


def test_scenes_found_in_one_published_network_are_recognised_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    from loihi import LoihiMLP

    answer = TimeFirst(answer="spike_count", temperature=10)
    converted = NIRNetwork(NETWORKS / "cnn_sinabs.nir", reset="subtract", multi_spike=True, min_v=-1.0)
    target = wrap(converted, interface=answer, input_shape=(2, 34, 34), num_classes=10, time_steps=30)
    judge = wrap(
        LoihiMLP(str(NETWORKS / "loihi_nmnist.npz")),
        interface=answer,
        input_shape=(2, 34, 34),
        num_classes=10,
        time_steps=300,
    )
    attack = BrainLeaksV3(
        target,
        camera(10),
        steps=40,
        loss=MaxMargin(),
        optimizer=lambda images: torch.optim.SGD(images, lr=0.0075, momentum=0.9),
        population=2,
        start=0.1,
        smoothing=1.5,
        max_mean=0.17,
        margin=4,
        max_shift=2,
        rotation=15.0,
        zoom=0.15,
        seed=0,
    )
    silent_trainer(accelerator="cpu").invert(attack)
    found = attack.reconstructions()
    assert score(found, target, encoder=camera(10), draws=2).attack_accuracy.mean >= 0.9
    assert score(found, judge, encoder=camera(1), draws=2).attack_accuracy.mean >= 0.5
