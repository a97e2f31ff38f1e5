"""BrainLeaks-v1 against the algorithm written out for one class and restart at a time."""

from __future__ import annotations

import pytest
import torch
from reference import brainleaks_v1
from toys import mlp, run, spiking_mlp

from brainleaks_pl import ATan, BrainLeaksV1, Classifier, StraightThrough


@pytest.mark.parametrize(
    ("target", "time_steps", "seed"),
    [
        (spiking_mlp(4), 4, 0),
        (spiking_mlp(4, beta=0.9, threshold=0.6, surrogate=ATan(1.5)), 4, 1),
        (spiking_mlp(2), 7, 123456789),  # another T than in training
        (spiking_mlp(1), 1, 2),
    ],
)
def test_equals_the_plain_algorithm(target: Classifier, time_steps: int, seed: int) -> None:
    attack = BrainLeaksV1(target, steps=6, restarts=2, time_steps=time_steps, seed=seed)
    record = run(attack)
    reconstructions = attack.reconstructions()
    assert reconstructions.shape == (time_steps, 6, 1, 6, 6)
    for unit, (label, restart) in enumerate(attack.units):
        trace = brainleaks_v1(target.network, label, restart, steps=6, seed=seed, time_steps=time_steps)
        for step, expected in enumerate(trace.history):
            assert torch.equal(record.candidates[step][:, unit], expected), (label, restart, step)
        assert torch.equal(reconstructions[:, unit], trace.best)
        assert float(attack.best_cost[unit]) == pytest.approx(trace.best_cost, rel=1e-4, abs=1e-6)


def test_candidates_are_spikes_and_start_at_none(spiking_target: Classifier) -> None:
    attack = BrainLeaksV1(spiking_target, seed=1)
    assert (attack.candidates == 0).all()
    record = run(attack)
    assert len(record.candidates) == attack.steps == 10
    for spikes in (*record.candidates, attack.reconstructions()):
        assert set(spikes.unique().tolist()) == {0.0, 1.0}


def test_random_start_has_its_rate_and_a_stream_of_its_own_for_each_unit(spiking_target: Classifier) -> None:
    attack = BrainLeaksV1(spiking_target, start=0.3, restarts=2, time_steps=400, seed=1)
    first = attack.candidates.detach().clone()
    assert set(first.unique().tolist()) == {0.0, 1.0}
    rates = first.mean((0, 2, 3, 4))  # of 14400 entries each: a standard deviation of .004
    assert ((rates - 0.3).abs() < 0.02).all()
    assert all(not torch.equal(first[:, 0], first[:, unit]) for unit in range(1, 6))
    alone = BrainLeaksV1(spiking_target, start=0.3, restarts=2, classes=[1], time_steps=400, seed=1)
    assert torch.equal(alone.candidates, first[:, 2:4])
    assert torch.equal(alone.best, first[:, 2:4])
    assert torch.equal(BrainLeaksV1(spiking_target, start=1.0).candidates, torch.ones(4, 3, 1, 6, 6))


@pytest.mark.parametrize("start", [-0.1, 1.1, float("nan")])
def test_start_out_of_range_is_an_error(spiking_target: Classifier, start: float) -> None:
    with pytest.raises(ValueError, match=f"start is a rate and must lie in .0, 1., got {start}"):
        BrainLeaksV1(spiking_target, start=start)


def test_it_raises_the_targets_confidence(spiking_target: Classifier) -> None:
    attack = BrainLeaksV1(spiking_target, seed=1)
    run(attack)
    start = spiking_target.confidences(torch.zeros(4, 3, 1, 6, 6)).diagonal()
    found = spiking_target.confidences(attack.reconstructions()).diagonal()
    assert (found > start + 0.3).all()


def test_restarts_differ_and_the_best_is_the_targets_choice(spiking_target: Classifier) -> None:
    attack = BrainLeaksV1(spiking_target, steps=3, classes=[2, 0], restarts=4, seed=1)
    run(attack)
    assert attack.units == [(2, r) for r in range(4)] + [(0, r) for r in range(4)]
    spikes = attack.reconstructions()
    assert len({tuple(spikes[:, unit].flatten().tolist()) for unit in range(8)}) == 8
    of_class = spiking_target.confidences(spikes)[range(8), attack.labels]
    assert attack.best_restarts() == [int(of_class[:4].argmax()), 4 + int(of_class[4:].argmax())]


def test_seed_decides_the_result(spiking_target: Classifier) -> None:
    results = []
    for seed in (5, 5, 6):
        attack = BrainLeaksV1(spiking_target, steps=3, seed=seed)
        run(attack)
        results.append(attack.reconstructions())
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])
    torch.manual_seed(5)  # what seed_everything does, when no seed is given
    attack = BrainLeaksV1(spiking_target, steps=3)
    run(attack)
    assert torch.equal(attack.reconstructions(), results[0])


def test_attack_time_surrogate_is_that_of_a_target_that_has_it() -> None:
    """The outputs do not depend on the surrogate, the gradients do."""
    results = []
    for own, at_attack in ((None, StraightThrough()), (StraightThrough(), None), (None, None)):
        attack = BrainLeaksV1(spiking_mlp(surrogate=own), steps=4, seed=1, surrogate=at_attack)
        run(attack)
        results.append(attack.reconstructions())
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


def test_bad_arguments() -> None:
    others = "MIFace, BrainLeaksV3, BlackBox or LabelOnly"
    with pytest.raises(ValueError, match=rf"BrainLeaksV1 looks for spikes, and MLP takes images: use {others}\.$"):
        BrainLeaksV1(mlp())
    with pytest.raises(ValueError, match="time_steps is not known"):
        BrainLeaksV1(spiking_mlp(None))
    with pytest.raises(ValueError, match="time_steps must be at least 1, got 0"):
        BrainLeaksV1(spiking_mlp(), time_steps=0)
    assert BrainLeaksV1(spiking_mlp(None), time_steps=3).candidates.shape == (3, 3, 1, 6, 6)
