"""Checkpoints that only load where they fit, and never run code; networks that are built anew from them."""

from __future__ import annotations

import inspect
import os
import pickle
import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from datafiles import names
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from toys import ToyDigits, Triangle, classifier, copied_state

from brainleaks_pl import (
    CNN,
    LIF,
    MLP,
    ATan,
    Classifier,
    ConstantCurrentEncoder,
    LatencyEncoder,
    Network,
    RateEncoder,
    Sigmoid,
    SpikingCNN,
    SpikingMLP,
    TimeFirst,
    Training,
)
from brainleaks_pl.engine.checkpoints import load_checkpoint, load_network, save_network
from brainleaks_pl.targets.weights import digest_of


class OtherDigits(ToyDigits):
    """Another data set of the same shape."""


def network(seed: int = 0, **arguments: Any) -> Classifier:
    torch.manual_seed(seed)
    own = {"input_shape": (1, 12, 12), "num_classes": 3, "hidden": 4}
    return classifier(SpikingMLP, **{**own, "time_steps": 5, **arguments})


RATE = RateEncoder(5)


def spikes(encoder: Any = RATE) -> ToyDigits:
    return ToyDigits(encoder=encoder)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "target.pt"
    save_network(path, network(), spikes(), test_accuracy=0.75, seed=42)
    return path


def test_save_that_fails_keeps_the_older_checkpoint(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def disk_full(content: Any, file: Any) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(OSError, match=r"no room for target\.pt"):
        save_network(saved, network(1), spikes(), 0.5, 1)
    assert saved.read_bytes() == before
    assert names(saved.parent) == ["target.pt"]


def test_round_trip_is_bit_exact(saved: Path) -> None:
    loaded = network(seed=1)
    loaded.time_steps = None
    facts = load_checkpoint(saved, loaded, spikes())
    before, after = copied_state(network()), loaded.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert loaded.time_steps == 5
    assert "state_dict" not in facts
    assert (facts["test_accuracy"], facts["time_steps"], facts["seed"]) == (0.75, 5, 42)


def test_the_surrogate_and_the_recipe_may_differ(saved: Path) -> None:
    load_checkpoint(saved, network(surrogate=ATan(), training=Training(lr=1.0)), ToyDigits(RATE, batch_size=7))


def test_description_of_data_is_plain() -> None:
    assert ToyDigits().describe() == {"class": "ToyDigits", "encoder": None}
    encoder = {"class": "RateEncoder", "time_steps": 5, "gain": 0.5}
    assert spikes(RateEncoder(5, gain=0.5)).describe() == {"class": "ToyDigits", "encoder": encoder}


def refusal(path: Path, target: Classifier | None = None, data: ToyDigits | None = None) -> str:
    """What is said of a file that must not be loaded; the network must keep its weights."""
    target = target or network(seed=1)
    before, time_steps = copied_state(target), target.time_steps
    with pytest.raises(ValueError, match=re.escape(str(path))) as error:
        load_checkpoint(path, target, data or spikes())
    assert all(torch.equal(value, before[name]) for name, value in target.state_dict().items())
    assert target.time_steps == time_steps
    return str(error.value)


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        ({"hidden": 5}, "hidden: 4 there, 5 here"),
        ({"beta": 0.9}, "beta: 0.7 there, 0.9 here"),
        ({"reset": "zero"}, "reset: subtract there, zero here"),
        ({"num_classes": 4}, "num_classes: 3 there, 4 here"),
    ],
)
def test_another_architecture(saved: Path, arguments: dict[str, Any], difference: str) -> None:
    assert f"belongs to another network ({difference})" in refusal(saved, network(**arguments))


@pytest.mark.parametrize(
    ("data", "difference"),
    [
        (OtherDigits(RateEncoder(5)), "class: ToyDigits there, OtherDigits here"),
        (spikes(RateEncoder(6)), "(encoder.time_steps: 5 there, 6 here)"),
        (spikes(RateEncoder(5, gain=0.5)), "(encoder.gain: 1.0 there, 0.5 here)"),
        (spikes(LatencyEncoder(5)), "(encoder: RateEncoder there, LatencyEncoder here)"),
        (spikes(ConstantCurrentEncoder(5)), "(encoder: RateEncoder there, ConstantCurrentEncoder here)"),
        (spikes(None), "None here"),
    ],
)
def test_another_data_set_or_encoder(saved: Path, data: ToyDigits, difference: str) -> None:
    message = refusal(saved, data=data)
    assert "belongs to another data set" in message
    assert difference in message
    hint = "Or set data.encoder.time_steps to 5: attack.time_steps is the attack's alone."
    assert message.endswith(hint) == ("time_steps:" in difference)


