"""Attacks that are killed at any point go on to the same end as those that are left alone."""

from __future__ import annotations

import json
import multiprocessing
import random
import resource
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from datafiles import write_mnist_files
from lightning.pytorch import Callback
from lightning.pytorch.loggers.logger import DummyLogger
from processes import run, running, tiny_config, wait_for
from resuming import ATTACKS, STEPS, Mortal, assert_equal, everything, work
from toys import mlp, silent_trainer, spiking_mlp

from brainleaks_pl import BrainLeaksV1, BrainLeaksV2, Classifier, MIFace
from brainleaks_pl.cli.main import main
from brainleaks_pl.engine.progress import KeepProgress, identity
from brainleaks_pl.system.storage import FullDiskError

KILLS = 4  # of each attack
FEW_DRAWS = """
scoring: {draws: 1, null_draws: 1}
progress_every: 0
"""


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_that_is_killed_again_and_again_ends_like_one_left_alone(name: str, tmp_path: Path) -> None:
    alone = ATTACKS[name]()
    silent_trainer().invert(alone)
    processes = multiprocessing.get_context("fork")
    moments = random.Random(name)
    progress = tmp_path / "progress.pt"
    for kill in range(1, KILLS + 1):
        process = processes.Process(target=work, args=(name, str(tmp_path), kill * STEPS // (KILLS + 1)))
        process.start()
        begun = progress.exists()
        wait_for(progress.exists)
        time.sleep(moments.uniform(0.0, 0.15 + 0.3 * begun))
        process.kill()
        process.join()
        assert 0 < torch.load(progress, weights_only=True)["step"] < STEPS
    process = processes.Process(target=work, args=(name, str(tmp_path), None))
    process.start()
    process.join()
    assert_equal(torch.load(tmp_path / "done.pt", weights_only=True), everything(alone))


def test_finished_attacks_are_not_run_again(tmp_path: Path) -> None:
    def attack() -> BrainLeaksV1:
        return BrainLeaksV1(spiking_mlp(), steps=3, seed=1)

    progress = KeepProgress(tmp_path / "p.pt", "run", every=1000)
    first, second = attack(), attack()
    assert not progress.restore(first)
    silent_trainer(callbacks=[progress]).invert(first)
    assert KeepProgress(tmp_path / "p.pt", "run").restore(second)
    assert torch.equal(second.reconstructions(), first.reconstructions())
    assert second.best_restarts() == first.best_restarts()


def test_progress_of_another_attack_and_damaged_files_are_refused(tmp_path: Path) -> None:
    attack = BrainLeaksV1(spiking_mlp(), steps=2, seed=1)
    silent_trainer(callbacks=[KeepProgress(tmp_path / "p.pt", "one")]).invert(attack)
    with pytest.raises(ValueError, match=r"p\.pt is the progress of another attack"):
        KeepProgress(tmp_path / "p.pt", "other").restore(attack)
    whole = (tmp_path / "p.pt").read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"nonsense"):
        (tmp_path / "p.pt").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"p\.pt is damaged"):
            KeepProgress(tmp_path / "p.pt", "one").restore(attack)
    with pytest.raises(ValueError, match="progress_every must be at least 0 seconds, got -1"):
        KeepProgress(tmp_path / "p.pt", "one", every=-1)


def test_identity_tells_attacks_apart() -> None:
    def of(target: Classifier, kind: type = BrainLeaksV1, settings: str = "", **arguments: Any) -> str:
        return identity(kind(target, **{"seed": 1, **arguments}), {"settings": settings})

    other = spiking_mlp()
    with torch.no_grad():
        other.network.output.bias[0] += 1e-3
    digests = [
        of(spiking_mlp()),
        of(other),
        of(spiking_mlp(), BrainLeaksV2),
        of(spiking_mlp(), settings="b"),
        of(spiking_mlp(), classes=[1]),
        of(spiking_mlp(), restarts=2),
        of(spiking_mlp(), seed=2),
    ]
    assert len(set(digests)) == len(digests)
    assert of(spiking_mlp()) == digests[0]


