"""Trainers that could only hang or fail are refused before they are made."""

from __future__ import annotations

from typing import Any

import pytest
from toys import ToyDigits, classifier

from brainleaks_pl import RateEncoder, SpikingMLP
from brainleaks_pl.engine.fitting import check_fits
from brainleaks_pl.engine.trainer import check_trainer

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "processes": ({"devices": 10**6}, "trainer.devices asks for 1000000 processes, but this machine can run at most"),
    "processes in text": ({"devices": "1000000"}, "asks for 1000000 processes"),
    "a list of processes": ({"devices": list(range(10**5))}, "asks for 100000 processes"),
    "nodes": ({"num_nodes": 2}, "trainer.num_nodes is 2, but MASTER_ADDR"),
    "double precision": ({"precision": "64-true"}, "trainer.precision is 64-true, but this package runs in 32-true"),
    "half weights": ({"precision": "16-true"}, "trainer.precision is 16-true"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_trainer_that_could_only_hang_or_fail(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    settings, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        check_trainer(**settings)


def test_trainers_that_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_ADDR", "example.org")
    check_trainer()
    check_trainer(devices=2, num_nodes=4, precision="bf16-mixed")
    check_trainer(devices="auto", precision=32)


def test_a_batch_that_no_memory_could_hold_is_refused_at_once() -> None:
    data = ToyDigits(encoder=RateEncoder(10**6), batch_size=300)
    words = r"^a batch of 300 inputs of 1000000 time steps for target would take 172\.8 GB of memory, but there are"
    with pytest.raises(ValueError, match=words):
        check_fits({"target": classifier(SpikingMLP, (1, 12, 12), 3, 4)}, data)
