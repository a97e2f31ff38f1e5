"""What all attacks promise: independent units, the best kept, a target left alone, zero gradients reported."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from reference import draws
from torch import Tensor
from torch.utils.data import DataLoader
from toys import Blind, Triangle, copied_state, mlp, run, silent_trainer, spiking_mlp

from brainleaks_pl import BrainLeaksV1, BrainLeaksV2, Classifier, FastSigmoid, InversionModule, Logit, MIFace

Attack = Callable[..., InversionModule]


def mi_face(target: Classifier | None = None, **settings: Any) -> MIFace:
    return MIFace(target or mlp(), optimizer=lambda p: torch.optim.SGD(p, lr=2.0), max_shift=1, seed=4, **settings)


def v1(target: Classifier | None = None, **settings: Any) -> BrainLeaksV1:
    return BrainLeaksV1(target or spiking_mlp(), **{"seed": 4, **settings})


def v2(target: Classifier | None = None, **settings: Any) -> BrainLeaksV2:
    return BrainLeaksV2(target or spiking_mlp(), population=3, **{"seed": 4, **settings})


ATTACKS = pytest.mark.parametrize("attack", [mi_face, v1, v2])


def of_unit(attack: InversionModule, unit: tuple[int, int]) -> Tensor:
    return attack.reconstructions().select(-4, attack.units.index(unit))


@ATTACKS
def test_a_unit_does_not_depend_on_the_others(attack: Attack) -> None:
    alone = attack(steps=5, classes=[1])
    run(alone)
    for classes, restarts in (([0, 1], 1), ([2, 1, 0], 2), (None, 3)):
        several = attack(steps=5, classes=classes, restarts=restarts)
        run(several)
        torch.testing.assert_close(of_unit(several, (1, 0)), of_unit(alone, (1, 0)), rtol=1e-4, atol=1e-4)


@ATTACKS
def test_the_target_is_left_as_it_was_and_frozen_meanwhile(attack: Attack) -> None:
    target = mlp() if attack is mi_face else spiking_mlp()
    target.train()
    before = copied_state(target)
    record = run(attack(target, steps=4))
    assert record.target_was_frozen == [True] * 4
    after = target.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert all(weight.grad is None for weight in target.parameters())


@ATTACKS
def test_the_target_stays_in_evaluation_mode_when_the_attack_is_put_in_training_mode(attack: Attack) -> None:
    module = attack(steps=1)
    assert module.train().training
    assert not any(part.training for part in module.target.modules())
    assert [name for name, p in module.named_parameters() if p.requires_grad] == ["candidates"]


@ATTACKS
def test_the_result_is_the_best_seen_and_later_steps_do_not_change_it(attack: Attack) -> None:
    module = attack(steps=12)
    seen: list[Tensor] = []
    judged = module.keep_best
    module.keep_best = lambda costs: (seen.append(costs.mean(1)), judged(costs))  # type: ignore[method-assign]
    record = run(module)
    costs = torch.stack(seen)
    assert len(costs) == 13, "the start, and the candidates after each of the 12 steps"
    torch.testing.assert_close(module.best_cost, costs.amin(0))
    starts = torch.zeros_like(record.candidates[0])
    for unit, step in enumerate(costs.argmin(0).tolist()):
        candidate = record.candidates[step - 1] if step else starts
        assert torch.equal(module.reconstructions().select(-4, unit), candidate.select(-4, unit))
    assert any(step < 12 for step in costs.argmin(0)), "a test that only ever keeps the last says nothing"
    for held, then in zip(record.reconstructions, record.reconstructions_then, strict=True):
        assert torch.equal(held, then)


def test_best_restarts_takes_the_cheapest_of_each_class() -> None:
    attack = v1(classes=[2, 0], restarts=3)
    attack.best_cost = torch.tensor([0.5, 0.2, 0.9, 0.1, 0.4, 0.3])
    assert attack.best_restarts() == [1, 3]


class Wanderer(MIFace):
    """An attack of a user's own, by the three hooks: adds the step's number, ignores the gradient."""

    def sample(self, step: int) -> Tensor:
        return self.candidates.detach().repeat_interleave(2, 0)  # two members a unit

    def candidate_gradient(self, costs: Tensor, sample_gradient: Tensor, step: int) -> Tensor:
        assert costs.shape == (3, 2)
        assert sample_gradient.shape == (6, 1, 6, 6)
        return torch.full_like(self.candidates, -float(step))

    def project(self) -> None:
        self.candidates.fmod_(5)


def test_hooks_of_a_users_own_attack() -> None:
    attack = Wanderer(mlp(), steps=5, stop_at=None, optimizer=lambda p: torch.optim.SGD(p, lr=1.0))
    assert [float(c.unique()) for c in run(attack).candidates] == [0, 1, 3, 1, 0]


def test_every_device_runs_every_step_in_order() -> None:
    steps = v1(steps=3).train_dataloader()
    assert list(steps) == [0, 1, 2]
    assert not isinstance(steps, DataLoader)  # Lightning gives each device a share of a DataLoader


@pytest.mark.filterwarnings("ignore:You are trying to")
def test_attack_time_surrogate_changes_gradients_but_not_outputs() -> None:
    target, other = spiking_mlp(), Triangle(2.0)
    one, two = (v1(target, surrogate=surrogate).evaluate(0) for surrogate in (None, other))
    assert torch.equal(one.costs, two.costs)
    assert torch.equal(one.confidences, two.confidences)
    assert one.gradient is not None
    assert not torch.allclose(one.gradient, two.gradient)
    assert torch.equal(v1(spiking_mlp(surrogate=other)).evaluate(0).gradient, two.gradient)
    assert target.network.neurons.surrogate == target.network.output_neurons.surrogate == FastSigmoid()
    silent = v1(target, surrogate=other).evaluate(0, differentiate=False)
    assert (silent.gradient, silent.zero_gradient) == (None, None)


def test_zero_gradients_are_reported_and_spikes_flipped_at_random_v1() -> None:
    attack = v1(steps=5, turnover=0.2, surrogate=Blind())
    with pytest.warns(
        UserWarning, match=r"zero for 3 of 3 units \(classes \[0, 1, 2\]\); whenever that is so, 20.00%"
    ) as said:
        record = run(attack)
    assert len([warning for warning in said if "every gradient" in str(warning.message)]) == 1  # not at every step
    assert len(record.candidates) == 5
    assert record.metrics["invert/zero_gradients"] == 1.0
    size = record.candidates[0][:, 0].numel()
    before = torch.zeros_like(record.candidates[0])
    for step, after in enumerate(record.candidates):
        changed = (before != after).float()
        assert (changed.mean((0, 2, 3, 4)) - 0.2).abs().max() < 4 * math.sqrt(0.16 / size)
        for unit, (label, restart) in enumerate(attack.units):
            kicks = draws((4, 1, 6, 6), label, restart, 4, step, stream=1) < 0.2
            assert torch.equal(changed[:, unit].bool(), kicks)
        before = after
    assert torch.isfinite(attack.best_cost).all()


@pytest.mark.parametrize("sparsity", [0.0, 0.5])
@pytest.mark.parametrize("extra", [{}, {"parametrisation": "logit", "start": 0.2}, {"shared_over_time": True}])
def test_zero_gradients_v2(sparsity: float, extra: dict[str, Any]) -> None:
    """The gradient of the sparsity penalty does not hide that the loss has none."""
    attack = v2(steps=3, turnover=0.3, surrogate=Blind(), sparsity=sparsity, **extra)
    start = attack.candidates.detach().clone()
    with pytest.warns(UserWarning, match=r"step 0: .* \(classes \[0, 1, 2\]\); whenever that is so, 30.00%"):
        record = run(attack)
    changed = (record.candidates[0] != start).float()
    assert float(changed.mean()) == pytest.approx(0.3, abs=4 * math.sqrt(0.21 / changed.numel()))
    assert (record.candidates[0] >= start).all()  # all started below one half: the flips go up
    assert record.metrics["invert/zero_gradients"] == 1.0
    assert torch.isfinite(attack.reconstructions()).all()


def test_zero_gradients_of_an_ordinary_network() -> None:
    target = mlp()
    with torch.no_grad():
        target.network.hidden.weight.zero_()
    attack = mi_face(target, steps=2, turnover=0.5)
    with pytest.warns(UserWarning, match=r"50.00% of a unit's entries"):
        record = run(attack)
    assert float((record.candidates[0] == 1).float().mean()) == pytest.approx(0.5, abs=0.2)


def test_only_the_stuck_units_are_flipped() -> None:
    target = spiking_mlp()
    with torch.no_grad():
        target.network.output.weight[2] = 0  # the logit of class 2 sees no input
    attack, others = v1(target, steps=1, loss=Logit()), v1(target, steps=1, loss=Logit(), classes=[0, 1])
    with pytest.warns(UserWarning, match=r"zero for 1 of 3 units \(classes \[2\]\)"):
        record = run(attack)
    assert record.metrics["invert/zero_gradients"] == pytest.approx(1 / 3)
    (expected,) = run(others).candidates
    assert torch.equal(record.candidates[0][:, :2], expected)


@ATTACKS
def test_progress_is_logged(attack: Attack) -> None:
    module = attack(steps=3)
    record = run(module)
    rate = "invert/mean_pixel" if attack is mi_face else "invert/spike_rate"
    assert set(record.metrics) == {"invert/loss", "invert/target_confidence", "invert/zero_gradients", rate}
    assert record.metrics["invert/zero_gradients"] == 0
    assert 0 < record.metrics["invert/target_confidence"] < 1
    assert 0 < record.metrics[rate] < 1
    assert set(run(attack(steps=3), logger=False).metrics) == {"invert/loss", "invert/target_confidence"}


@ATTACKS
def test_bfloat16(attack: Attack) -> None:
    module = attack(steps=4)
    record = run(module, precision="bf16-mixed")
    assert len(record.candidates) == 4
    assert module.candidates.dtype == module.best.dtype == torch.float32
    assert torch.isfinite(module.best_cost).all()
    assert torch.isfinite(module.reconstructions()).all()
    exact = attack(steps=4)
    run(exact)
    torch.testing.assert_close(module.best_cost, exact.best_cost, rtol=0.5, atol=0.05)


@ATTACKS
def test_trainers_limits_do_not_bind_the_attack(attack: Attack) -> None:
    settings = {"max_steps": 1, "gradient_clip_val": 1e-6, "limit_train_batches": 1, "max_epochs": 0}
    bound, free = attack(steps=3), attack(steps=3)
    assert len(run(bound, **settings).candidates) == 3
    run(free)
    assert torch.equal(bound.reconstructions(), free.reconstructions())


BAD = [
    ({"steps": 0}, "steps must be at least 1, got 0"),
    ({"restarts": 0}, "restarts must be at least 1, got 0"),
    ({"turnover": 0.0}, r"turnover must lie in \(0, 1\], got 0.0"),
    ({"turnover": 1.1}, r"turnover must lie in \(0, 1\], got 1.1"),
    ({"classes": [0, 3]}, r"classes must be distinct numbers from 0 to 2, got \[0, 3\]"),
    ({"classes": [-1]}, r"classes must be distinct numbers from 0 to 2, got \[-1\]"),
    ({"classes": [1, 1]}, r"classes must be distinct numbers from 0 to 2, got \[1, 1\]"),
    ({"classes": []}, r"classes must be distinct numbers from 0 to 2, got \[\]"),
]


@ATTACKS
@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[f"{arguments}" for arguments, _ in BAD])
def test_bad_arguments(attack: Attack, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        attack(**arguments)


def test_bad_seed() -> None:
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        v1(seed=-1)


def test_a_trainer_runs_one_attack_after_another() -> None:
    trainer = silent_trainer()
    first, second = v1(steps=2), v1(steps=2)
    trainer.invert(first)
    trainer.invert(second)
    assert torch.equal(first.best_cost, second.best_cost)
    assert torch.isfinite(second.best_cost).all()


def test_keep_last_returns_the_last_candidates_and_their_cost() -> None:
    best, last = v1(steps=6), v1(steps=6, keep="last")
    run(best)
    run(last)
    assert torch.equal(last.reconstructions(), last.candidates.detach())
    assert torch.equal(last.best_cost, last.evaluate(6, differentiate=False).costs.mean(1))
    assert (best.best_cost <= last.best_cost).all()
    assert (best.best_cost < last.best_cost).any()
    with pytest.raises(ValueError, match="keep must be 'best' or 'last', got 'first'"):
        v1(keep="first")
