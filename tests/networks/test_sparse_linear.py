"""The sparse product against the dense one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.profiler import ProfilerActivity, profile

from brainleaks_pl import SpikingMLP
from brainleaks_pl.networks import sparse_linear
from brainleaks_pl.networks.sparse_linear import sparse_matmul, spike_linear


def sparse(*shape: int, density: float, seed: int = 0, counts: bool = False) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(shape, generator=generator) < density).float()
    return spikes * torch.randint(1, 5, shape, generator=generator) if counts else spikes


@settings(deadline=None, max_examples=50)
@given(
    rows=st.integers(1, 9),
    inputs=st.integers(1, 30),
    width=st.integers(1, 6),
    density=st.floats(0, 1),
    counts=st.booleans(),
    seed=st.integers(0, 999),
)
def test_equals_the_dense_product(rows: int, inputs: int, width: int, density: float, counts: bool, seed: int) -> None:
    x = sparse(rows, inputs, density=density, seed=seed, counts=counts)
    matrix = torch.randn(inputs, width, generator=torch.Generator().manual_seed(seed))
    assert torch.allclose(sparse_matmul(x, matrix), x @ matrix, atol=1e-5)


@pytest.mark.parametrize("counts", [False, True])
@pytest.mark.parametrize("input_gradient", [False, True])
def test_gradients_equal_those_of_the_dense_layer(
    monkeypatch: pytest.MonkeyPatch, counts: bool, input_gradient: bool
) -> None:
    layer = nn.Linear(200, 7)
    results = []
    for limit in (0.05, 0.0):  # sparse, dense
        monkeypatch.setattr(sparse_linear, "SPARSE_BELOW", limit)
        x = sparse(5, 4, 200, density=0.02, counts=counts).requires_grad_(input_gradient)
        layer.zero_grad()
        out = spike_linear(layer, x)
        assert ("SparseLinear" in type(out.grad_fn.next_functions[0][0]).__name__) == (limit > 0)
        out.square().sum().backward()
        assert (x.grad is not None) == input_gradient
        results.append([out.detach(), layer.weight.grad, layer.bias.grad, *([x.grad] if input_gradient else [])])
    for mine, dense in zip(*results, strict=True):
        assert mine is not None
        assert dense is not None
        assert torch.allclose(mine, dense, rtol=1e-4, atol=1e-5)


def test_silence_leaves_the_bias() -> None:
    layer = nn.Linear(50, 3)
    assert torch.equal(spike_linear(layer, torch.zeros(2, 4, 50)), layer.bias.expand(2, 4, 3))


@pytest.mark.parametrize(("density", "taken"), [(0.01, True), (0.2, False)])
def test_the_density_decides(monkeypatch: pytest.MonkeyPatch, density: float, taken: bool) -> None:
    calls = []

    def spy(x: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return sparse_matmul(x, matrix)

    monkeypatch.setattr(sparse_linear, "sparse_matmul", spy)
    network = SpikingMLP((1, 34, 34), 10, 20)
    x = sparse(6, 3, 1, 34, 34, density=density)
    expected = network.hidden(x.flatten(2))
    assert bool(calls) is False
    assert torch.allclose(spike_linear(network.hidden, x.flatten(2)), expected, atol=1e-5)
    network(x)
    assert bool(calls) == taken


def test_a_slice_is_multiplied_at_once() -> None:
    layer, spikes = nn.Linear(50, 3), torch.ones(4, 6, 50)
    with profile(activities=[ProfilerActivity.CPU]) as profiler:
        outputs = spike_linear(layer, spikes[:, 1:3])
    assert torch.allclose(outputs, layer(spikes)[:, 1:3])
    counts = {event.key: event.count for event in profiler.key_averages()}
    assert (counts["aten::addmm"], counts.get("aten::bmm", 0)) == (1, 0)


def test_one_sample_without_time() -> None:
    layer = nn.Linear(50, 3)
    assert torch.allclose(spike_linear(layer, torch.ones(50)), layer(torch.ones(50)))


def test_mixed_precision_stays_dense(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sparse_linear, "sparse_matmul", None)
    network = SpikingMLP((1, 34, 34), 10, 20)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        network(sparse(6, 3, 1, 34, 34, density=0.01))


class Doubled(nn.Linear):
    """A layer of a user's own."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


@pytest.mark.parametrize("kind", ["subclass", "no bias", "hook", "pre-hook"])
def test_layers_that_are_not_plain_are_called(kind: str) -> None:
    layer = {"subclass": Doubled(30, 4), "no bias": nn.Linear(30, 4, bias=False)}.get(kind, nn.Linear(30, 4))
    if kind == "hook":
        layer.register_forward_hook(lambda _, __, output: output + 1)
    if kind == "pre-hook":
        layer.register_forward_pre_hook(lambda _, inputs: (3 * inputs[0],))
    x = sparse(5, 2, 30, density=0.01)
    assert 0 < x.mean() < sparse_linear.SPARSE_BELOW
    assert torch.equal(spike_linear(layer, x), layer(x.flatten(0, 1)).view(5, 2, 4))
