"""What an attack holds of its units: all of them, a block of them, or the share of one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.distributed import all_gather_object

from brainleaks_pl.attacks.sharing import join, replace, select, share


class HeldUnits(LightningModule):
    """A module that holds tensors of (class, restart) units, and can hold some of the units alone for a while.

    A subclass sets what is declared here.
    """

    units: list[tuple[int, int]]
    """The units that it holds: the class and the restart of each, N in all."""
    classes: list[int]
    """The attacked classes."""
    restarts: int
    """Independent runs of each class."""
    candidates: nn.Parameter
    """What the attack moves, ``(..., N, C, H, W)``."""
    labels: Tensor
    """The class of each unit, ``(N,)``."""
    best: Tensor
    """The candidates that are kept, in their shape."""
    best_cost: Tensor
    """Their costs, ``(N,)``."""
    active: Tensor
    """Which units have not finished, ``(N,)``."""
    _all_units: list[tuple[int, int]] | None = None  # while this process has a share of them

    def unit_tensors(self) -> dict[str, Tensor]:
        """Return what the attack holds of its units, by name, ``(N,)`` or ``(..., N, C, H, W)``.

        These are the candidates and the module's own buffers; a subclass adds what else it has.
        """
        return {"candidates": self.candidates.detach(), **dict(self.named_buffers(recurse=False))}

    def set_unit_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Take what :meth:`unit_tensors` returned, of whichever units; a subclass takes its own out first."""
        self.candidates = nn.Parameter(tensors.pop("candidates").to(self.device))
        for name, tensor in tensors.items():
            setattr(self, name, tensor.to(self.device))

    @property
    def entries_per_unit(self) -> int:
        """Entries of the largest tensor that the attack holds of a unit."""
        return self.candidates.numel() // len(self.units)

    @property
    def holds_all_units(self) -> bool:
        """Whether it does, rather than a block of them, or this process's share."""
        return len(self.units) == len(self.classes) * self.restarts

    @contextmanager
    def only(self, units: list[int]) -> Iterator[None]:
        """Hold some of the units alone inside the block, and what they have become afterwards."""
        if len(units) == len(self.units):
            yield
            return
        whole, all_units = self.unit_tensors(), self.units
        self._hold(units)
        yield
        self.units = all_units
        self.set_unit_tensors(replace(whole, units, self.unit_tensors()))

    def _hold(self, units: list[int]) -> None:
        """Let go of all units but some."""
        self.units = [self.units[unit] for unit in units]
        self.set_unit_tensors(select(self.unit_tensors(), units))

    def setup(self, stage: str) -> None:
        """Keep this process's share of the units, where the trainer has several processes."""
        ranks = self.trainer.world_size
        if ranks == 1 or self._all_units is not None:
            return
        own = share(len(self.units), self.trainer.global_rank, ranks)
        self._all_units = self.units
        self._hold(own)
        # what processes hold differs, and is none of DistributedDataParallel's business, which wants a parameter
        names = [name for name, _ in (*self.named_parameters(), *self.named_buffers())]
        self._ddp_params_and_buffers_to_ignore = [*names, ".candidates"]  # a dot: it writes its own parameters so
        self.anchor = nn.Parameter(torch.zeros(1))

    def _gather_units(self) -> None:
        """Bring the units of all processes together."""
        if self._all_units is None:
            return
        parts: list[dict[str, Tensor]] = [{} for _ in range(self.trainer.world_size)]
        all_gather_object(parts, {name: tensor.cpu() for name, tensor in self.unit_tensors().items()})
        shares = [share(len(self._all_units), rank, len(parts)) for rank in range(len(parts))]
        self.units, self._all_units = self._all_units, None
        self.set_unit_tensors(join(parts, shares))
        del self.anchor
