"""Damaged files of every kind: read right, or refused by one error that names the file."""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path

import pytest
from damage import Reader, damaged, problems
from forked import Server, refusal_problem, times

sys.path.append(str(Path(__file__).parents[1] / "events"))
from sound_files import readers
from test_fuzz import plain_dvsgesture, plain_nmnist

pytestmark = pytest.mark.slow

CONFIGS, BATCHES = 240, 8


@pytest.fixture(scope="module")
def sound() -> dict[str, Reader]:
    return readers(plain_nmnist, plain_dvsgesture)


KINDS = (
    "bin", "npy", "images", "labels", "images.gz", "pgm", "zip", "network, loaded", "network, rebuilt", "progress",
    "reconstructions", "scores", "scores, finished", "nir", "lava", "frames",
)  # fmt: skip


def test_there_are_as_many_as_promised(sound: dict[str, Reader]) -> None:
    assert set(sound) == set(KINDS)
    assert sum(reader.number for reader in sound.values()) + CONFIGS >= 3000


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_read_right_or_named(kind: str, sound: dict[str, Reader], tmp_path: Path) -> None:
    reader = sound[kind]
    assert not problems(reader, tmp_path, times(reader.number))


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_damaged_config_is_refused_in_one_line_or_runs(batch: int, children: Server, here: Path) -> None:
    dice, found = random.Random(batch), Counter[str]()
    for _ in range(times(CONFIGS // BATCHES)):
        name = dice.choice(["c.yaml", "audit.yaml"])
        config = damaged((here / name).read_bytes(), dice)
        (here / "damaged.yaml").write_bytes(config)
        run = children.start(["fit" if name == "c.yaml" else "audit", "--config", "damaged.yaml"], here)
        if run.wait(30) is None:
            run.kill()  # digits make long runs
        elif run.status != 0 and (wrong := refusal_problem(run)):
            found[f"{wrong}: {run.err.splitlines()[-1:]}"] += 1
    assert not found
