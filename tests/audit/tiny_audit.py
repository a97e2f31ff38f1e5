"""A tiny audit of toy digits, run in this process or in one of its own (`from tiny_audit import ...`)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from toys import ToyDigits

from brainleaks_pl import (
    MLP,
    ATan,
    BrainLeaksV1,
    BrainLeaksV3,
    Classifier,
    MIFace,
    RateEncoder,
    Scoring,
    SpikingMLP,
    Training,
)
from brainleaks_pl.audit.conduct import run_audit
from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.measures.base import Measure
from brainleaks_pl.audit.measures.masking import Masking
from brainleaks_pl.audit.measures.sweep import Sweep
from brainleaks_pl.audit.settings import Controls

NO_CONTROLS = Controls(shuffled_labels=False, groups=0, adversarial=False)
MEASURES: Mapping[str, Measure] = {
    "masking": Masking(["v1"], {"atan": ATan(2.0)}),
    "sweep": Sweep("snn", ["v3"], {"beta": [0.2], "time_steps": [2]}),
}
QUICK = Training(lr=0.02, epochs=3, batch_size=15)


def network(
    kind: type[nn.Module], training: Training = QUICK, wrapper: type[Classifier] = Classifier, **settings: Any
) -> Callable[..., Classifier]:
    arguments = {"input_shape": (1, 12, 12), "num_classes": 3, "hidden": 16, **settings}
    return partial(wrapper, partial(kind, **arguments), training=training)


def tiny_audit(**changes: Any) -> Audit:
    """An audit of a spiking network and its twin: three attacks, two judges, two seeds, controls, a probe, a sweep."""
    parts: dict[str, Any] = {
        "data": ToyDigits(encoder=RateEncoder(4), batch_size=15),
        "targets": {"snn": network(SpikingMLP), "ann": network(MLP)},
        "judges": {"spiking": network(SpikingMLP, hidden=24), "ordinary": network(MLP, hidden=24)},
        "attacks": {
            "v1": partial(BrainLeaksV1, steps=5),
            "v3": partial(BrainLeaksV3, steps=10),
            "mi_face": partial(MIFace, steps=20),
        },
        "seeds": [0, 1],
        "gradients": 20,
        "scoring": Scoring(draws=3, null_draws=2),
        "controls": Controls(groups=2, attacks=["v3"]),
        "measures": MEASURES,
        "trainer": {"accelerator": "cpu", "devices": 1},
        "settings": {
            "data": "toy digits",
            "attacks": {"v1": {"class_path": "BrainLeaksV1", "init_args": {"steps": 5}}},
        },
    }
    return Audit(**{**parts, **changes})


def conduct(
    folder: Path, audit: Audit | None = None, say: Callable[[str], None] = lambda line: None, **options: Any
) -> dict[str, Any]:
    """Run an audit below a folder."""
    torch.set_num_threads(1)
    return run_audit(
        tiny_audit() if audit is None else audit,
        checkpoints=folder / "networks",
        results=folder / "results",
        title="tiny",
        command="brainleaks audit --config tiny.yaml",
        say=say,
        **options,
    )


def timeless(document: Any) -> Any:
    """The document without what time it took."""
    if isinstance(document, dict):
        return {key: timeless(value) for key, value in document.items() if key != "seconds"}
    return [timeless(value) for value in document] if isinstance(document, list) else document


def work(folder: str) -> None:
    """Run the audit of a process of its own."""
    conduct(Path(folder))


def written(folder: Path) -> Any:
    return timeless(json.loads((folder / "results" / "audit.json").read_text()))
