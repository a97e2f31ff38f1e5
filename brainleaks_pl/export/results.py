"""Reads spiking reconstructions from a results folder of ``brainleaks invert``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from torch import Tensor

from brainleaks_pl.events.checked import MAX_TIME, Events
from brainleaks_pl.events.frames import Polarity, frames_to_events
from brainleaks_pl.reporting.text import short
from brainleaks_pl.system.tensors import UnreadableError, read_tensors

MAX_SCORES_SIZE = 2**26
"""Largest ``scores.json`` that is read, in bytes."""
DEFAULT_FRAME_TIME = 1000
"""Microseconds of a time step where the data set gives it no duration."""
_LONGEST = 160  # bytes of the name of a folder that names of files begin with


@dataclass(frozen=True)
class Reconstruction:
    """One reconstruction of a class: where its spikes are, and how many.

    Args:
        index: its place in the N of :attr:`SpikingResults.spikes`.
        label: the attacked class.
        restart: number of the restart.
        best: whether it is the best restart of its class, the one that was scored.
        events: number of its spikes.
    """

    index: int
    label: int
    restart: int
    best: bool
    events: int


@dataclass(frozen=True, eq=False)
class SpikingResults:
    """The spiking reconstructions of one attack.

    Args:
        folder: the results folder.
        spikes: one draw of each reconstruction, uint8 ``(T, N, C, H, W)``.
        reconstructions: what each of the N is.
        frame_time: microseconds of a time step.
        polarity: what the channels stand for.
        simulated: whether the private data came from a simulator.
        class_names: names of all classes, or None.
    """

    folder: Path
    spikes: Tensor
    reconstructions: tuple[Reconstruction, ...]
    frame_time: int
    polarity: Polarity
    simulated: bool
    class_names: tuple[str, ...] | None

    @property
    def name(self) -> str:
        """Name of the folder, by default that of the config, with ``simulated`` added where the data are.

        It becomes part of names of files: long ones are shortened, and characters that break lines replaced.
        """
        name = short(self.folder.resolve().name, _LONGEST).replace("\N{REPLACEMENT CHARACTER}", "_")
        while len(name.encode()) > _LONGEST:
            name = short(name, len(name) - 1)
        return f"{name}_simulated" if self.simulated and "simulated" not in name else name

    @property
    def time_steps(self) -> int:
        """T."""
        return self.spikes.shape[0]

    @property
    def sensor_size(self) -> tuple[int, int]:
        """(W, H)."""
        return self.spikes.shape[-1], self.spikes.shape[-2]

    def class_name(self, label: int) -> str | None:
        """Return the name of a class, where it has one beside its number."""
        if self.class_names is None or label >= len(self.class_names) or self.class_names[label] == str(label):
            return None
        return self.class_names[label]

    def events(self, reconstruction: Reconstruction) -> Events:
        """Return a reconstruction as events, sorted by time: each spike is one, at the middle of its time step."""
        spikes = self.spikes[:, reconstruction.index].numpy()
        return frames_to_events(spikes, self.frame_time, self.polarity)


def read_results(folder: Path, frame_time: int | None = None) -> SpikingResults:
    """Read the spiking reconstructions of a results folder.

    Args:
        folder: what ``brainleaks invert`` has written.
        frame_time: microseconds of a time step. None takes the duration that the data set's frames have, or 1000
            where images were rate-coded: their steps have no duration. Spikes of rate-coded images become ON events.

    Raises:
        FileNotFoundError: when the folder or one of its files is missing.
        ValueError: when a file is damaged, when the reconstructions are images, or when ``frame_time`` is out of range
            or contradicts the data set.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"no results folder at {folder}. Run `brainleaks invert` first, or name another.")
    data = _read_data(folder / "scores.json")
    tensors = _read_tensors(folder / "reconstructions.pt")
    spikes = tensors["spikes"]
    frames = data.get("frames")
    own_time: int | None = None if frames is None else frames["frame_time"]
    polarity: Polarity = "on" if frames is None else frames["polarity"]
    if None not in (frame_time, own_time) and frame_time != own_time:
        raise ValueError(
            f"the frames of {folder} last {own_time} us, got frame_time {frame_time}: leave it out. It is for "
            "rate-coded images, whose time steps have no duration of their own."
        )
    step = own_time or (DEFAULT_FRAME_TIME if frame_time is None else frame_time)
    if not 1 <= step <= MAX_TIME // len(spikes):
        raise ValueError(
            f"frame_time must lie in [1, {MAX_TIME // len(spikes)}] us for {len(spikes)} time steps, got {step}."
        )
    channels, sensor_size = 2 if polarity == "both" else 1, [spikes.shape[-1], spikes.shape[-2]]
    if frames is None and spikes.shape[2] > 1:
        raise ValueError(
            f"the spikes in {folder} are of pictures with {spikes.shape[2]} channels: events have none. "
            "reconstructions.png shows the pictures."
        )
    if spikes.shape[2] != channels or data.get("sensor_size", sensor_size) != sensor_size:
        raise ValueError(
            f"the spikes in {folder}, (T, N, C, H, W) = {tuple(spikes.shape)}, are no events of polarity {polarity!r}, "
            f"which have {channels} channel(s), on the sensor (W, H) = {data.get('sensor_size', sensor_size)}."
        )
    names = data.get("class_names")
    return SpikingResults(
        folder=folder,
        spikes=spikes,
        reconstructions=_reconstructions(tensors),
        frame_time=step,
        polarity=polarity,
        simulated=data.get("simulated", False),
        class_names=None if names is None else tuple(names),
    )