def test_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.pt", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"no checkpoint at {path}"):
            load_checkpoint(path, network(), spikes())


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_truncated_file(saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    assert "is damaged and cannot be read. Train it again" in refusal(saved)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=300), pickled=st.booleans())
@example(content=b"Ghu+Qj", pickled=True)  # half a number
def test_bytes_that_are_no_checkpoint(tmp_path: Path, content: bytes, pickled: bool) -> None:
    path = tmp_path / "random.pt"
    path.write_bytes(b"\x80\x02" + content if pickled else content)
    refusal(path)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1), byte=st.integers(1, 255))
def test_a_flipped_byte_in_the_description_is_never_anything_but_a_value_error(
    saved: Path, place: float, byte: int
) -> None:
    content = bytearray(saved.read_bytes())
    start, end = content.index(b"data.pkl"), content.index(b"state_dict")
    spot = start + int(place * (end - start))
    content[spot] ^= byte
    damaged = saved.with_name("damaged.pt")
    damaged.write_bytes(bytes(content))
    for load in (lambda: load_checkpoint(damaged, network(), spikes()), lambda: load_network(damaged)):
        try:
            load()
        except ValueError as error:
            assert str(error).startswith(str(damaged))  # noqa: PT017 (padding may be flipped without harm)


class Exploit:
    """Creates a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("plain_pickle", [True, False])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_file_that_would_run_code_does_not(tmp_path: Path, plain_pickle: bool, version: int) -> None:
    trap, path = tmp_path / "trap", tmp_path / "evil.pt"
    content = {"format": f"brainleaks_pl.network/{version}", "state_dict": Exploit(trap)}
    if plain_pickle:
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path)
    assert "is not a plain checkpoint of weights and was not loaded" in refusal(path)
    assert not trap.exists()
    torch.load(path, weights_only=False) if not plain_pickle else pickle.loads(path.read_bytes())
    assert trap.exists(), "the trap would have worked"


@pytest.mark.parametrize(
    "content",
    [
        torch.zeros(3),
        {"weight": torch.zeros(3)},
        {"format": "brainleaks_pl.network/4", "architecture": {}, "data": {}, "state_dict": {}, "time_steps": 1},
        {"format": "brainleaks_pl.network/3", "architecture": [], "data": {}, "state_dict": {}, "time_steps": 1},
        {"format": "brainleaks_pl.network/3", "architecture": {}, "data": {}, "state_dict": {}, "time_steps": 1.5},
        {"format": "brainleaks_pl.network/3"},
        {"format": "brainleaks_pl.network/2"},
        {"format": "brainleaks_pl.network/1"},
        ["format"],
    ],
)
def test_a_torch_file_of_something_else(tmp_path: Path, content: Any) -> None:
    path = tmp_path / "other.pt"
    torch.save(content, path)
    assert "is not a checkpoint that `brainleaks fit` wrote" in refusal(path)


def test_weights_that_do_not_fit_although_the_description_does(saved: Path) -> None:
    content = torch.load(saved, weights_only=True)
    del content["state_dict"]["output.bias"]
    content = {**content, "format": "brainleaks_pl.network/2"}  # or the checksum would tell
    torch.save({**content, "digest": digest_of(content["state_dict"])}, saved)
    with pytest.raises(ValueError, match=r"does not fit SpikingMLP: [\s\S]*output.bias"):
        load_checkpoint(saved, network(), spikes())


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    weight=st.sampled_from(list(SpikingMLP((1, 12, 12), 3, 4).state_dict())),
    place=st.floats(0, 1),
    bit=st.integers(0, 7),
)
def test_a_flipped_bit_in_the_weights_is_refused(saved: Path, weight: str, place: float, bit: int) -> None:
    content = bytearray(saved.read_bytes())
    stored = network().network.state_dict()[weight].numpy().tobytes()
    start = content.index(stored)
    content[start + min(int(place * len(stored)), len(stored) - 1)] ^= 2**bit
    damaged = saved.with_name("damaged.pt")
    damaged.write_bytes(bytes(content))
    refusal(damaged)


def test_a_weight_that_is_not_the_written_one_is_refused(saved: Path) -> None:
    content = torch.load(saved, weights_only=True)
    assert content["format"] == "brainleaks_pl.network/3"
    weights = content["state_dict"]
    changed = {
        "a value": {**weights, "output.bias": weights["output.bias"] + torch.tensor([0, 1e-6, 0])},
        "another order of values": {**weights, "output.bias": weights["output.bias"].flip(0)},
        "one more": {**weights, "extra": torch.zeros(1)},
    }
    for other in (*changed.values(), {}):
        torch.save({**content, "state_dict": other}, saved)
        assert "is damaged: its content is not what was written. Train it again" in refusal(saved)
    for missing in ("digest", "checksum"):
        torch.save({key: value for key, value in content.items() if key != missing}, saved)
        assert "is damaged: its content is not what was written" in refusal(saved)
    torch.save(content, saved)
    load_checkpoint(saved, network(1), spikes())


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_refused_unless_it_changes_nothing(saved: Path, place: float, byte: int) -> None:
    content = bytearray(saved.read_bytes())
    written = load_checkpoint(saved, network(), spikes())
    content[int(place * len(content))] ^= byte
    damaged, loaded = saved.with_name("damaged.pt"), network(1)
    damaged.write_bytes(bytes(content))
    try:
        assert load_checkpoint(damaged, loaded, spikes()) == written
        assert loaded.digest() == network().digest()
    except ValueError as error:
        assert str(error).startswith(str(damaged))  # noqa: PT017


@pytest.mark.parametrize(
    ("key", "value"), [("test_accuracy", 0.99), ("seed", 1), ("time_steps", 6), ("recipe", {}), ("data", {})]
)
def test_a_description_that_is_not_the_written_one_is_refused(saved: Path, key: str, value: Any) -> None:
    torch.save({**torch.load(saved, weights_only=True), key: value}, saved)
    assert "is damaged: its content is not what was written" in refusal(saved)


def test_a_file_of_the_second_version_is_loaded(saved: Path) -> None:
    content = torch.load(saved, weights_only=True)
    del content["checksum"]
    torch.save({**content, "format": "brainleaks_pl.network/2"}, saved)
    loaded = network(1)
    assert load_checkpoint(saved, loaded, spikes())["test_accuracy"] == 0.75
    assert loaded.digest() == network().digest()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(saved: Path, value: float) -> None:
    before, diverged = saved.read_bytes(), network()
    with torch.no_grad():
        diverged.network.output.bias[1] = value
    with pytest.raises(ValueError, match=r"SpikingMLP was trained to weights that are not finite \(output\.bias\)"):
        save_network(saved, diverged, spikes(), 0.5, 1)
    assert saved.read_bytes() == before
    old_file(saved)
    content = torch.load(saved, weights_only=True)
    content["state_dict"]["hidden.weight"][0, 0] = value
    torch.save(content, saved)
    assert "the weights hidden.weight are not finite" in refusal(saved)


def test_equal_networks_give_equal_bytes(saved: Path, tmp_path: Path) -> None:
    save_network(tmp_path / "other" / "name.pt", network(), spikes(), test_accuracy=0.75, seed=42)
    assert (tmp_path / "other" / "name.pt").read_bytes() == saved.read_bytes()


def old_file(path: Path, **architecture: Any) -> dict[str, Tensor]:
    """A checkpoint as the first version wrote it: neither interface nor reset nor digest."""
    torch.manual_seed(3)
    weights = {
        "hidden.weight": torch.randn(4, 144),
        "hidden.bias": torch.randn(4),
        "output.weight": torch.randn(3, 4),
        "output.bias": torch.randn(3),
    }
    content = {
        "format": "brainleaks_pl.network/1",
        "architecture": {
            "class": "SpikingMLP",
            "input_shape": [1, 12, 12],
            "num_classes": 3,
            "beta": 0.7,
            "threshold": 1.0,
            "hidden": 4,
            **architecture,
        },
        "data": {"class": "ToyDigits", "encoder": {"class": "RateEncoder", "time_steps": 5, "gain": 1.0}},
        "time_steps": 5,
        "test_accuracy": 0.75,
        "seed": 42,
        "recipe": {
            "lr": 5e-5,
            "epochs": 10,
            "batch_size": 100,
            "gradient_clip_norm": 1.0,
            "spike_penalty": 0.0,
            "surrogate": {"class": "ATan", "alpha": 1.5},
        },
        "state_dict": weights,
    }
    torch.save(content, path)
    return weights


def test_a_file_of_the_first_version_is_loaded(tmp_path: Path) -> None:
    weights = old_file(tmp_path / "old.pt")
    loaded = network(time_steps=None)
    facts = load_checkpoint(tmp_path / "old.pt", loaded, spikes())
    found = loaded.network.state_dict()
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], value) for name, value in weights.items())
    assert loaded.time_steps == 5
    assert (facts["test_accuracy"], facts["seed"]) == (0.75, 42)
    rebuilt = load_network(tmp_path / "old.pt")
    assert rebuilt.network.neurons.surrogate == ATan(1.5)
    x = ones()
    assert torch.equal(rebuilt.logits(x), loaded.logits(x))


@pytest.mark.parametrize(
    ("arguments", "difference"),
    [
        ({"beta": 0.9}, "beta: 0.7 there, 0.9 here"),
        ({"threshold": 0.5}, "threshold: 1.0 there, 0.5 here"),
        ({"hidden": 5}, "hidden: 4 there, 5 here"),
        ({"reset": "zero"}, "reset: subtract there, zero here"),
    ],
)
def test_a_file_of_the_first_version_is_refused_by_another_network(
    tmp_path: Path, arguments: dict[str, Any], difference: str
) -> None:
    old_file(tmp_path / "old.pt")
    assert f"belongs to another network ({difference})" in refusal(tmp_path / "old.pt", network(**arguments))


def test_a_file_of_the_first_version_is_refused_by_another_interface(tmp_path: Path) -> None:
    old_file(tmp_path / "old.pt")
    other = Classifier(partial(SpikingMLP, (1, 12, 12), 3, 4), TimeFirst(answer="membrane_max"))
    assert "membrane_max here" in refusal(tmp_path / "old.pt", other)


def test_a_file_of_the_first_version_of_other_data_is_refused(tmp_path: Path) -> None:
    old_file(tmp_path / "old.pt")
    assert "belongs to another data set" in refusal(tmp_path / "old.pt", data=spikes(RateEncoder(6)))


def ones() -> Tensor:
    return (torch.rand(5, 2, 1, 12, 12, generator=torch.Generator().manual_seed(0)) < 0.4).float()


KINDS: dict[str, tuple[type[Network], dict[str, Any], Any]] = {
    "MLP": (MLP, {"hidden": 4}, None),
    "CNN": (CNN, {"channels": (2, 3), "kernel": 3}, None),
    "SpikingMLP": (SpikingMLP, {"hidden": 4, "beta": 0.9, "threshold": 0.5, "surrogate": ATan(1.5)}, None),
    "SpikingCNN": (SpikingCNN, {"channels": (2, 3), "kernel": 3, "surrogate": Sigmoid(3.0), "reset": "zero"}, None),
    "with an interface": (SpikingMLP, {"hidden": 4}, TimeFirst(answer="spike_rate", std=(0.5,), temperature=2.0)),
}


@pytest.mark.parametrize(("kind", "arguments", "interface"), KINDS.values(), ids=KINDS)
def test_a_network_of_the_packages_own_is_built_anew(
    kind: type[Network], arguments: dict[str, Any], interface: Any, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    source = Classifier(partial(kind, (1, 12, 12), 3, **arguments), interface)
    data = spikes() if source.takes_spikes else ToyDigits()
    save_network(tmp_path / "n.pt", source, data, test_accuracy=0.75, seed=42)
    torch.manual_seed(1)
    for path in (tmp_path / "n.pt", str(tmp_path / "n.pt")):
        loaded = load_network(path)
        assert type(loaded.network) is kind
        assert torch.equal(loaded.logits(ones()), source.logits(ones()))
        assert loaded.interface == source.interface
        assert loaded.architecture() == source.architecture()
        assert loaded.time_steps == data.time_steps
        assert loaded.pretrained
        assert not any(part.training for part in loaded.modules())
        assert loaded.recipe().get("surrogate") == source.recipe().get("surrogate")
    if source.spiking:
        x, gradients = ones(), []
        for target in (source, loaded):
            leaf = x.clone().requires_grad_()
            gradients.append(torch.autograd.grad(target.logits(leaf).square().sum(), leaf)[0])
        assert torch.equal(*gradients)


def test_every_argument_of_the_packages_own_networks_is_stored() -> None:
    for kind in (MLP, CNN, SpikingMLP, SpikingCNN):
        stored = Classifier(partial(kind, (1, 16, 16), 3)).architecture()
        assert set(inspect.signature(kind).parameters) - {"surrogate"} == stored.keys() - {"class", "interface"}


class Foreign(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.first, self.neurons, self.last = nn.Linear(144, width), LIF(), nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.neurons(self.first(x.flatten(2)))[0])


def foreign(seed: int, **arguments: Any) -> Classifier:
    torch.manual_seed(seed)
    return Classifier(partial(Foreign, **arguments), TimeFirst(), (1, 12, 12), 3)


def test_a_foreign_network_has_to_be_given(tmp_path: Path) -> None:
    path, source = tmp_path / "n.pt", foreign(0)
    save_network(path, source, spikes(), 0.75, 42)
    with pytest.raises(
        ValueError, match=re.escape(f"{path} holds a Foreign, which is not one of this package's networks")
    ):
        load_network(path)
    given = foreign(1)
    assert load_network(path, given) is given
    assert torch.equal(given.logits(ones()), source.logits(ones()))
    assert (given.pretrained, given.time_steps, given.training) == (True, 5, False)
    with pytest.raises(ValueError, match=r"belongs to another network \(width: 4 there, 5 here\)"):
        load_network(path, foreign(1, width=5))


def test_a_file_of_the_first_version_of_a_users_network_is_compared_in_what_it_says(tmp_path: Path) -> None:
    path, source = tmp_path / "old.pt", foreign(0)
    old_file(path)
    content = torch.load(path, weights_only=True)
    said = {"class": "Foreign", "input_shape": [1, 12, 12], "num_classes": 3}
    weights = source.network.state_dict()
    torch.save({**content, "architecture": said, "state_dict": weights}, path)
    assert torch.equal(load_network(path, foreign(1)).logits(ones()), source.logits(ones()))
    torch.save({**content, "architecture": {**said, "width": 5}, "state_dict": weights}, path)
    with pytest.raises(ValueError, match=r"belongs to another network \(width: 5 there, 4 here\)"):
        load_network(path, foreign(1))


def test_a_surrogate_of_a_users_own_asks_for_the_network_too(tmp_path: Path) -> None:
    path = tmp_path / "n.pt"
    save_network(path, network(surrogate=Triangle(0.7)), spikes(), 0.75, 42)
    with pytest.raises(ValueError, match=re.escape(f"{path} ") + ".*Triangle.*build it yourself"):
        load_network(path)
    loaded = load_network(path, network(1, surrogate=Triangle(0.7)))
    assert torch.equal(loaded.logits(ones()), network().logits(ones()))


def test_names_that_are_no_networks_are_refused(tmp_path: Path) -> None:
    save_network(tmp_path / "n.pt", network(), spikes(), 0.75, 42)
    content = {**torch.load(tmp_path / "n.pt", weights_only=True), "format": "brainleaks_pl.network/2"}
    for name in ("LIF", "base", "scan", "__name__"):
        torch.save({**content, "architecture": {**content["architecture"], "class": name}}, tmp_path / "n.pt")
        with pytest.raises(ValueError, match=f"holds a {name}, which is not one of this package's networks"):
            load_network(tmp_path / "n.pt")


def test_load_network_without_a_file(tmp_path: Path) -> None:
    for own in (None, network()):
        with pytest.raises(FileNotFoundError, match="no checkpoint at"):
            load_network(tmp_path / "none.pt", own)


def test_the_temperature_may_be_set_once_the_network_is_trained(tmp_path: Path) -> None:
    path = tmp_path / "n.pt"
    save_network(path, network(), spikes(), 0.75, 42)
    own = network()
    cooler = Classifier(own.network, TimeFirst(temperature=0.5))
    load_checkpoint(path, cooler, spikes())
    torch.testing.assert_close(cooler.logits(ones()), 2 * own.logits(ones()))
    with pytest.raises(ValueError, match="belongs to another network"):
        load_checkpoint(path, Classifier(own.network, TimeFirst(answer="membrane_sum")), spikes())
