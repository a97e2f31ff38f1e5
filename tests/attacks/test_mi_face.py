"""MI-FACE against the algorithm written out for one class at a time, and its stopping rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from reference import Trace, draws, mi_face
from torch import Tensor
from toys import Recorder, mlp, run, spiking_mlp

from brainleaks_pl import Classifier, CrossEntropy, Logit, MIFace
from brainleaks_pl.attacks.functional import gaussian_blur


def sgd(lr: float) -> Callable[[Iterable[Tensor]], torch.optim.Optimizer]:
    return lambda parameters: torch.optim.SGD(parameters, lr=lr)


def assert_follows(attack: MIFace, record: Recorder, unit: int, trace: Trace) -> None:
    """Each image, standing still once it has stopped, and the best one are the reference's."""
    for step, images in enumerate(record.candidates):
        expected = trace.history[min(step, len(trace.history) - 1)] if trace.history else torch.zeros(1, 6, 6)
        torch.testing.assert_close(images[unit], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(attack.reconstructions()[unit], trace.best, rtol=1e-4, atol=1e-5)
    assert float(attack.best_cost[unit]) == pytest.approx(trace.best_cost, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("clamp", [True, False])
@pytest.mark.parametrize(("lr", "steps"), [(0.1, 25), (3.0, 40)])
def test_equals_the_plain_algorithm(clamp: bool, lr: float, steps: int) -> None:
    target = mlp()
    attack = MIFace(target, steps=steps, optimizer=sgd(lr), clamp=clamp, stop_at=0.05, patience=5)
    record = run(attack)
    traces = [mi_face(target.network, k, steps=steps, lr=lr, clamp=clamp, stop_at=0.05, patience=5) for k in range(3)]
    for unit, trace in enumerate(traces):
        assert_follows(attack, record, unit, trace)
        assert attack.active.tolist()[unit] == (len(trace.history) == steps)
    assert len(record.candidates) <= max(len(trace.history) for trace in traces) + 1
    values = attack.reconstructions()
    assert (values.min() < 0 or values.max() > 1) != clamp


def test_defaults_are_the_published_ones() -> None:
    attack = MIFace(mlp())
    assert (attack.steps, attack.stop_at, attack.patience, attack.clamp) == (5000, 0.01, 100, True)
    optimizer = attack.configure_optimizers()
    assert isinstance(optimizer, torch.optim.SGD)
    assert optimizer.defaults["lr"] == 0.1
    assert optimizer.defaults["momentum"] == 0
    assert (attack.candidates == 0).all()


def test_total_variation_and_shifts_equal_the_plain_algorithm() -> None:
    target = mlp()
    settings = {"total_variation": 0.3, "max_shift": 2, "patience": 2, "restart_spread": 0.0}
    attack = MIFace(target, steps=8, optimizer=sgd(2.0), restarts=2, seed=11, **settings)
    record = run(attack)

    def penalty(image: Tensor) -> Tensor:
        down, right = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
        return 0.3 * (down.abs().sum() / down.numel() + right.abs().sum() / right.numel())

    seen = set()
    for unit, (label, restart) in enumerate(attack.units):
        table = [(5 * draws((2, 1, 1, 1), label, restart, 11, step, stream=2)).int() - 2 for step in range(8)]
        shifts = [(int(row), int(column)) for row, column in (pair.flatten() for pair in table)]
        seen |= set(shifts)
        trace = mi_face(target.network, label, steps=8, lr=2.0, patience=2, penalty=penalty, shift=shifts.__getitem__)
        assert_follows(attack, record, unit, trace)
    assert torch.equal(attack.sample(8), attack.candidates), "the last judgement is of the image as it is"
    assert len({row.index(False) for row in zip(*record.active, strict=True)}) > 1, "some stop while others go on"
    assert {row for row, _ in seen} == {column for _, column in seen} == {-2, -1, 0, 1, 2}


def test_any_optimizer_moves_each_image_as_if_alone() -> None:
    target = mlp()
    attack = MIFace(
        target, steps=6, loss=CrossEntropy(), optimizer=lambda p: torch.optim.Adam(p, lr=0.05), stop_at=None
    )
    record = run(attack)
    for label in range(3):
        image = torch.zeros(1, 6, 6, requires_grad=True)
        adam = torch.optim.Adam([image], lr=0.05)
        for step in range(6):
            loss = torch.nn.functional.cross_entropy(target.network(image.unsqueeze(0)), torch.tensor([label]))
            image.grad = torch.autograd.grad(loss, image)[0]
            adam.step()
            with torch.no_grad():
                image.clamp_(0, 1)
            torch.testing.assert_close(record.candidates[step][label], image.detach(), rtol=1e-4, atol=1e-5)


def with_output_bias(*bias: float) -> Classifier:
    target = mlp()
    with torch.no_grad():
        target.network.output.bias += torch.tensor(bias)
    return target


def test_a_class_that_starts_hopeless_is_still_optimised() -> None:
    target = with_output_bias(-7.0, 0.0, 0.0)
    black = target.confidences(torch.zeros(1, 1, 6, 6))[0, 0]
    assert black < 0.01
    attack = MIFace(target, steps=150, optimizer=sgd(20.0))
    record = run(attack)
    assert record.active[0][0]
    assert not torch.equal(record.candidates[0][0], record.candidates[50][0])
    assert target.confidences(attack.reconstructions())[0, 0] > 20 * black


def test_a_class_that_reaches_the_threshold_stops_and_the_others_go_on() -> None:
    target = with_output_bias(-2.0, 2.0, 0.0)
    attack = MIFace(target, steps=40, optimizer=sgd(0.1), stop_at=0.1)
    record = run(attack)
    stopped = [[row[k] for row in record.active].index(False) if not attack.active[k] else None for k in range(3)]
    assert stopped[1] is None
    assert 0 < stopped[0] < stopped[2] < 39
    for step, (before, after) in enumerate(zip(record.candidates, record.candidates[1:], strict=False), start=1):
        moved = [not torch.equal(before[k], after[k]) for k in range(3)]
        assert moved == [step < stopped[0], True, step < stopped[2]]
    for label in (0, 2):
        assert 0.9 <= target.confidences(attack.reconstructions())[label, label] < 0.92


def test_the_attack_ends_when_every_class_has_stopped() -> None:
    attack = MIFace(mlp(), steps=500, optimizer=sgd(3.0), stop_at=0.6)
    record = run(attack)
    assert not attack.active.any()
    assert len(record.candidates) < 100
    assert all(any(row) for row in record.active[:-1])


def test_stopping_looks_at_probabilities_not_at_outputs() -> None:
    target = with_output_bias(100.0, 100.0, 100.0)
    attack = MIFace(target, steps=3, stop_at=0.01, loss=Logit())
    run(attack)
    assert target.logits(attack.reconstructions()).min() > 1
    assert attack.active.all()


def test_stop_at_and_patience_can_be_switched_off() -> None:
    attack = MIFace(mlp(), steps=30, optimizer=sgd(0.0), stop_at=None, patience=None)
    assert len(run(attack).candidates) == 30
    assert attack.active.all()


class Paced(torch.optim.SGD):
    """Gradient descent that only moves in the steps it is told to."""

    def __init__(self, parameters: Iterable[Tensor], moves: list[int]) -> None:
        super().__init__(parameters, lr=0.1)
        self.moves = iter(moves)

    def step(self, closure: Any = None) -> Any:
        self.param_groups[0]["lr"] = 0.1 * next(self.moves)
        return super().step(closure)


@pytest.mark.parametrize(
    ("moves", "steps"),
    [
        ([0] * 20, 4),  # judged at 0 and three times more without progress
        ([1, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0], 11),  # a lower cost starts the count anew
        ([1] * 20, 20),
    ],
)
def test_patience_counts_iterations_in_a_row_without_a_lower_cost(moves: list[int], steps: int) -> None:
    attack = MIFace(mlp(), steps=20, optimizer=lambda p: Paced(p, moves), patience=3, stop_at=None)
    assert len(run(attack).candidates) == steps
    assert attack.active.all() == (steps == 20)


@pytest.mark.parametrize("clamp", [True, False])
def test_later_restarts_start_near_the_first_and_each_from_an_image_of_its_own(clamp: bool) -> None:
    attack = MIFace(mlp(), restarts=3, clamp=clamp, seed=1, classes=[2, 0], restart_spread=0.3)
    images = attack.candidates.detach()
    assert not images[[0, 3]].any(), "the first starts black, as published"
    assert images.flatten(1).unique(dim=0).shape[0] == 5
    assert images.min() == 0
    assert 0.15 < images.max() <= 0.3
    assert (images[[1, 2, 4, 5]] > 0).float().mean() > 0.9, "clamping leaves nothing of what lies below 0"
    assert torch.equal(images[4], MIFace(mlp(), restarts=2, seed=1, classes=[0], restart_spread=0.3).candidates[1])


def test_restarts_that_would_all_be_the_same_are_refused() -> None:
    with pytest.raises(ValueError, match=r"restarts of a class would be the same: MIFace sees the same .* noise"):
        MIFace(mlp(), restarts=2, restart_spread=0.0)
    MIFace(mlp(), restart_spread=0.0)
    MIFace(mlp(), restarts=2, restart_spread=0.0, noise=0.1)


@pytest.mark.parametrize("clamp", [True, False])
def test_margin_stays_black_and_the_rest_follows_the_gradient(clamp: bool) -> None:
    attack = MIFace(mlp(), steps=3, margin=2, clamp=clamp, keep="last")
    run(attack)
    images = attack.reconstructions()
    assert (images[..., 2:4, 2:4] != 0).any()
    images[..., 2:4, 2:4] = 0
    assert (images == 0).all()
    plain = MIFace(mlp(), steps=1, clamp=clamp, keep="last")
    run(plain)
    first = MIFace(mlp(), steps=1, margin=2, clamp=clamp, keep="last")
    run(first)
    assert torch.equal(first.reconstructions()[..., 2:4, 2:4], plain.reconstructions()[..., 2:4, 2:4])


def test_bad_arguments() -> None:
    instead = "use BrainLeaksV1, BrainLeaksV2, BrainLeaksV3, BlackBox or LabelOnly"
    with pytest.raises(ValueError, match=rf"MIFace looks for images, and SpikingMLP takes spikes: {instead}\.$"):
        MIFace(spiking_mlp())
    for name, value, message in (
        ("total_variation", -0.1, "total_variation must be finite and not negative, got -0.1"),
        ("smoothing", -1.0, "smoothing must be finite and not negative, got -1.0"),
        ("noise", -1.0, "noise must be finite and not negative, got -1.0"),
        ("max_shift", -1, "max_shift must be finite and not negative, got -1"),
        ("restart_spread", -0.1, "restart_spread must lie in \\[0, 1\\], got -0.1"),
        ("margin", -1, "margin must not be negative and leave some of the 6x6 pixels, got -1"),
        ("margin", 3, "margin must not be negative and leave some of the 6x6 pixels, got 3"),
        ("patience", 0, "patience must be at least 1 or null, got 0"),
        ("steps", 0, "steps must be at least 1, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            MIFace(mlp(), **{name: value})


def test_smoothing_comes_before_scaling() -> None:
    attack = MIFace(mlp(), smoothing=0.8, scale_gradient=True)
    gradient = torch.randn(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    smooth = gaussian_blur(gradient, 0.8)
    expected = smooth / smooth.std((1, 2, 3), correction=0, keepdim=True)
    torch.testing.assert_close(attack.candidate_gradient(torch.zeros(3, 1), gradient, 0), expected)


def test_noise_has_the_given_deviation_and_each_unit_its_own() -> None:
    attack, alone = (MIFace(mlp(), noise=1.5, steps=9, seed=1, classes=classes) for classes in ([0, 1, 2], [2]))
    draws = torch.stack([attack.sample(step) for step in range(9)])
    assert draws.mean() == pytest.approx(0, abs=0.15)
    assert draws.std() == pytest.approx(1.5, abs=0.15)
    assert draws.flatten(1).unique(dim=0).shape[0] == 9
    assert torch.equal(attack.sample(4)[2], alone.sample(4)[0])
    assert not attack.sample(9).any()  # the last judgement is of the images as they are
