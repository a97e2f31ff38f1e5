"""The base class of the attacks: a Lightning module whose trainable parameters are the inputs it looks for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Literal, NamedTuple, get_args

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor, nn

from brainleaks_pl.attacks.functional import attacked_classes, unit_uniform, unit_view
from brainleaks_pl.attacks.losses import Confidence, Loss, confidence_of
from brainleaks_pl.encoding import Encoder
from brainleaks_pl.neurons import Surrogate
from brainleaks_pl.targets.base import TargetClassifier
from brainleaks_pl.targets.snn import SpikingClassifier

Keep = Literal["best", "last"]
_DRAWS, _KICKS = 0, 1  # tell the streams of a step apart


class Evaluation(NamedTuple):
    """What the target says of a sample of n members a unit.

    Costs and confidences are ``(N, n)``. When differentiated, ``gradient`` is that of the costs with respect to the
    sample, and ``stuck``, ``(N,)``, tells the units for which every gradient of the loss is zero.
    """

    costs: Tensor
    confidences: Tensor
    gradient: Tensor | None
    stuck: Tensor | None


class InversionModule(LightningModule, ABC):
    """Base of the attacks on a frozen classifier.

    All (class, restart) units are one batch; what is reconstructed for a unit does not depend on the others. One
    training step is one iteration of the attack:

    1. :meth:`sample` draws the inputs that the target sees from the candidates (``self.candidates``);
    2. the costs and their gradient with respect to those inputs are computed; the best candidates so far are kept;
    3. :meth:`gradient` turns that into the gradient of the candidates, the optimizer of ``configure_optimizers`` steps;
    4. :meth:`project` puts the candidates back into their domain.

    A subclass implements these three hooks and Lightning's ``configure_optimizers``. When every gradient of a unit is
    zero, the module says so and flips a random share ``turnover`` of its entries (arXiv 2001.01587).

    Args:
        target: the trained classifier; frozen and put in evaluation mode.
        steps: iterations, at least 1.
        candidate_shape: shape of one unit's candidate, ``(C, H, W)`` or ``(T, C, H, W)``.
        start: value of every entry of the first candidates.
        classes: classes to attack, all distinct; None attacks every class.
        restarts: independent runs of each class, at least 1.
        loss: what is minimised.
        surrogate: surrogate gradient at attack time; None keeps the one of training.
        turnover: share of entries flipped at random where all gradients are zero, in (0, 1].
        keep: ``best`` keeps each unit's candidates of the lowest cost, ``last`` those of the last step.
        seed: seed of the units' random streams; None takes torch's initial seed (which ``seed_everything`` sets).

    Raises:
        ValueError: when an argument is out of range.
    """

    def __init__(
        self,
        target: TargetClassifier,
        *,
        steps: int,
        candidate_shape: Sequence[int],
        start: float,
        classes: list[int] | None,
        restarts: int,
        loss: Loss | None,
        surrogate: Surrogate | None = None,
        turnover: float = 0.01,
        keep: Keep = "best",
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}.")
        if restarts < 1:
            raise ValueError(f"restarts must be at least 1, got {restarts}.")
        if not 0 < turnover <= 1:
            raise ValueError(f"turnover must lie in (0, 1], got {turnover}.")
        if keep not in get_args(Keep):
            raise ValueError(f"keep must be 'best' or 'last', got {keep!r}.")
        if seed is not None and seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}.")
        if surrogate is not None and not isinstance(target, SpikingClassifier):
            raise ValueError(f"{type(target).__name__} has no spikes: a surrogate at attack time changes nothing.")
        self.target = target.requires_grad_(False)
        self.steps = steps
        self.classes = attacked_classes(classes, target.num_classes)
        self.restarts = restarts
        self.loss = Confidence() if loss is None else loss
        self.surrogate = surrogate
        self.turnover = turnover
        self.keep = keep
        self.seed = torch.initial_seed() if seed is None else seed
        self.units = [(label, restart) for label in self.classes for restart in range(restarts)]
        self.candidates = nn.Parameter(
            torch.full((*candidate_shape[:-3], len(self.units), *candidate_shape[-3:]), float(start))
        )
        self._warned = False
        self.labels: Tensor
        self.best: Tensor
        self.best_cost: Tensor
        self.active: Tensor
        self.register_buffer("labels", torch.tensor([label for label, _ in self.units]), persistent=False)
        self.register_buffer("best", self.candidates.detach().clone())
        self.register_buffer("best_cost", torch.full((len(self.units),), float("inf")))
        self.register_buffer("active", torch.ones(len(self.units), dtype=torch.bool))
        self.train()

    encoder: Encoder | None = None
    """What the attacker takes images through, where the candidates are images and the target is spiking."""

    @abstractmethod
    def sample(self, step: int) -> Tensor:
        """Return the inputs that the target sees, without gradient: ``(N * n, C, H, W)`` or ``(T, N * n, C, H, W)``.

        n is the population of a unit (1 unless the attack draws more); a unit's members are neighbours.
        """

    @abstractmethod
    def gradient(self, costs: Tensor, gradient: Tensor, step: int) -> Tensor:
        """Return the gradient of the candidates, in their shape.

        Args:
            costs: ``(N, n)``.
            gradient: of the costs with respect to what :meth:`sample` returned, in its shape.
            step: the iteration, from 0.
        """

    @abstractmethod
    def project(self) -> None:
        """Put the candidates back into their domain, in place."""

    @property
    def midpoint(self) -> float:
        """The value of a candidate's entry above which a random flip lowers it."""
        return 0.5

    def reconstruction(self, candidates: Tensor) -> Tensor:
        """Return what candidates stand for: images ``(N, C, H, W)``, spikes or probabilities ``(T, N, C, H, W)``."""
        return candidates

    def regulariser(self, inputs: Tensor) -> Tensor | float:
        """Return a cost, ``(N * n,)``, added to the loss of each input."""
        return 0.0

    def uniform(self, step: int, shape: Sequence[int], stream: int = _DRAWS) -> Tensor:
        """Draw uniform numbers for every unit, ``(..., N, C, H, W)``, from the units' own streams."""
        return unit_uniform(shape, self.units, (self.seed, stream, step), self.device)

    def train(self, mode: bool = True) -> InversionModule:
        """Keep the target in evaluation mode whatever the mode of the attack."""
        super().train(mode)
        self.target.eval()
        return self

    def train_dataloader(self) -> Sequence[int]:
        """Return the iterations (not as a DataLoader, which Lightning would share out among devices)."""
        return range(self.steps)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """End the attack when no unit is active any more."""
        return None if bool(self.active.any()) else -1

    def evaluate(self, step: int, differentiate: bool = True) -> Evaluation:
        """Draw a sample of the candidates and ask the target about it."""
        units = len(self.units)
        inputs = self.sample(step).requires_grad_(differentiate)
        labels = self.labels.repeat_interleave(inputs.shape[-4] // units)
        target = self.target
        surrogate = target.using_surrogate(self.surrogate) if isinstance(target, SpikingClassifier) else nullcontext()
        with surrogate, torch.set_grad_enabled(differentiate):
            logits = target.logits(inputs).float()
            losses, penalty = self.loss(logits, labels), self.regulariser(inputs)
            confidences = confidence_of(logits.detach(), labels)
            gradient = stuck = None
            if differentiate:
                (gradient,) = torch.autograd.grad(losses.sum(), inputs)
                stuck = ~gradient.unflatten(-4, (units, -1)).movedim(-5, 0).flatten(1).any(1)
                if isinstance(penalty, Tensor):
                    gradient += torch.autograd.grad(penalty.sum(), inputs)[0]
                self.log(f"invert/{'spike_rate' if target.spiking else 'mean_pixel'}", inputs.detach().mean())
        return Evaluation((losses + penalty).detach().view(units, -1), confidences.view(units, -1), gradient, stuck)

    @torch.no_grad()
    def keep_best(self, costs: Tensor) -> None:
        """Remember the candidates of each unit whose mean cost, of ``(N, n)``, is the lowest so far."""
        mean = costs.mean(1)
        better = (mean < self.best_cost) & self.active
        self.best_cost = torch.where(better, mean, self.best_cost)
        self.best = torch.where(unit_view(better, self.best), self.candidates.detach(), self.best)

    def training_step(self, step: int, batch_idx: int) -> None:
        """Run one iteration of the attack."""
        costs, confidences, sample_gradient, stuck = self.evaluate(step)
        assert sample_gradient is not None
        assert stuck is not None
        self.keep_best(costs)
        self.stop_units(costs, confidences)
        stuck &= self.active
        before = self.candidates.detach().clone()
        with torch.autocast(self.device.type, enabled=False):  # mixed precision is for the target alone
            gradient = self.gradient(costs, sample_gradient, step)
        if bool(stuck.any()):
            self._warn_of_zero_gradients(stuck, step)
            gradient = torch.where(unit_view(stuck, gradient), self._random_flips(step), gradient)
        self.candidates.grad = gradient
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        optimizer.step()
        with torch.no_grad():
            self.project()
            self.candidates.copy_(torch.where(unit_view(self.active, before), self.candidates, before))
        self.log("invert/zero_gradients", stuck.float().mean(), batch_size=1)
        self.log_dict(
            {"invert/loss": costs.mean(), "invert/target_confidence": confidences.mean()}, prog_bar=True, batch_size=1
        )

    def stop_units(self, costs: Tensor, confidences: Tensor) -> None:
        """Clear ``self.active`` for units that have finished; by default none do before the last step."""

    def on_train_epoch_end(self) -> None:
        """Judge the last candidates as well."""
        with self.trainer.precision_plugin.train_step_context():
            costs = self.evaluate(self.steps, differentiate=False).costs
        if self.keep == "last":
            self.best_cost, self.active = torch.full_like(self.best_cost, float("inf")), torch.ones_like(self.active)
        self.keep_best(costs)

    def reconstructions(self) -> Tensor:
        """Return the kept reconstruction of each of ``units``, ``(N, C, H, W)`` or ``(T, N, C, H, W)``."""
        return self.reconstruction(self.best).detach()

    def best_restarts(self) -> list[int]:
        """Return, for each class in ``classes``, the index of its unit that the *target* (never a judge) likes best."""
        costs = self.best_cost.view(len(self.classes), self.restarts)
        return [row * self.restarts + int(best) for row, best in enumerate(costs.argmin(1))]

    def _warn_of_zero_gradients(self, stuck: Tensor, step: int) -> None:
        """Say it once; ``invert/zero_gradients`` is logged at every step."""
        if self._warned:
            return
        self._warned = True
        classes = sorted({self.units[int(unit)][0] for unit in stuck.nonzero()})
        rank_zero_warn(
            f"step {step}: every gradient is zero for {int(stuck.sum())} of {len(self.units)} units (classes "
            f"{classes}); whenever that is so, {self.turnover:.2%} of a unit's entries are flipped at random. A low "
            "leak may mean a masked gradient, not a private network: try another surrogate at attack time."
        )

    def _random_flips(self, step: int) -> Tensor:
        """Return a gradient that pushes a random share of every unit's entries to the other side."""
        shape = (*self.candidates.shape[:-4], *self.candidates.shape[-3:])
        chosen = self.uniform(step, shape, _KICKS) < self.turnover
        return torch.where(self.candidates.detach() > self.midpoint, 1.0, -1.0) * chosen
