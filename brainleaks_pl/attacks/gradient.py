"""The base class of the attacks that see the target's gradient."""

from __future__ import annotations

import math
import warnings
from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor

from brainleaks_pl.attacks.asking import Evaluation, ask
from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.attacks.finite import require_finite
from brainleaks_pl.attacks.fitting import WrongTargetError
from brainleaks_pl.attacks.functional import unit_view
from brainleaks_pl.attacks.losses import Confidence, Loss
from brainleaks_pl.attacks.spending import Spending, distinct, fingerprints, repeated
from brainleaks_pl.attacks.streams import FLIPS
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.classifier import Classifier


class GradientInversion(InversionModule):
    """Base of the attacks that follow the target's gradient.

    One iteration:

    1. :meth:`sample` draws the inputs that the target sees from the candidates (``self.candidates``);
    2. the costs and their gradient with respect to those inputs are computed; the best candidates so far are kept;
    3. :meth:`candidate_gradient` turns that into the gradient of the candidates, along which the optimizer of
       ``configure_optimizers`` steps;
    4. :meth:`project` puts the candidates back into their domain.

    A subclass implements these three hooks and Lightning's ``configure_optimizers``. When every gradient of a unit is
    zero, the module says so and flips a random share ``turnover`` of its entries (arXiv 2001.01587). The buffers
    ``gradients_spent``, ``steps_taken`` and ``zero_gradient_steps``, ``(N,)``, count the gradients spent on each unit,
    its steps, and those in which every gradient was zero. Of equal inputs, among the members of a step or in two steps
    in a row, one is counted.

    Args:
        target: the trained classifier; frozen and put in evaluation mode.
        loss: what is minimised; None means :class:`~brainleaks_pl.attacks.losses.Confidence`, as published.
        surrogate: surrogate gradient at attack time; None keeps the one of training.
        turnover: share of entries flipped at random where all gradients are zero, in (0, 1].
        kwargs: those of :class:`InversionModule`.

    Raises:
        WrongTargetError: when a network without spikes is given a surrogate.
        ValueError: when an argument is out of range.

    Examples:
        One of your own: gradient descent on the pixels, with a momentum of 0.9.

        >>> import torch
        >>> from brainleaks_pl import GradientInversion, run_attack
        >>> class PlainDescent(GradientInversion):
        ...     def __init__(self, target, steps=20, **kwargs):
        ...         super().__init__(target, steps=steps, candidate_shape=target.input_shape, start=0.5, **kwargs)
        ...
        ...     def sample(self, step):
        ...         return self.candidates.detach().clone()
        ...
        ...     def candidate_gradient(self, costs, sample_gradient, step):
        ...         return sample_gradient
        ...
        ...     def project(self):
        ...         self.candidates.clamp_(0, 1)
        ...
        ...     def configure_optimizers(self):
        ...         return torch.optim.SGD([self.candidates], lr=1.0, momentum=0.9)
        >>> attack = PlainDescent(ann, classes=[3, 8])
        >>> result = run_attack(attack, {}, data)
        >>> ann.confidences(attack.reconstructions()).argmax(1)
        tensor([3, 8])
    """

    def __init__(
        self,
        target: Classifier,
        *,
        loss: Loss | None = None,
        surrogate: Surrogate | None = None,
        turnover: float = 0.01,
        **kwargs: Any,
    ) -> None:
        if not 0 < turnover <= 1:
            raise ValueError(f"turnover must lie in (0, 1], got {turnover}.")
        if surrogate is not None and not target.has_surrogates:
            raise WrongTargetError(
                f"a surrogate at attack time would change nothing: {type(target.interface).__name__} finds no neurons "
                f"in {target.name} that take another."
                if target.surrogates_refused is None
                else f"{target.name} takes no surrogate at attack time: {target.surrogates_refused}."
            )
        super().__init__(target, **kwargs)
        self.loss = Confidence() if loss is None else loss
        self.surrogate = surrogate
        self.turnover = turnover
        self.gradients_spent: Tensor
        self.steps_taken: Tensor
        self.zero_gradient_steps: Tensor
        self.asked: Tensor
        self.first_asked: Tensor
        for name in ("gradients_spent", "steps_taken", "zero_gradient_steps"):
            self.register_buffer(name, torch.zeros(len(self.units), dtype=torch.long))
        for name in ("asked", "first_asked"):  # fingerprints of what each unit asked in its last and its first step
            self.register_buffer(name, torch.full((len(self.units),), -1))
        self._warned = False

    time_steps: int = 1
    """T of the input; 1 where it is an image. Where the attack goes through an encoder, that has a T of its own."""
    population: int = 1
    """Inputs of a unit that the target is asked about in one step."""

    @property
    def entries_per_unit(self) -> int:
        """Entries of the inputs that a unit asks the target about in a step, or of its candidate if that is larger."""
        time_steps = self.time_steps if self.encoder is None else self.encoder.time_steps
        return max(super().entries_per_unit, self.population * time_steps * math.prod(self.target.input_shape))

    @property
    def gradients_per_run(self) -> int:
        """Gradients that one restart of one class takes at most."""
        return self.steps * self.population

    @property
    def spending(self) -> Spending:
        """The gradients spent on each class so far, and the share of steps without any.

        What all restarts ask in their first step, as those that start from silence do, is one gradient.
        """
        begun = self.steps_taken > 0
        spent = int(self.gradients_spent.sum()) - repeated(self.labels[begun], self.first_asked[begun])
        return Spending(spent // len(self.classes), zero_gradients=self.zero_gradients)

    @property
    def zero_gradients(self) -> float:
        """The share of the steps so far, over all units, in which every gradient of a unit was zero."""
        return float(self.zero_gradient_steps.sum() / self.steps_taken.sum().clamp(min=1))

    @abstractmethod
    def sample(self, step: int) -> Tensor:
        """Return the inputs that the target sees, without gradient: ``(N * n, C, H, W)`` or ``(T, N * n, C, H, W)``.

        n is the population of a unit (1 unless the attack draws more); a unit's members are neighbours.
        """

    @abstractmethod
    def candidate_gradient(self, costs: Tensor, sample_gradient: Tensor, step: int) -> Tensor:
        """Return the gradient of the candidates, in their shape.

        Args:
            costs: ``(N, n)``.
            sample_gradient: of the costs with respect to what :meth:`sample` returned, in its shape.
            step: the iteration, from 0.
        """

    @abstractmethod
    def project(self) -> None:
        """Put the candidates back into their domain, in place."""

    @property
    def midpoint(self) -> float:
        """The value of a candidate's entry above which a random flip lowers it."""
        return 0.5

    def regulariser(self, inputs: Tensor) -> Tensor | float:
        """Return a cost, ``(N * n,)``, added to the loss of each input."""
        return 0.0

    def evaluate(self, step: int, differentiate: bool = True) -> Evaluation:
        """Draw a sample of the candidates and ask the target about it."""
        units = len(self.units)
        inputs = self.sample(step).requires_grad_(differentiate)
        labels = self.labels.repeat_interleave(inputs.shape[-4] // units)
        losses, confidences, gradient = self.ask(inputs.detach(), labels, differentiate)
        with torch.set_grad_enabled(differentiate):
            penalty = self.regulariser(inputs)
        zero_gradient = None
        if gradient is not None:
            zero_gradient = ~gradient.unflatten(-4, (units, -1)).movedim(-5, 0).flatten(1).any(1)
            if isinstance(penalty, Tensor):
                gradient += torch.autograd.grad(penalty.sum(), inputs)[0]
        costs = losses + (penalty.detach() if isinstance(penalty, Tensor) else penalty)
        inputs = inputs.detach()
        asked = fingerprints(inputs).view(units, -1) if differentiate else None
        return Evaluation(
            costs.view(units, -1), confidences.view(units, -1), gradient, zero_gradient, inputs.mean(), asked
        )

    def ask(self, inputs: Tensor, labels: Tensor, differentiate: bool) -> tuple[Tensor, Tensor, Tensor | None]:
        """Ask the target about inputs, as :func:`~brainleaks_pl.attacks.asking.ask` does."""
        return ask(self.target, self.loss, self.surrogate, inputs, labels, differentiate)

    def training_step(self, step: int, batch_idx: int) -> None:
        """Run one iteration of the attack."""
        if self.idle:
            return
        logged = (self.trainer.global_step + 1) % self.log_every == 0  # a log takes longer than a small gradient
        costs, confidences, sample_gradient, zero_gradient, mean, asked = self.evaluate(step)
        assert sample_gradient is not None
        assert zero_gradient is not None
        assert asked is not None
        require_finite(costs, "costs", f"step {step}")
        self._count(asked, zero_gradient)
        self.keep_best(costs)
        self.stop_units(costs, confidences)
        zero_gradient &= self.active
        before = self.candidates.detach().clone()
        with torch.autocast(self.device.type, enabled=False):  # mixed precision is for the target alone
            gradient = self.candidate_gradient(costs, sample_gradient, step)
        require_finite(gradient, "entries of the gradient", f"step {step}")
        if bool(zero_gradient.any()):
            self._warn_of_zero_gradients(zero_gradient, step)
            gradient = torch.where(unit_view(zero_gradient, gradient), self._random_flips(step), gradient)
        self.descend(gradient)
        with torch.no_grad():
            self.project()
            self.candidates.copy_(torch.where(unit_view(self.active, before), self.candidates, before))
        if logged:
            results = {"invert/loss": costs.mean(), "invert/target_confidence": confidences.mean()}
            self.log_dict(results, prog_bar=True, batch_size=1)
            if self.loggers:
                kind = "spike_rate" if self.target.takes_spikes else "mean_pixel"
                self.log_dict(
                    {"invert/zero_gradients": zero_gradient.float().mean(), f"invert/{kind}": mean}, batch_size=1
                )

    def _count(self, asked: Tensor, zero_gradient: Tensor) -> None:
        """Count a step, and the gradients that it took, of the active units."""
        now = asked.sum(1)
        self.gradients_spent += self.active * (now != self.asked) * distinct(asked)
        self.first_asked = torch.where(self.steps_taken == 0, now, self.first_asked)
        self.asked = torch.where(self.active, now, self.asked)
        self.steps_taken += self.active
        self.zero_gradient_steps += self.active & zero_gradient

    def stop_units(self, costs: Tensor, confidences: Tensor) -> None:
        """Clear ``self.active`` for units that have finished; by default none do before the last step."""

    def last_costs(self) -> Tensor:
        """Return the costs of a last sample, ``(N, n)``."""
        return self.evaluate(self.steps, differentiate=False).costs

    def _warn_of_zero_gradients(self, zero_gradient: Tensor, step: int) -> None:
        """Say it once; a logger is told how many, step by step (``invert/zero_gradients``)."""
        if self._warned:
            return
        self._warned = True
        classes = sorted({self.units[int(unit)][0] for unit in zero_gradient.nonzero()})
        warnings.warn(  # from any process: each knows its own units alone
            f"step {step}: every gradient is zero for {int(zero_gradient.sum())} of {len(self.units)} units (classes "
            f"{classes}); whenever that is so, {self.turnover:.2%} of a unit's entries are flipped at random. A low "
            "leak may mean a masked gradient, not a private network: try another surrogate at attack time.",
            stacklevel=2,
        )

    def _random_flips(self, step: int) -> Tensor:
        """Return a gradient that pushes a random share of every unit's entries to the other side."""
        shape = (*self.candidates.shape[:-4], *self.candidates.shape[-3:])
        chosen = self.uniform(step, shape, FLIPS) < self.turnover
        return torch.where(self.candidates.detach() > self.midpoint, 1.0, -1.0) * chosen
