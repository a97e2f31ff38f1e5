"""Adversarial examples of a target, as a null: what fools it may fool a judge that was trained like it."""

from __future__ import annotations

import torch

from brainleaks_pl.attacks.adversarial import AdversarialExamples
from brainleaks_pl.attacks.fitting import WrongTargetError
from brainleaks_pl.audit.plan import Attacks
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.targets.classifier import Classifier

RESTARTS = 3
"""Adversarial examples of each class, of which the target's favourite is shown to the judges, as of an attack."""


def adversarial_examples(
    target: Classifier, data: BaseDataModule, attacks: Attacks, *, eps: float, seed: int
) -> AdversarialExamples | str:
    """Return the search for inputs that a target takes for each class and that are test images of another.

    Args:
        target: the trained classifier.
        data: the private data: images, or recordings of known scenes.
        attacks: the audit's attacks, of which one knows the camera before a target that takes recordings.
        eps: largest change of a pixel, in (0, 1].
        seed: seed of the choice of images.

    Returns:
        The search; or, where scenes cannot be shown to the target, why.

    Raises:
        ValueError: when there are no test images of two classes.
    """
    encoder = (data.encoder or _assumed_encoder(target, attacks)) if target.takes_spikes else None
    if data.scenes is not None and encoder is None:
        return "no attack goes through a camera before this target, which adversarial examples would have to."
    images = data.scenes or data
    generator = torch.Generator().manual_seed(seed)
    tested = torch.as_tensor(images.split("test").labels).unique().tolist()
    origins = []
    for label in range(data.num_classes):
        others = [other for other in tested if other != label]
        for _ in range(RESTARTS):
            tests = images.class_images(others[int(torch.randint(len(others), (1,), generator=generator))], "test")
            origins.append(tests[int(torch.randint(len(tests), (1,), generator=generator))])
    return AdversarialExamples(target, torch.stack(origins), eps=eps, encoder=encoder, restarts=RESTARTS)


def _assumed_encoder(target: Classifier, attacks: Attacks) -> Encoder | None:
    """Return the encoding that an attack assumes before a target, the first that does; None where none does."""
    for make in attacks.values():
        try:
            encoder = make(target).encoder
        except WrongTargetError:
            continue
        if encoder is not None:
            return encoder
    return None
