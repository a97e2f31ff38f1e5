"""One stroke of a pen: its picture against a plain drawing, its place, its gradient; and the choice of a start."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.interpolate import BSpline
from toys import ToyDigits, mlp, run, spiking_mlp

from brainleaks_pl import BrainLeaksV3, MIFace, PenStroke, RateEncoder
from brainleaks_pl.attacks.functional import unit_uniform
from brainleaks_pl.attacks.latents import choose_starts
from brainleaks_pl.attacks.streams import STARTS
from brainleaks_pl.engine.fitting import train_prior
from brainleaks_pl.evaluation.run import silent_trainer


def drawn_plainly(latents: np.ndarray, points: int = 9) -> np.ndarray:
    """The same picture by loops, scipy's splines and the words of the docstring."""
    velocity, at = latents[:2], np.zeros(2)
    control = [at]
    for k in range(points - 1):
        own = latents[2 * k : 2 * k + 2]
        velocity = own if k == 0 else 0.6 * velocity + 0.8 * own
        at = at + velocity
        control.append(at)
    ends = np.array([control[0]] * 2 + control + [control[-1]] * 2)
    curve = BSpline(np.arange(len(ends) + 4) - 3.0, ends, 3)
    path = curve(np.linspace(0, len(ends) - 3, 4 * (points - 1) + 1))
    width = 2.4 * math.exp(0.2 * np.clip(latents[-1], -2, 2))
    path *= (20 - width) / (path.max(0) - path.min(0)).max()
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    path += 14 - ((path[1:] + path[:-1]) / 2 * lengths[:, None]).sum(0) / lengths.sum()
    image = np.zeros((28, 28))
    for row in range(28):
        for column in range(28):
            pixel, least = np.array([row + 0.5, column + 0.5]), np.inf
            for a, b in pairwise(path):
                part = np.clip((pixel - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
                least = min(least, np.linalg.norm(pixel - a - part * (b - a)))
            image[row, column] = 1 / (1 + math.exp((least - width / 2) / 0.45))
    return image


def test_a_picture_is_what_a_plain_drawing_shows() -> None:
    latents = torch.randn(2, 17, 1, 1, generator=torch.Generator().manual_seed(3))
    pictures = PenStroke().images(latents, 0, 1)
    for own, picture in zip(latents, pictures, strict=True):
        plain = drawn_plainly(own.flatten().double().numpy())
        assert np.abs(picture[0].numpy() - plain).max() < 1e-4


def test_a_straight_stroke_fills_the_square_and_lies_in_the_middle() -> None:
    latents = torch.zeros(1, 17, 1, 1)
    latents[0, 0] = 1  # down, and nothing else
    picture = PenStroke().images(latents, 0, 1)[0, 0]
    assert (picture > 0.5).nonzero().amin(0).tolist() == [4, 13]
    assert (picture > 0.5).nonzero().amax(0).tolist() == [23, 14]
    assert picture[14, 13] == pytest.approx(1 / (1 + math.exp((0.5 - 1.2) / 0.45)), abs=1e-4)
    torch.testing.assert_close(picture, picture.flip(0), atol=1e-4, rtol=0)
    torch.testing.assert_close(picture, picture.flip(1), atol=1e-4, rtol=0)


def test_the_gradient_is_that_of_small_changes_and_finite_for_a_point() -> None:
    prior = PenStroke(size=(12, 14), margin=1, points=4)
    weights = torch.rand(1, 12, 14, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    latents = torch.randn(1, 7, 1, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    prior.network.double()
    assert torch.autograd.gradcheck(
        lambda own: (prior.images(own, 0, 1) * weights).sum(), latents.requires_grad_(), atol=1e-4
    )
    nothing = torch.zeros(1, 7, 1, 1, dtype=torch.float64, requires_grad=True)
    prior.images(nothing, 0, 1).sum().backward()
    assert nothing.grad is not None
    assert bool(nothing.grad.isfinite().all())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"points": 1}, "points must be at least 2, got 1"),
        ({"width": 0.0}, "width must be positive and finite, got 0.0"),
        ({"softness": math.nan}, "softness must be positive and finite, got nan"),
        ({"margin": 13}, r"more than the 3.6 pixels of the widest line in pictures of 28x28, got 13"),
        ({"margin": -1}, "margin must not be negative, .* got -1"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        PenStroke(**arguments)  # type: ignore[arg-type]


def test_there_is_nothing_to_train() -> None:
    with pytest.raises(ValueError, match="nothing to learn from pictures: give it to an attack as it is"):
        train_prior(
            silent_trainer(accelerator="cpu", max_epochs=1), PenStroke(size=(12, 12), margin=0), ToyDigits(), seed=0
        )


def test_each_class_begins_with_the_pictures_that_the_target_likes_best() -> None:
    prior = PenStroke(size=(6, 6), margin=0, points=3)
    target = mlp()
    for classes in ([0, 1, 2], [2]):  # what a class begins with does not depend on the others
        attack = BrainLeaksV3(target, prior=prior, starts=70, steps=1, restarts=2, classes=classes, seed=5)
        numbers = [(number,) for number in range(70)]
        drawn = torch.special.ndtri(unit_uniform(prior.latent_shape, numbers, (5, STARTS)))
        sure = target.confidences(prior.images(drawn, 0, 1)).topk(2, dim=0).indices
        best = torch.cat([drawn[sure[:, label]] for label in classes])
        seen: list[torch.Tensor] = []
        attack.descend = lambda gradient, attack=attack, seen=seen: seen.append(attack.candidates.detach().clone())  # type: ignore[method-assign, misc]
        assert attack.spending[:2] == (0, 0)
        run(attack)
        assert torch.equal(seen[0], best)
        assert attack.gradients_spent.tolist() == [1] * len(attack.units)
        assert attack.spending[:2] == (2, 70)


def test_a_spiking_target_sees_each_picture_encoded_once() -> None:
    prior = PenStroke(size=(6, 6), margin=0, points=3)
    target = spiking_mlp()
    attack = BrainLeaksV3(target, RateEncoder(4), prior=prior, starts=70, steps=1, seed=5)
    numbers = [(number,) for number in range(70)]
    drawn = torch.special.ndtri(unit_uniform(prior.latent_shape, numbers, (5, STARTS)))
    generator = torch.Generator().manual_seed(5)
    likely = torch.cat(
        [
            target.logits(
                (torch.rand(4, len(own), 1, 6, 6, generator=generator) < prior.images(own, 0, 1)).float()
            ).log_softmax(-1)
            for own in drawn.split(50)
        ],
        1,
    ).mean(0)
    with torch.no_grad():
        choose_starts(attack, prior, 70)
    assert torch.equal(attack.candidates, drawn[likely.argmax(0)])


def test_starts_need_latents_and_are_at_least_as_many_as_restarts() -> None:
    with pytest.raises(ValueError, match=r"starts must be 0, or at least as many as the 3 restarts, got 2"):
        BrainLeaksV3(mlp(), prior=PenStroke(size=(6, 6), margin=0), starts=2, restarts=3)
    with pytest.raises(ValueError, match=r"no prior with latents: leave out starts=5"):
        MIFace(mlp(), starts=5)


def test_a_resumed_attack_keeps_its_latents() -> None:
    attack = BrainLeaksV3(mlp(), prior=PenStroke(size=(6, 6), margin=0), starts=9, steps=3, seed=5)
    attack.first_step = 1
    before = attack.candidates.detach().clone()
    attack.on_train_start()
    assert torch.equal(attack.candidates, before)
