"""Names that are paths, bombs, and numbers that no machine holds: refused at once, in one line."""

from __future__ import annotations

import gzip
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from forked import Run, Server, refusal_problem
from test_hostile_arguments import MEMORY, changed, written_elsewhere
from tiny_runs import audit, config, network, write

pytestmark = pytest.mark.slow

SECONDS = 5
"""Of the processor, for what is refused at once."""
NAMES = ["../../evil", "..", ".", "", "a/b", "/evil", "$x$", "a\nb", "v1 long", "x" * 300, "a\0b", "-\\"]
FACES = {"class_path": "ATTFaces", "init_args": {"root": "att_faces.zip", "download": False}}


def check(run: Run) -> None:
    run.end()
    assert refusal_problem(run) is None, run
    assert run.seconds < SECONDS
    assert run.peak < MEMORY


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("place", ["fit judges", "audit targets", "audit judges", "audit attacks"])
def test_a_name_that_is_none(place: str, name: str, children: Server, here: Path) -> None:
    verb, part = place.split()
    content = audit() if verb == "audit" else config()
    first = next(iter(content[part].values()))
    named = f"{here.parents[1]}{name}" if name.startswith("/") else name
    write(here, "n.yaml", {**content, part: {**content[part], named: first}})
    before = {*here.iterdir(), *here.parents[1].rglob("*")}
    check(children.start([verb, "--config", "n.yaml"], here))
    assert not written_elsewhere(here, before, set())


def test_names_that_become_one(children: Server, here: Path) -> None:
    attack = {"class_path": "BrainLeaksV1", "init_args": {"steps": 2}}
    write(here, "n.yaml", audit(attacks={"v1 long": attack, "v1_long": attack}))
    check(children.start(["audit", "--config", "n.yaml"], here))


ALIASES = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{after}: &{after} [{', '.join(9 * [f'*{before}'])}]\n" for before, after in pairwise("abcdefghi")
)
HUGE: dict[str, tuple[str, tuple[str, ...], Any]] = {
    "T of a million": ("fit", ("data", "init_args", "encoder", "init_args", "time_steps"), 10**6),
    "ten million restarts": ("invert", ("attack", "init_args", "restarts"), 10**7),
    "classes": ("invert", ("attack", "init_args", "classes"), list(range(100_000))),
    "devices": ("fit", ("trainer", "devices"), 10**6),
    "hidden": ("fit", ("model", "init_args", "network", "init_args", "hidden"), 10**12),
    "population": ("invert", ("attack", "init_args", "population"), 10**9),
    "batch": ("fit", ("model", "init_args", "training", "batch_size"), 2**63),
    "gpu": ("fit", ("trainer", "accelerator"), "gpu"),
    "no device": ("fit", ("trainer", "devices"), 0),
    "epochs": ("fit", ("trainer", "max_epochs"), -5),
    "profiler": ("fit", ("trainer", "profiler"), "unknown"),
    "sparsity": ("invert", ("attack", "init_args", "sparsity"), float("nan")),
}


@pytest.mark.parametrize("case", HUGE)
def test_more_than_there_is(case: str, children: Server, fitted: Path) -> None:
    verb, path, value = HUGE[case]
    write(fitted, "c.yaml", changed(config(), path, value))
    check(children.start([verb, "--config", "c.yaml"], fitted))


def test_a_bomb_of_aliases(children: Server, here: Path) -> None:
    (here / "bomb.yaml").write_text(ALIASES + "data: *i\n")
    check(children.start(["fit", "--config", "bomb.yaml"], here))


def test_a_bomb_of_gzip(children: Server, here: Path) -> None:
    member = gzip.compress(bytes(10**8))
    (here / "data" / "train-images-idx3-ubyte").unlink()
    (here / "data" / "train-images-idx3-ubyte.gz").write_bytes(100 * member)
    check(children.start(["fit", "--config", "c.yaml"], here))


def test_a_bomb_of_zip(children: Server, here: Path) -> None:
    with zipfile.ZipFile(here / "att_faces.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for person in range(1, 41):
            with archive.open(f"s{person}/1.pgm", "w", force_zip64=True) as file:
                for _ in range(64 if person == 1 else 0):
                    file.write(bytes(2**25))
    networks = {"model": network("MLP", side=28), "judges": {}}
    write(here, "faces.yaml", config(data=FACES, **networks))
    check(children.start(["fit", "--config", "faces.yaml"], here))


@pytest.mark.parametrize("path", ["target.pt", "last.ckpt"])
@pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04", b"\x80\x02c__main__\nx\n."])
def test_a_checkpoint_that_is_none(path: str, content: bytes, children: Server, fitted: Path) -> None:
    (fitted / "last.ckpt").write_bytes(content)
    arguments = ["fit", "--config", "c.yaml", "--ckpt_path", "last.ckpt"]
    if path == "target.pt":
        (fitted / "checkpoints" / "c" / "target.pt").write_bytes(content)
        arguments = ["invert", "--config", "c.yaml"]
    check(children.start(arguments, fitted))
