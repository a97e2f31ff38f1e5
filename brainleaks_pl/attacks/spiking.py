"""What the attacks on spiking networks share: candidates with a time axis."""

from __future__ import annotations

from brainleaks_pl.attacks.base import Keep, WrongTargetError
from brainleaks_pl.attacks.gradient import GradientInversion
from brainleaks_pl.attacks.losses import Loss
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.base import TargetClassifier


class SpikingInversion(GradientInversion):
    """Base of the attacks whose target is a spiking network; see :class:`GradientInversion` for the hooks.

    Args:
        target: the trained classifier, a spiking network.
        steps: iterations, at least 1.
        start: value of every entry of the first candidates.
        classes: classes to attack; None attacks every class.
        restarts: independent runs of each class.
        time_steps: T of the input, at least 1; None takes the one that the target was trained with.
        loss: what is minimised.
        surrogate: surrogate gradient at attack time; None keeps the one of training.
        turnover: share of entries flipped at random where all gradients are zero.
        keep: return the candidates of the lowest cost (``best``) or of the last step (``last``, as published).
        seed: seed of the random streams; None takes the seed of the run.
        shared_over_time: one candidate for all time steps, ``(1, N, C, H, W)``.

    Raises:
        WrongTargetError: when the target is not spiking.
        ValueError: when T is not known or an argument is out of range.
    """

    def __init__(
        self,
        target: TargetClassifier,
        *,
        steps: int,
        start: float,
        classes: list[int] | None,
        restarts: int,
        time_steps: int | None,
        loss: Loss | None,
        surrogate: Surrogate | None,
        turnover: float,
        keep: Keep,
        seed: int | None,
        shared_over_time: bool = False,
    ) -> None:
        if not target.spiking:
            raise WrongTargetError(
                f"{type(self).__name__} attacks spiking networks, {type(target).__name__} is not: use MIFace."
            )
        known = target.time_steps if time_steps is None else time_steps
        if known is None:
            raise ValueError("time_steps is not known: the target does not say what it was trained with. Give it.")
        if known < 1:
            raise ValueError(f"time_steps must be at least 1, got {known}.")
        self.time_steps = known
        super().__init__(
            target,
            steps=steps,
            candidate_shape=(1 if shared_over_time else known, *target.input_shape),
            start=start,
            classes=classes,
            restarts=restarts,
            loss=loss,
            surrogate=surrogate,
            turnover=turnover,
            keep=keep,
            seed=seed,
        )
