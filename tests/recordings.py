"""Small recordings, and folders of them in the layouts of the real event data sets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from tonic.io import events_struct

from brainleaks_pl.events.checked import Events
from brainleaks_pl.events.formats import write_dvsgesture, write_nmnist


def recording(*events: tuple[int, int, int, int]) -> Events:
    """Events (x, y, t, p), written out."""
    return np.array(list(events), events_struct)


def random_recording(
    number: int, sensor_size: tuple[int, int], duration: int, seed: int = 0, time_unit: int = 1
) -> Events:
    """Events anywhere on the sensor at any time, both polarities."""
    generator = np.random.default_rng(seed)
    events = np.empty(number, events_struct)
    events["x"] = generator.integers(0, sensor_size[0], number)
    events["y"] = generator.integers(0, sensor_size[1], number)
    events["t"] = np.sort(generator.integers(0, duration, number)) // time_unit * time_unit
    events["p"] = generator.integers(0, 2, number)
    return events


def class_recording(label: int, sensor_size: tuple[int, int], duration: int, seed: int) -> Events:
    """A bar of three columns, at a place of its class, that flickers in both polarities."""
    events = random_recording(60 * (sensor_size[1] // 30), (3, sensor_size[1]), duration, seed)
    events["x"] += 3 * label + 1
    return events


def write_nmnist_folder(root: Path, train: int = 2, test: int = 1, milliseconds: int = 30) -> Path:
    """Write ``Train`` and ``Test`` with so many recordings of each digit; those of later number are longer."""
    for part, number in (("Train", train), ("Test", test)):
        for digit in range(10):
            (root / part / str(digit)).mkdir(parents=True)
            for i in range(number):
                events = class_recording(digit, (34, 34), 1000 * (milliseconds + 3 * i), seed=i)
                write_nmnist(root / part / str(digit) / f"{i:05}.bin", events)
    return root


def write_gesture_folder(
    root: Path, train_users: tuple[int, ...] = (1, 23), test_users: tuple[int, ...] = (24,), milliseconds: int = 300
) -> Path:
    """Write one folder a subject, with the eleven classes; later classes are longer by 50 ms."""
    for part, users in (("ibmGestureTrain", train_users), ("ibmGestureTest", test_users)):
        for user in users:
            folder = root / part / f"user{user:02}_natural"
            folder.mkdir(parents=True)
            for label in range(11):
                events = class_recording(label, (128, 128), 1000 * (milliseconds + 50 * label), seed=user)
                write_dvsgesture(folder / f"{label}.npy", events)
    return root


def npy_bytes(descr: str, shape: str, body: bytes = b"", version: int = 1, fortran: str = "False") -> bytes:
    """A ``.npy`` file whose header says what it is told to."""
    header = f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n".encode("latin1", "replace")
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + body


def rows_of(events: Events) -> npt.NDArray[np.int64]:
    """The events as ``(N, 4)`` whole numbers x, y, t, p."""
    return np.stack([events[name].astype(np.int64) for name in "xytp"], 1)
