"""The base class of priors: what attacks ask of them, and how ``fit`` trains them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor, nn

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.networks.captured import Captured, arguments_of
from brainleaks_pl.priors.files import read_prior
from brainleaks_pl.targets.trainee import Trainee
from brainleaks_pl.targets.training import Training
from brainleaks_pl.targets.weights import digest_of

_AT_ONCE = 250


class Prior(Captured, Trainee):
    """A small generative model that has never seen the private classes, and keeps an attack among natural pictures.

    ``fit`` trains it on public data, images ``(B, C, H, W)`` whose labels play no part. An attack then looks for
    latents in place of pixels: in each step the target sees :meth:`images`, the gradient goes back through them,
    the optimizer of :meth:`optimizer` steps along what :meth:`guided` makes of it, and :meth:`advance` ends the step.

    Args:
        weights: file of a trained prior, as ``fit`` writes it; it says how the prior is built, and is read when an
            attack takes the prior, or its pictures or their shape are asked for. None builds a new one.
        alone: pictures that are drawn without any guidance, of which the target chooses: the null of attacks with
            this prior, at least 1.
        training: how ``fit`` trains it.
        building: arguments of :meth:`build` beside the shape, where there are no weights.

    Raises:
        ValueError: when an argument is out of range.

    Examples:
        Trained on public pictures, here of the digits 0 to 4, for an attack on another digit:

        >>> import torch
        >>> from brainleaks_pl import BrainLeaksV3, PrincipalComponents, Prior
        >>> prior: Prior = PrincipalComponents(latents=20)
        >>> prior.fit_to((1, 28, 28))
        >>> public = torch.cat([data.class_images(digit)[:50] for digit in range(5)])
        >>> prior.memorise(public)
        True
        >>> attack = BrainLeaksV3(ann, prior=prior, classes=[7], seed=0)
        >>> attack.candidates.shape  # 20 numbers in place of 784 pixels
        torch.Size([1, 20, 1, 1])
    """

    monitored = ("val/loss", "min")
    anneals = False
    """Whether latents mean something else in every step, so that an attack has to run to its last."""
    keeps_pixels: ClassVar[bool] = False
    """Whether the latents are the pictures' pixels: an attack then starts, moves and bounds them as without a prior."""
    stored_as: ClassVar[str | None] = None
    """The class that a file must name where that is another one, whose weights it shares."""

    def __init__(self, weights: str | None, alone: int, training: Training, **building: Any) -> None:
        super().__init__(training)
        if alone < 1:
            raise ValueError(f"alone must be at least 1, got {alone}.")
        if training.max_shift:
            raise ValueError(
                "training.max_shift is for classifiers; priors are trained on the pictures as they are, got "
                f"{training.max_shift}."
            )
        self.weights = weights
        self.alone = alone
        self.building = building
        self.network: nn.Module
        self.facts: dict[str, Any] = {}
        self._input_shape: tuple[int, int, int] | None = None

    @abstractmethod
    def build(self, input_shape: tuple[int, int, int], **building: Any) -> nn.Module:
        """Return the untrained network for images of a shape (C, H, W).

        Raises:
            ValueError: when an argument is out of range.
        """

    @abstractmethod
    def loss(self, images: Tensor) -> Tensor:
        """Return the training loss of images ``(B, C, H, W)`` in [0, 1]."""

    @property
    @abstractmethod
    def latent_shape(self) -> tuple[int, int, int]:
        """Shape of one picture's latents."""

    @abstractmethod
    def images(self, latents: Tensor, step: int, steps: int) -> Tensor:
        """Return what latents ``(N, *latent_shape)`` stand for at a step of so many, ``(N, C, H, W)`` in [0, 1].

        It can be differentiated. ``step`` equals ``steps`` once the last one has been taken.
        """

    @abstractmethod
    def guided(self, gradient: Tensor, step: int, steps: int) -> Tensor:
        """Return what the optimizer steps along, of a cost's gradient with respect to the latents."""

    @abstractmethod
    def optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """Build the optimizer of an attack's latents."""

    def first(self, noise: Tensor) -> Tensor:
        """Return the first latents of an attack, of standard normal numbers in their shape."""
        return noise

    def unguided(self, noise: Tensor) -> Tensor:
        """Return the first latents of pictures that nothing guides; here those of an attack."""
        return self.first(noise)

    def near(self, images: Tensor, noise: Tensor) -> Tensor:
        """Return the first latents of an attack that begins with given images; not asked of a prior of pixels.

        Args:
            images: ``(N, C, H, W)`` in [0, 1].
            noise: standard normal numbers, ``(N, *latent_shape)``.

        Raises:
            ValueError: where there are no latents for a given image, as here.
        """
        raise ValueError(
            f"{self.name} cannot begin with given images: leave `first` out, or use GuidedDenoising or PlugAndPlay."
        )

    def advance(self, latents: Tensor, images: Tensor, step: int, steps: int) -> Tensor:
        """Return the latents with which the next step begins.

        Args:
            latents: those of a step after the optimizer has moved them.
            images: what they stood for before it did.
            step: the step, from 0.
            steps: how many there are.
        """
        return latents

    def settled(self, latents: Tensor, images: Tensor) -> Tensor:
        """Return latents that stand for ``images`` once the last step has been taken."""
        return latents

    def spread(self, step: int, steps: int) -> float:
        """Return the standard deviation of the latents that are likely in a step."""
        return 1.0

    @torch.no_grad()
    def sample(self, count: int, generator: Generator, steps: int = 30) -> Tensor:
        """Draw pictures that nothing guides, ``(count, C, H, W)`` in [0, 1]."""
        self.check_shape(self.input_shape)
        drawn = []
        for first in range(0, count, _AT_ONCE):
            shape = (min(_AT_ONCE, count - first), *self.latent_shape)
            latents = self.unguided(torch.randn(shape, generator=generator, device=generator.device))
            for step in range(steps if self.anneals else 0):
                latents = self.advance(latents, self.images(latents, step, steps), step, steps)
            drawn.append(self.images(latents, steps, steps))
        return torch.cat(drawn)

    @property
    def name(self) -> str:
        """What messages call the prior."""
        return type(self).__qualname__

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures.

        Raises:
            FileNotFoundError: when there are no weights at the path that was given.
            ValueError: when the file is not one of such a prior, or there is none and the prior has not been trained.
        """
        if self._input_shape is None and self.weights is not None:
            self._load(Path(self.weights))
        if self._input_shape is None:
            raise ValueError(
                f"{self.name} has not been trained: give the file that `brainleaks fit` wrote as `weights`."
            )
        return self._input_shape

    def check_shape(self, wanted: Sequence[int]) -> None:
        """See that it makes pictures of a shape (C, H, W).

        Raises:
            ValueError: when it makes others, or is not trained.
        """
        if self.input_shape != tuple(wanted):
            raise ValueError(
                f"the prior {self.weights or self.name} makes pictures of the shape {self.input_shape}, and the attack "
                f"looks for {tuple(wanted)}: train one on public data of that shape."
            )

    def fit_to(self, input_shape: tuple[int, int, int]) -> None:
        """Build the network for pictures of a shape (C, H, W), unless that has been done.

        Raises:
            ValueError: when it was built for another.
        """
        if self._input_shape is None:
            self.network = self.build(input_shape, **self.building)
            self._input_shape = input_shape
        self.check_shape(input_shape)

    def memorise(self, images: Tensor) -> bool:
        """Learn from all training images ``(N, C, H, W)`` at once; return whether nothing is left to train."""
        return False

    def digest(self) -> str:
        """Return a digest of the weights."""
        return digest_of(self.network.state_dict())

    def content(self, data: BaseDataModule) -> dict[str, Any]:
        """Return what its file holds, of the public data that it was trained on."""
        return {
            "class": self.stored_as or self.name,
            "architecture": {"input_shape": list(self.input_shape), **self.building},
            "data": {**data.describe(), "digest": data.digest()},
            "state_dict": self.network.state_dict(),
        }

    def describe(self) -> dict[str, Any]:
        """Return plain values that say which prior it is, and which public data it was trained on."""
        given = {key: own for key, own in (arguments_of(self) or {}).items() if key not in ("weights", "training")}
        return {"class": self.name, "digest": self.digest(), "data": self.facts.get("data"), **given, **self.building}

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of one batch."""
        loss = self.loss(batch[0])
        self.log("train/loss", loss, prog_bar=True, batch_size=len(batch[0]))
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the loss of one batch."""
        self.log("val/loss", self.loss(batch[0]), prog_bar=True, on_epoch=True, batch_size=len(batch[0]))

    def test_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> None:
        """Log the loss of one batch."""
        self.log("test/loss", self.loss(batch[0]), on_epoch=True, batch_size=len(batch[0]))

    def _load(self, path: Path) -> None:
        content = read_prior(path)
        wanted = self.stored_as or self.name
        if content["class"] != wanted:
            raise ValueError(f"{path} holds a {content['class']}, not a {wanted}: set the prior's class_path to it.")
        shape, self.building = content["architecture"].pop("input_shape"), content["architecture"]
        network = self.build(tuple(shape), **self.building)
        try:
            network.load_state_dict(content.pop("state_dict"))
        except RuntimeError as error:
            raise ValueError(f"{path} does not fit {self.name}: {error}") from error
        self.network, self._input_shape, self.facts = network, tuple(shape), content
        self.requires_grad_(False).eval()


def unclamped(images: Tensor) -> Tensor:
    """Return images clamped to [0, 1] through which a gradient passes as if they were not."""
    return images + (images.clamp(0, 1) - images).detach()
