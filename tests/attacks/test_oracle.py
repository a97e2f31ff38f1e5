"""The interface between a target and those who may only ask: it counts, it refuses, and it gives no gradient away."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from toys import mlp, spiking_mlp

from brainleaks_pl import Classifier
from brainleaks_pl.attacks.oracle import LabelOracle, Oracle, ScoreOracle

UNITS = torch.tensor([0, 1, 1, 2])


def test_scores_are_the_log_softmax_of_the_mean_output() -> None:
    target, spikes = spiking_mlp(), torch.randint(0, 2, (4, 4, 1, 6, 6)).float()
    expected = target(spikes).mean(0).softmax(-1).log()
    torch.testing.assert_close(ScoreOracle(target, 3, 9)(spikes, UNITS), expected)


@pytest.mark.parametrize("target", [spiking_mlp(), mlp()], ids=["spiking", "ordinary"])
def test_labels_are_the_prediction_and_nothing_else(target: Classifier) -> None:
    shape = (4, 4, 1, 6, 6) if target.spiking else (4, 1, 6, 6)
    inputs = torch.randint(0, 2, shape).float()
    labels = LabelOracle(target, 3, 9)(inputs, UNITS)
    assert labels.dtype == torch.int64
    assert labels.tolist() == target.predict_step((inputs, UNITS), 0).tolist()


def test_queries_are_counted_by_unit_and_the_budget_is_not_exceeded() -> None:
    oracle = ScoreOracle(mlp(), 3, budget=3)
    images = torch.rand(4, 1, 6, 6)
    oracle(images, UNITS)
    assert oracle.spent.tolist() == [1, 2, 1]
    with pytest.raises(RuntimeError, match="the budget is 3 queries per unit, but 4 were asked for"):
        oracle(images, UNITS)
    assert oracle.spent.tolist() == [1, 2, 1]
    oracle(images[:1], UNITS[1:2])
    assert oracle.spent.tolist() == [1, 3, 1]


def watched(target: Classifier) -> list[bool]:
    """Make a target whose weights want gradients say, at every call, whether its output has a graph."""
    graphs: list[bool] = []

    def look(module: Any, inputs: Any, output: torch.Tensor) -> None:
        graphs.append(torch.is_grad_enabled() or output.requires_grad or output.grad_fn is not None)

    target.requires_grad_(True)
    target.network.register_forward_hook(look)
    return graphs


@pytest.mark.parametrize("oracle", [ScoreOracle, LabelOracle])
def test_no_graph_is_built_even_of_weights_and_inputs_that_want_one(oracle: type[Oracle]) -> None:
    target = spiking_mlp()
    graphs = watched(target)
    spikes = torch.randint(0, 2, (4, 4, 1, 6, 6)).float().requires_grad_()
    assert target(spikes).requires_grad
    answers = oracle(target, 3, 9)(spikes, UNITS)
    assert graphs == [True, False]
    assert not answers.requires_grad
