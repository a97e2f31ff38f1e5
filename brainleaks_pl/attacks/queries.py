"""The base class of the attacks that see only a target's answers."""

from __future__ import annotations

from abc import abstractmethod
from functools import partial
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from brainleaks_pl.attacks.assumed import assumed_encoder, check_margin
from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.attacks.functional import unit_uniform
from brainleaks_pl.attacks.latents import pictures, start_from_latents
from brainleaks_pl.attacks.oracle import Oracle
from brainleaks_pl.attacks.spending import Snapshot, Spending
from brainleaks_pl.attacks.streams import QUERIED_SPIKES
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.priors.base import Prior
from brainleaks_pl.targets.classifier import Classifier

SNAPSHOTS = 12
"""Candidates kept on the way, evenly spaced in the logarithm of the steps; the last ones count."""


class QueryInversion(InversionModule):
    """Base of the attacks without gradients: the target is asked through an :class:`Oracle`, which counts its queries.

    A candidate is a coarse grid of logits, ``(C, h, w)``. The image that it stands for is the grid, bicubically
    upsampled, through a sigmoid: few numbers to find, and no speckle. With a prior, a candidate is its latents, and
    ``grid``, ``start`` and ``margin`` play no part. Images are encoded by the attacker as the data
    are, and each input sent is one query. Every step sends ``members`` of them for each unit, and the last judgement
    what is left of the budget (one image where nothing is drawn: a non-spiking network says the same again).

    One iteration: :meth:`offsets` says where around the candidates to ask, the oracle answers, :meth:`move` moves the
    candidates. A subclass implements these hooks and :meth:`last_costs`, names its ``oracle_class``, and builds its
    optimizer.

    Args:
        target: the trained classifier, spiking or not.
        members: queries of each unit in a step.
        queries: budget of each class and restart, more than ``members``; every input sent counts, those of the last
            judgement too.
        encoder: the encoding that the attacker assumes; None means :class:`RateEncoder` with the T that a target that
            takes spikes was trained with, and none for networks that take images.
        grid: rows and columns of the logits that are sought, at least 1 each and at most those of the image within its
            margin.
        start: first value of every logit.
        margin: pixels on every side that stay black, as the format of the data may have them (MNIST: 4), >= 0.
        batch_size: inputs that the target sees at once, at least 1; bounds the memory.
        prior: what keeps the images among natural ones, trained on public data.
        kwargs: those of :class:`InversionModule`.

    Raises:
        ValueError: when an argument is out of range, or the encoder does not fit the target.

    Examples:
        One of your own, which moves to the best of ten neighbours:

        >>> import torch
        >>> from brainleaks_pl import QueryInversion, run_attack
        >>> from brainleaks_pl.attacks.oracle import ScoreOracle
        >>> class Neighbours(QueryInversion):
        ...     oracle_class = ScoreOracle
        ...
        ...     def offsets(self, step):
        ...         return self.normal(step, (self.members, *self.candidates.shape[1:])).movedim(1, 0).unsqueeze(2)
        ...
        ...     def move(self, answers, offsets, step):
        ...         costs, best = self.costs(answers.flatten(1, 2)).min(1)
        ...         self.candidates.data += offsets[range(len(best)), best, 0]
        ...         return costs
        ...
        ...     def costs(self, answers):
        ...         return torch.stack([-own[:, label] for own, label in zip(answers, self.labels)])
        ...
        ...     def last_costs(self):
        ...         return self.costs(self.ask_again())
        ...
        ...     def configure_optimizers(self):
        ...         return torch.optim.SGD([self.candidates], lr=1.0)
        >>> attack = Neighbours(ann, members=10, queries=500, classes=[3, 8], seed=0)
        >>> result = run_attack(attack, {}, data)
        >>> ann.confidences(attack.reconstructions()).argmax(1)
        tensor([3, 8])
        >>> attack.queries_per_class
        491
    """

    oracle_class: ClassVar[type[Oracle]]

    def __init__(
        self,
        target: Classifier,
        *,
        members: int,
        queries: int = 5000,
        encoder: Encoder | None = None,
        grid: tuple[int, int] = (10, 10),
        start: float = -2.0,
        margin: int = 0,
        batch_size: int = 250,
        prior: Prior | None = None,
        **kwargs: Any,
    ) -> None:
        encoder = assumed_encoder(target, encoder)
        shape = target.input_shape if encoder is None else encoder.image_shape(target.input_shape)
        check_margin(margin, shape)
        self.size = (shape[1] - 2 * margin, shape[2] - 2 * margin)
        if prior is None and not (1 <= grid[0] <= self.size[0] and 1 <= grid[1] <= self.size[1]):
            raise ValueError(f"grid must lie between 1x1 and the image's {self.size[0]}x{self.size[1]}, got {grid}.")
        if queries <= members:
            raise ValueError(f"queries must exceed the {members} that one step sends, got {queries}.")
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}.")
        steps = (queries - 1) // members
        if prior is not None:
            if prior.keeps_pixels:
                raise ValueError(
                    f"{prior.name} cleans pictures that a gradient has moved, and {type(self).__name__} sees none: use "
                    "GuidedDenoising, VAE or PrincipalComponents."
                )
            prior.check_shape(shape)
        own = (shape[0], *grid) if prior is None else prior.latent_shape
        super().__init__(target, steps=steps, candidate_shape=own, start=start, keep="last", **kwargs)
        if prior is not None:
            start_from_latents(self, prior)
        self.encoder = encoder
        self.members = members
        self.margin = margin
        self.batch_size = batch_size
        self.judgements = 1 if encoder is None else queries - steps * members
        self.oracle = self.oracle_class(target, len(self.units), queries)
        self.snapshots: list[Snapshot] = []
        self._kept_steps = {round(steps ** (point / (SNAPSHOTS - 1))) for point in range(SNAPSHOTS - 1)} - {steps}

    @abstractmethod
    def offsets(self, step: int) -> Tensor:
        """Return the displacements of a step's members from their candidates, ``(N, n, s, C, h, w)``.

        The s members of a group share their draw of the spikes; n * s is ``members``.
        """

    @abstractmethod
    def move(self, answers: Tensor, offsets: Tensor, step: int) -> Tensor:
        """Move the candidates; return what they cost before, as far as the answers tell, ``(N,)``.

        Args:
            answers: the oracle's to the members, ``(N, n, s, ...)``.
            offsets: what :meth:`offsets` returned.
            step: the iteration, from 0.
        """

    @property
    def queries_per_class(self) -> int:
        """Queries spent on each class so far, those of all its restarts."""
        return int(self.oracle.spent.max()) * self.restarts

    @property
    def attacker(self) -> str:
        """Who sees what the oracle answers."""
        return f"who sees {self.oracle_class.shows}"

    @property
    def spending(self) -> Spending:
        """The queries spent on each class so far."""
        return Spending(queries=self.queries_per_class)

    def training_step(self, step: int, batch_idx: int) -> None:
        """Run one iteration of the attack, and keep its candidates at some."""
        if self.idle:
            return
        offsets = self.offsets(step)
        answers = self.ask(self.candidates.detach()[:, None, None] + offsets, step)
        with torch.autocast(self.device.type, enabled=False):  # mixed precision is for the target alone
            costs = self.move(answers, offsets, step)
        if step + 1 in self._kept_steps:
            self._keep_snapshot(costs, step)
        self.log_dict({"invert/loss": costs.mean(), "invert/queries": float(self.queries_per_class)}, batch_size=1)

    def judge_last(self) -> None:
        """Judge the last candidates, and keep them as the last snapshot."""
        super().judge_last()
        self._keep_snapshot(self.best_cost, self.steps)

    def unit_tensors(self) -> dict[str, Tensor]:
        """Add the queries spent and the snapshots."""
        tensors = {**super().unit_tensors(), "spent": self.oracle.spent}
        for index, snapshot in enumerate(self.snapshots):
            tensors |= {f"costs {index}": snapshot.costs, f"candidates {index}": snapshot.candidates}
        return tensors

    def set_unit_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Take them out again."""
        self.oracle.spent = tensors.pop("spent").cpu()
        self.snapshots = [
            Snapshot(snapshot.queries, tensors.pop(f"costs {index}"), tensors.pop(f"candidates {index}"))
            for index, snapshot in enumerate(self.snapshots)
        ]
        super().set_unit_tensors(tensors)

    def reconstruction(self, candidates: Tensor) -> Tensor:
        """Return the images of grids ``(N, C, h, w)``, or of latents at the end: ``(N, C, H, W)`` in [0, 1]."""
        return self.images(candidates, self.steps)

    def images(self, candidates: Tensor, step: int) -> Tensor:
        """Return what candidates stand for in a step, ``(N, C, H, W)`` in [0, 1]."""
        if self.prior is not None:
            return pictures(self, self.prior, candidates, step)
        logits = F.interpolate(candidates, size=self.size, mode="bicubic", align_corners=False)
        return F.pad(logits.sigmoid(), [self.margin] * 4)

    @torch.no_grad()
    def ask(self, members: Tensor, step: int) -> Tensor:
        """Return the oracle's answers to images; each is encoded, sent and counted.

        Args:
            members: grids ``(N, n, s, C, h, w)``: of each unit n groups of s that share their draw of the spikes.
            step: the iteration.

        Returns:
            ``(N, n, s, ...)``.
        """
        units, groups, sharing = members.shape[:3]
        owners = [(unit, group) for unit in range(units) for group in range(groups)]
        grids, at_once = members.flatten(0, 1), max(1, self.batch_size // sharing)
        answers = []
        for first in range(0, len(owners), at_once):
            part = owners[first : first + at_once]
            inputs = self.images(grids[first : first + at_once].flatten(0, 1), step)
            if self.encoder is not None:
                inputs = self.encoder.sample(inputs, partial(self._draw, part, step, sharing))
            senders = torch.tensor([unit for unit, _ in part]).repeat_interleave(sharing)
            answers.append(self.oracle(inputs, senders))
        together = torch.cat(answers)
        return together.view(units, groups, sharing, *together.shape[1:])

    def ask_again(self) -> Tensor:
        """Return the oracle's answers to the candidates themselves, drawn again and again: ``(N, n, ...)``."""
        members = self.candidates.detach()[:, None, None].expand(-1, self.judgements, 1, -1, -1, -1)
        return self.ask(members, self.steps).squeeze(2)

    def _draw(self, owners: list[tuple[int, int]], step: int, sharing: int) -> Tensor:
        """Draw the numbers behind the spikes of each unit's groups, ``(T, B, C, H, W)``."""
        assert self.encoder is not None
        shape = (self.encoder.time_steps, *self.target.input_shape)
        streams = [(group, *self.units[unit]) for unit, group in owners]
        uniform = unit_uniform(shape, streams, (self.seed, QUERIED_SPIKES, step), self.device)
        return uniform.repeat_interleave(sharing, 1)

    def get_extra_state(self) -> dict[str, Any]:
        """Return the queries spent and the snapshots, which no buffer holds."""
        return {"spent": self.oracle.spent, "snapshots": [tuple(snapshot) for snapshot in self.snapshots]}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`get_extra_state` returned."""
        self.oracle.spent = state["spent"].cpu()
        self.snapshots = [Snapshot(*snapshot) for snapshot in state["snapshots"]]

    def _keep_snapshot(self, costs: Tensor, step: int) -> None:
        candidates = self.candidates.detach().clone()
        if self.prior is not None and step < self.steps:  # of the next step by now
            candidates = self.prior.settled(candidates, self.images(candidates, step + 1))
        self.snapshots.append(Snapshot(self.queries_per_class, costs.detach().clone(), candidates))
