"""Labels read off a gradient, and images whose gradient is like the one that was sent."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from brainleaks_pl import CNN, LIF, MLP, Classifier, RateEncoder, SpikingCNN, SpikingMLP
from brainleaks_pl.leakage import (
    GradientMatching,
    NotApplicableError,
    SharedGradient,
    recover_labels,
    share_gradient,
)
from brainleaks_pl.leakage.labels import counted
from brainleaks_pl.leakage.matching import differentiable_twice, plain_scan
from brainleaks_pl.leakage.shared import gradient_of
from brainleaks_pl.networks.scan import Reset

SHAPE = (1, 12, 12)


def network(kind: type[nn.Module], classes: int = 4, **arguments: object) -> Classifier:
    torch.manual_seed(0)
    return Classifier(partial(kind, input_shape=SHAPE, num_classes=classes, **arguments)).eval()


def images(count: int) -> Tensor:
    return torch.rand(count, *SHAPE, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kind", [MLP, SpikingMLP, CNN, SpikingCNN])
def test_labels_are_read_off_the_gradient_of_the_answers_bias(kind: type[nn.Module]) -> None:
    own = network(kind, **({"kernel": 3} if "CNN" in kind.__name__ else {"hidden": 30}))
    for labels in ([0], [3], [1, 1, 2], [0, 0, 3, 3, 3, 2]):
        x = images(len(labels))
        x = RateEncoder(5).encode(x, torch.Generator().manual_seed(1)) if own.takes_spikes else x
        found = recover_labels(own, share_gradient(own, x, torch.tensor(labels)))
        assert found == sorted(labels)


def test_labels_count_as_often_as_they_are_there_and_take_a_layer() -> None:
    assert counted([1, 1, 2], [1, 2, 2]) == pytest.approx(2 / 3)
    headless = Classifier(nn.Flatten(), input_shape=SHAPE, num_classes=144, interface=network(MLP).interface)
    with pytest.raises(NotApplicableError, match=r"labels cannot .* no linear layer with a bias and 144 outputs"):
        recover_labels(headless, SharedGradient({}, 1))


@pytest.mark.parametrize("reset", ["subtract", "zero"])
def test_neurons_in_plain_operations_answer_and_learn_alike(reset: Reset) -> None:
    neurons = LIF(0.8, 0.5, reset=reset)
    current = torch.randn(6, 2, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    made, plain = neurons(current), plain_scan(neurons, current)
    for own, other in zip(made, plain, strict=True):
        torch.testing.assert_close(own, other)
    weights = torch.randn(6, 2, 5, generator=torch.Generator().manual_seed(1))
    slopes = [torch.autograd.grad((own[0] * weights + own[1].square()).sum(), current)[0] for own in (made, plain)]
    torch.testing.assert_close(*slopes)


def test_gradients_of_a_spiking_network_can_be_differentiated_once_more() -> None:
    snn = network(SpikingMLP, hidden=10)
    x, labels = images(1).expand(3, 1, *SHAPE).clone().requires_grad_(), torch.tensor([1])
    usual = gradient_of(snn, x.detach(), labels)
    with differentiable_twice(snn):
        twice = gradient_of(snn, x, labels, create_graph=True)
        (slope,) = torch.autograd.grad(twice["hidden.weight"].square().sum(), x)
    assert slope.count_nonzero() > 0
    for name, own in usual.items():
        torch.testing.assert_close(own, twice[name].detach())
    assert not any(module._forward_hooks for module in snn.modules())


def test_matching_finds_the_image_of_an_ordinary_network_and_says_where_it_cannot() -> None:
    ann, private = network(MLP, hidden=30), images(1)
    shared = share_gradient(ann, private, torch.tensor([2]))
    quick = GradientMatching(steps=120, total_variation=0.0)
    found = quick.recover(ann, shared).images
    assert (found - private).abs().mean() < 0.05
    torch.testing.assert_close(quick.recover(ann, shared).images, found)
    squared = GradientMatching(steps=3, distance="squared", signed=False).recover(ann, shared, seed=1).images
    assert squared.shape == private.shape
    with pytest.raises(NotApplicableError, match="spikes needs an encoder"):
        GradientMatching(spikes=True).recover(ann, shared)


def test_matching_sees_a_spiking_network_through_the_encoder() -> None:
    snn, encoder = network(SpikingCNN, kernel=3), RateEncoder(3)
    x = encoder.encode(images(2), torch.Generator().manual_seed(0))
    shared = share_gradient(snn, x, torch.tensor([0, 1]))
    start = GradientMatching(steps=1, spikes=True).recover(snn, shared, encoder).images
    moved = GradientMatching(steps=6, spikes=True, total_variation=0).recover(snn, shared, encoder).images
    assert moved.shape == (2, *SHAPE)
    assert not torch.equal(start, moved)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"distance": "angle"}, "distance must be 'cosine' or 'squared', got 'angle'"),
        ({"learning_rate": 0.0}, "learning_rate must be positive and finite, got 0"),
        ({"total_variation": -1.0}, "total_variation must be finite and not negative, got -1"),
    ],
)
def test_settings_of_matching_are_checked(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GradientMatching(**arguments)
