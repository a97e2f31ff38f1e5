"""The ordinary networks against the same layers applied one after the other."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from toys import mlp

from brainleaks_pl import CNN, MLP
from brainleaks_pl.targets.ann import convolution_features, convolved_size


def test_mlp_is_two_linear_layers_with_a_sigmoid_between() -> None:
    network, x = mlp(), torch.rand(5, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    for image, logits in zip(x, network(x), strict=True):
        hidden = 1 / (1 + torch.exp(-(network.hidden.weight @ image.flatten() + network.hidden.bias)))
        torch.testing.assert_close(logits, network.output.weight @ hidden + network.output.bias)


def test_cnn_is_two_rounds_of_convolution_relu_and_pool() -> None:
    torch.manual_seed(0)
    network, x = CNN((2, 10, 12), 4, channels=(3, 5), kernel=3), torch.rand(5, 2, 10, 12)
    features = x
    for layer in (network.first, network.second):
        features = F.max_pool2d(F.relu(F.conv2d(features, layer.weight, layer.bias)), 2)
    expected = F.linear(features.flatten(1), network.output.weight, network.output.bias)
    torch.testing.assert_close(network(x), expected)
    assert expected.std(0).max() > 1e-3, "the output depends on the input"


def test_published_sizes() -> None:
    network = MLP()
    assert tuple(network.hidden.weight.shape) == (3000, 784)
    assert tuple(network.output.weight.shape) == (10, 3000)
    judge = CNN()
    assert tuple(judge.first.weight.shape) == (12, 1, 5, 5)
    assert tuple(judge.second.weight.shape) == (24, 12, 5, 5)
    assert tuple(judge.output.weight.shape) == (10, 384)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
def test_number_of_features_is_what_the_layers_leave(kernel: int) -> None:
    for size in range(1, 40):
        one_round = max((size - kernel + 1) // 2, 0)
        expected = max((one_round - kernel + 1) // 2, 0)
        assert max(convolved_size(size, kernel), 0) == expected
        if expected:
            network = CNN((1, size, 39), 2, channels=(1, 2), kernel=kernel)
            assert network(torch.zeros(1, 1, size, 39)).shape == (1, 2)
        else:
            with pytest.raises(ValueError, match=rf"shape \(1, {size}, 39\) is too small for two {kernel}x{kernel}"):
                convolution_features((1, size, 39), 2, kernel)


def test_an_ordinary_network_has_no_time_steps() -> None:
    assert MLP((1, 6, 6), 3, 4).time_steps is None
    assert not MLP.spiking
    assert not CNN.spiking


def test_hidden_out_of_range() -> None:
    with pytest.raises(ValueError, match="hidden must be at least 1, got 0"):
        MLP(hidden=0)
