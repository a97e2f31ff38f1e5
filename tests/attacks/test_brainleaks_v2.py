"""BrainLeaks-v2 against the algorithm written out for one class, restart and member at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from reference import brainleaks_v2
from toys import mlp, run, spiking_mlp

from brainleaks_pl import BrainLeaksV2, Classifier, MaxMargin, MeanNLL
from brainleaks_pl.attacks import BernoulliRMSprop

# the name in the reference and the arguments of the attack, where they differ
AVERAGED = ({"accumulated": False}, {"second_moment": "averaged"})
LOGIT = ({"logit": True, "start": 0.2, "eta": 0.05}, {"parametrisation": "logit", "start": 0.2, "eta": 0.05})
SHARED = ({"shared": True}, {"shared_over_time": True})
EVENTS = {"population": 5, "eta": 0.1, "eps": 1e-12, "decay": 0.3, "sparsity": 0.3}


def both(*parts: tuple[dict[str, Any], dict[str, Any]], **same: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    plain, ours = dict(same), dict(same)
    for of_reference, of_attack in parts:
        plain |= of_reference
        ours |= of_attack
    return plain, ours


CASES = {
    "published for MNIST": both(),
    "corrected second moment": both(AVERAGED),
    "fitness": both(AVERAGED, weighting="fitness"),
    "uniform": both(weighting="uniform", population=2),
    "published for events": both(AVERAGED, ({"nll": True}, {"loss": MeanNLL()}), **EVENTS),
    "no sparsity, one member": both(sparsity=0.0, population=1, start=0.5, momentum=0.0, decay=0.0, eta=0.2),
    "logit": both(AVERAGED, LOGIT, weighting="fitness"),
    "logit, shared": both(LOGIT, SHARED),
    "shared over time": both(SHARED, eps=0.05),  # with a large eps the scale of the gradient matters
    "strong sparsity": both(AVERAGED, sparsity=2.0, start=0.5, eta=0.05),
}


@pytest.mark.parametrize(("plain", "ours"), CASES.values(), ids=CASES)
def test_equals_the_plain_algorithm(plain: dict[str, Any], ours: dict[str, Any]) -> None:
    target, steps, seed = spiking_mlp(4), 4, 3
    attack = BrainLeaksV2(target, steps=steps, classes=[2, 0], restarts=2, seed=seed, **ours)
    record = run(attack)
    reconstructions = attack.reconstructions()
    assert reconstructions.shape == (4, 4, 1, 6, 6)
    assert reconstructions.min() >= 0
    assert reconstructions.max() <= 1
    for unit, (label, restart) in enumerate(attack.units):
        trace = brainleaks_v2(target.network, label, restart, steps=steps, seed=seed, time_steps=4, **plain)
        for step, expected in enumerate(trace.history):
            torch.testing.assert_close(record.candidates[step][:, unit], expected, rtol=1e-3, atol=1e-4)
        best = (trace.best.sigmoid() if attack.logits else trace.best).expand(4, 1, 6, 6)
        torch.testing.assert_close(reconstructions[:, unit], best, rtol=1e-3, atol=1e-4)
        assert float(attack.best_cost[unit]) == pytest.approx(trace.best_cost, rel=1e-4)


def test_defaults_are_the_published_ones_for_mnist() -> None:
    attack = BrainLeaksV2(spiking_mlp())
    assert (attack.steps, attack.population, attack.sparsity, attack.weighting) == (10, 7, 0.01, "cost")
    optimizer = attack.configure_optimizers()
    assert isinstance(optimizer, BernoulliRMSprop)
    published = {"lr": 1.0, "momentum": 0.9, "decay": 0.1, "eps": 1e-10, "accumulate": True}
    assert {name: optimizer.defaults[name] for name in published} == published
    assert (attack.candidates == 0).all()


def test_members_are_bernoulli_draws_of_the_probabilities(spiking_target: Classifier) -> None:
    attack = BrainLeaksV2(spiking_target, classes=[1, 2], population=400, seed=1)
    with torch.no_grad():
        attack.candidates.copy_(torch.linspace(0, 1, 4 * 2 * 36).view(4, 2, 1, 6, 6))
    members = attack.sample(0)
    assert members.shape == (4, 2 * 400, 1, 6, 6)
    assert set(members.unique().tolist()) == {0.0, 1.0}
    p = attack.candidates.detach()
    rates = members.view(4, 2, 400, 1, 6, 6).mean(2)
    assert ((rates - p).abs() <= 4.5 * (p * (1 - p) / 400).sqrt()).all()
    assert torch.equal(attack.sample(0), members)
    assert not torch.equal(attack.sample(1), members)


def test_it_raises_the_targets_confidence(spiking_target: Classifier) -> None:
    attack = BrainLeaksV2(spiking_target, seed=1)
    run(attack)
    start = spiking_target.confidences(torch.zeros(4, 3, 1, 6, 6)).diagonal()
    uniform = torch.rand(50, 4, 3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    draws = (uniform < attack.reconstructions()).float()
    found = torch.stack([spiking_target.confidences(spikes).diagonal() for spikes in draws]).mean(0)
    assert (found > start + 0.3).all()


def test_sparsity_lowers_the_spike_rate(spiking_target: Classifier) -> None:
    rates = []
    for sparsity in (0.0, 30.0):
        attack = BrainLeaksV2(spiking_target, start=0.5, eta=0.05, second_moment="averaged", sparsity=sparsity, seed=1)
        rates.append(float(run(attack).candidates[-1].mean()))
    assert rates[1] < 0.5 * rates[0]


@pytest.mark.parametrize("accumulate", [True, False])
def test_second_moment_of_a_steady_gradient(accumulate: bool) -> None:
    """Published for MNIST it grows as 1.1^n, averaged it settles at g^2."""
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = BernoulliRMSprop([p], lr=0.5, momentum=0.9, decay=0.1, eps=1e-10, accumulate=accumulate)
    expected_p = momentum = 0.0
    for n in range(1, 13):
        p.grad = torch.tensor([2.0])
        optimizer.step()
        second = 0.9 * 4 * (1.1**n - 1) / 0.1 if accumulate else 4 * (1 - 0.1**n)
        momentum = 0.9 * momentum + 2.0
        expected_p -= 0.5 * momentum / second**0.5
        assert float(optimizer.state[p]["second"]) == pytest.approx(second, rel=1e-4)
        assert p.item() == pytest.approx(expected_p, rel=1e-4)


def test_optimizer_passes_over_what_has_no_gradient_and_calls_the_closure() -> None:
    moving, still = torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(2))
    optimizer = BernoulliRMSprop([moving, still], lr=1.0, momentum=0.0, decay=0.5, eps=1.0)
    moving.grad = torch.tensor([0.0, 2.0])
    assert optimizer.step(lambda: 7.0) == 7.0
    assert moving.tolist() == pytest.approx([1.0, 1 - 2 / (2**0.5 + 1)])
    assert still.tolist() == [1.0, 1.0]


def test_whole_numbers_do_as_start(spiking_target: Classifier) -> None:
    assert BrainLeaksV2(spiking_target, start=1).candidates.dtype == torch.float32


def test_cost_weighting_refuses_losses_that_can_be_negative(spiking_target: Classifier) -> None:
    attack = BrainLeaksV2(spiking_target, loss=MaxMargin(), seed=1)
    with pytest.raises(ValueError, match="needs a loss that is never negative"):
        run(attack)
    run(BrainLeaksV2(spiking_target, loss=MaxMargin(), weighting="fitness", seed=1))


BAD = [
    ({"start": -0.1}, r"start must lie in \[0, 1\], got -0.1"),
    ({"start": 1.5}, r"start must lie in \[0, 1\], got 1.5"),
    ({"start": 0.0, "parametrisation": "logit"}, "start must lie strictly between 0 and 1 .*'logit', got 0.0"),
    ({"start": 1.0, "parametrisation": "logit"}, "start must lie strictly between 0 and 1 .*'logit', got 1.0"),
    ({"population": 0}, "population must be at least 1, got 0"),
    ({"sparsity": -1.0}, "sparsity must be finite and not negative, got -1.0"),
    ({"eta": 0.0}, "eta must be positive and finite, got 0.0"),
    ({"momentum": 1.0}, r"momentum must lie in \[0, 1\), got 1.0"),
    ({"decay": -0.1}, r"decay must lie in \[0, 1\), got -0.1"),
    ({"eps": 0.0}, "eps must be positive and finite, got 0.0"),
    ({"second_moment": "average"}, "second_moment must be one of accumulated, averaged, got 'average'"),
    ({"weighting": "costs"}, "weighting must be one of cost, fitness, uniform, got 'costs'"),
    ({"parametrisation": "logits"}, "parametrisation must be one of probability, logit, got 'logits'"),
    ({"time_steps": 0}, "time_steps must be at least 1, got 0"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(arguments) for arguments, _ in BAD])
def test_bad_arguments(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BrainLeaksV2(spiking_mlp(), **arguments)


def test_wrong_kind_of_target() -> None:
    others = "MIFace, BrainLeaksV3, BlackBox or LabelOnly"
    with pytest.raises(ValueError, match=rf"BrainLeaksV2 looks for spikes, and MLP takes images: use {others}\.$"):
        BrainLeaksV2(mlp())
