"""How much of private training images an attack recovers from the gradients that a participant would send."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.image_base import to_pixels
from brainleaks_pl.evaluation.identification import identify
from brainleaks_pl.evaluation.similarity import ssim, to_display
from brainleaks_pl.leakage.base import GradientAttack
from brainleaks_pl.leakage.labels import counted, recover_labels
from brainleaks_pl.leakage.layers import NotApplicableError
from brainleaks_pl.leakage.shared import Protection, SharedGradient, share_gradient, share_update
from brainleaks_pl.targets.checks.measure import transferred
from brainleaks_pl.targets.classifier import Classifier


@dataclass(frozen=True)
class Sharing:
    """What participants send.

    Args:
        batch_size: B, samples per batch, at least 1.
        local_steps: steps of gradient descent on the batch, encoded anew in each, whose mean gradient is sent.
        learning_rate: of the steps, where there are several, > 0.
        protection: what is done to the gradient before it is sent.

    Raises:
        ValueError: when a number is out of range.

    Examples:
        Two samples in a batch, three local steps, and a gradient that is clipped and made noisy:

        >>> from brainleaks_pl import Protection, Sharing
        >>> Sharing(batch_size=2, local_steps=3, protection=Protection(clip=1.0, noise_multiplier=0.1))
        Sharing(batch_size=2, local_steps=3, learning_rate=0.01, protection=Protection(clip=1.0, noise_multiplier=0.1))
    """

    batch_size: int = 1
    local_steps: int = 1
    learning_rate: float = 0.01
    protection: Protection = field(default_factory=Protection)

    def __post_init__(self) -> None:
        if min(self.batch_size, self.local_steps) < 1:
            raise ValueError(
                f"batch_size and local_steps must be at least 1, got {self.batch_size} and {self.local_steps}."
            )
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be positive and finite, got {self.learning_rate}.")


@dataclass(frozen=True, eq=False)
class Leakage:
    """Private images, what was recovered of them, and how alike they are; as displayed, ``(n, C, H, W)``.

    Args:
        private: the private images.
        recovered: for each the recovered image of its batch that is most like it.
        labels: their classes.
        ssim: structural similarity of each pair.
        identified: for each 1.0 where the training image nearest to what was recovered, by features that no network
            has learnt, is of its class (:func:`~brainleaks_pl.evaluation.identification.identify`), else 0.0.
        itself: for each 1.0 where no training image of its class is nearer, in pixels, than the private one.
        frames: for each batch the share of the network's binary input frames that was recovered without an error; empty
            where the attack recovers none.
        right_labels: for each batch the share of its labels that was recovered; empty where they cannot be.
        seconds: that the attack took on average for a batch.
    """

    private: Tensor
    recovered: Tensor
    labels: list[int]
    ssim: list[float]
    identified: list[float]
    itself: list[float]
    frames: list[float]
    right_labels: list[float]
    seconds: float


def gradient_leakage(
    network: Classifier,
    data: BaseDataModule,
    attack: GradientAttack,
    sharing: Sharing = Sharing(),
    images: int = 8,
    seed: int = 0,
) -> Leakage:
    """Attack the gradients of batches of training images.

    Args:
        network: the network as the server sends it, in evaluation mode.
        data: the private data set.
        attack: the attack of the server.
        sharing: what participants send.
        images: training images drawn at random, rounded up to whole batches; equal seeds draw equal ones.
        seed: seed of the draws, of encoding, noise and attack.

    Raises:
        NotApplicableError: when the attack does not apply; the message says why.
        ValueError: when ``images`` is below 1.

    Examples:
        The gradient of a single image gives it away entirely; that of two gives away a mixture:

        >>> from brainleaks_pl import BiasRatio, Sharing, gradient_leakage
        >>> alone = gradient_leakage(ann, data, BiasRatio(), images=2)
        >>> alone.recovered.shape, min(alone.ssim) > 0.99
        (torch.Size([2, 1, 28, 28]), True)
        >>> pairs = gradient_leakage(ann, data, BiasRatio(), Sharing(batch_size=2), images=2)
        >>> sum(pairs.ssim) < sum(alone.ssim)
        True
    """
    if images < 1:
        raise ValueError(f"images must be at least 1, got {images}.")
    data = data.for_network(network.takes_spikes)
    encoder = getattr(data, "encoder", None) if network.takes_spikes else None
    private, recovered, frames, right, seconds = [], [], [], [], 0.0
    labels: list[int] = []
    for place, batch in enumerate(_batches(data, network, sharing, images, seed)):
        shared = _sent(network, batch, sharing, seed + place)
        started = time.monotonic()
        found = attack.recover(network, shared, encoder, seed)
        seconds += time.monotonic() - started
        shown, true = data.display(found.images), data.display(batch.images)
        alike = torch.stack([ssim(shown, own.expand_as(shown)) for own in true])
        private.append(true)
        recovered.append(shown[alike.argmax(1)])
        labels += batch.labels.tolist()
        if found.frames is not None:
            frames.append(_share_of_frames(found.frames, batch.inputs))
        try:
            right.append(counted(batch.labels.tolist(), recover_labels(network, shared, seed)))
        except NotApplicableError:  # there is no layer to read them at
            continue
    originals, found_images = torch.cat(private), torch.cat(recovered)
    return Leakage(
        originals,
        found_images,
        labels,
        ssim(found_images, originals).tolist(),
        [float(row["rank"] == 1) for row in identify(found_images, labels, data)],
        [_is_itself(*pair, data) for pair in zip(found_images, originals, labels, strict=True)],
        frames,
        right,
        seconds / len(private),
    )


@dataclass(frozen=True, eq=False)
class _Batch:
    """Private images, ``(B, C, H, W)``, their classes, and their encoded inputs in each local step."""

    images: Tensor
    labels: Tensor
    inputs: list[Tensor]


def _batches(data: BaseDataModule, network: Classifier, sharing: Sharing, images: int, seed: int) -> Iterator[_Batch]:
    split, size = data.split("train"), sharing.batch_size
    order = torch.randperm(len(split), generator=torch.Generator().manual_seed(seed)).tolist()
    chosen = [order[place % len(order)] for place in range(-(-images // size) * size)]
    steps = range(sharing.local_steps)
    for place, batch in enumerate(DataLoader(Subset(split, chosen), batch_size=size, collate_fn=data.collate)):
        drawn = [transferred(data, batch, network.device, seed + 1000 * place + step) for step in steps]
        inputs, labels = [x for x, _ in drawn], drawn[0][1]
        raw = batch[0]
        yield _Batch(to_pixels(raw) if raw.ndim == 4 else to_display(inputs[0].cpu()), labels, inputs)


def _sent(network: Classifier, batch: _Batch, sharing: Sharing, seed: int) -> SharedGradient:
    generator = torch.Generator().manual_seed(seed)
    if sharing.local_steps == 1:
        return share_gradient(network, batch.inputs[0], batch.labels, sharing.protection, generator)
    steps = [(x, batch.labels) for x in batch.inputs]
    return share_update(network, steps, sharing.learning_rate, sharing.protection, generator)


def _is_itself(recovered: Tensor, private: Tensor, label: int, data: BaseDataModule) -> float:
    members = data.display(data.class_images(label))
    nearest = torch.linalg.vector_norm(members - recovered, dim=(1, 2, 3)).min()
    return float(torch.linalg.vector_norm(private - recovered) <= nearest + 1e-6)


def _share_of_frames(found: Tensor, inputs: list[Tensor]) -> float:
    got = {frame.bool().numpy().tobytes() for frame in found.cpu()}
    true = [frame.bool().numpy().tobytes() for x in inputs for frame in x.flatten(0, 1).cpu()]
    return sum(frame in got for frame in true) / len(true)
