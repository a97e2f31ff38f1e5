"""Tiny configs of every command, their files, and what they come to (`from tiny_runs import ...`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import yaml
from datafiles import write_mnist_files
from recordings import write_nmnist_folder


def network(kind: str = "SpikingMLP", epochs: int = 1, hidden: int = 5, side: int = 28) -> dict[str, Any]:
    wrapped = {"class_path": kind, "init_args": {"input_shape": [1, side, side], "hidden": hidden}}
    training = {"lr": 0.05, "epochs": epochs, "batch_size": 10}
    return {"class_path": "Classifier", "init_args": {"network": wrapped, "training": training}}


def images() -> dict[str, Any]:
    encoder = {"class_path": "RateEncoder", "init_args": {"time_steps": 2}}
    return {"class_path": "MNIST", "init_args": {"root": "data", "val_size": 10, "batch_size": 10, "encoder": encoder}}


def recordings(**settings: Any) -> dict[str, Any]:
    frames = {"frame_time": 10000, "time_steps": 3}
    return {"class_path": "NMNIST", "init_args": {"root": "events", "download": False, "frames": frames, **settings}}


def config(**changes: Any) -> dict[str, Any]:
    """Of fit and invert: a target, a spiking and an ordinary judge, BrainLeaks-v2."""
    return {
        "seed_everything": 0,
        "data": images(),
        "model": network(),
        "judges": {"spiking": network(hidden=6), "ordinary": network("MLP")},
        "attack": {"class_path": "BrainLeaksV2", "init_args": {"steps": 6, "population": 2, "classes": [1, 3]}},
        "scoring": {"draws": 3, "null_draws": 2},
        "checks": {"refuse": False, "samples": 2, "test_samples": 10},
        "trainer": {"accelerator": "cpu", "enable_progress_bar": False, "enable_model_summary": False},
        **changes,
    }


def audit(**changes: Any) -> dict[str, Any]:
    """Of audit: a spiking target and its ordinary twin, a judge, two attacks, two seeds."""
    return {
        "data": images(),
        "targets": {"snn": network(), "ann": network("MLP")},
        "judges": {"judge": network(hidden=6)},
        "attacks": {
            "v1": {"class_path": "BrainLeaksV1", "init_args": {"steps": 3, "classes": [1, 3]}},
            "mi_face": {"class_path": "MIFace", "init_args": {"steps": 5, "classes": [1, 3]}},
        },
        "seeds": [0, 1],
        "scoring": {"draws": 3, "null_draws": 2},
        "checks": {"refuse": False, "samples": 2, "test_samples": 10},
        "controls": {"groups": 0},
        "trainer": {"accelerator": "cpu"},
        **changes,
    }


def write(folder: Path, name: str, content: dict[str, Any]) -> None:
    (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def prepared(folder: Path) -> Path:
    """A working directory, two folders down in one of its own: what climbs out of it is seen."""
    here = folder / "a" / "b"
    here.mkdir(parents=True)
    write_mnist_files(here / "data", train=40, test=20)
    write(here, "c.yaml", config())
    write(here, "audit.yaml", audit())
    return here


def with_recordings(folder: Path, **settings: Any) -> None:
    """Add a config on recordings whose frames are cached."""
    write_nmnist_folder(folder / "events" / "NMNIST")
    event_networks = {"model": network(side=34), "judges": {"judge": network(side=34)}}
    write(folder, "events.yaml", config(data=recordings(**settings), **event_networks))


def timeless(content: Any) -> Any:
    """Plain values without what time they took."""
    if isinstance(content, dict):
        return {key: timeless(value) for key, value in content.items() if key != "seconds"}
    return [timeless(value) for value in content] if isinstance(content, list) else content


def plain(content: Any) -> Any:
    """Values of a ``.pt`` file in a form that compares."""
    if isinstance(content, torch.Tensor):
        return str(content.dtype), tuple(content.shape), content.contiguous().numpy().tobytes()
    if isinstance(content, dict):
        return {key: plain(value) for key, value in content.items()}
    return [plain(value) for value in content] if isinstance(content, list | tuple) else content


def came_to(folder: Path) -> dict[str, Any]:
    """What networks, results and reports hold, by path, but for the time it took; damaged files are errors."""
    found: dict[str, Any] = {}
    for path in sorted(path for part in ("checkpoints", "results") for path in (folder / part).rglob("[!.]*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".pt":
            found[name] = plain(torch.load(path, weights_only=True))
        elif path.suffix == ".json":
            found[name] = timeless(json.loads(path.read_bytes()))
        elif path.suffix in (".png", ".bin", ".npy"):
            found[name] = path.read_bytes()
    return found
