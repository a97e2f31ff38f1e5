"""The base class of the attacks: a Lightning module whose trainable parameters are the inputs it looks for."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from brainleaks_pl.attacks.finite import require_finite
from brainleaks_pl.attacks.functional import attacked_classes, standard_normal, unit_uniform, unit_view
from brainleaks_pl.attacks.spending import Snapshot, Spending
from brainleaks_pl.attacks.streams import DRAWS
from brainleaks_pl.attacks.units import HeldUnits
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.priors.base import Prior
from brainleaks_pl.system.memory import require_memory
from brainleaks_pl.targets.classifier import Classifier

Keep = Literal["best", "last"]
_COPIES = 4 * 3  # bytes: the candidates, the best ones and what the optimizer remembers, float32
_PER_UNIT = 250  # bytes beside tensors


class InversionModule(HeldUnits, ABC):
    """Base of the attacks on a frozen classifier: what they share, whatever they learn from the target.

    All (class, restart) units are one batch; what is reconstructed for a unit does not depend on the others. Where the
    trainer has several processes each runs its share of the units, and all hold everything at the end. One training
    step is one iteration of the attack. A subclass moves the candidates (``self.candidates``) in Lightning's
    ``training_step``, tells :meth:`keep_best` what they cost, judges the last ones in :meth:`last_costs`, and builds
    its optimizer in ``configure_optimizers``. :class:`~brainleaks_pl.attacks.gradient.GradientInversion` is the base
    of attacks that see the target's gradient, :class:`~brainleaks_pl.attacks.queries.QueryInversion` of those that see
    its answers alone. ``training_step`` does nothing while ``self.idle``.

    Args:
        target: the trained classifier; frozen and put in evaluation mode.
        steps: iterations, at least 1.
        candidate_shape: shape of one unit's candidate, ``(C, H, W)`` or ``(T, C, H, W)``.
        start: value of every entry of the first candidates.
        classes: classes to attack, all distinct; None attacks every class.
        restarts: independent runs of each class, at least 1.
        keep: ``best`` keeps each unit's candidates of the lowest cost, ``last`` those of the last step, as published.
        seed: seed of the units' random streams; None takes torch's initial seed (which ``seed_everything`` sets).

    Raises:
        ValueError: when an argument is out of range, or the units could not fit into memory.

    Examples:
        A random search of your own, which keeps an image where the target likes it better than the last:

        >>> import torch
        >>> from brainleaks_pl import InversionModule, run_attack
        >>> class RandomSearch(InversionModule):
        ...     def __init__(self, target, steps=50, **kwargs):
        ...         super().__init__(target, steps=steps, candidate_shape=target.input_shape, start=0.0, **kwargs)
        ...
        ...     def last_costs(self):
        ...         return 1 - self.target.confidences(self.candidates)[range(len(self.units)), self.labels].view(-1, 1)
        ...
        ...     def training_step(self, batch, batch_idx):
        ...         self.candidates.data = (self.best + 0.3 * self.normal(batch, self.target.input_shape)).clamp(0, 1)
        ...         self.keep_best(self.last_costs())
        ...
        ...     def configure_optimizers(self):
        ...         return torch.optim.SGD([self.candidates], lr=1.0)
        >>> attack = RandomSearch(ann, classes=[3, 8], seed=0)
        >>> result = run_attack(attack, {}, data)
        >>> black = ann.confidences(torch.zeros(1, 1, 28, 28))[0, [3, 8]]
        >>> 1 - attack.best_cost > black  # the confidence that it has reached
        tensor([True, True])
    """

    def __init__(
        self,
        target: Classifier,
        *,
        steps: int,
        candidate_shape: Sequence[int],
        start: float,
        classes: list[int] | None = None,
        restarts: int = 1,
        keep: Keep = "best",
        seed: int | None = None,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}.")
        if restarts < 1:
            raise ValueError(f"restarts must be at least 1, got {restarts}.")
        if not math.isfinite(start):
            raise ValueError(f"start must be finite, got {start}.")
        if keep not in get_args(Keep):
            raise ValueError(f"keep must be 'best' or 'last', got {keep!r}.")
        if seed is not None and seed < 0:
            raise ValueError(f"seed must not be negative, got {seed}.")
        self.target = target.requires_grad_(False)
        self.prior = None
        self.steps = steps
        self.classes = attacked_classes(classes, target.num_classes)
        count = len(self.classes) * restarts
        require_memory(
            f"{type(self).__name__} on {count} (class, restart) units of {tuple(candidate_shape)}",
            count * (_COPIES * math.prod(candidate_shape) + _PER_UNIT),
            "attack fewer classes, or give fewer restarts.",
        )
        self.restarts = restarts
        self.keep = keep
        self.seed = torch.initial_seed() if seed is None else seed
        self.first_step = self.first_block = 0  # later, where an interrupted attack resumes
        self.units = [(label, restart) for label in self.classes for restart in range(restarts)]
        self.idle = False  # while no unit of this process is active, but those of others may be
        self.candidates = nn.Parameter(
            torch.full((*candidate_shape[:-3], len(self.units), *candidate_shape[-3:]), float(start))
        )
        self.register_buffer("labels", torch.tensor([label for label, _ in self.units]), persistent=False)
        self.register_buffer("best", self.candidates.detach().clone())
        self.register_buffer("best_cost", torch.full((len(self.units),), float("inf")))
        self.register_buffer("active", torch.ones(len(self.units), dtype=torch.bool))
        self.train()

    begun_with: str | None = None
    """Digest of the images that it began with, where an earlier attack found them."""
    snapshots: Sequence[Snapshot] = ()
    """What it had after some of its queries; none where it does not count them."""
    encoder: Encoder | None = None
    """What the attacker takes images through, where the candidates are images and the target is spiking."""
    prior: Prior | None
    """What keeps the search among natural pictures, where something does; the candidates are then its latents."""

    @property
    def log_every(self) -> int:
        """The interval between two logs, in steps: a hundred logs at least draw the curves of an attack."""
        return max(1, self.steps // 100)

    @abstractmethod
    def last_costs(self) -> Tensor:
        """Return what the target makes of the candidates after the last step, ``(N, n)``: n costs per unit."""

    @property
    def gradients_per_run(self) -> int | None:
        """Gradients that one restart of one class takes at most; None where the attack sees none."""
        return None

    @property
    def attacker(self) -> str:
        """Who could run it, as reports say it of an attacker: "with its weights", "who sees its scores"."""
        return "with its weights"

    @property
    def spending(self) -> Spending:
        """What has been spent on each class so far."""
        return Spending()

    def reconstruction(self, candidates: Tensor) -> Tensor:
        """Return what candidates stand for: images ``(N, C, H, W)``, spikes or probabilities ``(T, N, C, H, W)``."""
        return candidates

    def uniform(self, step: int, shape: Sequence[int], stream: int = DRAWS) -> Tensor:
        """Draw uniform numbers for every unit, ``(..., N, C, H, W)``, from the units' own streams."""
        return unit_uniform(shape, self.units, (self.seed, stream, step), self.device)

    def normal(self, step: int, shape: Sequence[int], stream: int = DRAWS) -> Tensor:
        """Draw normal numbers for every unit, ``(..., N, C, H, W)``, from the units' own streams."""
        return standard_normal(self.uniform(step, shape, stream))

    def train(self, mode: bool = True) -> InversionModule:
        """Keep target and prior in evaluation mode whatever the mode of the attack."""
        super().train(mode)
        self.target.eval()
        if self.prior is not None:
            self.prior.eval()
        return self

    def train_dataloader(self) -> Sequence[int]:
        """Return the iterations (not as a DataLoader, which Lightning would share out among devices)."""
        return range(self.first_step, self.steps)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """End the attack when no unit is active any more, in all processes at the same step.

        Lightning itself communicates at every step: a process that took fewer than the others would leave them waiting.
        So one whose units have all finished continues without work, and from time to time they agree whether to end.
        """
        self.idle = not bool(self.active.any())
        ended = self.idle
        if self._all_units is not None:
            ended = batch % self.log_every == 0 and self.trainer.strategy.reduce_boolean_decision(self.idle)
        return -1 if ended else None

    def descend(self, gradient: Tensor) -> None:
        """Let the optimizer step along a gradient of the candidates, in their shape."""
        self.candidates.grad = gradient
        optimizer = self.optimizers()
        assert not isinstance(optimizer, list)
        optimizer.step()

    @torch.no_grad()
    def keep_best(self, costs: Tensor) -> None:
        """Remember the candidates of each unit whose mean cost, of ``(N, n)``, is the lowest so far."""
        mean = costs.mean(1)
        better = (mean < self.best_cost) & self.active
        self.best_cost = torch.where(better, mean, self.best_cost)
        self.best = torch.where(unit_view(better, self.best), self.worth_keeping(), self.best)

    def worth_keeping(self) -> Tensor:
        """Return what :meth:`keep_best` remembers of the candidates, in their shape."""
        return self.candidates.detach()

    def on_train_epoch_end(self) -> None:
        """Judge the last candidates as well, and bring together what all processes hold."""
        self.judge_last()
        self._gather_units()

    def judge_last(self) -> None:
        """Judge the candidates after the last step, and keep the better ones."""
        with self.trainer.precision_plugin.train_step_context():
            costs = self.last_costs()
        require_finite(costs, "costs", "the last judgement")
        if self.keep == "last":
            self.best_cost, self.active = torch.full_like(self.best_cost, float("inf")), torch.ones_like(self.active)
        self.keep_best(costs)

    def reconstructions(self) -> Tensor:
        """Return the kept reconstruction of each of ``units``, ``(N, C, H, W)`` or ``(T, N, C, H, W)``."""
        return self.reconstruction(self.best).detach()

    def best_restarts(self) -> list[int]:
        """Return, for each class in ``classes``, the index of its unit that the *target* (never a judge) likes best."""
        return self.cheapest(self.best_cost)

    def cheapest(self, costs: Tensor) -> list[int]:
        """Return, for each class in ``classes``, the index of its unit of the lowest cost, of ``(N,)``."""
        rows = costs.view(len(self.classes), self.restarts)
        return [row * self.restarts + int(best) for row, best in enumerate(rows.argmin(1))]
