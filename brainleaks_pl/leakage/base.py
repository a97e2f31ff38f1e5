"""The base class of the attacks on what a federated participant sends."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from brainleaks_pl.attacks.functional import gaussian_blur
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.leakage.layers import NotApplicableError
from brainleaks_pl.leakage.shared import SharedGradient
from brainleaks_pl.targets.classifier import Classifier


@dataclass(frozen=True, eq=False)
class Recovered:
    """What an attack made of a shared gradient.

    Args:
        images: in [0, 1], ``(n, C, H, W)``; n may differ from the batch size.
        frames: binary input frames, ``(m, C, H, W)``, in no particular order; None where the attack finds none.
    """

    images: Tensor
    frames: Tensor | None = None


@dataclass(frozen=True)
class GradientAttack(ABC):
    """Base of the attacks on a shared gradient: a small dataclass of settings that implements :meth:`recover`.

    The attacker is the server: it knows the network, the batch size, the number of local steps, T and the encoder.
    """

    @abstractmethod
    def recover(
        self, network: Classifier, shared: SharedGradient, encoder: Encoder | None = None, seed: int = 0
    ) -> Recovered:
        """Return what can be seen of the participant's batch.

        Args:
            network: the network as the server sent it, in evaluation mode.
            shared: what the participant sent.
            encoder: how images become what the network takes; None where they are that already.
            seed: seed of whatever is drawn at random.

        Raises:
            NotApplicableError: when the attack does not apply; the message says why.
        """


def image_of(mean: Tensor, network: Classifier, encoder: Encoder | None, smoothing: float = 0.0) -> Tensor:
    """Return the images that mean inputs, ``(n, C * H * W)``, stand for, ``(n, C, H, W)`` in [0, 1].

    A rate, or a current, has all it says in its mean over time. Of a code that has not, the mean is shown.

    Args:
        mean: the mean inputs.
        network: the network that saw them.
        encoder: how images became them; None where they are images.
        smoothing: sigma in pixels of a Gaussian blur, 0 for none, against the noise of spikes drawn at random.
    """
    inputs = mean.view(-1, *network.input_shape).float()
    images = None if encoder is None else encoder.decode(inputs.unsqueeze(0))
    if images is None or images.shape != inputs.shape:
        images = inputs
    return (blurred(images, smoothing) if smoothing else images).clamp(0, 1)


def blurred(images: Tensor, sigma: float) -> Tensor:
    """Return images ``(..., C, H, W)`` blurred by a Gaussian of ``sigma`` pixels; flat ones stay as they are."""
    return gaussian_blur(images, sigma) / gaussian_blur(torch.ones_like(images), sigma)


def check_smoothing(smoothing: float) -> None:
    """See that a blur is one.

    Raises:
        ValueError: when it is negative or not finite.
    """
    if not 0 <= smoothing < math.inf:
        raise ValueError(f"smoothing must be finite and not negative, got {smoothing}.")


def known(shared: SharedGradient) -> SharedGradient:
    """Return a gradient that says something.

    Raises:
        NotApplicableError: when it is all zero, or not finite.
    """
    if not all(bool(own.isfinite().all()) for own in shared.gradient.values()):
        raise NotApplicableError("the shared gradient has entries that are not finite.")
    if not any(bool(torch.count_nonzero(own)) for own in shared.gradient.values()):
        raise NotApplicableError("the shared gradient is zero everywhere.")
    return shared
