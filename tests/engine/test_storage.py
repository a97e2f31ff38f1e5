"""Files written whole or not at all; checkpoints that only load where they fit, and never run code."""

from __future__ import annotations

import os
import pickle
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toys import ToyDigits, copied_state

from brainleaks_pl import ATan, ConstantCurrentEncoder, LatencyEncoder, RateEncoder, SpikingMLP, Training
from brainleaks_pl.engine.checkpoints import load_checkpoint, save_network
from brainleaks_pl.engine.storage import atomic_write


class OtherDigits(ToyDigits):
    """Another data set of the same shape."""


def network(seed: int = 0, **arguments: Any) -> SpikingMLP:
    torch.manual_seed(seed)
    made = SpikingMLP(**{"input_shape": (1, 12, 12), "num_classes": 3, "hidden": 4, **arguments})
    made.time_steps = 5
    return made


RATE = RateEncoder(5)


def spikes(encoder: Any = RATE) -> ToyDigits:
    return ToyDigits(encoder=encoder)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "target.pt"
    save_network(path, network(), spikes(), test_accuracy=0.75, seed=42)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_atomic_write_makes_the_folder_and_the_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    with atomic_write(path) as temporary:
        assert temporary.parent == path.parent
        assert temporary.suffix == ".txt"
        temporary.write_text("done")
        assert not path.exists()
    assert path.read_text() == "done"
    assert names(path.parent) == ["a.txt"]


def test_atomic_write_gives_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").write_text("")
    with atomic_write(tmp_path / "ours") as temporary:
        temporary.write_text("")
    usual, ours = (stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("usual", "ours"))
    assert ours == usual


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [None, "old"])
def test_atomic_write_that_fails_leaves_what_was_there(
    tmp_path: Path, error: type[BaseException], old: str | None
) -> None:
    path = tmp_path / "a.txt"
    if old:
        path.write_text(old)

    def write_half() -> None:
        with atomic_write(path) as temporary:
            temporary.write_text("half of it")
            raise error

    with pytest.raises(error):
        write_half()
    assert names(tmp_path) == (["a.txt"] if old else [])
    assert not old or path.read_text() == old


def test_save_that_fails_keeps_the_older_checkpoint(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def disk_full(content: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", disk_full)
    with pytest.raises(OSError, match="No space"):
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


def refusal(path: Path, target: SpikingMLP | None = None, data: ToyDigits | None = None) -> str:
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
        ({"num_classes": 4}, "num_classes: 3 there, 4 here"),
    ],
)
def test_another_architecture(saved: Path, arguments: dict[str, Any], difference: str) -> None:
    assert f"belongs to another network ({difference})" in refusal(saved, network(**arguments))


@pytest.mark.parametrize(
    ("data", "difference"),
    [
        (OtherDigits(RateEncoder(5)), "class: ToyDigits there, OtherDigits here"),
        (spikes(RateEncoder(6)), "'time_steps': 6"),
        (spikes(RateEncoder(5, gain=0.5)), "'gain': 0.5"),
        (spikes(LatencyEncoder(5)), "'class': 'LatencyEncoder'"),
        (spikes(ConstantCurrentEncoder(5)), "'class': 'ConstantCurrentEncoder'"),
        (spikes(None), "None here"),
    ],
)
def test_another_data_set_or_encoder(saved: Path, data: ToyDigits, difference: str) -> None:
    message = refusal(saved, data=data)
    assert "belongs to another data set" in message
    assert difference in message


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
    try:
        load_checkpoint(damaged, network(), spikes())
    except ValueError as error:
        assert str(error).startswith(str(damaged))  # noqa: PT017 (padding may be flipped without harm)


class Exploit:
    """Creates a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("plain_pickle", [True, False])
def test_a_file_that_would_run_code_does_not(tmp_path: Path, plain_pickle: bool) -> None:
    trap, path = tmp_path / "trap", tmp_path / "evil.pt"
    content = {"format": "brainleaks_pl.network/1", "state_dict": Exploit(trap)}
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
        {"format": "brainleaks_pl.network/2", "architecture": {}, "data": {}, "state_dict": {}, "time_steps": 1},
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
    torch.save(content, saved)
    with pytest.raises(ValueError, match=r"does not fit SpikingMLP: [\s\S]*output.bias"):
        load_checkpoint(saved, network(), spikes())
