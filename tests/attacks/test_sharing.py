"""Units shared out among processes: the arithmetic, and real processes that find what one process finds."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from datafiles import write_mnist_files
from hypothesis import given
from hypothesis import strategies as st
from processes import run, tiny_config
from resuming import ATTACKS, assert_equal, everything
from sharing_work import SHARED
from toys import mlp, silent_trainer, spiking_mlp

from brainleaks_pl import BrainLeaksV1, BrainLeaksV2, BrainLeaksV3, InversionModule, MIFace
from brainleaks_pl.attacks.sharing import blocks, join, select, share
from brainleaks_pl.cli.main import main
from brainleaks_pl.engine.progress import KeepProgress


@given(count=st.integers(1, 40), ranks=st.integers(1, 8))
def test_shares_are_even_and_joined_in_order(count: int, ranks: int) -> None:
    if count < ranks:
        with pytest.raises(ValueError, match=f"{count} .* units cannot be shared by {ranks} processes"):
            share(count, 0, ranks)
        return
    shares = [share(count, rank, ranks) for rank in range(ranks)]
    assert sorted(unit for own in shares for unit in own) == list(range(count))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    tensors = {"costs": torch.rand(count), "images": torch.rand(2, count, 1, 3, 3)}
    parts = [select(tensors, own) for own in shares]
    assert [part["images"].shape[1] for part in parts] == [len(own) for own in shares]
    together = join(parts, shares)
    assert all(torch.equal(together[name], tensor) for name, tensor in tensors.items())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where two processes leave what all attacks come to."""
    folder = tmp_path_factory.mktemp("shared")
    run([str(Path(__file__).parents[1] / "sharing_work.py"), str(folder)], folder)
    return folder


def unrounded(attack: InversionModule) -> dict[str, Any]:
    """What an attack holds, but for the fingerprints of its inputs, which rounding changes altogether."""
    return {name: value for name, value in everything(attack).items() if not name.endswith("asked")}


@pytest.mark.parametrize("name", SHARED)
def test_two_processes_find_what_one_does(name: str, shared: Path) -> None:
    attack = SHARED[name]()
    silent_trainer().invert(attack)
    alone = unrounded(attack)
    for rank in (0, 1):
        together = torch.load(shared / f"{name}-{rank}.pt", weights_only=False)
        assert together["units"] == attack.units
        assert together["best_restarts"] == attack.best_restarts()
        assert together["state"].keys() == everything(attack).keys()
        for key, value in alone.items():
            torch.testing.assert_close(together["state"][key], value, rtol=1e-4, atol=1e-6)


def test_the_command_writes_its_results_once_and_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_mnist_files(tmp_path / "data", train=30)
    (tmp_path / "c.yaml").write_text(tiny_config(judge_epochs=1, steps=3))

    main(["fit", "--config", "c.yaml"])
    main(["invert", "--config", "c.yaml", "--results", "one"])
    line = ["invert", "--config", "c.yaml", "--results", "two", "--trainer.devices=2", "--trainer.strategy=ddp"]
    assert run(line, tmp_path).count("Written to two") == 1
    one, two = (json.loads((tmp_path / name / "scores.json").read_text()) for name in ("one", "two"))
    assert_equal({**one, "seconds": 0}, {**two, "seconds": 0}, rounded=True)  # as many units at once as a process holds
    assert not (tmp_path / "two" / "progress.pt").exists()


def test_too_many_processes_are_refused() -> None:
    attack = ATTACKS["v1"]()
    attack._trainer = SimpleNamespace(world_size=4, global_rank=0)  # type: ignore[assignment]
    with pytest.raises(ValueError, match=r"3 \(class, restart\) units cannot be shared by 4 processes: attack more"):
        attack.setup("fit")


@given(count=st.integers(1, 50), entries=st.integers(1, 20), ranks=st.integers(1, 4), at_once=st.integers(1, 100))
def test_blocks_are_few_even_and_small_enough(count: int, entries: int, ranks: int, at_once: int) -> None:
    parts = blocks(count, entries, ranks, at_once)
    sizes = [len(part) for part in parts]
    assert [unit for part in parts for unit in part] == list(range(count))
    assert max(sizes) - min(sizes) <= 1
    assert min(sizes) >= min(ranks, count)  # a unit for every process, where there are as many
    own = -(-max(sizes) // ranks)  # units that a process holds
    assert own * entries <= at_once or own == 1 or min(sizes) < 2 * ranks
    assert len(parts) <= -(-count // (ranks * max(1, at_once // entries)))


def test_a_unit_counts_with_all_its_inputs() -> None:
    pixels = 36
    assert BrainLeaksV1(spiking_mlp(4), restarts=2).entries_per_unit == 4 * pixels
    assert BrainLeaksV2(spiking_mlp(4), shared_over_time=True, population=7).entries_per_unit == 7 * 4 * pixels
    assert BrainLeaksV3(spiking_mlp(4), population=2).entries_per_unit == 2 * 4 * pixels
    assert BrainLeaksV3(mlp()).entries_per_unit == MIFace(mlp()).entries_per_unit == pixels


@pytest.mark.parametrize("name", ["v1", "v2", "v3", "mi_face"])
def test_units_one_after_another_find_what_they_find_together(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    together, apart = ATTACKS[name](), ATTACKS[name]()
    silent_trainer().invert(together)
    monkeypatch.setattr("brainleaks_pl.engine.trainer.blocks", lambda *_: [[0], [1, 2]])
    silent_trainer().invert(apart)
    assert apart.units == together.units
    assert apart.holds_all_units
    for key, value in unrounded(together).items():
        torch.testing.assert_close(everything(apart)[key], value, rtol=1e-4, atol=1e-6)


class Killed(Exception):  # noqa: N818 - not an error
    pass


def test_blocks_that_have_finished_are_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brainleaks_pl.engine.trainer.blocks", lambda *_: [[0], [1], [2]])
    whole = ATTACKS["v2"]()
    silent_trainer().invert(whole)

    def dies(attack: BrainLeaksV2, step: int, batch_idx: int) -> None:
        if attack.units == [(1, 0)] and step == 20:
            raise Killed
        training_step(attack, step, batch_idx)

    training_step = BrainLeaksV2.training_step
    monkeypatch.setattr(BrainLeaksV2, "training_step", dies)
    with pytest.raises(Killed):
        silent_trainer(callbacks=[KeepProgress(tmp_path / "p.pt", "run", 0.0)]).invert(ATTACKS["v2"]())
    monkeypatch.setattr(BrainLeaksV2, "training_step", training_step)
    again, progress = ATTACKS["v2"](), KeepProgress(tmp_path / "p.pt", "run", 0.0)
    assert progress.restore(again) is False
    assert again.first_block == 1
    ran = []
    monkeypatch.setattr(
        BrainLeaksV2, "training_step", lambda self, *step: (ran.append(self.units), training_step(self, *step))[-1]
    )
    silent_trainer(callbacks=[progress]).invert(again)
    assert ran == [[(1, 0)]] * 25 + [[(2, 0)]] * 25
    for key, value in everything(whole).items():
        assert torch.equal(everything(again)[key], value)
    assert progress.restore(ATTACKS["v2"]()) is True
