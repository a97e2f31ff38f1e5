"""The denoiser: a small U-Net that is given the noise level."""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FREQUENCIES, _EMBEDDING = 16, 64
_DEVIATION = 0.5  # of the pixels of natural pictures in [-1, 1], about


class Denoiser(nn.Module):
    """Returns the pictures behind noisy ones, both in [-1, 1] (preconditioned as by Karras et al., NeurIPS 2022).

    Args:
        input_shape: (C, H, W).
        width: channels at the first of the three levels, a multiple of 8; the second has twice, the third four times
            as many.
        patch: side of the squares of pixels that the network takes as one; H and W are multiples of it.

    Raises:
        ValueError: when an argument is out of range.
    """

    def __init__(self, input_shape: tuple[int, int, int], width: int, patch: int) -> None:
        super().__init__()
        if width < 8 or width % 8:
            raise ValueError(f"width must be a positive multiple of 8, got {width}.")
        if patch < 1 or input_shape[1] % patch or input_shape[2] % patch:
            raise ValueError(f"patch must divide the {input_shape[1]}x{input_shape[2]} pixels, got {patch}.")
        self.patch = patch
        channels = input_shape[0] * patch**2
        self.frequencies: Tensor
        self.register_buffer("frequencies", torch.randn(_FREQUENCIES))
        self.embedding = nn.Sequential(
            nn.Linear(2 * _FREQUENCIES, _EMBEDDING), nn.SiLU(), nn.Linear(_EMBEDDING, _EMBEDDING), nn.SiLU()
        )
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        self.down = nn.ModuleList([_Block(width, width), _Block(width, 2 * width), _Block(2 * width, 4 * width)])
        self.up = nn.ModuleList([_Block(4 * width, 4 * width), _Block(6 * width, 2 * width), _Block(3 * width, width)])
        self.normalise = nn.GroupNorm(8, width)
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(cast(Tensor, self.last.bias))

    def forward(self, noisy: Tensor, sigma: Tensor) -> Tensor:
        """Return the pictures, ``(B, C, H, W)``.

        Args:
            noisy: pictures with noise.
            sigma: its standard deviation, ``(B,)``, > 0.
        """
        sigma = sigma.view(-1, 1, 1, 1)
        total = sigma**2 + _DEVIATION**2
        found = self._network(noisy / total.sqrt(), sigma.flatten().log() / 4)
        pictures: Tensor = _DEVIATION**2 / total * noisy + sigma * _DEVIATION / total.sqrt() * found
        return pictures

    def loss(self, pictures: Tensor) -> Tensor:
        """Return the mean weighted square error of what is made of pictures with noise drawn at random."""
        sigma = (torch.randn(len(pictures), device=pictures.device) * 1.2 - 1.0).exp()
        each = sigma.view(-1, 1, 1, 1)
        found = self(pictures + each * torch.randn_like(pictures), sigma)
        weights = (each**2 + _DEVIATION**2) / (each * _DEVIATION) ** 2
        loss: Tensor = (weights * (found - pictures) ** 2).mean()
        return loss

    def _network(self, x: Tensor, level: Tensor) -> Tensor:
        angles = 2 * math.pi * level[:, None] * self.frequencies
        told = self.embedding(torch.cat([angles.sin(), angles.cos()], 1))
        fine = self.down[0](self.first(F.pixel_unshuffle(x, self.patch)), told)
        middle = self.down[1](F.avg_pool2d(fine, 2, ceil_mode=True), told)
        coarse = self.up[0](self.down[2](F.avg_pool2d(middle, 2, ceil_mode=True), told), told)
        middle = self.up[1](torch.cat([F.interpolate(coarse, size=middle.shape[-2:]), middle], 1), told)
        fine = self.up[2](torch.cat([F.interpolate(middle, size=fine.shape[-2:]), fine], 1), told)
        return F.pixel_shuffle(self.last(F.silu(self.normalise(fine))), self.patch)


class _Block(nn.Module):
    """Two convolutions beside a shortcut; the noise level is added in between."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first_norm, self.first = nn.GroupNorm(8, inputs), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second_norm, self.second = nn.GroupNorm(8, outputs), nn.Conv2d(outputs, outputs, 3, padding=1)
        self.told = nn.Linear(_EMBEDDING, outputs)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(cast(Tensor, self.second.bias))

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        hidden = self.first(F.silu(self.first_norm(x))) + self.told(told)[:, :, None, None]
        found: Tensor = self.shortcut(x) + self.second(F.silu(self.second_norm(hidden)))
        return found
