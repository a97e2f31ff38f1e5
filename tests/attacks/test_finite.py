"""What is not finite is refused where it arises, with the step: no NaN passes for privacy."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from toys import mlp, silent_trainer, spiking_mlp

from brainleaks_pl import BlackBox, BrainLeaksV1, BrainLeaksV2, BrainLeaksV3, InversionModule, LabelOnly, MIFace
from brainleaks_pl.attacks.finite import require_finite

ATTACKS: dict[str, Any] = {
    "v1": lambda: BrainLeaksV1(spiking_mlp(), steps=4, seed=1),
    "v2": lambda: BrainLeaksV2(spiking_mlp(), steps=4, seed=1),
    "v3": lambda: BrainLeaksV3(spiking_mlp(), steps=4, seed=1),
    "v3 on an ANN": lambda: BrainLeaksV3(mlp(), steps=4, seed=1),
    "MI-FACE": lambda: MIFace(mlp(), steps=4, seed=1),
    "black box": lambda: BlackBox(spiking_mlp(), queries=60, pairs=4, grid=(2, 2), seed=1),
    "label only": lambda: LabelOnly(spiking_mlp(), queries=60, pairs=4, grid=(2, 2), seed=1),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_target_that_breaks_ends_the_attack_at_that_step(name: str) -> None:
    attack: InversionModule = ATTACKS[name]()
    ordinary, broken = attack.training_step, 2

    def step(batch: int, batch_idx: int) -> None:
        if batch == broken:
            with torch.no_grad():
                attack.target.network.output.bias[0] = float("nan")
        ordinary(batch, batch_idx)

    attack.training_step = step  # type: ignore[method-assign]
    when = r"query \d+" if name in ("black box", "label only") else f"step {broken}"
    with pytest.raises(ValueError, match=rf"^{when}: \d+ of \d+ .* are not finite\. Look at the target's weights"):
        silent_trainer().invert(attack)


@pytest.mark.parametrize("name", ["v1", "v3", "MI-FACE"])
def test_a_gradient_that_is_not_finite_ends_the_attack(name: str) -> None:
    attack = ATTACKS[name]()
    ordinary = attack.candidate_gradient
    attack.candidate_gradient = lambda costs, sampled, step: (
        ordinary(costs, sampled, step) * (float("inf") if step == 1 else 1.0)
    )
    with pytest.raises(ValueError, match=r"^step 1: \d+ of \d+ entries of the gradient are not finite"):
        silent_trainer().invert(attack)


def test_the_last_judgement_is_held_to_it_too() -> None:
    attack = ATTACKS["v1"]()
    attack.last_costs = lambda: torch.full((3, 1), float("nan"))
    with pytest.raises(ValueError, match="the last judgement: 3 of 3 costs are not finite"):
        silent_trainer().invert(attack)


def test_large_values_are_finite() -> None:
    require_finite(torch.full((4,), 3e38), "costs", "step 1")
    with pytest.raises(ValueError, match="step 1: 1 of 3 costs"):
        require_finite(torch.tensor([3e38, 3e38, float("-inf")]), "costs", "step 1")


def test_an_attack_that_no_memory_could_hold_is_refused_at_once() -> None:
    with pytest.raises(
        ValueError, match=r"BrainLeaksV1 on 30000000 \(class, restart\) units of \(4, 1, 6, 6\) would take 59\.3 GB"
    ):
        BrainLeaksV1(spiking_mlp(), restarts=10_000_000)
