"""Draw docs/pictures/simulated_gestures.png, and count what a network trained on the real DvsGesture recognises.

    PYTHONPATH=. python docs/simulated_gestures.py NETWORK

NETWORK is loihi_dvsgesture.npz (see examples/loihi.py). It sees all 870 recordings: an hour on a core.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from brainleaks_pl import DVSGesture, FrameTransform, SimulatedDVSGesture
from brainleaks_pl.data.simulated_dvs_gesture import Take
from examples.loihi import LoihiCNN

PICTURE = Path(__file__).parent / "pictures" / "simulated_gestures.png"
NAMES = DVSGesture.class_names
CHOSEN_ON = 10
"""The simulator's constants were chosen on the first ten people."""


def draw(data: SimulatedDVSGesture, people: tuple[int, ...] = (24, 26)) -> None:
    """Draw how often each pixel fires, gesture by gesture, one row a person."""
    figure = Figure(figsize=(10, 2.3), layout="constrained")
    axes = figure.subplots(len(people), len(NAMES))
    for row, person in enumerate(people):
        for gesture, name in enumerate(NAMES):
            events = data.film(Take(person, "led", gesture))
            counts = np.bincount(events["y"].astype(int) * 128 + events["x"], minlength=128 * 128).reshape(128, 128)
            axes[row, gesture].imshow(np.log1p(counts), cmap="gray", interpolation="nearest")
            axes[row, gesture].set_axis_off()
            if row == 0:
                axes[row, gesture].set_title(name, fontsize=7)
    figure.savefig(PICTURE, dpi=100)


@torch.no_grad()
def count(data: SimulatedDVSGesture, network: LoihiCNN) -> None:
    """Print what the network takes every gesture for: the people that the constants were chosen on, and the others."""
    frames = FrameTransform(frame_time=1000, polarity="both", time_steps=1450)
    confusion = np.zeros((2, len(NAMES), 11), int)
    for take in data.takes():
        recording = torch.tensor(frames(data.film(take), data.sensor_size), dtype=torch.float32)
        answer = int(network(recording.unsqueeze(1)).sum(0).argmax())
        confusion[int(take.subject > CHOSEN_ON), take.gesture, answer] += 1
    for title, counts in zip(("chosen on", "others"), confusion, strict=True):
        print(title, f"{np.trace(counts[:, :10]) / counts.sum():.3f}")
        for name, row in zip(NAMES, counts, strict=True):
            print(f"{name:>16}", *(f"{number:4d}" for number in row))


if __name__ == "__main__":
    simulated = SimulatedDVSGesture(duration=1_450_000)
    draw(simulated)
    count(simulated, LoihiCNN(sys.argv[1]))
