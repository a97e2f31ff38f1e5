"""What an attack is charged for: as many gradients as it asked for, of inputs that all differ."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toys import mlp, run, spiking_mlp

from brainleaks_pl import (
    BrainLeaksV1,
    BrainLeaksV2,
    BrainLeaksV3,
    ConstantCurrentEncoder,
    GradientInversion,
    LatencyEncoder,
    MIFace,
    RateEncoder,
)
from brainleaks_pl.attacks.functional import differing
from brainleaks_pl.attacks.spending import distinct, fingerprints


def v3(target: Callable[[], Any], **settings: Any) -> BrainLeaksV3:
    return BrainLeaksV3(target(), **{"steps": 5, "restarts": 3, "population": 3, "seed": 1, **settings})


def fast(parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
    return torch.optim.SGD(parameters, lr=0.2)


def v2(**settings: Any) -> BrainLeaksV2:
    slowly: dict[str, Any] = {"eta": 0.02, "decay": 0.9, "second_moment": "averaged"}  # few probabilities become 0 or 1
    return BrainLeaksV2(spiking_mlp(), **{"steps": 5, "restarts": 3, "population": 3, "seed": 1, **slowly, **settings})


ALL_DIFFER: dict[str, tuple[Callable[[], GradientInversion], int]] = {
    "v1": (lambda: BrainLeaksV1(spiking_mlp(), steps=5, start=0.5, restarts=3, seed=1), 15),
    "v2": (lambda: v2(start=0.5), 45),
    "v3": (lambda: v3(spiking_mlp), 45),
    "v3, shifts and noise": (lambda: v3(spiking_mlp, max_shift=1, noise=0.1), 45),
    "v3, an encoder that draws nothing": (lambda: v3(spiking_mlp, encoder=ConstantCurrentEncoder(4)), 15),
    "v3 on images": (lambda: v3(mlp), 15),
    "v3 on images, shifts": (lambda: v3(mlp, max_shift=1, margin=1), 45),
    "v3 on images, all the shifts that there are": (lambda: v3(mlp, max_shift=1, margin=1, population=20), 135),
    "v3 on images, noise": (lambda: v3(mlp, noise=0.1), 45),
    "v3 on images, both": (lambda: v3(mlp, max_shift=1, noise=0.1), 45),
    "MI-FACE": (lambda: MIFace(mlp(), steps=5, restarts=3, seed=1), 15),
    "MI-FACE that goes on below black": (lambda: MIFace(mlp(), steps=5, restarts=3, clamp=False, seed=1), 15),
}
SOME_ARE_THE_SAME: dict[str, Callable[[], GradientInversion]] = {
    "v1 from silence": lambda: BrainLeaksV1(spiking_mlp(), steps=5, restarts=3, seed=1),
    "v2 from silence": lambda: v2(steps=1),
    "v3, shifts of one grey": lambda: v3(mlp, max_shift=1),
    "v3, a black image encoded": lambda: v3(spiking_mlp, start=0.0, restart_spread=0.0, optimizer=fast),
    "MI-FACE that stands still": lambda: MIFace(mlp(), steps=4, optimizer=lambda p: torch.optim.SGD(p, lr=0.0)),
}


def asked(attack: GradientInversion) -> dict[int, list[Tensor]]:
    """Run an attack; return the inputs, by class, of which it took the gradient."""
    inputs: list[Tensor] = []
    labels: list[Tensor] = []

    def spy(module: nn.Module, arguments: tuple[Tensor]) -> None:
        if arguments[0].requires_grad:
            inputs.extend(arguments[0].detach().clone().unbind(-4))

    def noted(step: int) -> Tensor:
        drawn = sample(step)
        active = attack.active.repeat_interleave(drawn.shape[-4] // len(attack.units))
        labels.append(torch.where(active, attack.labels.repeat_interleave(len(active) // len(attack.units)), -1))
        return drawn

    sample, attack.sample = attack.sample, noted  # type: ignore[method-assign]
    attack.target.network.register_forward_pre_hook(spy)
    run(attack)
    found: dict[int, list[Tensor]] = {label: [] for label in attack.classes}
    for own, label in zip(inputs, torch.cat(labels).tolist(), strict=False):  # the last judgement has no gradient
        found.setdefault(label, []).append(own)
    found.pop(-1, None)
    return found


@pytest.mark.parametrize("name", ALL_DIFFER)
def test_all_inputs_of_a_class_differ_and_are_as_many_as_it_is_charged(name: str) -> None:
    make, charged = ALL_DIFFER[name]
    attack = make()
    for inputs in asked(attack).values():
        assert len(inputs) == charged
        assert len(torch.stack(inputs).flatten(1).unique(dim=0)) == charged
    assert attack.spending.gradients == charged == attack.gradients_per_run * attack.restarts


@pytest.mark.parametrize("name", SOME_ARE_THE_SAME)
def test_equal_inputs_of_a_class_are_charged_once(name: str) -> None:
    attack = SOME_ARE_THE_SAME[name]()
    by_class = asked(attack).values()
    different = sum(len(torch.stack(inputs).flatten(1).unique(dim=0)) for inputs in by_class)
    assert different < sum(map(len, by_class))
    assert attack.spending.gradients == different // len(by_class)


def test_an_attack_that_stops_early_is_charged_for_what_it_asked() -> None:
    attack = MIFace(mlp(), steps=30, stop_at=0.5, restarts=2, seed=0)
    by_class = asked(attack)
    assert len({len(inputs) for inputs in by_class.values()}) > 1
    assert attack.spending.gradients == sum(map(len, by_class.values())) // 3 < 60


@pytest.mark.parametrize("settings", [{"target": mlp, "max_shift": 1, "noise": 0.1}, {"target": spiking_mlp}])
def test_the_gradient_of_an_image_is_the_mean_of_its_members_own(settings: dict[str, Any]) -> None:
    attack = v3(**settings, smoothing=0.0, scale_gradient=False, restarts=1)
    images = attack.candidates.detach()
    found = attack.evaluate(0)
    assert found.gradient is not None
    estimate = attack.candidate_gradient(found.costs, found.gradient, 0)
    inputs = attack.sample(0)
    expected = torch.zeros_like(images)
    for unit, label in enumerate(attack.labels):
        for member in range(3):
            own = inputs[..., 3 * unit + member, :, :, :].unsqueeze(-4).requires_grad_()
            cost = attack.loss(attack.target.logits(own), label.view(1)).sum()
            (gradient,) = torch.autograd.grad(cost, own)
            if attack.encoder is None:
                rows, columns = (int(shift[3 * unit + member]) for shift in attack._shifts(0))
                expected[unit] += torch.roll(gradient, (-rows, -columns), (-2, -1))[0] / 3
            else:
                expected[unit] += gradient.sum(0)[0] / 3
    torch.testing.assert_close(estimate, expected, rtol=1e-3, atol=1e-5)


def test_mi_face_takes_the_mean_of_its_members_too() -> None:
    attack = MIFace(mlp(), steps=5, noise=0.3, population=4, seed=0)
    found = attack.evaluate(0)
    assert found.gradient is not None
    assert found.costs.shape == (3, 4)
    estimate = attack.candidate_gradient(found.costs, found.gradient, 0)
    torch.testing.assert_close(estimate, found.gradient.unflatten(0, (3, 4)).mean(1))
    by_class = asked(attack)
    assert attack.spending.gradients == sum(map(len, by_class.values())) // 3 == 20


def test_restarts_that_see_the_same_inputs_are_refused() -> None:
    with pytest.raises(
        ValueError, match="all 2 restarts of a class would be the same: BrainLeaksV3 sees the same inputs"
    ):
        v3(mlp, max_shift=1, population=9, restarts=2, restart_spread=0)
    with pytest.raises(ValueError, match=r"restart_spread must lie in \[0, 1\], got 2"):
        v3(mlp, restart_spread=2)


def test_what_cannot_differ_is_asked_once() -> None:
    assert v3(mlp).population == v3(spiking_mlp, encoder=LatencyEncoder(4)).population == 1
    assert v3(mlp, max_shift=1, population=20).population == 9
    assert v3(spiking_mlp, encoder=RateEncoder(4)).population == v3(mlp, noise=0.1).population == 3


def test_different_numbers_that_are_uniform() -> None:
    numbers = torch.randint(9, (4000, 5), generator=torch.Generator().manual_seed(0))
    found = differing(numbers, 9)
    assert all(len(set(row)) == 5 for row in found.tolist())
    assert torch.equal(found[:, 0], numbers[:, 0])
    for column in found.T:
        assert (column.bincount(minlength=9) / 4000 - 1 / 9).abs().max() < 0.02
    assert torch.equal(differing(numbers, 4), numbers)


def test_fingerprints_tell_inputs_apart() -> None:
    inputs = torch.zeros(3, 6, 1, 4, 4)
    inputs[0, 1, 0, 1, 2] = inputs[1, 2, 0, 1, 2] = inputs[0, 3, 0, 2, 1] = inputs[0, 4, 0, 1, 2] = 1
    inputs[2, 5] = -0.0
    prints = fingerprints(inputs)
    assert prints[1] == prints[4]
    assert prints[0] == prints[5]
    assert len(prints.unique()) == 4
    assert distinct(prints.view(2, 3)).tolist() == [3, 3]
    assert distinct(torch.tensor([[7, 7, 7], [1, 2, 1]])).tolist() == [1, 2]


def test_fingerprints_are_the_same_in_every_process() -> None:
    """A resumed attack compares with what an earlier process wrote down."""
    inputs = torch.tensor([[[[0.0, 1.0], [0.5, 0.25]]], [[[0.0, 1.0], [0.5, 0.125]]]])
    assert fingerprints(inputs).tolist() == [-4711508673187282944, 6679094520958681088]
