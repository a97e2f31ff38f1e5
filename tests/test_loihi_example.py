"""The published CNN for gestures (examples/loihi.py): its arithmetic; what it makes of simulated gestures (slow)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from brainleaks_pl import FrameTransform, SimulatedDVSGesture
from brainleaks_pl.data.simulated_dvs_gesture import Take

EXAMPLES = Path(__file__).parents[1] / "examples"
DATA = os.environ.get("BRAINLEAKS_DATA", "")


@pytest.fixture
def cnn(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    from loihi import LoihiCNN

    return LoihiCNN


def summed(z: np.ndarray, side: int) -> np.ndarray:
    """Return sums over squares of a picture (C, H, W)."""
    channels, height, width = z.shape
    return z.reshape(channels, height // side, side, width // side, side).sum((2, 4))


def convolved(z: np.ndarray, kernels: np.ndarray, padding: int) -> np.ndarray:
    """Return a picture's convolution, kernel by kernel entry."""
    height, width = z.shape[1:]
    padded = np.pad(z, ((0, 0), (padding, padding), (padding, padding)))
    return sum(
        np.einsum("oc,chw->ohw", kernels[:, :, row, column], padded[:, row : row + height, column : column + width])
        for row in range(kernels.shape[2])
        for column in range(kernels.shape[3])
    )


def reference(events: np.ndarray, weights: dict[str, np.ndarray]) -> np.ndarray:
    """Run the network in whole numbers, step by step; every layer sees what the one before fired a step ago."""
    layers = (
        lambda z: 28 * summed(np.minimum(z, 1), 4),
        lambda z: convolved(z, weights["conv1"], 2),
        lambda z: 28 * summed(z, 2),
        lambda z: convolved(z, weights["conv2"], 1),
        lambda z: 28 * summed(z, 2),
        lambda z: weights["fc1"] @ z.ravel(),
        lambda z: weights["fc2"] @ z,
    )
    fired, states, answers = [], [(0, 0)] * 7, []
    for step in events:
        answers.append(fired[-1] if fired else np.zeros(11, int))
        inputs = [step, *(fired[:-1] if fired else [None] * 6)]
        now = []
        for number, (layer, z) in enumerate(zip(layers, inputs, strict=True)):
            current, voltage = states[number]
            drive = 0 * current if z is None else layer(z)
            current = np.sign(current) * (abs(current) * 3072 // 4096) + 64 * drive
            voltage = np.sign(voltage) * (abs(voltage) * 3968 // 4096) + current
            spikes = (voltage >= 5120).astype(int)
            states[number] = (current, voltage * (1 - spikes))
            now.append(spikes)
        if not fired:  # layers that nothing has reached yet rest
            shapes = [(16, 32, 32), (16, 16, 16), (32, 16, 16), (32, 8, 8), (512,), (11,)]
            now[1:] = [np.zeros(shape, int) for shape in shapes]
        fired = now
    return np.stack(answers)


def test_the_cnn_agrees_with_a_reference_in_whole_numbers(cnn: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = {"conv1": (16, 2, 5, 5), "conv2": (32, 16, 3, 3), "fc1": (512, 2048), "fc2": (11, 512)}
    weights = {name: rng.integers(-4, 6, shape, dtype=np.int16) for name, shape in shapes.items()}
    pools = {f"pool{number}": np.full(4, 28, np.int16) for number in (1, 2, 3)}
    np.savez(tmp_path / "weights.npz", **weights, **pools)
    events = rng.poisson(0.02, (20, 2, 2, 128, 128))
    with torch.no_grad():
        spikes = cnn(str(tmp_path / "weights.npz"))(torch.tensor(events, dtype=torch.float32))
    assert spikes.shape == (20, 2, 11)
    assert 0 < spikes.mean() < 1
    for recording in range(2):
        expected = reference(events[:, recording], {name: value.astype(int) for name, value in weights.items()})
        np.testing.assert_array_equal(spikes[:, recording].numpy(), expected)


@pytest.mark.slow
@pytest.mark.skipif(not DATA, reason="BRAINLEAKS_DATA names no folder that holds networks/loihi_dvsgesture.npz")
def test_the_published_network_recognises_simulated_gestures(cnn: Any) -> None:
    data = SimulatedDVSGesture(duration=1_450_000)
    network = cnn(f"{DATA}/networks/loihi_dvsgesture.npz")
    frames = FrameTransform(frame_time=1000, polarity="both", time_steps=1450)
    right = 0
    takes = [Take(subject, "led", gesture) for subject in (24, 27, 28) for gesture in range(10)]
    for take in takes:
        recording = frames(data.film(take), data.sensor_size)
        with torch.no_grad():
            counts = network(torch.as_tensor(recording, dtype=torch.float32).unsqueeze(1)).sum(0)
        right += int(counts.argmax()) == take.gesture
    assert right >= 0.5 * len(takes)
