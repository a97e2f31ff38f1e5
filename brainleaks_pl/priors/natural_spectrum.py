"""The spectrum of public pictures as a prior: where and at which scales pictures differ, with nothing to train."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from brainleaks_pl.priors.base import Prior, unclamped
from brainleaks_pl.targets.training import Training

_LEAST_DEVIATION, _LEAST_AMPLITUDE = 0.01, 1e-3  # of a pixel; of a cosine, where pixels differ by 1
_BLUR = 1 / 40  # of the map of the pixels' variance, in longer sides


class NaturalSpectrum(Prior):
    """The mean public picture, and how far public pictures are from it: at each place, and at each scale.

    The latents are amplitudes of cosines, as many as there are pixels, in standard deviations. No picture is out of
    reach, as it is of :class:`PrincipalComponents`; but of two changes the one that is more common among public
    pictures is the nearer one, which is the coarser one (the power of natural pictures falls with about the square of
    the frequency). It is computed, not trained, and the one to choose where public pictures are few and aligned, and
    what tells the private ones apart is not among what the public ones differ in.

    An attack starts near the mean public picture, and goes along the gradient multiplied by a power of the spectrum. A
    classifier's gradient is a filter, not a picture: what varies much is weighted little in it, and a filter times the
    covariance is what the class differs in (Haufe et al., NeuroImage 2014). That holds, with the power 1, of a linear
    classifier trained to its end; networks trained for less divide by less.

    Args:
        weights: file of a trained prior; None builds a new one, to be trained.
        power: that of the spectrum's variances, in [0, 1]: 0 takes all scales as the target's gradient has them.
        lr: root mean square of the pixels' change in one step, before momentum adds to it, > 0.
        momentum: of the steps, in [0, 1).
        start: standard deviation of the first latents, >= 0: with 0 all restarts begin at the mean picture.
        alone: pictures drawn for the null, at least 1.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        Digits are more likely under it than white noise:

        >>> import torch
        >>> from brainleaks_pl import NaturalSpectrum
        >>> prior = NaturalSpectrum()
        >>> prior.fit_to((1, 28, 28))
        >>> prior.memorise(torch.cat([data.class_images(digit)[:50] for digit in range(5)]))
        True
        >>> prior.loss(data.class_images(7, "test")) < prior.loss(torch.rand(50, 1, 28, 28))
        tensor(True)
    """

    network: _Spectrum

    def __init__(
        self,
        weights: str | None = None,
        power: float = 0.2,
        lr: float = 0.002,
        momentum: float = 0.9,
        start: float = 0.05,
        alone: int = 500,
    ) -> None:
        if not 0 <= power <= 1:
            raise ValueError(f"power must lie in [0, 1], got {power}.")
        if not 0 < lr < math.inf:
            raise ValueError(f"lr must be positive and finite, got {lr}.")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum must lie in [0, 1), got {momentum}.")
        if not 0 <= start < math.inf:
            raise ValueError(f"start must be finite and not negative, got {start}.")
        super().__init__(weights, alone, Training(epochs=1))
        self.power = power
        self.lr = lr
        self.momentum = momentum
        self.start = start

    def build(self, input_shape: tuple[int, int, int]) -> _Spectrum:  # type: ignore[override]
        """Return the spectrum of white noise about black."""
        return _Spectrum(input_shape)

    def loss(self, images: Tensor) -> Tensor:
        """Return the negative log-likelihood of images, in nats per pixel but for a constant."""
        return self.network.loss(images)

    def memorise(self, images: Tensor) -> bool:
        """Compute the mean and the spectrum of all training images."""
        self.network.learn(images)
        return True

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """That of the pictures."""
        return self.input_shape

    def first(self, noise: Tensor) -> Tensor:
        """Return latents near 0, which is the mean picture."""
        return self.start * noise

    def unguided(self, noise: Tensor) -> Tensor:
        """Return the noise itself."""
        return noise

    def images(self, latents: Tensor, step: int, steps: int) -> Tensor:
        """Return the mean picture changed as the latents say, the same in every step."""
        return unclamped(self.network.mean + self.network.change(latents))

    def guided(self, gradient: Tensor, step: int, steps: int) -> Tensor:
        """Return the gradient, its scales weighted by ``power``, as long as changes a pixel by 1 in the mean."""
        direction = gradient * self.network.amplitudes ** (2 * self.power - 2)
        size = self.network.change(direction).square().mean((1, 2, 3), keepdim=True).sqrt()
        guided: Tensor = direction / size.where(size > 0, 1.0)
        return guided

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build what steps along a gradient with momentum."""
        return torch.optim.SGD(parameters, lr=self.lr, momentum=self.momentum)


