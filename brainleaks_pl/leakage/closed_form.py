"""Attacks in closed form: a dense first layer's gradient holds its inputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.leakage.base import GradientAttack, Recovered, blurred, check_smoothing, image_of, known
from brainleaks_pl.leakage.grouping import mean_frames
from brainleaks_pl.leakage.layers import NotApplicableError, input_layer
from brainleaks_pl.leakage.row_space import mean_space, row_space
from brainleaks_pl.leakage.shared import SharedGradient
from brainleaks_pl.leakage.spike_frames import find_frames
from brainleaks_pl.targets.classifier import Classifier


def bias_ratio(weight: Tensor, bias: Tensor) -> Tensor:
    """Return ``db @ dW / |db|^2``, ``(D,)``: the rows of ``dW`` divided by ``db``, weighted by its squares.

    Where the layer saw one input, this is that input; else it is a mean of all its inputs, with weights of sum 1, some
    of which may be negative.

    Args:
        weight: gradient of a dense layer's weight, ``(H, D)``.
        bias: gradient of its bias, ``(H,)``.

    Raises:
        NotApplicableError: when the gradient of the bias is zero.
    """
    if not bias.count_nonzero():
        raise NotApplicableError("the gradient of the first layer's bias is zero: no unit was near its threshold.")
    ratio: Tensor = bias @ weight / bias.square().sum()
    return ratio


@dataclass(frozen=True)
class BiasRatio(GradientAttack):
    """One image: the mean input of a dense first layer (:func:`bias_ratio`).

    It is the private image itself for one sample and a network that takes images, and the rate of its spikes for a
    spiking one. Of several samples it is a mixture.

    Args:
        smoothing: sigma in pixels of a Gaussian blur of the image, against the noise of a rate code, >= 0.

    Raises:
        ValueError: when it is out of range.

    Examples:
        The server sees the gradient of one image, and recovers the image from it:

        >>> import torch
        >>> from brainleaks_pl import BiasRatio
        >>> from brainleaks_pl.leakage import share_gradient
        >>> image, label = data.class_images(3)[:1], torch.tensor([3])
        >>> shared = share_gradient(ann, image, label)
        >>> recovered = BiasRatio().recover(ann, shared)
        >>> torch.allclose(recovered.images, image, atol=1e-3)
        True
    """

    smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_smoothing(self.smoothing)

    def recover(
        self, network: Classifier, shared: SharedGradient, encoder: Encoder | None = None, seed: int = 0
    ) -> Recovered:
        """Return one image."""
        layer = input_layer(network, shared.time_steps)
        ratio = bias_ratio(*layer.read(dict(known(shared).gradient)))
        return Recovered(image_of(ratio.unsqueeze(0), network, encoder, self.smoothing))


def mean_frame(weight: Tensor, bias: Tensor, count: int, shape: Sequence[int], blur: float) -> Tensor:
    """Return the mean of the frames that a dense layer saw, as near as is known without knowing the frames, ``(D,)``.

    The mean lies in the flat of all that frames come to when they are summed with weights of sum 1, as
    :func:`bias_ratio` does. Of its points, the one nearest to the blurred ratio is taken: frames drawn by chance differ
    from their mean by fine grain, which a blur takes away, while what it does to the picture itself is mostly no
    difference of frames, and is undone in the flat.

    Args:
        weight: gradient of the layer's weight, ``(H, D)``.
        bias: gradient of its bias, ``(H,)``.
        count: how many frames it is a sum over.
        shape: (C, H, W) of a frame.
        blur: sigma of the blur in pixels, > 0.

    Raises:
        NotApplicableError: when the gradient of the bias is zero, or frames are not all that the gradient shows
            (:func:`~brainleaks_pl.leakage.row_space.row_space`).
    """
    weight, bias = weight.double(), bias.double()
    ratio = bias_ratio(weight, bias)
    nearest, directions = (part[..., 1:] for part in mean_space(row_space(weight, bias, count).basis))
    wanted = blurred(ratio.clamp(min=0).view(1, *shape), blur).flatten()
    mean: Tensor = nearest + (wanted - nearest) @ directions.T @ directions
    return mean


@dataclass(frozen=True)
class MeanFrame(GradientAttack):
    """One image: the mean of the frames that a dense first layer saw (:func:`mean_frame`).

    Where :class:`BiasRatio` weighs frames as the network's backward signals happen to, here they count about alike. Of
    a network that takes images and one sample it is that sample, of several samples a mixture.

    Args:
        blur: sigma in pixels of the blur that tells the mean from chance, > 0.
        smoothing: sigma in pixels of a Gaussian blur of the image, against the noise of a rate code, >= 0.

    Raises:
        ValueError: when a value is out of range.

    Examples:
        A spiking network saw an image as 25 frames of spikes; their mean is in its gradient:

        >>> import torch
        >>> from brainleaks_pl import MeanFrame, RateEncoder
        >>> from brainleaks_pl.leakage import share_gradient
        >>> spikes, label = RateEncoder(25).encode(data.class_images(3)[:1]), torch.tensor([3])
        >>> recovered = MeanFrame().recover(network, share_gradient(network, spikes, label))
        >>> both = torch.stack([recovered.images.flatten(), spikes.mean(0).flatten()])
        >>> bool(torch.corrcoef(both)[0, 1] > 0.95)
        True
    """

    blur: float = 0.7
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_smoothing(self.smoothing)
        if not 0 < self.blur < math.inf:
            raise ValueError(f"blur must be positive and finite, got {self.blur}.")

    def recover(
        self, network: Classifier, shared: SharedGradient, encoder: Encoder | None = None, seed: int = 0
    ) -> Recovered:
        """Return one image."""
        layer = input_layer(network, shared.time_steps)
        weight, bias = layer.read(dict(known(shared).gradient))
        mean = mean_frame(weight, bias, shared.frames, network.input_shape, self.blur)
        return Recovered(image_of(mean.unsqueeze(0), network, encoder, self.smoothing))


@dataclass(frozen=True)
class SpikeFrames(GradientAttack):
    """The binary frames that a dense first layer saw, spike for spike, and the mean frame of each sample.

    Args:
        starts: vectors that the search starts from in each round.
        steps: steps of the search in each round.
        rounds: largest number of rounds.
        smoothing: sigma in pixels of a Gaussian blur of the images, against the noise of a rate code, >= 0.

    Raises:
        ValueError: when a number is out of range.

    Examples:
        The server sees the gradient of one image, encoded over five steps, and recovers every frame from it:

        >>> import torch
        >>> from brainleaks_pl import SpikeFrames
        >>> from brainleaks_pl.leakage import share_gradient
        >>> spikes = data.encode(data.class_images(3)[:1])
        >>> shared = share_gradient(network, spikes, torch.tensor([3]))
        >>> recovered = SpikeFrames().recover(network, shared, data.encoder)
        >>> found = [bool((frame == recovered.frames).flatten(1).all(1).any()) for frame in spikes.squeeze(1)]
        >>> found
        [True, True, True, True, True]
    """

    starts: int = 200
    steps: int = 300
    rounds: int = 30
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        check_smoothing(self.smoothing)
        if min(self.starts, self.steps, self.rounds) < 1:
            raise ValueError(
                f"starts, steps and rounds must be at least 1, got {self.starts}, {self.steps} and {self.rounds}."
            )

    def recover(
        self, network: Classifier, shared: SharedGradient, encoder: Encoder | None = None, seed: int = 0
    ) -> Recovered:
        """Return the frames that were found, and an image for each sample of which there is one."""
        if not network.takes_spikes:
            raise NotApplicableError(f"{network.name} takes images, which are not binary frames.")
        layer = input_layer(network, shared.time_steps)
        weight, bias = layer.read(dict(known(shared).gradient))
        found = find_frames(
            weight, bias, shared.frames, starts=self.starts, steps=self.steps, rounds=self.rounds, seed=seed
        )
        if not len(found.frames):
            raise NotApplicableError(
                f"no binary frame was found: {found.pixels} groups of pixels with spikes of their own are few for "
                f"{found.rank} dimensions."
            )
        images = image_of(mean_frames(found.frames, shared.samples), network, encoder, self.smoothing)
        return Recovered(images, found.frames.view(-1, *network.input_shape))
