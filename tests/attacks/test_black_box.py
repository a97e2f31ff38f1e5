"""The black-box attack against natural evolution strategies written out for one unit and one pair at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from reference import draws, spiking_outputs
from test_oracle import watched
from torch import Tensor
from toys import classifier, mlp, run, spiking_mlp

from brainleaks_pl import (
    MLP,
    BlackBox,
    Classifier,
    ConstantCurrentEncoder,
    EventCameraEncoder,
    LatencyEncoder,
    MaxMargin,
    RateEncoder,
    SpikingMLP,
)
from brainleaks_pl.attacks.functional import centred_ranks, search_gradient

SPIKES = 1  # the stream of the spikes
SMALL: dict[str, Any] = {"grid": (3, 2), "pairs": 4, "queries": 50, "seed": 3}


def picture(grid: Tensor) -> Tensor:
    """A 3x2 grid as a 6x6 image."""
    logits = F.interpolate(grid.unsqueeze(0), size=(6, 6), mode="bicubic")[0]
    return 1 / (1 + torch.exp(-logits))


def plain(network: SpikingMLP, label: int, restart: int, steps: int, pairs: int, time_steps: int) -> list[Tensor]:
    """Grids after each step: sigma 1, start -2, Adam at 0.2."""
    grid = torch.full((1, 3, 2), -2.0)
    first, second, history = torch.zeros_like(grid), torch.zeros_like(grid), []
    for step in range(steps):
        directions = draws((pairs, 1, 3, 2), label, restart, 3, step)
        directions = torch.distributions.Normal(0.0, 1.0).icdf(directions)
        costs = []
        for pair in range(pairs):
            uniform = draws((time_steps, 1, 6, 6), label, restart, 3, step, SPIKES, pair)
            for sign in (1, -1):
                spikes = (uniform < picture(grid + sign * directions[pair])).float()
                costs.append(-float(spiking_outputs(network, spikes).mean(0).softmax(-1)[label].log()))
        ranks = [sum(c > d for d in costs) + (sum(c == d for d in costs) - 1) / 2 for c in costs]
        fitness = [rank / (2 * pairs - 1) - 0.5 for rank in ranks]
        gradient = torch.zeros_like(grid)
        for pair in range(pairs):
            gradient += (fitness[2 * pair] - fitness[2 * pair + 1]) / 2 * directions[pair] / pairs
        first, second = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        scale = (second / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8
        grid = grid - 0.2 * first / (1 - 0.9 ** (step + 1)) / scale
        history.append(grid)
    return history


def test_equals_the_plain_algorithm() -> None:
    target = spiking_mlp()
    attack = BlackBox(target, RateEncoder(5), restarts=2, **SMALL)
    record = run(attack)
    assert len(record.candidates) == attack.steps == 6
    for unit, (label, restart) in enumerate(attack.units):
        expected = plain(target.network, label, restart, 6, 4, 5)
        for mine, theirs in zip(record.candidates, expected, strict=True):
            torch.testing.assert_close(mine[unit], theirs, rtol=1e-3, atol=1e-4)


def test_the_search_gradient_of_a_linear_cost_is_its_gradient() -> None:
    generator = torch.Generator().manual_seed(0)
    slope, grids = torch.randn(2, 1, 3, 3, generator=generator), torch.randn(2, 1, 3, 3, generator=generator)
    directions = torch.randn(2, 4000, 1, 3, 3, generator=generator)
    members = grids[:, None, None] + 0.5 * torch.stack([directions, -directions], 2)
    costs = (members * slope[:, None, None]).sum((3, 4, 5)) + 7.0
    torch.testing.assert_close(search_gradient(costs, directions, 0.5), slope, rtol=0.1, atol=0.1)
    shaped = search_gradient(centred_ranks(costs.flatten(1)).unflatten(1, (4000, 2)), directions, 0.5)
    assert (F.cosine_similarity(shaped.flatten(1), slope.flatten(1)) > 0.99).all()


def test_the_attack_on_a_linear_target_moves_along_its_gradient() -> None:
    """On a linear network the max-margin between two classes is linear in the image."""

    class Linear(MLP):
        def forward(self, x: Tensor) -> Tensor:
            return self.output(x.flatten(1))

    torch.manual_seed(1)
    target = classifier(Linear, (1, 3, 3), 2, hidden=9)
    attack = BlackBox(
        target, grid=(3, 3), pairs=2000, queries=4001, sigma=0.1, start=0.0, loss=MaxMargin(), classes=[1], seed=1,
        optimizer=lambda parameters: torch.optim.SGD(parameters, lr=1.0),
    )  # fmt: skip
    (moved,) = run(attack).candidates
    uphill = (target.network.output.weight[1] - target.network.output.weight[0]).detach()
    assert F.cosine_similarity(moved.flatten(), uphill, dim=0) > 0.99


def test_equal_costs_have_equal_ranks() -> None:
    ranks = centred_ranks(torch.tensor([[3.0, 1.0, 3.0, 0.0], [5.0, 5.0, 5.0, 5.0]]))
    torch.testing.assert_close(ranks, torch.tensor([[1 / 3, -1 / 6, 1 / 3, -0.5], [0.0, 0.0, 0.0, 0.0]]))


@pytest.mark.parametrize(("queries", "steps", "last"), [(9, 1, 1), (16, 1, 8), (17, 2, 1), (30, 3, 6)])
def test_the_budget_is_spent_to_the_last_query(queries: int, steps: int, last: int) -> None:
    target = spiking_mlp()
    seen: list[int] = []
    target.network.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].shape[1]))
    attack = BlackBox(target, **{**SMALL, "queries": queries})
    run(attack)
    assert attack.steps == steps
    assert attack.oracle.spent.tolist() == [queries] * 3
    assert sum(seen) == 3 * queries
    assert attack.judgements == last


def test_an_ordinary_network_is_not_asked_the_same_again() -> None:
    attack = BlackBox(mlp(), **SMALL)
    run(attack)
    assert attack.oracle.spent.tolist() == [49] * 3


def test_what_it_finds_convinces_the_target(spiking_target: Classifier) -> None:
    attack = BlackBox(spiking_target, grid=(6, 6), queries=1500, pairs=20, seed=1)
    run(attack)
    images = attack.reconstructions()
    assert images.shape == (3, 1, 6, 6)
    assert images.min() >= 0
    assert images.max() <= 1
    spikes = RateEncoder(4).encode(images.repeat(50, 1, 1, 1), torch.Generator().manual_seed(0))
    assert (spiking_target.predict_step((spikes, images), 0).view(50, 3) == torch.arange(3)).float().mean() > 0.9


@pytest.mark.parametrize("encoder", [LatencyEncoder(6), ConstantCurrentEncoder(6, gain=2.0), RateEncoder(6)])
def test_any_encoder_will_do(encoder: Any) -> None:
    attack = BlackBox(spiking_mlp(), encoder=encoder, **SMALL)
    record = run(attack)
    assert not torch.equal(record.candidates[0], record.candidates[-1])


def test_it_looks_for_the_scene_before_an_event_camera() -> None:
    target = classifier(SpikingMLP, (1, 34, 34), 3, hidden=8)
    with torch.no_grad():
        target.network.hidden.weight.mul_(40)
    attack = BlackBox(target, encoder=EventCameraEncoder(time_steps=6), **SMALL)
    record = run(attack)
    assert attack.reconstructions().shape == (3, 1, 28, 28)
    assert not torch.equal(record.candidates[0], record.candidates[-1])


def test_the_batch_size_changes_nothing() -> None:
    one, many = (BlackBox(spiking_mlp(), batch_size=size, **SMALL) for size in (1, 1000))
    run(one)
    run(many)
    torch.testing.assert_close(one.reconstructions(), many.reconstructions(), rtol=1e-4, atol=1e-4)


def test_a_class_does_not_depend_on_the_others() -> None:
    together, alone = (BlackBox(spiking_mlp(), classes=classes, **SMALL) for classes in (None, [2]))
    run(together)
    run(alone)
    torch.testing.assert_close(together.reconstructions()[2:], alone.reconstructions(), rtol=1e-4, atol=1e-4)


def test_the_target_never_builds_a_graph() -> None:
    attack = BlackBox(spiking_mlp(), **SMALL)
    graphs = watched(attack.target)
    run(attack)
    assert len(graphs) > 6
    assert not any(graphs)
    assert all(weight.grad is None for weight in attack.target.parameters())


def test_snapshots_tell_what_it_had_after_how_many_queries() -> None:
    attack = BlackBox(spiking_mlp(), restarts=2, **{**SMALL, "queries": 2000, "pairs": 1})
    record = run(attack)
    spent = [snapshot.queries for snapshot in attack.snapshots]
    assert len(spent) in (11, 12)
    assert spent == sorted(set(spent))
    assert spent[-1] == 4000
    for snapshot in attack.snapshots[:-1]:
        assert torch.equal(snapshot.candidates, record.candidates[snapshot.queries // 4 - 1])
    assert torch.equal(attack.snapshots[-1].candidates, attack.best)
    assert torch.equal(attack.snapshots[-1].costs, attack.best_cost)
    assert attack.snapshots[0].costs.shape == (6,)
    assert (attack.snapshots[0].costs > attack.best_cost).all()


def test_a_margin_stays_black() -> None:
    attack = BlackBox(spiking_mlp(), margin=1, **SMALL)
    run(attack)
    images = attack.reconstructions()
    assert images[..., 1:-1, 1:-1].min() > 0
    assert images.sum() == images[..., 1:-1, 1:-1].sum()


def test_progress_is_logged_and_mixed_precision_runs() -> None:
    record = run(BlackBox(spiking_mlp(), **SMALL), precision="bf16-mixed")
    assert set(record.metrics) == {"invert/loss", "invert/target_confidence", "invert/queries"}
    assert record.metrics["invert/queries"] == 48
    assert 0 < record.metrics["invert/target_confidence"] < 1


def test_bad_arguments() -> None:
    for arguments, message in (
        ({"pairs": 0}, "pairs must be at least 1, got 0"),
        ({"sigma": 0.0}, "sigma must be positive and finite, got 0.0"),
        ({"queries": 8}, "queries must exceed the 8 that one step sends, got 8"),
        ({"grid": (0, 2)}, r"grid must lie between 1x1 and the image's 6x6, got \(0, 2\)"),
        ({"grid": (3, 5), "margin": 1}, r"grid must lie between 1x1 and the image's 4x4, got \(3, 5\)"),
        ({"margin": 3}, "margin must not be negative and leave some of the 6x6 pixels, got 3"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"restarts": 0}, "restarts must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            BlackBox(spiking_mlp(), **{**SMALL, **arguments})
    with pytest.raises(ValueError, match="MLP takes images, and no encoder"):
        BlackBox(mlp(), encoder=RateEncoder(3))
