"""A black-box attack: natural evolution strategies on the target's scores."""

from __future__ import annotations

import math
from typing import Any

import torch
from lightning.pytorch.cli import OptimizerCallable
from torch import Tensor

from brainleaks_pl.attacks.functional import centred_ranks, search_gradient
from brainleaks_pl.attacks.losses import CrossEntropy, Loss
from brainleaks_pl.attacks.oracle import ScoreOracle
from brainleaks_pl.attacks.queries import QueryInversion
from brainleaks_pl.encoders.base import Encoder
from brainleaks_pl.targets.classifier import Classifier


class BlackBox(QueryInversion):
    """Model inversion from scores alone, by natural evolution strategies with antithetic pairs.

    The attacker sends inputs and sees the log-softmax of the target's mean output, nothing else. In each step every
    unit's grid is displaced along ``pairs`` random directions and against them; the two of a pair share their draw of
    the spikes. The costs, replaced by their ranks, give the search gradient (Wierstra et al., JMLR 2014; Salimans et
    al., arXiv 1703.03864; Ilyas et al., ICML 2018), along which the optimizer steps.

    Args:
        target: the trained classifier, spiking or not.
        encoder: the encoding that the attacker assumes, as of :class:`QueryInversion`.
        pairs: antithetic pairs in a step, at least 1; ``queries`` must exceed twice as many.
        sigma: standard deviation of the displacements, in logits, > 0; with a prior, in the likely deviations of its
            latents.
        loss: what is minimised, of the scores; None means :class:`~brainleaks_pl.attacks.losses.CrossEntropy`.
        optimizer: builds the optimizer of the grids.
        kwargs: those of :class:`QueryInversion`.

    Raises:
        ValueError: when an argument is out of range, or the encoder does not fit the target.

    Examples:
        The attacker sees how sure the target is of each class, and no gradient:

        >>> from brainleaks_pl import BlackBox, run_attack
        >>> attack = BlackBox(ann, queries=1000, margin=4, classes=[3, 8], seed=0)
        >>> result = run_attack(attack, {}, data)
        >>> ann.confidences(attack.reconstructions()).argmax(1)
        tensor([3, 8])
        >>> attack.spending
        Spending(gradients=0, queries=901, zero_gradients=None)
    """

    oracle_class = ScoreOracle

    def __init__(
        self,
        target: Classifier,
        encoder: Encoder | None = None,
        pairs: int = 50,
        sigma: float = 1.0,
        loss: Loss | None = None,
        optimizer: OptimizerCallable = lambda parameters: torch.optim.Adam(parameters, lr=0.2),
        **kwargs: Any,
    ) -> None:
        if pairs < 1:
            raise ValueError(f"pairs must be at least 1, got {pairs}.")
        if not 0 < sigma < math.inf:
            raise ValueError(f"sigma must be positive and finite, got {sigma}.")
        super().__init__(target, members=2 * pairs, encoder=encoder, **kwargs)
        self.pairs = pairs
        self.sigma = sigma
        self.loss = CrossEntropy() if loss is None else loss
        self.optimizer = optimizer

    def offsets(self, step: int) -> Tensor:
        """Return the pairs' displacements, ``(N, pairs, 2, C, h, w)``: a normal draw and its opposite."""
        sigma = self.sigma if self.prior is None else self.sigma * self.prior.spread(step, self.steps)
        offsets = sigma * self.normal(step, (self.pairs, *self.candidates.shape[1:])).movedim(1, 0)
        return torch.stack([offsets, -offsets], 2)

    def move(self, answers: Tensor, offsets: Tensor, step: int) -> Tensor:
        """Step along the search gradient of the ranks; return the mean costs of the populations, ``(N,)``."""
        scores = answers.flatten(1, 2)
        costs = self._costs(scores)
        shaped = centred_ranks(costs).unflatten(1, (self.pairs, 2))
        self._step_along(shaped, offsets[:, :, 0], step)
        confidences = scores.exp().take_along_dim(self.labels.view(-1, 1, 1), 2)
        self.log("invert/target_confidence", confidences.mean(), prog_bar=True, batch_size=1)
        return costs.mean(1)

    def last_costs(self) -> Tensor:
        """Return the costs of the last candidates, ``(N, n)``."""
        return self._costs(self.ask_again())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Build the optimizer of the grids, or of a prior's latents."""
        return (self.optimizer if self.prior is None else self.prior.optimizer)([self.candidates])

    def _step_along(self, shaped: Tensor, displaced: Tensor, step: int) -> None:
        """Step along the search gradient; a prior is guided by it, and goes on to its next step."""
        if self.prior is None:
            self.descend(search_gradient(shaped, displaced / self.sigma, self.sigma))
            return
        sigma = self.sigma * self.prior.spread(step, self.steps)
        images = self.images(self.candidates.detach(), step)
        gradient = search_gradient(shaped, displaced / sigma, sigma)
        self.descend(self.prior.guided(gradient, step, self.steps))
        with torch.no_grad():
            self.candidates.copy_(self.prior.advance(self.candidates, images, step, self.steps))

    def _costs(self, scores: Tensor) -> Tensor:
        """Return the costs, ``(N, n)``, of scores ``(N, n, K)``."""
        labels = self.labels.repeat_interleave(scores.shape[1])
        return self.loss(scores.flatten(0, 1).unsqueeze(0), labels).view(scores.shape[:2])
