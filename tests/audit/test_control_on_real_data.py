"""The planted control and a real leak on MNIST and the AT&T faces (slow): nothing is found where there is nothing."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tiny_audit import conduct

from brainleaks_pl import (
    CNN,
    MNIST,
    ATTFaces,
    BlackBox,
    BrainLeaksV1,
    BrainLeaksV2,
    BrainLeaksV3,
    Classifier,
    NearestNeighbour,
    RateEncoder,
    Scoring,
    SpikingMLP,
    Training,
)
from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.settings import Controls
from brainleaks_pl.data.base import BaseDataModule

DATA = os.environ.get("BRAINLEAKS_DATA", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA, reason="BRAINLEAKS_DATA names no folder that holds mnist/ and att_faces.zip"),
]


def audit(data: BaseDataModule, training: Training, judge: Training, **black_box: Any) -> Audit:
    shape = {"input_shape": data.input_shape, "num_classes": data.num_classes}
    return Audit(
        data=data,
        targets={"snn": partial(Classifier, partial(SpikingMLP, hidden=300, **shape), training=training)},
        judges={
            "spiking_mlp": partial(Classifier, partial(SpikingMLP, hidden=200, **shape), training=training),
            "cnn": partial(Classifier, partial(CNN, **shape), training=judge),
            "nearest": NearestNeighbour,
        },
        attacks={
            "v1": partial(BrainLeaksV1, steps=10, start=0.5),
            "v2": partial(BrainLeaksV2, steps=10, population=3),
            "v3": partial(BrainLeaksV3, steps=30, smoothing=2.0),
            "black_box": partial(BlackBox, **black_box),
        },
        seeds=[0],
        gradients=30,
        scoring=Scoring(draws=10, null_draws=5),
        controls=Controls(groups=2),
        trainer={"accelerator": "cpu", "devices": 1},
    )


@pytest.mark.parametrize("name", ["mnist", "faces"])
def test_shuffled_labels_leave_nothing_to_find_and_right_ones_do(name: str, tmp_path: Path) -> None:
    if name == "mnist":
        data: BaseDataModule = MNIST(f"{DATA}/mnist", encoder=RateEncoder(10))
        planned = audit(data, Training(lr=1e-3, epochs=1, batch_size=100), Training(epochs=1), queries=1000, margin=4)
    else:
        data = ATTFaces(DATA, encoder=RateEncoder(10))
        quick = Training(lr=2e-4, epochs=60, batch_size=20)
        planned = audit(data, quick, Training(epochs=20, batch_size=8), queries=400, pairs=20, start=-0.4)
    found = conduct(tmp_path, planned)
    assert {cell["status"] for cell in found["cells"]} == {"done"}
    assert {row["attack"] for row in found["control"]} == {"v1", "v2", "v3", "black_box"}
    assert {row["judge"] for row in found["control"]} == {"spiking_mlp", "cnn", "nearest"}
    assert all(row["at_null"] for row in found["control"]), found["verdict"]["control"]
    rows = {(row["attack"], row["judge"], row["metric"]): row for row in found["summary"]}
    for judge in ("spiking_mlp", "cnn"):
        leak = rows["v3", judge, "confidence"]
        assert leak["mean"] > leak["nulls"]["false_positive"] + 0.3
        assert leak["mean"] > leak["nulls"]["noise"] + 0.3
