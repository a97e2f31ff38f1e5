"""Finds the binary frames in the row space of a gradient: the exact spikes that a participant's network saw.

The gradient of a dense first layer is ``dW = sum_t delta_t s_t^T`` over all T time steps of all B samples, and that of
its bias ``db = sum_t delta_t``. Where the ``T * B`` backward signals are linearly independent, which takes at least as
many hidden units, the rows of ``[dW, db]`` span just the frames ``[s_t, 1]``. Of all vectors of that space few are
binary, and a frame is one of them.

They are searched for by relaxed reflections between the space and the binary vectors (Elser's RRR, 1609.01706), from
many starts at once: rows of ``[dW, db]`` divided by ``db``, differences of such rows, and random vectors of the space
away from what has been found. A vector counts when it lies in the space to within rounding.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from brainleaks_pl.leakage.layers import NotApplicableError
from brainleaks_pl.leakage.row_space import mean_space, row_space

_SAME = 1e-3  # coordinates of the space that are as near belong to pixels with the same spikes
_INSIDE = 1e-3  # how far an entry of a binary vector may be from the space
_COLUMNS = 20  # as many columns for each dimension are enough to search with
_RELAXED = (0.2, 0.5, 0.8)
_LOOK = 20  # steps between two looks
_BITS = 9  # by which an entry that is not free to choose narrows down the vectors


@dataclass(frozen=True, eq=False)
class FoundFrames:
    """Frames that were found.

    Args:
        frames: in {0, 1}, ``(n, D)``, n of them, all different.
        rank: of the space that the frames span.
        pixels: with how many groups of pixels, whose spikes are equal in each, the frames were searched for.
    """

    frames: Tensor
    rank: int
    pixels: int


def find_frames(
    weight: Tensor, bias: Tensor, count: int, *, starts: int = 200, steps: int = 300, rounds: int = 30, seed: int = 0
) -> FoundFrames:
    """Return binary vectors in the row space of a gradient.

    Args:
        weight: gradient of the layer's weight, ``(H, D)``, of any scale.
        bias: gradient of its bias, ``(H,)``, of the same scale.
        count: how many frames it is a sum over.
        starts: vectors that the search starts from in each round.
        steps: steps of the search in each round.
        rounds: largest number of rounds; fewer where nothing new is found.
        seed: seed of the search.

    Raises:
        NotApplicableError: when the frames are more than the layer's units, are not alone in the row space (as noise
            was added), or too few pixels differ to tell frames from other binary vectors.
    """
    weight, bias = weight.double(), bias.double()
    left, space = row_space(weight, bias, count)
    rank = len(space)
    distinct = _distinct(space, _COLUMNS * rank)
    free = len(distinct) - rank
    if free * _BITS < rank + _BITS:
        raise NotApplicableError(
            f"only {len(distinct)} groups of pixels with spikes of their own span {rank} dimensions: almost any binary "
            "vector is a frame there."
        )
    rows = torch.cat([bias.unsqueeze(1), weight], 1)[:, distinct]
    found = _Search(space[:, distinct], rows, left, seed).run(starts, steps, rounds)
    frames = found @ torch.linalg.pinv(space[:, distinct]) @ space
    whole = ((frames - frames.round()).abs().amax(1) < _INSIDE) & (frames.round().clamp(0, 1) == frames.round()).all(1)
    return FoundFrames(frames[whole][:count, 1:].round().float(), rank, len(distinct))


def _distinct(columns: Tensor, most: int) -> list[int]:
    """Return some columns that differ, at most so many, the first one, of the bias, among them; none that is zero."""
    left = columns.norm(dim=0) > _SAME / 10
    chosen: list[int] = []
    while bool(left.any()) and len(chosen) < most:
        chosen.append(int(left.nonzero()[0]))
        left &= (columns - columns[:, chosen[-1:]]).norm(dim=0) > _SAME
    return chosen


class _Search:
    """The search in the affine space of vectors whose first entry, that of the bias, is 1."""

    def __init__(self, space: Tensor, rows: Tensor, left: Tensor, seed: int) -> None:
        self.origin, self.basis = mean_space(torch.linalg.qr(space.T)[0].T)
        self.rows = torch.where(rows[:, :1] == 0, 0.0, rows / rows[:, :1])
        self.leverage = left.norm(dim=1).square() * (rows[:, 0] != 0)
        self.generator = Generator().manual_seed(seed)
        self.found: dict[bytes, Tensor] = {}
        self.hits: Counter[bytes] = Counter()

    def run(self, starts: int, steps: int, rounds: int) -> Tensor:
        """Return the binary vectors found, ``(n, M)``, those first that most starts led to: the frames."""
        idle = 0
        for turn in range(rounds):
            fresh = self._reflect(self._starts(turn % 3, starts), steps)
            idle = 0 if fresh else idle + 1
            if idle >= (2 if len(self.found) > len(self.basis) else 6):
                break
        if not self.found:
            none: Tensor = self.origin.new_zeros(0, len(self.origin))
            return none
        ordered: Tensor = torch.stack([self.found[key] for key, _ in self.hits.most_common()])
        return ordered

    def inside(self, vectors: Tensor) -> Tensor:
        """Return the nearest vectors of the space."""
        nearest: Tensor = self.origin + ((vectors - self.origin) @ self.basis.T) @ self.basis
        return nearest

    def _starts(self, kind: int, starts: int) -> Tensor:
        known = None
        if self.found:
            vectors = torch.stack(list(self.found.values()))
            known = torch.linalg.qr(self.basis @ (vectors - self.origin).T)[0]
        if kind == 2:
            random = torch.randn(starts, len(self.basis), generator=self.generator, dtype=torch.double)
            if known is not None and known.shape[1] < len(self.basis):
                random -= (random @ known) @ known.T
            return self._beside(random @ self.basis, 0.5, 0.5)
        weights = self.leverage
        if known is not None:
            inner = (self.rows - self.origin) @ self.basis.T
            rest = (inner - (inner @ known) @ known.T).norm(dim=1) / inner.norm(dim=1).clamp(min=1e-9)
            weights = weights * rest.square() + 1e-12
        drawn = torch.multinomial(weights, 2 * starts, replacement=True, generator=self.generator).view(2, -1)
        vectors = self.rows[drawn[0]]
        if kind == 1:
            share = 2 * torch.rand(starts, 1, generator=self.generator, dtype=torch.double)
            vectors = vectors + share * (vectors - self.rows[drawn[1]])
        return self._beside(vectors - self.origin, 0.0, 1.0)

    def _beside(self, differences: Tensor, least: float, most: float) -> Tensor:
        """Return the origin and differences from it, whose spread is brought between two bounds."""
        spread = differences.std(1, keepdim=True).clamp(min=1e-9)
        beside: Tensor = self.origin + differences / spread * spread.clamp(least, most)
        return beside

    def _reflect(self, vectors: Tensor, steps: int) -> int:
        """Move vectors by relaxed reflections; return how many binary ones came up that were not known."""
        before = len(self.found)
        relaxed = torch.tensor(_RELAXED, dtype=torch.double)
        relaxed = relaxed[torch.randint(len(_RELAXED), (len(vectors), 1), generator=self.generator)]
        for step in range(1, steps + 1):
            binary = (vectors > 0.5).double()
            binary[:, 0] = 1
            vectors = vectors + relaxed * (self.inside(2 * binary - vectors) - binary)
            if step % _LOOK == 0:
                done = (self.inside(binary) - binary).abs().amax(1) < _INSIDE
                for vector in binary[done]:
                    self._note(vector)
                vectors, relaxed = vectors[~done], relaxed[~done]
                if not len(vectors):
                    break
        return len(self.found) - before

    def _note(self, vector: Tensor) -> None:
        key = vector.bool().numpy().tobytes()
        self.found.setdefault(key, vector)
        self.hits[key] += 1
