"""How the target is asked: in parts, and with the gradient's products in half precision if so asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.profiler import ProfilerActivity, profile
from toys import Blind, Triangle, mlp, run, spiking_mlp

from brainleaks_pl import BrainLeaksV1, BrainLeaksV2, BrainLeaksV3, MaxMargin, MIFace, RateEncoder
from brainleaks_pl.attacks import asking
from brainleaks_pl.attacks.asking import half_gradients
from brainleaks_pl.attacks.fitting import WrongTargetError
from brainleaks_pl.attacks.functional import parts
from brainleaks_pl.attacks.gradient import GradientInversion
from brainleaks_pl.networks import mlp as mlp_module
from brainleaks_pl.networks.lif import LIF, neurons_and_linear


@given(samples=st.integers(1, 60), time_steps=st.integers(1, 30), rows=st.integers(1, 100))
def test_parts_cover_the_samples_evenly(samples: int, time_steps: int, rows: int) -> None:
    inputs = torch.empty(time_steps, samples, 1, 1, 1)
    slices = parts(inputs, rows)
    assert [index for part in slices for index in range(samples)[part]] == list(range(samples))
    assert all(len(range(samples)[part]) * time_steps <= max(rows, time_steps) for part in slices)
    assert len(slices) == -(-samples // max(1, rows // time_steps))


def test_images_are_one_row_each() -> None:
    assert len(parts(torch.empty(10, 3, 1, 1), rows=4)) == 3


def test_parts_make_one_product_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part that is a slice would be multiplied time step by time step, which takes half as long again."""
    monkeypatch.setattr(asking, "ROWS", 8)
    attack = BrainLeaksV1(spiking_mlp(), start=0.3, steps=2, restarts=3)
    seen: list[torch.Tensor] = []
    attack.target.network.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    inputs, labels = attack.sample(0), attack.labels
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        attack.ask(inputs, labels, differentiate=True)
    assert len(seen) > 1
    assert all(part.is_contiguous() for part in seen)
    assert not {event.key for event in profiler.key_averages()} & {"aten::bmm", "aten::baddbmm"}


@pytest.mark.parametrize(
    "attack",
    [
        lambda: BrainLeaksV1(spiking_mlp(), start=0.3, steps=2, seed=1, restarts=3),
        lambda: BrainLeaksV2(
            spiking_mlp(), start=0.3, steps=2, seed=1, restarts=3, loss=MaxMargin(), weighting="uniform"
        ),
        lambda: BrainLeaksV2(spiking_mlp(), start=0.3, steps=2, seed=1, surrogate=Triangle(0.7)),
        lambda: MIFace(mlp(), steps=2, seed=1, restarts=3, total_variation=0.1),
    ],
)
def test_parts_change_nothing_but_rounding(
    monkeypatch: pytest.MonkeyPatch, attack: Callable[[], GradientInversion]
) -> None:
    evaluations = []
    for rows in (10_000, 8, 1):
        monkeypatch.setattr(asking, "ROWS", rows)
        module = attack()
        evaluations.append(module.evaluate(0))
    for whole, *others in zip(*evaluations, strict=True):
        for other in others:
            torch.testing.assert_close(other, whole, rtol=1e-4, atol=1e-4 * float(whole.float().abs().max()))


@pytest.mark.parametrize(("precision", "dtype"), [("32-true", torch.float32), ("bf16-mixed", torch.bfloat16)])
def test_the_gradient_alone_is_taken_in_half_precision(
    monkeypatch: pytest.MonkeyPatch, precision: str, dtype: torch.dtype
) -> None:
    monkeypatch.setattr(asking, "half_gradients", lambda device: torch.is_autocast_enabled(device.type))
    seen: list[torch.dtype] = []
    products = torch.matmul
    attack = BrainLeaksV1(spiking_mlp(), start=0.3, steps=1, seed=1)

    def spy(current: torch.Tensor) -> torch.Tensor:
        seen.append(products(current[0], attack.target.network.hidden.weight).dtype)
        return current

    def observed(neurons: LIF, current: torch.Tensor, layer: torch.nn.Linear) -> torch.Tensor:
        assert current.dtype == torch.float32
        if current.requires_grad:
            current.register_hook(spy)
        return neurons_and_linear(neurons, current, layer)

    monkeypatch.setattr(mlp_module, "neurons_and_linear", observed)
    run(attack, precision=precision)
    assert seen[0] is dtype


def test_half_precision_gradients_are_close(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "half_gradients", lambda device: torch.is_autocast_enabled(device.type))
    attack = BrainLeaksV2(spiking_mlp(), start=0.3, steps=1, seed=1)
    inputs, labels = attack.sample(0), attack.labels.repeat_interleave(attack.population)
    losses, _, exact = attack.ask(inputs, labels, True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed_losses, _, mixed = attack.ask(inputs, labels, True)
    assert torch.equal(losses, mixed_losses)
    assert mixed.dtype == torch.float32
    difference = (mixed - exact).norm() / exact.norm()
    assert 1e-5 < difference < 0.01


def test_processors_without_bfloat16_keep_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not half_gradients(torch.device("cpu"))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for fast in (True, False):
            monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda fast=fast: fast)
            assert half_gradients(torch.device("cpu")) == fast


@pytest.mark.parametrize(
    ("attack", "each"), [(BrainLeaksV1, 1), (partial(BrainLeaksV2, eta=0.1), 7), (BrainLeaksV3, 1)]
)
def test_gradients_are_counted(attack: Callable[..., GradientInversion], each: int) -> None:
    module = attack(spiking_mlp(), steps=3, start=0.3, seed=0, restarts=2)
    run(module)
    assert module.gradients_per_run == 3 * each
    assert module.spending.gradients == 6 * each
    assert module.gradients_spent.tolist() == [3 * each] * 6
    assert module.zero_gradients == module.zero_gradient_steps.sum() / 18


def test_gradients_are_not_counted_for_units_that_have_stopped() -> None:
    module = MIFace(mlp(), steps=50, seed=0, stop_at=0.5)
    recorder = run(module)
    active = [sum(flags) for flags in zip(*recorder.active, strict=True)]
    # a unit that stops has had its gradient in that step; the others end with the attack
    assert module.gradients_spent.tolist() == [min(steps + 1, len(recorder.active)) for steps in active]
    assert len(set(module.gradients_spent.tolist())) > 1


@pytest.mark.filterwarnings("ignore:.*every gradient is zero")
def test_steps_without_a_gradient_are_counted() -> None:
    module = BrainLeaksV2(spiking_mlp(), steps=3, seed=0, surrogate=Blind())
    run(module)
    assert module.zero_gradients == 1.0


@pytest.mark.parametrize(
    "attack",
    [
        lambda: BrainLeaksV1(mlp(), time_steps=3),
        lambda: MIFace(spiking_mlp()),
        lambda: BrainLeaksV3(mlp(), encoder=RateEncoder(3)),
        lambda: BrainLeaksV3(mlp(), surrogate=Triangle(0.7)),
    ],
)
def test_networks_of_the_wrong_kind_are_told_from_other_errors(attack: Callable[[], GradientInversion]) -> None:
    with pytest.raises(WrongTargetError):
        attack()
