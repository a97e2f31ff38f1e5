"""A variational autoencoder as a prior: an attack looks for a few numbers that a decoder turns into a picture."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from brainleaks_pl.priors.latents import LatentPrior
from brainleaks_pl.targets.training import Training


class VAE(LatentPrior):
    """Latents of a variational autoencoder (Kingma and Welling, ICLR 2014): smooth pictures, quickly trained.

    Args:
        weights: file of a trained prior; None builds a new one, to be trained.
        latents: numbers that stand for a picture, at least 1; of trained ones their file says.
        hidden: neurons of the hidden layer of encoder and decoder, at least 1; likewise.
        lr: step size of the latents, whose standard deviation is 1, > 0.
        alone: pictures drawn for the null, at least 1.
        training: how ``fit`` trains it.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        Trained by hand for twenty steps, which is otherwise what ``brainleaks fit`` does:

        >>> import torch
        >>> from brainleaks_pl import VAE
        >>> prior = VAE(latents=4, hidden=40)
        >>> prior.fit_to((1, 28, 28))
        >>> public = torch.cat([data.class_images(digit)[:40] for digit in range(5)])
        >>> untrained = prior.loss(public).item()
        >>> optimizer = torch.optim.Adam(prior.parameters(), lr=0.01)
        >>> for _ in range(20):
        ...     optimizer.zero_grad()
        ...     prior.loss(public).backward()
        ...     _ = optimizer.step()
        >>> prior.loss(public).item() < untrained / 2
        True
        >>> prior.images(torch.randn(3, 4, 1, 1), step=0, steps=1).shape
        torch.Size([3, 1, 28, 28])
    """

    network: _Autoencoder

    def __init__(
        self,
        weights: str | None = None,
        latents: int = 24,
        hidden: int = 400,
        lr: float = 0.1,
        alone: int = 500,
        training: Training = Training(lr=1e-3, epochs=30, batch_size=100),
    ) -> None:
        super().__init__(weights, lr, alone, training, latents=latents, hidden=hidden)

    def build(self, input_shape: tuple[int, int, int], *, latents: int, hidden: int) -> nn.Module:  # type: ignore[override]
        """Return the untrained autoencoder."""
        return _Autoencoder(input_shape, latents, hidden)

    def loss(self, images: Tensor) -> Tensor:
        """Return the negative lower bound of the pictures' log-likelihood, in nats, mean over the batch."""
        return self.network.loss(images)

    def decoded(self, latents: Tensor) -> Tensor:
        """Return the pictures of latents ``(N, L)``, ``(N, C, H, W)`` in [0, 1]."""
        return self.network.logits(latents).sigmoid()


class _Autoencoder(nn.Module):
    def __init__(self, input_shape: tuple[int, int, int], latents: int, hidden: int) -> None:
        super().__init__()
        for name, value in (("latents", latents), ("hidden", hidden)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")
        self.input_shape = input_shape
        pixels = math.prod(input_shape)
        self.encode = nn.Sequential(
            nn.Flatten(), nn.Linear(pixels, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(),
            nn.Linear(hidden, 2 * latents),
        )  # fmt: skip
        self.decode = nn.Sequential(
            nn.Linear(latents, hidden), nn.SiLU(), nn.Linear(hidden, hidden), nn.SiLU(), nn.Linear(hidden, pixels)
        )

    def logits(self, latents: Tensor) -> Tensor:
        logits: Tensor = self.decode(latents)
        return logits.view(-1, *self.input_shape)

    def loss(self, images: Tensor) -> Tensor:
        mean, log_variance = self.encode(images).chunk(2, 1)
        drawn = mean + (log_variance / 2).exp() * torch.randn_like(mean)
        likelihood = F.binary_cross_entropy_with_logits(self.logits(drawn), images, reduction="sum")
        divergence: Tensor = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum()
        return (likelihood + divergence) / len(images)
