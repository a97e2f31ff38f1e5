"""Adversarial examples against projected gradient descent written out, and what they are for: to fool the target."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from toys import ToyDigits, classifier, mlp, run, spiking_mlp

from brainleaks_pl import (
    MLP,
    AdversarialExamples,
    Classifier,
    EventCameraEncoder,
    MeanNLL,
    RateEncoder,
    Saccades,
    SpikingMLP,
)


def digits() -> tuple[Tensor, Tensor]:
    data = ToyDigits()
    pictures = data.load()["test"]
    return pictures.images.float() / 255, pictures.labels


def images(count: int, seed: int = 0) -> Tensor:
    return torch.rand(count, 1, 6, 6, generator=torch.Generator().manual_seed(seed))


def test_equals_projected_gradient_descent() -> None:
    target, origins = mlp(), images(3)
    origins[0, 0, 0] = 0.0
    attack = AdversarialExamples(target, origins, eps=0.1, steps=5, seed=1)
    record = run(attack)
    loss = MeanNLL()
    expected = origins.clone()
    for step in range(5):
        expected.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(target.logits(expected), torch.arange(3)).sum(), expected)
        moved = expected.detach() - 2.5 * 0.1 / 5 * gradient.sign()
        expected = torch.minimum(torch.maximum(moved, origins - 0.1), origins + 0.1).clamp(0, 1)
        torch.testing.assert_close(record.candidates[step], expected)
    distance = (attack.reconstructions() - origins).abs()
    assert distance.max() == pytest.approx(0.1, abs=1e-6)
    assert attack.reconstructions().min() == 0


@pytest.mark.parametrize("spiking", [True, False])
def test_they_fool_the_target_more_than_their_origins_do(spiking: bool) -> None:
    target, encoder = trained(spiking), RateEncoder(8)
    pictures, labels = digits()
    sought = [0, 0, 1, 1, 2, 2]
    origins = torch.stack([pictures[labels != label][n] for n, label in enumerate(sought)])

    def confidence(found: Tensor) -> Tensor:
        inputs = encoder.encode(found.repeat(20, 1, 1, 1), torch.Generator().manual_seed(0)) if spiking else found
        return target.confidences(inputs).view(-1, 6, 3).mean(0)[range(6), sought]

    attack = AdversarialExamples(
        target, origins, eps=0.25, encoder=encoder if spiking else None, restarts=2, population=2, seed=1
    )
    assert [label for label, _ in attack.units] == sought
    assert attack.population == (2 if spiking else 1)
    run(attack)
    found = attack.reconstructions()
    assert (found - origins).abs().max() <= 0.25 + 1e-6
    assert (confidence(origins) < 0.1).all()
    assert (confidence(found) > 10 * confidence(origins)).all()
    assert confidence(found).mean() > 0.4


def trained(spiking: bool) -> Classifier:
    """A network that knows the toy digits."""
    torch.manual_seed(0)
    target = classifier(SpikingMLP if spiking else MLP, (1, 12, 12), 3, 24)
    pictures, labels = digits()
    inputs = RateEncoder(8).encode(pictures, torch.Generator().manual_seed(1)) if spiking else pictures
    optimizer = torch.optim.Adam(target.network.parameters(), lr=0.02)
    for _ in range(30):
        optimizer.zero_grad()
        MeanNLL()(target.logits(inputs), labels).mean().backward()
        optimizer.step()
    assert (target.confidences(inputs).argmax(-1) == labels).all()
    return target


def test_scenes_before_an_event_camera() -> None:
    torch.manual_seed(0)
    target = classifier(SpikingMLP, (1, 34, 34), 3, hidden=8)
    with torch.no_grad():
        target.network.hidden.weight.mul_(20)
    encoder = EventCameraEncoder(8, saccades=Saccades(duration=8000, steps=4))
    origins = torch.rand(1, 1, 28, 28)
    attack = AdversarialExamples(target, origins, steps=2, encoder=encoder, classes=[1], seed=1)
    run(attack)
    assert (attack.reconstructions() - origins).abs().max() == pytest.approx(0.1, abs=1e-6)


def test_the_seed_decides_and_units_do_not_depend_on_each_other() -> None:
    def found(origins: Tensor, seed: int, classes: list[int]) -> Tensor:
        attack = AdversarialExamples(
            spiking_mlp(), origins, steps=4, step_size=0.01, eps=0.5, classes=classes, restarts=2, seed=seed
        )
        run(attack)
        return attack.reconstructions()

    origins = images(4)
    together = found(origins, 1, [0, 2])
    assert torch.equal(together, found(origins, 1, [0, 2]))
    assert not torch.equal(together, found(origins, 2, [0, 2]))
    torch.testing.assert_close(together[2:], found(origins[2:], 1, [2]))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"eps": 0.0}, r"eps must lie in \(0, 1\], got 0.0"),
        ({"step_size": 0.0}, "step_size must be positive and finite, or null, got 0.0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"restarts": 2}, r"origins must be 6 images of shape \(1, 6, 6\), one for each .*, got .* \(3, 1, 6, 6\)"),
        ({"origins": images(3) + 1}, r"the origins' pixels must lie in \[0, 1\], got 1\.\d+ to 1\.\d+"),
        ({"origins": images(3) * torch.nan}, r"the origins' pixels must lie in \[0, 1\], got nan to nan"),
    ],
)
def test_bad_arguments(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AdversarialExamples(mlp(), **{"origins": images(3), **changed})
