"""A judge that somebody else trained for a chip: it takes images and encodes them itself, whatever the data's encoder.

In an audit (`python -m brainleaks_pl audit --config audit.yaml` finds this file in the working directory):

    judges:
      mnist_net:
        class_path: Classifier
        init_args:
          network: {class_path: lava_judge.LavaJudge, init_args: {path: mnist.net}}
          interface: NonSpiking
          pretrained: true
"""

from torch import Tensor, nn

from brainleaks_pl import LavaNetwork

TIME_STEPS = 16
SCALE = 65536  # of its integer currents, so that the softmax is not all or nothing


class LavaJudge(nn.Module):
    """A network in Lava-DL's format behind images in [0, 1], which it gets as a constant current."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.network = LavaNetwork(path)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits ``(B, K)`` of images ``(B, C, H, W)``."""
        current = (images - 0.5) / 0.5
        return self.network(current.expand(TIME_STEPS, *images.shape)).sum(0) / SCALE