class _Spectrum(nn.Module):
    """Pictures as a mean and cosines: each pixel has a deviation of its own, each frequency an amplitude."""

    def __init__(self, input_shape: tuple[int, int, int]) -> None:
        super().__init__()
        _, height, width = input_shape
        self.mean: Tensor
        self.deviations: Tensor
        self.amplitudes: Tensor
        self.rows: Tensor
        self.columns: Tensor
        self.register_buffer("mean", torch.zeros(input_shape))
        self.register_buffer("deviations", torch.ones(input_shape))
        self.register_buffer("amplitudes", torch.ones(height, width))
        self.register_buffer("rows", _cosines(height), persistent=False)
        self.register_buffer("columns", _cosines(width), persistent=False)

    def learn(self, images: Tensor) -> None:
        mean = images.mean(0)
        variances = (images - mean).square().mean(0)
        frequencies = self._frequencies()
        blur = _BLUR * math.pi * max(variances.shape[-2:])
        smooth = self._composed(self._analysed(variances) * torch.exp(-((blur * frequencies) ** 2) / 2))
        deviations = smooth.clamp(min=0).sqrt().clamp(min=_LEAST_DEVIATION)
        power = self._analysed((images - mean) / deviations).square().mean((0, 1))
        rings = min(power.shape)  # of about the same frequency, over which the power is averaged
        ring = (frequencies / frequencies.max().clamp(min=1e-9) * rings / 2).long()
        total = torch.zeros(rings, device=power.device).index_add_(0, ring.flatten(), power.flatten())
        averaged = total / torch.bincount(ring.flatten(), minlength=rings).clamp(min=1)
        self.mean.copy_(mean)
        self.deviations.copy_(deviations)
        self.amplitudes.copy_(averaged[ring].sqrt().clamp(min=_LEAST_AMPLITUDE))

    def change(self, latents: Tensor) -> Tensor:
        """Return what latents add to the mean picture, ``(N, C, H, W)``."""
        return self.deviations * self._composed(self.amplitudes * latents)

    def loss(self, images: Tensor) -> Tensor:
        latents = self._analysed((images - self.mean) / self.deviations) / self.amplitudes
        loss: Tensor = latents.square().mean() / 2 + self.amplitudes.log().mean() + self.deviations.log().mean()
        return loss

    def _frequencies(self) -> Tensor:
        """Return the frequency of each cosine, in half cycles a pixel, ``(H, W)``."""
        down, across = (torch.arange(len(own), device=own.device) / len(own) for own in (self.rows, self.columns))
        return torch.hypot(down[:, None], across[None])

    def _analysed(self, pictures: Tensor) -> Tensor:
        return self.rows @ pictures @ self.columns.T

    def _composed(self, cosines: Tensor) -> Tensor:
        return self.rows.T @ cosines @ self.columns


def _cosines(count: int) -> Tensor:
    """Return the orthonormal cosines of the DCT-II, one per row, ``(count, count)``."""
    order = torch.arange(count, dtype=torch.float64)
    cosines = torch.cos(math.pi / count * order[:, None] * (order + 0.5)) * math.sqrt(2 / count)
    cosines[0] /= math.sqrt(2)
    return cosines.float()
