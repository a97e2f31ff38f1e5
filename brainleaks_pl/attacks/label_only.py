"""A label-only attack: it moves away from the decision boundary of the class that the target predicts."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

from brainleaks_pl.attacks.functional import unit_view
from brainleaks_pl.attacks.oracle import LabelOracle
from brainleaks_pl.attacks.queries import QueryInversion
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.targets.classifier import Classifier

_LOST = 0.1  # share of the members below which a unit has left its class


class LabelOnly(QueryInversion):
    """Model inversion from the predicted class alone, by repelling the boundary (BREP-MI, Kahla et al., CVPR 2022).

    Each unit first sends smooth random images until the target takes one for its class. From there on every step sends
    members on a sphere about the grid, in antithetic pairs, and moves it along the sum of the directions that keep the
    class where their opposites lose it. The larger the sphere that lies within the class, the further the
    boundary: the radius grows when at least a share ``enough`` of the members keeps the class.

    Spikes are drawn, so that the label of one image may change from query to query. Hence no single label decides
    anything once the class is found: ``enough`` is below 1, moves average over all members, and a sphere of which less
    than a tenth keeps the class shrinks. Classes that are never found are named in a warning and keep the start.

    Args:
        target: the trained classifier, spiking or not.
        encoder: the encoding that the attacker assumes, as of :class:`QueryInversion`.
        pairs: antithetic pairs in a step, at least 1; ``queries`` must exceed twice as many.
        spread: standard deviation of the random grids of the search, in logits, > 0.
        radius: of the first sphere, in logits (Euclidean distance of grids), > 0.
        step_size: length of a move, as a share of the radius, > 0.
        growth: factor on the radius when a sphere lies within the class, > 1.
        enough: share of the members that must keep the class for that, in (0.1, 1].
        limit: largest size of a logit, > 0; the radius ends at half the diagonal of this box.
        grid: rows and columns of the logits that are sought.
        kwargs: those of :class:`QueryInversion`; ``start`` is the mean logit of the random grids.

    Raises:
        ValueError: when an argument is out of range, or the encoder does not fit the target.

    Examples:
        The attacker sees the predicted class, and nothing else:

        >>> from brainleaks_pl import LabelOnly, run_attack
        >>> attack = LabelOnly(ann, queries=1000, margin=4, classes=[3, 8], seed=0)
        >>> result = run_attack(attack, {}, data)
        >>> ann.confidences(attack.reconstructions()).argmax(1)
        tensor([3, 8])
        >>> attack.spending
        Spending(gradients=0, queries=951, zero_gradients=None)
    """

    oracle_class = LabelOracle

    def __init__(
        self,
        target: Classifier,
        encoder: Encoder | None = None,
        pairs: int = 25,
        spread: float = 4.0,
        radius: float = 4.0,
        step_size: float = 0.5,
        growth: float = 1.2,
        enough: float = 0.9,
        limit: float = 10.0,
        grid: tuple[int, int] = (7, 7),
        **kwargs: Any,
    ) -> None:
        if pairs < 1:
            raise ValueError(f"pairs must be at least 1, got {pairs}.")
        for name, value in (("spread", spread), ("radius", radius), ("step_size", step_size), ("limit", limit)):
            if not 0 < value < math.inf:
                raise ValueError(f"{name} must be positive and finite, got {value}.")
        if not 1 < growth < math.inf:
            raise ValueError(f"growth must exceed 1 and be finite, got {growth}.")
        if not _LOST < enough <= 1:
            raise ValueError(f"enough must lie in ({_LOST}, 1], got {enough}.")
        if kwargs.get("prior") is not None:
            raise ValueError("LabelOnly takes no prior: use BlackBox, BrainLeaksV3 or MIFace.")
        super().__init__(target, members=2 * pairs, encoder=encoder, grid=grid, **kwargs)
        self.pairs = pairs
        self.spread = spread
        self.step_size = step_size
        self.growth = growth
        self.enough = enough
        self.limit = limit
        self.found: Tensor
        self.radius: Tensor
        self.register_buffer("found", torch.zeros(len(self.units), dtype=torch.bool))
        self.register_buffer("radius", torch.full((len(self.units),), float(radius)))

    def offsets(self, step: int) -> Tensor:
        """Return antithetic pairs, ``(N, pairs, 2, C, h, w)``: on the sphere, or random grids while searching."""
        normal = self.normal(step, (self.pairs, *self.candidates.shape[1:]))
        length = normal.square().sum((-3, -2, -1), keepdim=True).sqrt()
        sphere = unit_view(self.radius, normal) * normal / length
        offsets = torch.where(unit_view(self.found, normal), sphere, self.spread * normal).movedim(1, 0)
        return torch.stack([offsets, -offsets], 2)

    def move(self, answers: Tensor, offsets: Tensor, step: int) -> Tensor:
        """Repel the boundary, or take the first image of the class; return the costs, ``(N,)``.

        A unit costs minus its radius, and 0 while its class is not found.
        """
        kept = (answers == self.labels.view(-1, 1, 1)).float()
        share = kept.mean((1, 2))
        away = torch.einsum("nm,nmchw->nchw", kept[..., 0] - kept[..., 1], offsets[:, :, 0])
        length = away.square().sum((-3, -2, -1), keepdim=True).sqrt()
        repelled = unit_view(self.step_size * self.radius, away) * away / length.where(length > 0, 1.0)
        first = offsets.flatten(1, 2).take_along_dim(kept.flatten(1).argmax(1).view(-1, 1, 1, 1, 1), 1).squeeze(1)
        hit = share > 0
        moves = torch.where(unit_view(self.found, away), repelled, first * unit_view(hit, first))
        costs = -self.radius * self.found
        factor = torch.where(share >= self.enough, self.growth, 1.0)
        factor = torch.where(share < _LOST, 1 / self.growth, factor)
        diagonal = self.limit * self.candidates[0].numel() ** 0.5
        self.radius = torch.where(self.found, (self.radius * factor).clamp(max=diagonal), self.radius)
        self.found = self.found | hit
        self.descend(-moves)
        with torch.no_grad():
            self.candidates.clamp_(-self.limit, self.limit)
        progress = {"kept": share.mean(), "found": self.found.float().mean(), "radius": self.radius.mean()}
        self.log_dict({f"invert/{name}": value for name, value in progress.items()}, batch_size=1)
        return costs

    def last_costs(self) -> Tensor:
        """Return minus the radius for each draw of the last candidates that keeps the class, else 0, ``(N, n)``."""
        kept = self.ask_again() == self.labels.unsqueeze(1)
        return -(kept * (self.radius * self.found).unsqueeze(1))

    def on_train_epoch_end(self) -> None:
        """Name the classes that were never found as well."""
        super().on_train_epoch_end()
        found = {label for (label, _), found in zip(self.units, self.found.tolist(), strict=True) if found}
        missing = [label for label in self.classes if label not in found]
        if missing:
            rank_zero_warn(
                f"no image of the classes {missing} was found in {self.oracle.budget} queries each; their "
                "reconstructions are the grey start. Give more queries, or another start, spread or grid."
            )

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return plain descent at rate 1: it adds the move."""
        return torch.optim.SGD([self.candidates], lr=1.0)
