"""How ``fit`` trains a network."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Training:
    """How one network is trained by ``fit``: part of the network, so that it never binds another network or an attack.

    Args:
        lr: learning rate of Adam, > 0.
        epochs: passes over the training data; ``trainer.max_epochs``, when given, takes its place.
        batch_size: samples in a training batch; None takes the data module's.
        gradient_clip_norm: largest norm of the gradient of one step; None leaves it alone.
        max_shift: largest random shift of each training sample, all its time steps alike, in pixels in both
            directions, >= 0; what enters at an edge is 0. For classifiers trained on few samples.
        keep: which epoch's weights count: ``"best"``, the one that validation likes best, the first of equals; or
            ``"last"``. Where there are few validation samples, many epochs are equal, and the first of them may be long
            before the network has learned its training data.

    Raises:
        ValueError: when a value is out of range.

    Examples:
        >>> from functools import partial
        >>> from brainleaks_pl import Classifier, SpikingMLP, Training
        >>> target = Classifier(partial(SpikingMLP, hidden=100), training=Training(lr=1e-3, epochs=5, max_shift=2))
        >>> target.training_recipe.epochs, target.training_recipe.max_shift
        (5, 2)
    """

    lr: float = 5e-5
    epochs: int = 10
    batch_size: int | None = None
    gradient_clip_norm: float | None = 1.0
    max_shift: int = 0
    keep: Literal["best", "last"] = "best"

    def __post_init__(self) -> None:
        if not 0 < self.lr < math.inf:
            raise ValueError(f"lr must be positive and finite, got {self.lr}.")
        if self.epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {self.epochs}.")
        if self.batch_size is not None and self.batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {self.batch_size}.")
        if self.gradient_clip_norm is not None and not 0 < self.gradient_clip_norm < math.inf:
            raise ValueError(f"gradient_clip_norm must be positive and finite, or null, got {self.gradient_clip_norm}.")
        if self.max_shift < 0:
            raise ValueError(f"max_shift must be at least 0, got {self.max_shift}.")
        if self.keep not in ("best", "last"):
            raise ValueError(f'keep must be "best" or "last", got {self.keep!r}.')
