"""Arguments and configs that nobody means: refused in one line with status 2, or run; nothing is written elsewhere."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from forked import Run, Server, refusal_problem, times
from tiny_runs import audit, config, write

pytestmark = pytest.mark.slow

NUMBER, BATCHES = 500, 20
LONG = 20.0
"""Seconds after which a run that was told to be endless is stopped."""
MEMORY = 4 * 2**30
VALUES: list[Any] = [
    None, float("nan"), float("inf"), 1e300, -1e300, 2**63, 10**7, -5, 0, 0.5, "", "x", "x" * 5000, "Größe☃",
    "../../evil", "$x$", "a\nb", True, [], [1, 1], ["x"], list(range(100_000)), {}, {"a": {"b": None}}, [None], "1e5",
]  # fmt: skip
TRAINER = (
    "accelerator", "strategy", "devices", "num_nodes", "precision", "logger", "callbacks", "fast_dev_run", "max_epochs",
    "min_epochs", "max_steps", "min_steps", "max_time", "limit_train_batches", "limit_val_batches",
    "limit_test_batches", "overfit_batches",
    "val_check_interval", "check_val_every_n_epoch", "num_sanity_val_steps", "log_every_n_steps",
    "enable_checkpointing", "accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm", "deterministic",
    "profiler", "detect_anomaly", "barebones", "plugins", "sync_batchnorm", "reload_dataloaders_every_n_epochs",
    "default_root_dir", "model_registry",
)  # fmt: skip
SHARED = ("checkpoints", "results", "logs", "resume", "progress_every", "skip_fitted", "seed_everything", "ckpt_path")
ENDLESS = ("epochs", "max_epochs", "min_epochs", "max_steps", "min_steps", "steps", "draws", "null_draws", "queries")
"""What may be large: such a run is long, and no mistake."""
FOLDERS = ("checkpoints", "results", "logs", "default_root_dir", "root", "cache")


def keys(content: Any, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every section and value of a config."""
    if prefix:
        yield prefix
    if isinstance(content, dict):
        for key, value in content.items():
            yield from keys(value, (*prefix, key))


def changed(content: Any, path: tuple[str, ...], value: Any) -> Any:
    """The config with one value in place of another."""
    if not path:
        return value
    own = content if isinstance(content, dict) else {}
    return {**own, path[0]: changed(own.get(path[0]), path[1:], value)}


def cases() -> list[tuple[str, tuple[str, ...], Any, bool]]:
    """Subcommand, key, value, and whether the command line has it in place of the YAML."""
    extra = [(name,) for name in SHARED] + [("trainer", name) for name in TRAINER]
    of_audit = [("gradients",), ("measures",), ("measures", "sweep"), ("measures", "masking", "class_path"), ("sweep",)]
    places = [(verb, path) for verb in ("fit", "invert", "check", "test") for path in [*keys(config()), *extra]]
    places += 3 * [("audit", path) for path in [*keys(audit()), *of_audit]]
    every = [(*place, value, line) for place, value, line in itertools.product(places, VALUES, (True, False))]
    return random.Random(0).sample(every, NUMBER)


def on_the_line(path: tuple[str, ...], value: Any) -> str:
    text = value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True, width=10**9)
    key = ".".join(part for part in path if part != "init_args")
    return f"--{key}={text.removesuffix(chr(10)).removesuffix('...').strip()}" if value != "a\nb" else f"--{key}=a\nb"


def written_elsewhere(folder: Path, before: set[Path], allowed: set[str]) -> list[str]:
    """What a run has written beside its own folders."""
    own = {folder / name for name in ("checkpoints", "results", "logs", "lightning_logs", *allowed)}
    top = set(folder.iterdir()) | {path for path in folder.parents[1].rglob("*") if folder not in path.parents}
    return sorted(str(path) for path in top - before - own)


def wrong(run: Run, verb: str, path: tuple[str, ...], value: Any) -> str | None:
    """What is wrong with how a run ended; `check` says by status 1 that a network fails a check."""
    huge = isinstance(value, int | float) and value >= 10**7
    if run.wait(LONG) is None:
        endless = huge and path[-1] in ENDLESS
        ended = run.wait(0 if endless else 60)
        if ended is None:
            run.kill()
            return None if endless else "it hangs"
    if run.peak > MEMORY:
        return f"it took {run.peak >> 20} MB"
    if "Traceback" in run.err:
        return "a traceback"
    return None if run.status == 0 or (verb, run.status) == ("check", 1) else refusal_problem(run)


@pytest.mark.parametrize("batch", range(BATCHES))
def test_what_nobody_means(batch: int, children: Server, here: Path, finished: Path) -> None:
    found = []
    own = cases()[batch::BATCHES]
    for verb, path, value, line in own[: times(len(own))]:
        for name in ("checkpoints", "results", "logs"):
            shutil.rmtree(here / name, ignore_errors=True)
        shutil.copytree(finished / "checkpoints" / "c", here / "checkpoints" / "c")
        name, content = ("audit.yaml", audit()) if verb == "audit" else ("c.yaml", config())
        write(here, name, content if line else changed(content, path, value))
        before = {*here.iterdir(), *here.parents[1].rglob("*")}
        run = children.start([verb, "--config", name, *([on_the_line(path, value)] if line else [])], here)
        problem = wrong(run, verb, path, value)
        said = f"{verb} {'--' if line else ''}{'.'.join(path)}={value!r:.60} {run.err.splitlines()[-1:]!s:.300}"
        if problem:
            found.append(f"{problem}: {said}")
        allowed = {str(value).partition("/")[0]} if path[-1] in FOLDERS and value != "../../evil" else set()
        if path[-1] not in FOLDERS and (elsewhere := written_elsewhere(here, before, allowed)):
            found.append(f"wrote {elsewhere}: {said}")
    assert not found, "\n".join(found)
