"""Attack losses: values by hand, and the direction in which they push."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from brainleaks_pl import Confidence, CrossEntropy, Logit, Loss, MaxMargin, MeanNLL
from brainleaks_pl.attacks.losses import confidence_of

# T = 2 steps, B = 2 samples, K = 3 classes, as logarithms of chosen softmax values
SOFTMAX = torch.tensor([[[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], [[0.2, 0.2, 0.6], [0.3, 0.3, 0.4]]])
LABELS = torch.tensor([0, 2])
OUTPUTS = torch.tensor([[[1.0, 2.0, 6.0], [0.0, 3.0, 5.0]], [[3.0, 0.0, -2.0], [4.0, 1.0, 7.0]]])  # means 2 1 2 | 2 2 6
LOSSES = [Confidence(), MeanNLL(), CrossEntropy(), MaxMargin(), Logit()]


def names(loss: Loss) -> str:
    return type(loss).__name__


def outputs(shift: float = 0.0) -> Tensor:
    return SOFTMAX.log() + shift


@pytest.mark.parametrize("shift", [0.0, 30.0, -7.0])
def test_confidence_is_the_mean_softmax(shift: float) -> None:
    torch.testing.assert_close(confidence_of(outputs(shift), LABELS), torch.tensor([0.35, 0.6]))
    torch.testing.assert_close(Confidence()(outputs(shift), LABELS), torch.tensor([0.65, 0.4]))


def test_mean_nll_is_the_mean_of_the_logarithms() -> None:
    expected = [-(math.log(0.5) + math.log(0.2)) / 2, -(math.log(0.8) + math.log(0.4)) / 2]
    assert MeanNLL()(outputs(), LABELS).tolist() == pytest.approx(expected)


def test_cross_entropy_is_that_of_the_mean_output() -> None:
    sums = [math.exp(2) + math.exp(1) + math.exp(2), math.exp(2) + math.exp(2) + math.exp(6)]
    expected = [math.log(sums[0]) - 2, math.log(sums[1]) - 6]
    assert CrossEntropy()(OUTPUTS, LABELS).tolist() == pytest.approx(expected, rel=1e-5)


def test_max_margin_and_logit() -> None:
    assert MaxMargin()(OUTPUTS, LABELS).tolist() == [0.0, -4.0]
    assert MaxMargin()(OUTPUTS, torch.tensor([1, 0])).tolist() == [1.0, 4.0]
    assert Logit()(OUTPUTS, LABELS).tolist() == [-2.0, -6.0]


def test_max_margin_of_two_classes() -> None:
    assert MaxMargin()(OUTPUTS[..., :2], torch.tensor([1, 0])).tolist() == [1.0, 0.0]


def test_one_time_step_makes_the_likelihoods_agree() -> None:
    torch.testing.assert_close(MeanNLL()(OUTPUTS[:1], LABELS), CrossEntropy()(OUTPUTS[:1], LABELS))
    torch.testing.assert_close(MeanNLL()(OUTPUTS[:1], LABELS), -(1 - Confidence()(OUTPUTS[:1], LABELS)).log())


@pytest.mark.parametrize("loss", LOSSES, ids=names)
def test_samples_do_not_mix_and_arguments_stay(loss: Loss) -> None:
    together, before = loss(OUTPUTS, LABELS), OUTPUTS.clone()
    assert together.shape == (2,)
    for sample in range(2):
        alone = slice(sample, sample + 1)
        torch.testing.assert_close(loss(OUTPUTS[:, alone], LABELS[alone])[0], together[sample])
    assert torch.equal(OUTPUTS, before)


@pytest.mark.parametrize("loss", LOSSES, ids=names)
def test_descent_raises_the_class_and_lowers_no_other_less(loss: Loss) -> None:
    logits = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    labels = torch.tensor([0, 1, 2, 1, 0])
    (gradient,) = torch.autograd.grad(loss(logits, labels).sum(), logits)
    own = torch.nn.functional.one_hot(labels, 3).bool().expand_as(gradient)
    assert (gradient[own] < 0).all()
    assert (gradient[~own] >= 0).all()
    if not isinstance(loss, Logit):  # the others only see differences of outputs
        torch.testing.assert_close(gradient.sum(-1), torch.zeros(4, 5))


@pytest.mark.parametrize("loss", [Confidence(), MeanNLL(), CrossEntropy()], ids=names)
def test_likelihoods_are_never_negative(loss: Loss) -> None:
    sure = torch.zeros(25, 1, 3)
    sure[..., 1] = 60.0
    assert float(loss(sure, torch.tensor([1]))) == pytest.approx(0, abs=1e-6)
    assert float(loss(sure, torch.tensor([1]))) >= 0
    assert float(loss(-sure, torch.tensor([1]))) >= 0.99


@pytest.mark.parametrize("loss", LOSSES, ids=names)
def test_losses_are_finite_for_extreme_outputs(loss: Loss) -> None:
    logits = torch.tensor([[[1e4, -1e4, 0.0]]]).requires_grad_()
    for label in range(3):
        cost = loss(logits, torch.tensor([label]))
        (gradient,) = torch.autograd.grad(cost.sum(), logits)
        assert torch.isfinite(cost).all()
        assert torch.isfinite(gradient).all()
