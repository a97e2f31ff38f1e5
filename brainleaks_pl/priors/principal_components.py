"""Principal components of public pictures as a prior (eigenfaces), with nothing to train."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from brainleaks_pl.priors.base import unclamped
from brainleaks_pl.priors.latents import LatentPrior
from brainleaks_pl.targets.training import Training


class PrincipalComponents(LatentPrior):
    """The mean public picture and the directions in which public pictures differ most (Turk and Pentland, 1991).

    The latents say how far to go along each direction, in standard deviations. It is computed, not trained, and the
    one to choose where public pictures are few and aligned, as faces are. Of each picture its mirror image is learnt
    as well, if so asked.

    Args:
        weights: file of a trained prior; None builds a new one, to be trained.
        latents: directions, at least 1 and fewer than there are public pictures; of trained ones their file says.
        mirrored: learn mirror images as well.
        lr: step size of the latents, whose standard deviation is 1, > 0.
        alone: pictures drawn for the null, at least 1.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import PrincipalComponents
        >>> prior = PrincipalComponents(latents=20)
        >>> prior.fit_to((1, 28, 28))
        >>> prior.memorise(torch.cat([data.class_images(digit)[:50] for digit in range(5)]))
        True
        >>> prior.loss(data.class_images(3, "test")) < prior.loss(data.class_images(7, "test"))
        tensor(True)
        >>> prior.sample(4, torch.Generator().manual_seed(0)).shape
        torch.Size([4, 1, 28, 28])
    """

    network: _Components

    def __init__(
        self,
        weights: str | None = None,
        latents: int = 100,
        mirrored: bool = False,
        lr: float = 0.1,
        alone: int = 500,
    ) -> None:
        self.mirrored = mirrored
        super().__init__(weights, lr, alone, Training(epochs=1), latents=latents)

    def build(self, input_shape: tuple[int, int, int], *, latents: int) -> nn.Module:  # type: ignore[override]
        """Return components that are all zero."""
        return _Components(input_shape, latents)

    def loss(self, images: Tensor) -> Tensor:
        """Return the mean square error of images seen through the components."""
        centred = images - self.network.mean
        basis = self.network.basis.flatten(1)
        seen = centred.flatten(1) @ basis.T / (basis**2).sum(1)
        return ((seen @ basis).view_as(images) - centred).square().mean()

    def memorise(self, images: Tensor) -> bool:
        """Compute the components of all training images."""
        pictures = torch.cat([images, images.flip(-1)]) if self.mirrored else images
        count, latents = len(pictures), len(self.network.basis)
        if latents >= min(count, math.prod(self.input_shape)):
            raise ValueError(f"latents must be fewer than the {count} public pictures and their pixels, got {latents}.")
        mean = pictures.mean(0)
        _, sizes, directions = torch.linalg.svd((pictures - mean).flatten(1), full_matrices=False)
        scaled = directions[:latents] * (sizes[:latents] / math.sqrt(count)).unsqueeze(1)
        self.network.mean.copy_(mean)
        self.network.basis.copy_(scaled.unflatten(1, self.input_shape))
        return True

    def decoded(self, latents: Tensor) -> Tensor:
        """Return the mean picture moved along the directions."""
        return unclamped(self.network.mean + torch.einsum("nl,lchw->nchw", latents, self.network.basis))


class _Components(nn.Module):
    def __init__(self, input_shape: tuple[int, int, int], latents: int) -> None:
        super().__init__()
        if latents < 1:
            raise ValueError(f"latents must be at least 1, got {latents}.")
        self.mean: Tensor
        self.basis: Tensor
        self.register_buffer("mean", torch.zeros(input_shape))
        self.register_buffer("basis", torch.zeros(latents, *input_shape))
