"""Adversarial examples, a null of the attacks: they fool a target without showing anything of the class."""

from __future__ import annotations

import torch
from torch import Tensor

from brainleaks_pl.attacks.base import Keep
from brainleaks_pl.attacks.brainleaks_v3 import BrainLeaksV3
from brainleaks_pl.attacks.losses import Loss
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.classifier import Classifier


class AdversarialExamples(BrainLeaksV3):
    """Targeted projected gradient descent through the encoder (Madry et al., ICLR 2018); a null and not an attack.

    Images of other classes are changed a little until the target takes them for the class sought: in each step every
    pixel moves by ``step_size`` against the sign of its gradient, back into [0, 1] and to no more than ``eps`` from
    where it started. What comes out still shows another class. A judge that takes it for the class sought can be
    fooled, and its word on reconstructions counts for so much less.

    Args:
        target: the trained classifier, spiking or not.
        origins: the images to start from, of classes other than the one sought, with pixels in [0, 1]: one for each
            (class, restart) unit in the order of ``units``, ``(M * restarts, C, H, W)``. Before an encoder whose images
            differ in shape from the network's input, of the encoder's shape.
        eps: how far a pixel may move from its origin, in (0, 1].
        steps: iterations.
        step_size: how far a pixel moves in a step, > 0; None means ``2.5 * eps / steps``.
        encoder: as that of :class:`BrainLeaksV3`.
        loss: as that of :class:`BrainLeaksV3`.
        population: as that of :class:`BrainLeaksV3`.
        classes: the classes sought, all distinct; None means every class.
        restarts: origins of each class, at least 1.
        surrogate: surrogate gradient in place of the target's own; None keeps that.
        keep: return the images of the lowest cost (``best``) or of the last step (``last``).
        seed: seed of the units' random streams; None takes torch's initial seed.

    Raises:
        ValueError: when an argument is out of range, or the origins do not fit the units.

    Examples:
        A 1 that the target takes for a 3:

        >>> from brainleaks_pl import AdversarialExamples, run_attack
        >>> origins = data.class_images(1, "test")[:1]
        >>> attack = AdversarialExamples(ann, origins, eps=0.2, classes=[3])
        >>> result = run_attack(attack, {}, data)
        >>> images = attack.reconstructions()
        >>> ann.confidences(origins).argmax(1), ann.confidences(images).argmax(1)
        (tensor([1]), tensor([3]))
        >>> (images - origins).abs().max()
        tensor(0.2000)
    """

    _bounded = False

    def __init__(
        self,
        target: Classifier,
        origins: Tensor,
        eps: float = 0.1,
        steps: int = 20,
        step_size: float | None = None,
        encoder: Encoder | None = None,
        loss: Loss | None = None,
        population: int = 1,
        classes: list[int] | None = None,
        restarts: int = 1,
        surrogate: Surrogate | None = None,
        keep: Keep = "last",
        seed: int | None = None,
    ) -> None:
        if not 0 < eps <= 1:
            raise ValueError(f"eps must lie in (0, 1], got {eps}.")
        if step_size is not None and not 0 < step_size < float("inf"):
            raise ValueError(f"step_size must be positive and finite, or null, got {step_size}.")
        size = 2.5 * eps / max(1, steps) if step_size is None else step_size
        super().__init__(
            target,
            encoder,
            steps,
            loss,
            lambda parameters: torch.optim.SGD(parameters, lr=size),
            population,
            smoothing=0.0,
            scale_gradient=False,
            classes=classes,
            restarts=restarts,
            surrogate=surrogate,
            keep=keep,
            seed=seed,
        )
        if origins.shape != self.candidates.shape:
            raise ValueError(
                f"origins must be {len(self.units)} images of shape {self.image_shape}, one for each (class, restart) "
                f"unit, got a tensor of shape {tuple(origins.shape)}."
            )
        if not bool(((origins >= 0) & (origins <= 1)).all()):
            raise ValueError(
                f"the origins' pixels must lie in [0, 1], got {float(origins.min())} to {float(origins.max())}."
            )
        self.eps = eps
        first = origins.detach().to(self.candidates)
        self.lowest: Tensor
        self.highest: Tensor
        self.register_buffer("lowest", (first - eps).clamp(min=0))
        self.register_buffer("highest", (first + eps).clamp(max=1))
        self._bounded = True
        self.candidates.data.copy_(first)
        self.best.copy_(first)

    def candidate_gradient(self, costs: Tensor, sample_gradient: Tensor, step: int) -> Tensor:
        """Return the sign of the gradient back through the encoder."""
        return super().candidate_gradient(costs, sample_gradient, step).sign()

    def project(self) -> None:
        """Keep the pixels in [0, 1] and within ``eps`` of the origins'."""
        super().project()
        if self._bounded:
            self.candidates.copy_(self.candidates.clamp(self.lowest, self.highest))
