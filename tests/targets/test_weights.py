"""Weights that a user brings: where they are found in a file, and what is refused."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from toys import copied_state

from brainleaks_pl import MLP, Classifier, SpikingMLP
from brainleaks_pl.targets.weights import digest_of

SHAPES = ((1, 3, 3), 2, 4)


def state(seed: int = 1) -> dict[str, Tensor]:
    torch.manual_seed(seed)
    return copied_state(SpikingMLP(*SHAPES))


def loaded(path: Path) -> Classifier:
    torch.manual_seed(0)
    return Classifier(partial(SpikingMLP, *SHAPES), weights=str(path))


def prefixed(prefix: str, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": value for name, value in weights.items()}


HELD: dict[str, Callable[[dict[str, Tensor]], Any]] = {
    "alone": lambda weights: weights,
    "state_dict": lambda weights: {"state_dict": weights, "epoch": 3, "best": torch.tensor(0.5)},
    "model_state_dict": lambda weights: {"model_state_dict": weights, "optimizer": {"lr": 1.0}},
    "model": lambda weights: {"model": weights, "lr": 0.1},
    "net": lambda weights: {"net": weights},
    "network": lambda weights: {"network": weights},
    "weights": lambda weights: {"weights": weights},
    "a holder in a holder": lambda weights: {"model": {"state_dict": weights, "epoch": 1}},
    "beside numbers": lambda weights: {**weights, "epoch": 3},
    "DataParallel": lambda weights: prefixed("module.", weights),
    "compiled": lambda weights: prefixed("_orig_mod.", weights),
    "Lightning": lambda weights: {"state_dict": prefixed("model.", weights), "global_step": 1},
    "compiled in DataParallel": lambda weights: prefixed("module._orig_mod.", weights),
    "a network of ours in a module": lambda weights: {"state_dict": prefixed("network.", weights)},
}


@pytest.mark.parametrize("held", HELD.values(), ids=HELD)
def test_weights_are_found_where_frameworks_leave_them(held: Callable[[Any], Any], tmp_path: Path) -> None:
    torch.save(held(state()), tmp_path / "w.pt")
    target = loaded(tmp_path / "w.pt")
    assert target.pretrained
    found = target.network.state_dict()
    assert found.keys() == state().keys()
    assert all(torch.equal(found[name], value) for name, value in state().items())


def test_weights_of_our_own_checkpoints_and_of_lightnings_are_found(tmp_path: Path) -> None:
    """Those of ``fit`` and what Lightning makes of a classifier, whose network is its attribute."""
    source = Classifier(partial(SpikingMLP, *SHAPES))
    torch.save({"state_dict": source.state_dict(), "pytorch-lightning_version": "2.6.0"}, tmp_path / "last.ckpt")
    found = loaded(tmp_path / "last.ckpt").network.state_dict()
    assert all(torch.equal(found[name], value) for name, value in source.network.state_dict().items())


class Prefixed(nn.Module):
    """A network whose own names begin with a prefix that others put before theirs."""

    takes_spikes = False
    input_shape, num_classes = (1, 3, 3), 2

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(9, 2))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x)


def test_a_prefix_that_is_the_networks_own_is_kept(tmp_path: Path) -> None:
    weights = copied_state(Prefixed())
    for content in (weights, prefixed("module.", weights), prefixed("model.", weights)):
        torch.save(content, tmp_path / "w.pt")
        found = Classifier(Prefixed, weights=str(tmp_path / "w.pt")).network.state_dict()
        assert all(torch.equal(found[name], value) for name, value in weights.items())


def refusal(path: Path, content: Any = None, network: Callable[[], nn.Module] | None = None) -> str:
    """Save a content, and return why it is refused; the message names the file."""
    if content is not None:
        torch.save(content, path)
    with pytest.raises(ValueError, match=re.escape(str(path))) as error:
        Classifier(network or partial(SpikingMLP, *SHAPES), weights=str(path))
    return str(error.value)


def test_missing_and_unexpected_weights_are_named(tmp_path: Path) -> None:
    weights = state()
    del weights["hidden.bias"]
    weights["extra"] = torch.zeros(1)
    said = refusal(tmp_path / "w.pt", weights)
    assert "does not fit SpikingMLP: it lacks hidden.bias and has extra that the network does not have" in said
    assert "Build the network with the arguments that it was trained with" in said
    del weights["extra"]
    assert "it lacks hidden.bias and has nothing that" in refusal(tmp_path / "w.pt", weights)
    assert "it lacks nothing and has extra that" in refusal(tmp_path / "w.pt", {**state(), "extra": torch.zeros(1)})
    many = {f"w{index}": torch.zeros(1) for index in range(8)}
    assert "has w0, w1, w2, w3, w4 and 3 more that" in refusal(tmp_path / "w.pt", many)


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    weights = {**state(), "output.weight": torch.zeros(2, 5)}
    said = refusal(tmp_path / "w.pt", weights)
    assert "does not fit SpikingMLP: output.weight has the shape (2, 5) there and (2, 4) here" in said


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_refused(value: float, tmp_path: Path) -> None:
    weights = state()
    weights["output.bias"][1] = value
    said = refusal(tmp_path / "w.pt", weights)
    assert "the weights output.bias are not finite. The training has diverged" in said


class Runs:
    """What runs code when it is unpickled."""

    ran: list[int] = []  # noqa: RUF012

    def __reduce__(self) -> tuple[Any, ...]:
        return Runs.ran.append, (1,)


def test_a_file_that_could_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    advice = "holds more than plain weights and was not loaded, because it could run code: save the state_dict alone"
    assert advice in refusal(path, Runs())
    assert advice in refusal(path, {"state_dict": state(), "extra": Runs()})
    assert advice in refusal(path, SpikingMLP(*SHAPES))  # a whole network, pickled
    path.write_bytes(pickle.dumps(Runs()))
    assert advice in refusal(path)
    assert Runs.ran == []


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_damaged_file_is_refused(share: float, tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.save(state(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "is damaged, or was not written by torch.save, and cannot be read" in refusal(path)


def test_a_text_is_no_file_of_weights(tmp_path: Path) -> None:
    (tmp_path / "w.pt").write_text("weights")
    assert "cannot be read" in refusal(tmp_path / "w.pt") or "not loaded" in refusal(tmp_path / "w.pt")


@pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}, {"state_dict": {"epoch": 3}}, torch.zeros(2)])
def test_a_file_without_weights_is_refused(content: Any, tmp_path: Path) -> None:
    said = refusal(tmp_path / "w.pt", content)
    assert "holds no state_dict: save one with torch.save(network.state_dict(), path)" in said


def test_a_format_that_the_interface_does_not_know_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.json"
    path.write_text("{}")
    before = state(0)
    said = refusal(path)
    assert "TimeFirst" in said
    assert all(torch.equal(value, before[name]) for name, value in state(0).items())


def test_nothing_is_loaded_when_anything_is_refused(tmp_path: Path) -> None:
    network = SpikingMLP(*SHAPES)
    before = copied_state(network)
    weights = state()
    weights["output.bias"][1] = float("nan")
    refusal(tmp_path / "w.pt", weights, lambda: network)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"there are no weights at {path}: set `weights` to the file of"):
            loaded(path)


def test_weights_of_another_type_are_converted(tmp_path: Path) -> None:
    torch.save({name: value.double() for name, value in state().items()}, tmp_path / "w.pt")
    found = loaded(tmp_path / "w.pt").network.state_dict()
    assert all(
        torch.equal(found[name], value) and found[name].dtype == torch.float32 for name, value in state().items()
    )


def test_digest_is_of_names_types_shapes_and_values() -> None:
    weights = {"a": torch.tensor([1.0, 2.0]), "b": torch.tensor(3), "empty": torch.empty(0)}
    digest = digest_of(weights)
    assert re.fullmatch("[0-9a-f]{64}", digest)
    assert digest_of(dict(reversed(weights.items()))) == digest
    assert digest_of({**weights, "a": torch.tensor([1.0, 9.0, 2.0])[::2]}) == digest  # however it lies in memory
    for other in (
        {**weights, "a": torch.tensor([2.0, 1.0])},
        {**weights, "a": torch.tensor([1.0, 2.0]).double()},
        {**weights, "a": torch.tensor([[1.0, 2.0]])},
        {**weights, "a": torch.tensor([1.0, 2.0]).view(torch.int32)},
        {**weights, "c": torch.zeros(1)},
        {"a": weights["a"], "c": weights["b"], "empty": weights["empty"]},
        {**weights, "empty": None},
    ):
        assert digest_of(other) != digest
    assert digest_of({"w": torch.ones(2, dtype=torch.bfloat16)})


def test_mlp_weights_do_not_fit_a_spiking_network_of_another_size(tmp_path: Path) -> None:
    torch.save(MLP((1, 4, 4), 2, 4).state_dict(), tmp_path / "w.pt")
    assert "hidden.weight has the shape (4, 16) there and (4, 9) here" in refusal(tmp_path / "w.pt")
