"""BrainLeaks-v3 against the algorithm written out for one class and restart at a time."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from reference import draws, spiking_outputs
from toys import classifier, mlp, run, spiking_mlp

from brainleaks_pl import (
    BrainLeaksV3,
    Classifier,
    ConstantCurrentEncoder,
    EventCameraEncoder,
    LatencyEncoder,
    MeanNLL,
    MIFace,
    RateEncoder,
    Saccades,
    SpikingMLP,
)

SPIKES = 4  # the stream of the spikes


def plain(
    network: SpikingMLP, label: int, restart: int, steps: int, population: int, time_steps: int, seed: int
) -> list[torch.Tensor]:
    """Images after each step: no smoothing, gradients scaled, momentum 0.9, step 0.01, start 0.4."""
    image, velocity = torch.full((1, 6, 6), 0.4), torch.zeros(1, 6, 6)
    history = []
    for step in range(steps):
        uniform = draws((population, time_steps, 1, 6, 6), label, restart, seed, step, SPIKES)
        total = torch.zeros(1, 6, 6)
        for member in uniform:
            spikes = (member < image).float().requires_grad_()
            cost = -spiking_outputs(network, spikes).log_softmax(-1)[:, label].mean()
            total += torch.autograd.grad(cost, spikes)[0].sum(0)
        gradient = total / population
        velocity = 0.9 * velocity + gradient / gradient.std(correction=0)
        image = (image - 0.01 * velocity).clamp(0, 1)
        history.append(image)
    return history


@pytest.mark.parametrize("population", [1, 3])
def test_equals_the_plain_algorithm(population: int) -> None:
    target = spiking_mlp()
    settings: dict[str, Any] = {"restarts": 2, "restart_spread": 0.0, "population": population, "smoothing": 0.0}
    attack = BrainLeaksV3(target, RateEncoder(5), steps=4, seed=3, **settings)
    record = run(attack)
    for unit, (label, restart) in enumerate(attack.units):
        expected = plain(target.network, label, restart, 4, population, 5, seed=3)
        for mine, theirs in zip(record.candidates, expected, strict=True):
            torch.testing.assert_close(mine[unit], theirs, rtol=1e-3, atol=1e-4)


def test_what_it_finds_is_an_image_that_convinces_once_encoded(spiking_target: Classifier) -> None:
    attack = BrainLeaksV3(spiking_target, steps=20, seed=1, smoothing=0.0)
    run(attack)
    images = attack.reconstructions()
    assert images.shape == (3, 1, 6, 6)
    assert images.min() >= 0
    assert images.max() <= 1

    def confidence(images: torch.Tensor) -> torch.Tensor:
        spikes = RateEncoder(4).encode(images.repeat(50, 1, 1, 1), torch.Generator().manual_seed(0))
        return spiking_target.confidences(spikes).view(50, 3, 3).mean(0).diagonal()

    assert (confidence(images) > confidence(torch.full((3, 1, 6, 6), 0.4)) + 0.1).all()


def test_without_an_encoder_it_is_descent_on_the_image_of_an_ordinary_network() -> None:
    settings: dict[str, Any] = {"steps": 4, "smoothing": 1.0, "scale_gradient": True, "max_shift": 1, "keep": "last"}
    mine = BrainLeaksV3(mlp(), start=0.0, seed=2, **settings)
    theirs = MIFace(mlp(), loss=MeanNLL(), optimizer=mine.optimizer, stop_at=None, patience=None, seed=2, **settings)
    run(mine)
    run(theirs)
    torch.testing.assert_close(mine.reconstructions(), theirs.reconstructions())
    with pytest.raises(ValueError, match="MLP takes images, and no encoder: got RateEncoder"):
        BrainLeaksV3(mlp(), RateEncoder(3))


@pytest.mark.parametrize("encoder", [LatencyEncoder(6), ConstantCurrentEncoder(6, gain=2.0), RateEncoder(6)])
def test_any_encoder_will_do(encoder: Any) -> None:
    attack = BrainLeaksV3(spiking_mlp(), encoder, steps=10, seed=1, smoothing=0.0)
    record = run(attack)
    assert not torch.equal(record.candidates[0], record.candidates[-1])
    assert torch.isfinite(attack.reconstructions()).all()


def scene_target() -> Classifier:
    torch.manual_seed(0)
    target = classifier(SpikingMLP, (1, 34, 34), 3, hidden=12)
    with torch.no_grad():
        target.network.hidden.weight.mul_(20)
    return target


def test_scenes_are_found_through_the_event_camera() -> None:
    encoder = EventCameraEncoder(20, saccades=Saccades(duration=20_000, steps=8))
    target = scene_target()

    def cost(image: torch.Tensor) -> float:
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            logits = target.logits(encoder.encode(image.repeat(20, 1, 1, 1), generator))
        return float(MeanNLL()(logits, torch.arange(3).repeat(20)).mean())

    attack = BrainLeaksV3(target, encoder, steps=12, start=0.3, margin=4, seed=1)
    assert attack.candidates.shape == (3, 1, 28, 28)
    first = attack.candidates.detach().clone()
    assert not first[..., :4, :].any(), "the margin is black from the start"
    run(attack)
    assert cost(attack.reconstructions()) < cost(first) - 0.1  # the whole simulator agrees
    assert not attack.reconstructions()[..., :4].any()


def test_an_uncertain_camera_is_drawn_anew_in_each_step_alike_for_all_units() -> None:
    def attack(uncertainty: float, classes: list[int] | None = None, steps: int = 3) -> BrainLeaksV3:
        encoder = EventCameraEncoder(8, saccades=Saccades(duration=8000, steps=4), uncertainty=uncertainty)
        done = BrainLeaksV3(scene_target(), encoder, steps=steps, start=0.3, classes=classes, seed=1)
        run(done)
        return done

    certain, doubtful, alone = attack(0.0), attack(0.5), attack(0.5, [2])
    assert not torch.equal(certain.reconstructions(), doubtful.reconstructions())
    torch.testing.assert_close(doubtful.reconstructions()[2:], alone.reconstructions())
    # the last judgement is by the camera as it most likely is
    doubtful.encoder = EventCameraEncoder(8, saccades=Saccades(duration=8000, steps=4))
    assert torch.equal(doubtful.evaluate(doubtful.steps, differentiate=False).costs.mean(1), doubtful.best_cost)


def test_what_lies_in_the_margin_does_not_move_the_image() -> None:
    """With a margin of 2, pixels outside the inner 2x2 have no part in smoothing and scaling."""
    attack = BrainLeaksV3(spiking_mlp(), margin=2, smoothing=1.0)
    gradient = torch.rand(3, 1, 6, 6)
    inner = torch.zeros_like(gradient)
    inner[..., 2:4, 2:4] = gradient[..., 2:4, 2:4]
    assert torch.equal(attack.natural(gradient), attack.natural(inner))


def test_the_mean_stays_within_its_bound() -> None:
    attack = BrainLeaksV3(spiking_mlp(), steps=6, start=0.4, smoothing=0.0, max_mean=0.2, seed=1)
    record = run(attack)
    means = torch.stack(record.candidates).mean((2, 3, 4))
    assert (means <= 0.2 + 1e-6).all()
    assert (means > 0.19).any()


def test_no_image_is_emptier_than_asked_and_the_margin_stays_black() -> None:
    bounds: dict[str, Any] = {"min_mean": 0.15, "max_mean": 0.2, "margin": 1}
    attack = BrainLeaksV3(spiking_mlp(), steps=6, start=0.0, smoothing=0.0, seed=1, **bounds)
    record = run(attack)
    images = torch.stack(record.candidates)
    means = images.mean((2, 3, 4))
    assert (means >= 0.15 - 1e-6).all()
    assert (means < 0.16).any()
    assert not images[..., 0, :].any()
    assert not images[..., -1].any()


def test_members_are_turned_and_scaled_each_in_its_own_way_but_not_for_the_last_judgement() -> None:
    def seen(step: int, **settings: float) -> torch.Tensor:
        attack = BrainLeaksV3(mlp(), steps=3, start=0.0, population=4, seed=1, smoothing=0.0, **settings)
        attack.candidates.data[..., 2:4, 1:5] = 1.0
        return attack.sample(step).unflatten(0, (-1, attack.population))

    assert seen(0).shape[1] == 1  # nothing is drawn
    for settings in ({"rotation": 40.0}, {"zoom": 0.5}):
        members = seen(0, **settings)
        assert members.shape[1] == 4
        assert members.flatten(0, 1).unique(dim=0).shape[0] == members.shape[0] * 4
        assert torch.equal(seen(3, **settings)[:, 0], seen(0)[:, 0])
    area = seen(0, zoom=0.5).sum((2, 3, 4)) / 8
    assert 1 / 1.5**2 - 0.1 < area.min() < 0.95
    assert 1.05 < area.max() < 1.5**2 + 0.1
    torch.testing.assert_close(seen(0, rotation=40.0).sum((2, 3, 4)) / 8, torch.ones(3, 4), atol=0.15, rtol=0)


def test_total_variation_smooths_the_image() -> None:
    def roughness(weight: float) -> float:
        attack = BrainLeaksV3(spiking_mlp(), steps=15, seed=1, smoothing=0.0, total_variation=weight)
        run(attack)
        return float(attack.reconstructions().diff(dim=-1).abs().mean())

    assert roughness(5.0) < 0.5 * roughness(0.0)


def test_a_class_does_not_depend_on_the_others() -> None:
    together, alone = (BrainLeaksV3(spiking_mlp(), steps=3, classes=c, seed=1, max_shift=1) for c in (None, [2]))
    run(together)
    run(alone)
    torch.testing.assert_close(together.reconstructions()[2:], alone.reconstructions())


def test_bad_arguments() -> None:
    for name, value, message in (
        ("population", 0, "population must be at least 1, got 0"),
        ("start", 1.5, r"start must lie in \[0, 1\], got 1.5"),
        ("smoothing", -1.0, "smoothing must be finite and not negative, got -1.0"),
        ("max_mean", 0.0, r"max_mean must lie in \(0, 1\], got 0.0"),
        ("min_mean", 1.5, r"min_mean must lie in \[0, 1\] and not above max_mean, None, got 1.5"),
        ("rotation", 181.0, r"rotation must lie in \[0, 180\] degrees, got 181.0"),
        ("zoom", -0.1, "zoom must be finite and not negative, got -0.1"),
        ("margin", 3, "margin must not be negative and leave some of the 6x6 pixels, got 3"),
    ):
        with pytest.raises(ValueError, match=message):
            BrainLeaksV3(spiking_mlp(), **{name: value})
    target = spiking_mlp()
    target.time_steps = None
    with pytest.raises(ValueError, match=r"inputs of shape \(1, 6, 6\), EventCameraEncoder makes frames of"):
        BrainLeaksV3(spiking_mlp(), EventCameraEncoder(5))
    with pytest.raises(ValueError, match="does not say how many time steps it was trained with"):
        BrainLeaksV3(target)
