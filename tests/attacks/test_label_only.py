"""The label-only attack: it sees classes alone, repels their boundary, and copes with labels that spikes make noisy."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from reference import draws, spiking_outputs
from test_black_box import SPIKES, picture
from test_oracle import watched
from torch import Tensor
from toys import classifier, run, spiking_mlp

from brainleaks_pl import MLP, LabelOnly, RateEncoder, SpikingMLP

SMALL: dict[str, Any] = {"grid": (3, 2), "pairs": 4, "queries": 81, "start": -1.0, "seed": 3}


def plain(network: SpikingMLP, label: int, steps: int, pairs: int, time_steps: int) -> tuple[list[Tensor], list[float]]:
    """Grids and radii after each step, one image at a time."""
    grid, radius, found = torch.full((1, 3, 2), -1.0), 4.0, False
    grids, radii = [], []
    for step in range(steps):
        directions = draws((pairs, 1, 3, 2), label, 0, 3, step)
        directions = torch.distributions.Normal(0.0, 1.0).icdf(directions)
        inside, members = [], []
        for pair in range(pairs):
            uniform = draws((time_steps, 1, 6, 6), label, 0, 3, step, SPIKES, pair)
            for sign in (1, -1):
                offset = sign * directions[pair] * (radius / directions[pair].norm() if found else 4.0)
                spikes = (uniform < picture(grid + offset)).float()
                members.append(offset)
                inside.append(int(spiking_outputs(network, spikes).sum(0).argmax()) == label)
        share = sum(inside) / len(inside)
        if found:
            away = sum(offset for kept, offset in zip(inside, members, strict=True) if kept)
            if inside[::2] != inside[1::2]:
                grid = (grid + 0.5 * radius * away / away.norm()).clamp(-6, 6)
            radius *= 1.2 if share >= 0.9 else 1 / 1.2 if share < 0.1 else 1.0
            radius = min(radius, 6 * math.sqrt(6))
        elif any(inside):
            grid, found = (grid + members[inside.index(True)]).clamp(-6, 6), True
        grids.append(grid)
        radii.append(radius)
    return grids, radii


def test_equals_the_plain_algorithm() -> None:
    target = spiking_mlp()
    attack = LabelOnly(target, RateEncoder(5), limit=6.0, **SMALL)
    record = run(attack)
    assert attack.steps == 10
    moved = 0
    for unit, (label, _) in enumerate(attack.units):
        grids, radii = plain(target.network, label, 10, 4, 5)
        for mine, theirs in zip(record.candidates, grids, strict=True):
            torch.testing.assert_close(mine[unit], theirs, rtol=1e-3, atol=1e-3)
        assert float(attack.radius[unit]) == pytest.approx(radii[-1])
        moved += len({tuple(grid.flatten().tolist()) for grid in grids}) > 2
    assert moved


class LabelsOnly(SpikingMLP):
    """The same predictions as another network's, but none of its scores."""

    other: SpikingMLP

    def forward(self, x: Tensor) -> Tensor:
        predicted = self.other(x).sum(0).argmax(-1)
        return torch.nn.functional.one_hot(predicted, 3).float().expand(len(x), -1, -1) * 1e-3


def test_scores_have_no_part_in_it() -> None:
    target = spiking_mlp()
    silent = classifier(LabelsOnly, (1, 6, 6), 3, hidden=2, time_steps=4)
    silent.network.other = target.network
    attacks = [LabelOnly(asked, **SMALL) for asked in (target, silent)]
    for attack in attacks:
        run(attack)
    assert attacks[0].found.any()
    torch.testing.assert_close(attacks[0].reconstructions(), attacks[1].reconstructions())
    torch.testing.assert_close(attacks[0].best_cost, attacks[1].best_cost)


def test_it_moves_away_from_a_flat_boundary() -> None:
    """Two classes, told apart by whether the left half is brighter than the right."""

    class Halves(MLP):
        def forward(self, x: Tensor) -> Tensor:
            margin = x[..., :3].mean((1, 2, 3)) - x[..., 3:].mean((1, 2, 3))
            return torch.stack([margin, -margin], 1)

    attack = LabelOnly(
        classifier(Halves, (1, 6, 6), 2), grid=(2, 2), pairs=20, queries=1001, radius=1.0, start=0.0, seed=1
    )
    record = run(attack)
    assert attack.found.all()
    sides = attack.candidates.detach().mean((1, 2)).diff(dim=1).flatten()
    assert sides[0] < -2
    assert sides[1] > 2
    assert (attack.radius > 2).all()
    assert record.metrics["invert/found"] == 1
    assert (attack.best_cost == -attack.radius).all()


def test_a_target_that_always_names_the_class_ends_in_the_box() -> None:
    target = spiking_mlp()
    with torch.no_grad():
        target.network.output.bias[1:] = -9.0
    attack = LabelOnly(target, classes=[0], **{**SMALL, "queries": 801})
    run(attack)
    assert float(attack.radius) == pytest.approx(10 * math.sqrt(6))
    assert attack.candidates.abs().max() <= 10


def test_classes_that_are_never_found_are_named() -> None:
    target = spiking_mlp()
    with torch.no_grad():
        target.network.output.bias[1:] = -9.0
    attack = LabelOnly(target, restarts=2, **SMALL)
    with pytest.warns(UserWarning, match=r"no image of the classes \[1, 2\] was found in 81 queries each"):
        run(attack)
    assert attack.found.tolist() == [True, True, False, False, False, False]
    assert (attack.best[2:] == -1).all()
    assert (attack.best_cost[2:] == 0).all()
    assert torch.isfinite(attack.reconstructions()).all()


def test_the_budget_is_spent_to_the_last_query() -> None:
    attack = LabelOnly(spiking_mlp(), **SMALL)
    run(attack)
    assert attack.oracle.spent.tolist() == [81] * 3
    assert [snapshot.queries for snapshot in attack.snapshots][-1] == 81


def test_a_class_does_not_depend_on_the_others() -> None:
    together, alone = (LabelOnly(spiking_mlp(), classes=classes, **SMALL) for classes in (None, [2]))
    run(together)
    run(alone)
    torch.testing.assert_close(together.reconstructions()[2:], alone.reconstructions(), rtol=1e-4, atol=1e-4)


def test_the_target_never_builds_a_graph() -> None:
    attack = LabelOnly(spiking_mlp(), **SMALL)
    graphs = watched(attack.target)
    run(attack)
    assert len(graphs) >= 11
    assert not any(graphs)


def test_progress_is_logged_and_mixed_precision_runs() -> None:
    record = run(LabelOnly(spiking_mlp(), **SMALL), precision="bf16-mixed")
    names = {"loss", "queries", "kept", "found", "radius"}
    assert set(record.metrics) == {f"invert/{name}" for name in names}


def test_bad_arguments() -> None:
    for arguments, message in (
        ({"pairs": 0}, "pairs must be at least 1, got 0"),
        ({"spread": 0.0}, "spread must be positive and finite, got 0.0"),
        ({"radius": -1.0}, "radius must be positive and finite, got -1.0"),
        ({"step_size": 0.0}, "step_size must be positive and finite, got 0.0"),
        ({"limit": 0.0}, "limit must be positive and finite, got 0.0"),
        ({"growth": 1.0}, "growth must exceed 1 and be finite, got 1.0"),
        ({"enough": 0.05}, r"enough must lie in \(0.1, 1\], got 0.05"),
        ({"queries": 8}, "queries must exceed the 8 that one step sends, got 8"),
    ):
        with pytest.raises(ValueError, match=message):
            LabelOnly(spiking_mlp(), **{**SMALL, **arguments})
