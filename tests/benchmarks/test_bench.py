"""The benchmark at toy sizes, its refusal beside other processes, and the published loops against our attacks."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import measure
import pytest
import torch
from bench import main, tasks
from cases import gradient
from measure import Case, Contender, CoresInUseError, Watch, peak_memory
from peers import SteppedMLP, batched_gradient, published_mi_face
from toys import mlp, run

from brainleaks_pl import MIFace

RATIOS = {
    "gradient_over_limit_mnist",
    "gradient_over_limit_att",
    "bf16_over_limit_mnist",
    "autograd_over_limit_mnist",
    "v1_speedup",
    "v2_speedup",
    "mi_face_speedup",
    "train_speedup",
    "nmnist_sparse_speedup",
}


@pytest.mark.parametrize("mode", [["--quick"], []])
def test_report(tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: list[str]) -> None:
    path = tmp_path / "figures" / "benchmark.json"
    assert main([*mode, "--tiny", "--allow-load", "--json", str(path)]) == 0
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(last) == RATIOS
    assert all(ratio > 0 for ratio in last.values())
    report = json.loads(path.read_text())
    assert report["ratios"] == last
    assert report["loaded"]
    for row in report["rows"]:
        assert row["ratio"]["min"] <= row["ratio"]["median"] <= row["ratio"]["max"]


def test_refuses_to_report_beside_another_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Watch, "foreign_cores", lambda self: 0.5)
    path = tmp_path / "benchmark.json"
    assert main(["--quick", "--tiny", "--json", str(path)]) == 2
    assert "other processes used 0.50 cores before measuring" in capsys.readouterr().err
    assert not path.exists()


def test_looks_during_a_case_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watch, "foreign_cores", lambda self: 0.5)
    case = Case("sleep", {"sleep": Contender(lambda: time.sleep(0.001))})
    with pytest.raises(CoresInUseError, match="during sleep"):
        case.measure(1, Watch())
    case.measure(1, Watch(allow_load=True))


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell")
def test_watch_counts_other_processes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([(0.0, 5.0, 1.0), (10.0, 21.0, 9.0)])  # 16 s busy in 10 s, of which 8 s are our own
    monkeypatch.setattr(Watch, "_now", staticmethod(lambda: next(times)))
    assert Watch().foreign_cores() == pytest.approx(0.8)
    monkeypatch.undo()
    clock, busy, own = Watch._now()
    assert clock > 0
    assert busy > 0
    assert own > 0


def test_ratios_are_those_of_the_same_round() -> None:
    case = Case("case", {}, seconds={"a": [1.0, 4.0, 9.0], "b": [1.0, 2.0, 3.0]})
    assert case.ratio("a", "b") == {"median": 2.0, "min": 1.0, "max": 3.0}


def test_scale_turns_a_part_into_the_whole() -> None:
    case = Case("case", {"part": Contender(lambda: time.sleep(0.01), scale=100)}).measure(2, Watch(allow_load=True))
    assert min(case.seconds["part"]) >= 1


def test_peak_memory() -> None:
    peak = peak_memory(lambda: torch.ones(25_000_000))
    assert peak is None or peak > 80


def test_unknown_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(measure, "Path", lambda name: tmp_path / "nothing" / "here")
    calls: list[int] = []
    assert peak_memory(lambda: calls.append(1)) is None
    assert calls == [1]


def test_contenders_compute_the_same_gradient() -> None:
    task = tasks(tiny=True)["mnist"]
    target, x, labels = task.target(), task.spikes(), task.labels()
    expected = batched_gradient(SteppedMLP(target.network, frozen=True), x, labels)
    contenders = gradient(task, peers=True).contenders
    for name in ("ours float32", "ours autograd", "ours always dense"):
        _, _, ours = contenders[name].run()
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_the_published_mi_face_takes_our_trajectory() -> None:
    attack = MIFace(mlp(), steps=30, stop_at=None, patience=None, keep="last")
    run(attack)
    for label, image in enumerate(attack.reconstructions()):
        torch.testing.assert_close(published_mi_face(mlp().network, label, 30)[0], image, rtol=0, atol=1e-6)