@pytest.mark.usefixtures("sketched")
def test_invert_resumes_on_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist_files(tmp_path / "data", train=30)
    (tmp_path / "c.yaml").write_text(tiny_config(judge_epochs=1, steps=200) + FEW_DRAWS)
    monkeypatch.chdir(tmp_path)
    main(["fit", "--config", "c.yaml"])
    progress = tmp_path / "results" / "c" / "progress.pt"
    with monkeypatch.context() as changed:
        changed.setattr(KeepProgress, "on_train_batch_start", Mortal(150).on_train_batch_start)
        with running(["invert", "--config", "c.yaml"], tmp_path) as interrupt:
            wait_for(progress.exists)
            assert interrupt() == 130
    step = torch.load(progress, weights_only=True)["step"]
    assert 0 < step <= 150
    with pytest.raises(SystemExit):  # other settings
        main(["invert", "--config", "c.yaml", "--resume", "true", "--attack.steps", "100"])
    assert torch.load(progress, weights_only=True)["step"] == step
    main(["invert", "--config", "c.yaml", "--resume", "true", "--progress_every", "1000"])
    assert not progress.exists()
    main(["invert", "--config", "c.yaml", "--results", "alone", "--progress_every", "1000"])
    mine, alone = (
        torch.load(Path(where) / "reconstructions.pt", weights_only=True) for where in ("results/c", "alone")
    )
    assert_equal(mine, alone)
    scores = tmp_path / "results" / "c" / "scores.json"
    before = scores.stat().st_mtime_ns
    run(["invert", "--config", "c.yaml", "--resume", "true"], tmp_path)
    assert scores.stat().st_mtime_ns == before
    assert json.loads(scores.read_text())["run"]


def test_an_attack_that_one_process_began_does_not_go_on_in_several(tmp_path: Path) -> None:
    path = tmp_path / "p.pt"
    progress = KeepProgress(path, "run")
    progress._optimizer = {}
    with pytest.raises(ValueError, match="was written by an attack in one process, and can only be resumed in one"):
        progress.on_train_start(SimpleNamespace(world_size=2), BrainLeaksV1(spiking_mlp()))  # type: ignore[arg-type]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not tell how much memory is held")
@pytest.mark.parametrize("name", ["v2", "mi_face"])
def test_long_attacks_hold_a_constant_memory(name: str, tmp_path: Path) -> None:
    class Watch(Callback):
        pages: ClassVar[dict[int, int]] = {}

        def on_train_batch_end(self, trainer: Any, attack: Any, outputs: Any, batch: int, batch_idx: int) -> None:
            if batch in (200, 800):
                self.pages[batch] = int(Path("/proc/self/statm").read_text().split()[1])

    attack = {
        "v2": lambda: BrainLeaksV2(spiking_mlp(4), steps=801, population=2),
        "mi_face": lambda: MIFace(mlp(), steps=801, stop_at=None, patience=None),
    }[name]()
    watch = Watch()
    progress = KeepProgress(tmp_path / "progress.pt", "x", every=0.05)
    silent_trainer(callbacks=[progress, watch], logger=DummyLogger()).invert(attack)
    assert (watch.pages[800] - watch.pages[200]) * resource.getpagesize() < 2**19  # a leak of 1 kB a step is more


def test_a_full_disk_costs_the_progress_and_not_the_attack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = BrainLeaksV1(spiking_mlp(), steps=3, seed=1)
    silent_trainer().invert(alone)

    def full(path: Path, content: Any) -> None:
        raise FullDiskError(path, 3_400_000)

    monkeypatch.setattr("brainleaks_pl.engine.progress.write_tensors", full)
    attack = BrainLeaksV1(spiking_mlp(), steps=3, seed=1)
    keep = KeepProgress(tmp_path / "p.pt", "one", every=0)
    with pytest.warns(UserWarning, match=r"could not be written.*no room for p\.pt in .* at least 3\.4 MB"):
        silent_trainer(callbacks=[keep]).invert(attack)
    assert torch.equal(attack.reconstructions(), alone.reconstructions())
