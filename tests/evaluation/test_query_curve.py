"""The curve of an attack that counts its queries: what it had by then, chosen by what it knew by then."""

from __future__ import annotations

import torch
from toys import mlp

from brainleaks_pl import BlackBox, Classifier, score
from brainleaks_pl.attacks.spending import Snapshot
from brainleaks_pl.evaluation.query_curve import query_curve


def test_of_several_restarts_the_one_that_cost_least_by_then_is_scored() -> None:
    """The cheapest restart of class 1 is the last at first and the first in the end, that of class 0 the other way."""
    attack = BlackBox(mlp(), grid=(3, 3), pairs=4, queries=50, restarts=2, classes=[1, 0])
    grids = torch.randn(3, 4, 1, 3, 3, generator=torch.Generator().manual_seed(0))
    costs = torch.tensor([[2.0, 1.0, 1.0, 2.0], [1.0, 2.0, 1.0, 2.0], [0.1, 0.2, 0.2, 0.1]])
    attack.snapshots = [Snapshot(20 * n, cost, grid) for n, (cost, grid) in enumerate(zip(costs, grids, strict=True))]
    attack.best, attack.best_cost = grids[-1], costs[-1]
    judge, seen = mlp(), []

    def scored(images: torch.Tensor, network: Classifier) -> object:
        if network is judge:
            seen.append(images)
        return score(images, network, attack.classes)

    curves = query_curve(attack, {"judge": judge}, scored)  # type: ignore[arg-type]
    for found, grid, chosen in zip(seen, grids, ([1, 2], [0, 2], [0, 3]), strict=True):
        assert torch.equal(found, attack.reconstruction(grid)[chosen])
    assert curves.keys() == {"target", "judge"}
    assert curves["target"] == curves["judge"], "they have the same weights"
    assert [point["queries"] for point in curves["judge"]] == [0, 20, 40]
    assert len({point["confidence"] for point in curves["judge"]}) == 3