def _read_data(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no {path.name} in {path.parent}. Run `brainleaks invert` to write it.")
    damaged = f"{path} is damaged and cannot be read. Run `brainleaks invert` again."
    if path.stat().st_size > MAX_SCORES_SIZE:
        raise ValueError(
            f"{path} has {path.stat().st_size} bytes, more than the {MAX_SCORES_SIZE} that are read: `brainleaks "
            "invert` has not written it."
        )
    try:
        data = json.loads(path.read_bytes())["data"]
        frames = data.get("frames")
        sound = isinstance(data.get("simulated", False), bool)
        sound &= all(isinstance(name, str) for name in data.get("class_names") or ())
        if frames is not None:
            step, polarity = frames["frame_time"], frames["polarity"]
            sound &= type(step) is int and step > 0 and polarity in get_args(Polarity)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, MemoryError) as error:
        raise ValueError(damaged) from error
    if not sound:
        raise ValueError(damaged)
    return dict(data)


def _read_tensors(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise FileNotFoundError(f"no {path.name} in {path.parent}. Run `brainleaks invert` to write it.")
    try:
        tensors = read_tensors(path)
    except UnreadableError as error:
        raise ValueError(f"{path} is damaged and cannot be read. Run `brainleaks invert` again.") from error
    keys = {"reconstructions", "classes", "restarts", "best"}
    if not isinstance(tensors, dict) or not keys <= tensors.keys():
        raise ValueError(f"{path} does not hold what `brainleaks invert` writes.")
    if "spikes" not in tensors:
        raise ValueError(
            f"the reconstructions in {path} are images, not spikes: there are no events to export. "
            "reconstructions.png shows them."
        )
    if not all(isinstance(value, Tensor) for value in tensors.values()) or not _fit_together(tensors):
        raise ValueError(f"the tensors in {path} do not fit together. Run `brainleaks invert` again.")
    return tensors


def _fit_together(tensors: dict[str, Tensor]) -> bool:
    spikes, classes, restarts, best = (tensors[key] for key in ("spikes", "classes", "restarts", "best"))
    if any(t.ndim != 1 or t.dtype != torch.int64 for t in (classes, restarts, best)):
        return False
    if spikes.ndim != 5 or spikes.dtype != torch.uint8 or 0 in spikes.shape or spikes.layout != torch.strided:
        return False
    units = set(zip(classes.tolist(), restarts.tolist(), strict=False))
    return (
        classes.shape == restarts.shape == spikes.shape[1:2]
        and len(units) == len(classes)
        and min(min(unit) for unit in units) >= 0
        and all(0 <= index < len(classes) for index in best.tolist())
        and len(set(classes[best].tolist())) == len(best)
    )


def _reconstructions(tensors: dict[str, Tensor]) -> tuple[Reconstruction, ...]:
    classes, restarts, best = (tensors[key].tolist() for key in ("classes", "restarts", "best"))
    counts = tensors["spikes"].sum((0, 2, 3, 4), dtype=torch.int64).tolist()
    return tuple(
        Reconstruction(index, label, restart, index in best, count)
        for index, (label, restart, count) in enumerate(zip(classes, restarts, counts, strict=True))
    )
