"""What the attacks on spiking networks share: candidates with a time axis."""

from __future__ import annotations

from typing import Any

from brainleaks_pl.attacks.fitting import WrongTargetError, use_instead
from brainleaks_pl.attacks.gradient import GradientInversion
from brainleaks_pl.targets.classifier import Classifier


class SpikingInversion(GradientInversion):
    """Base of the attacks whose target takes spikes; see :class:`GradientInversion` for the hooks.

    Args:
        target: the trained classifier, one that takes spikes.
        time_steps: T of the input, at least 1; None takes the one that the target was trained with.
        shared_over_time: one candidate for all time steps, ``(1, N, C, H, W)``, as a rate code has it.
        kwargs: those of :class:`GradientInversion`.

    Raises:
        WrongTargetError: when the target takes images.
        ValueError: when T is not known or an argument is out of range.

    Examples:
        One of your own, which flips the most promising spike in each step:

        >>> import torch
        >>> from brainleaks_pl import SpikingInversion, run_attack
        >>> class Flips(SpikingInversion):
        ...     def __init__(self, target, steps=25, **kwargs):
        ...         super().__init__(target, steps=steps, start=0.0, **kwargs)
        ...
        ...     def sample(self, step):
        ...         return self.candidates.detach().clone()
        ...
        ...     def candidate_gradient(self, costs, sample_gradient, step):
        ...         promised = sample_gradient * (2 * self.candidates - 1)
        ...         return sample_gradient.sign() * (promised == promised.amax((0, 2, 3, 4), keepdim=True))
        ...
        ...     def project(self):
        ...         self.candidates.copy_(self.candidates > 0)
        ...
        ...     def configure_optimizers(self):
        ...         return torch.optim.SGD([self.candidates], lr=1.0)
        >>> attack = Flips(network, classes=[3, 8])
        >>> result = run_attack(attack, {}, data)
        >>> spikes = attack.reconstructions()
        >>> spikes.shape, network.confidences(spikes).argmax(1)
        (torch.Size([5, 2, 1, 28, 28]), tensor([3, 8]))
    """

    def __init__(
        self,
        target: Classifier,
        *,
        time_steps: int | None = None,
        shared_over_time: bool = False,
        **kwargs: Any,
    ) -> None:
        if not target.takes_spikes:
            raise WrongTargetError(
                f"{type(self).__name__} looks for spikes, and {target.name} takes images: {use_instead(False)}"
            )
        known = target.time_steps if time_steps is None else time_steps
        if known is None:
            raise ValueError(
                "time_steps is not known: the target does not say how many it was trained with. Set attack.time_steps, "
                "most likely to that of data.encoder or data.frames."
            )
        if known < 1:
            raise ValueError(f"time_steps must be at least 1, got {known}.")
        self.time_steps = known
        shape = (1 if shared_over_time else known, *target.input_shape)
        super().__init__(target, candidate_shape=shape, **kwargs)
