"""Adversarial examples of a target, as a null: what fools it may fool a judge that was trained like it."""

from __future__ import annotations

import torch

from brainleaks_pl.attacks.adversarial import AdversarialExamples
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.targets.classifier import Classifier

RESTARTS = 3
"""Adversarial examples of each class, of which the target's favourite is shown to the judges, as of an attack."""


def adversarial_examples(
    target: Classifier, data: BaseDataModule, encoder: Encoder | None, *, eps: float, seed: int
) -> AdversarialExamples:
    """Return the search for inputs that a target takes for each class and that are test images of another.

    Args:
        target: the trained classifier.
        data: the private data: images, or recordings of known scenes.
        encoder: the encoding of the images before a target that takes spikes.
        eps: largest change of a pixel, in (0, 1].
        seed: seed of the choice of images.

    Raises:
        ValueError: when a class has no test image.
    """
    images = data.scenes or data
    generator = torch.Generator().manual_seed(seed)
    count = data.num_classes
    origins = []
    for label in range(count):
        for _ in range(RESTARTS):
            other = (label + 1 + int(torch.randint(count - 1, (1,), generator=generator))) % count
            tests = images.class_images(other, "test")
            origins.append(tests[int(torch.randint(len(tests), (1,), generator=generator))])
    return AdversarialExamples(
        target, torch.stack(origins), eps=eps, encoder=encoder if target.takes_spikes else None, restarts=RESTARTS
    )
