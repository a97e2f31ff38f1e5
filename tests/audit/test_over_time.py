"""A judge's confidence on the first steps of an input, against judging every beginning by itself."""

from __future__ import annotations

import pytest
import torch
from toys import mlp, spiking_mlp

from brainleaks_pl import Classifier, RateEncoder, TimeFirst
from brainleaks_pl.audit.measures.over_time import confidence_over_time


def spikes(time_steps: int = 5) -> torch.Tensor:
    return (torch.rand(time_steps, 3, 1, 6, 6, generator=torch.Generator().manual_seed(0)) < 0.4).float()


COUNTING = Classifier(spiking_mlp().network, TimeFirst(answer="membrane_sum"))


@pytest.mark.parametrize("judge", [spiking_mlp(), COUNTING, mlp()], ids=["steps", "sum", "rate"])
def test_each_step_is_the_confidence_on_the_input_so_far(judge: Classifier) -> None:
    x, classes = spikes(), [2, 0, 1]
    curve = confidence_over_time(x, judge, classes)
    with torch.no_grad():
        expected = [judge.confidences(x[: t + 1])[range(3), classes].mean().item() for t in range(5)]
    assert curve == pytest.approx(expected, abs=1e-6)


def test_random_inputs_are_drawn_as_often_as_asked_for() -> None:
    images = torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    judge, classes, encoder = spiking_mlp(), [0, 1, 2], RateEncoder(4)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        drawn = torch.stack([judge.confidences(encoder.encode(images, generator)) for _ in range(3)])
    curve = confidence_over_time(images, judge, classes, encoder=encoder, draws=3, seed=7)
    assert curve is not None
    assert len(curve) == 4
    assert curve[-1] == pytest.approx(drawn[:, range(3), classes].mean().item(), abs=1e-6)
    probabilities = torch.full((4, 3, 1, 6, 6), 0.5)
    one, other = (confidence_over_time(probabilities, judge, classes, draws=1, seed=seed) for seed in (0, 1))
    assert one != other


def test_images_before_an_ordinary_judge_have_no_time() -> None:
    assert confidence_over_time(torch.rand(3, 1, 6, 6), mlp(), [0, 1, 2], encoder=RateEncoder(4)) is None


def test_inputs_are_rescaled_if_so_asked() -> None:
    dim = 0.5 * torch.rand(3, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    bright = (dim - dim.amin((1, 2, 3), keepdim=True)) / (
        dim.amax((1, 2, 3), keepdim=True) - dim.amin((1, 2, 3), keepdim=True)
    )
    judge, encoder = spiking_mlp(), RateEncoder(4)
    expected = confidence_over_time(bright, judge, [0, 1, 2], encoder=encoder)
    assert confidence_over_time(dim, judge, [0, 1, 2], encoder=encoder, rescale=True) == pytest.approx(expected)


def test_the_judges_mode_is_left_as_it_was() -> None:
    judge = spiking_mlp().train()
    confidence_over_time(spikes(), judge, [0, 1, 2])
    assert judge.training


def test_a_judge_that_reduces_time_is_not_asked_about_too_many_beginnings(monkeypatch: pytest.MonkeyPatch) -> None:
    from brainleaks_pl.audit.measures import over_time

    monkeypatch.setattr(over_time, "MOST_BEGINNINGS", 4)
    assert confidence_over_time(spikes(5), COUNTING, [2, 0, 1]) is None
    assert confidence_over_time(spikes(5), spiking_mlp(), [2, 0, 1]) is not None
