"""Do spiking networks give away more of recordings than non-spiking ones? Membership, measured on N-MNIST.

Four kinds of networks are trained on the same halves: a spiking one, non-spiking ones on all frames of a recording at
once (as accurate as the spiking one, or as wide), and one on their mean over time. A part of the training recordings is
set aside, in place of the test recordings: of a subset of N-MNIST these are few::

    python examples/membership_events.py --root data --networks 32 --results events.json

What has been trained is kept in ``--checkpoints`` and not trained again.
"""

from __future__ import annotations

import math
from functools import partial

from membership_disputes import measure, options
from torch import Tensor, nn

from brainleaks_pl import MLP, NMNIST, Classifier, FrameTransform, SpikingMLP, Training
from brainleaks_pl.membership.questions import Questions

STEPS = 10
FRAMES = FrameTransform(frame_time=30_000, polarity="both", time_steps=STEPS)
SNN = Training(lr=1e-3, epochs=20, batch_size=20)
ANN = Training(lr=1e-3, epochs=10, batch_size=20)
WIDE = Training(lr=1e-3, epochs=4, batch_size=20)
MEAN = Training(lr=3e-3, epochs=20, batch_size=20)
NARROW = 20
"""Hidden units with which the twin on all frames is as accurate as the spiking network; as wide, it is more so."""


class FramesMLP(nn.Module):
    """One hidden layer of sigmoid units that sees all frames of a recording at once: logits ``(1, B, K)``."""

    takes_spikes = True

    def __init__(self, input_shape: tuple[int, int, int], num_classes: int, hidden: int) -> None:
        super().__init__()
        self.input_shape, self.num_classes = input_shape, num_classes
        self.hidden = nn.Linear(STEPS * math.prod(input_shape), hidden)
        self.output = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of recordings ``(T, B, C, H, W)``."""
        logits: Tensor = self.output(self.hidden(x.movedim(0, 1).flatten(1)).sigmoid())
        return logits.unsqueeze(0)


def recordings(root: str, set_aside: float) -> NMNIST:
    """Return N-MNIST whose test split is a share of its training recordings, the last of each digit."""
    data = NMNIST(root, FRAMES, val_share=set_aside, download=False, cache=None)
    data.prepare_data()
    data.setup()
    own = data.with_splits({"test": data.split("val")})
    assert isinstance(own, NMNIST)
    return own


def main() -> None:
    """Measure, print a line for each attack and difference, and write all of it."""
    names = ["snn", "ann", "ann, as wide", "ann, mean over time"]
    parser = options("membership_events", names, networks=32, hidden=200, label_only=0, seed=0)
    parser.description = __doc__.split("\n")[0]
    parser.add_argument("--root", default="data")
    parser.add_argument("--set_aside", type=float, default=0.2)
    given = parser.parse_args()

    data = recordings(given.root, given.set_aside)
    shape, classes, hidden = data.input_shape, data.num_classes, given.hidden
    kinds = {
        "snn": partial(Classifier, partial(SpikingMLP, shape, classes, hidden), training=SNN),
        "ann": partial(Classifier, partial(FramesMLP, shape, classes, NARROW), training=ANN),
        "ann, as wide": partial(Classifier, partial(FramesMLP, shape, classes, hidden), training=WIDE),
        "ann, mean over time": partial(Classifier, partial(MLP, shape, classes, hidden), training=MEAN),
    }
    found = measure(given, kinds, data, questions=Questions(dropout_draws=2))
    for kind, own in found["targets"].items():
        print(kind, {name: round(values["mean"], 4) for name, values in own["accuracy"].items()})
        for attack, row in own["attacks"].items():
            print(f"  {attack:18s} AUC", *(round(row["auc"][key], 4) for key in ("value", "low", "high")))
    for row in found["differences"]:
        ends = {key: round(end, 4) for key, end in row["auc"].items()}
        print(row["first"], "less", row["second"], row["attack"], ends)


if __name__ == "__main__":
    main()
