"""How fast the attacks are: against the published loop, other libraries and the limit that the processor sets.

``python tests/benchmarks/bench.py`` measures everything, ``--quick`` the ratios that matter, in less than a minute.
"""

from __future__ import annotations

import argparse
import json
import logging
import platform
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # of the tests' toys; our own folder is there already

import cases
import torch
from measure import Case, CoresInUseError, Watch
from rich.console import Console
from rich.table import Table

HEADLINE = {
    "gradient_over_limit_mnist": ("gradient_mnist", "ours float32", "limit"),
    "gradient_over_limit_att": ("gradient_att", "ours float32", "limit"),
    "bf16_over_limit_mnist": ("gradient_mnist", "ours bf16-mixed", "limit"),
    "autograd_over_limit_mnist": ("gradient_mnist", "ours autograd", "limit"),
    "v1_speedup": ("v1", "published", "ours float32"),
    "v2_speedup": ("v2", "published", "ours float32"),
    "mi_face_speedup": ("mi_face", "published", "ours float32"),
    "train_speedup": ("train_target", "published", "ours float32"),
    "nmnist_sparse_speedup": ("gradient_nmnist", "ours always dense", "ours float32"),
}
"""The ratios that matter: a case, and the two contenders whose times are divided."""


def tasks(tiny: bool) -> dict[str, cases.Task]:
    """Return the tasks by name, in toy sizes if so asked."""
    if not tiny:
        return cases.TASKS
    small = {"input_shape": (1, 6, 6), "time_steps": 3, "hidden": 16}
    return {name: replace(task, batch=min(task.batch, 4), **small) for name, task in cases.TASKS.items()}


def quick_cases(sizes: dict[str, cases.Task], tiny: bool) -> list[tuple[Case, int]]:
    """Return the cases behind the ratios of --quick, and their rounds."""
    gradients = [
        (cases.gradient(sizes["mnist"], peers=False), 7),
        (cases.gradient(sizes["att"], peers=False), 3),
        (cases.gradient(sizes["nmnist"], peers=False), 3),
    ]
    mnist = sizes["mnist"]
    chosen = [
        *gradients,
        (cases.v1(mnist, steps=10, classes=1), 3),
        (cases.v2(mnist, steps=10, classes=1, published_steps=1), 2),
        (cases.mi_face(mnist, steps=5 if tiny else 100, classes=2, published_steps=5 if tiny else 20), 3),
        (cases.training(replace(mnist, batch=100)), 5),
    ]
    for case, _ in chosen:
        wanted = {name for of, *pair in HEADLINE.values() if of == case.name for name in pair}
        case.contenders = {name: contender for name, contender in case.contenders.items() if name in wanted}
    return chosen


def all_cases(sizes: dict[str, cases.Task], tiny: bool) -> list[tuple[Case, int]]:
    """Return every case and its rounds."""
    mnist = sizes["mnist"]
    classes = mnist.classes
    rounds = {"att": 5, "gesture": 3}
    judge = [] if tiny else [(cases.judge_training(replace(mnist, batch=100)), 5)]  # too small for its convolutions
    return [
        *((cases.gradient(task, peers=True), rounds.get(name, 11)) for name, task in sizes.items()),
        (cases.growth_units(mnist, (10, 20) if tiny else (10, 40, 160, 640)), 5),
        (cases.growth_time(replace(mnist, batch=40), (2, 4) if tiny else (25, 50, 100, 200)), 5),
        (cases.v1(mnist, steps=10, classes=classes), 5),
        (cases.v2(mnist, steps=10, classes=classes, published_steps=10), 3),
        (cases.mi_face(mnist, steps=5 if tiny else 500, classes=classes, published_steps=5 if tiny else 50), 5),
        (cases.training(replace(mnist, batch=100)), 7),
        *judge,
    ]


def headline(measured: list[Case]) -> dict[str, float]:
    """Return the ratios that matter."""
    cases_by_name = {case.name: case for case in measured}
    return {
        name: round(cases_by_name[case].ratio(above, below)["median"], 3)
        for name, (case, above, below) in HEADLINE.items()
    }


def machine() -> dict[str, Any]:
    """Return what the figures depend on beside the code."""
    return {
        "torch": str(torch.__version__),
        "threads": torch.get_num_threads(),
        "processor": platform.processor() or platform.machine(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "bfloat16": bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()),
    }


def table(rows: list[dict[str, Any]]) -> Table:
    """Return the figures for the terminal."""
    shown = Table("case", "contender", "seconds", "ratio", "min to max", "to", "peak MB")
    for row in rows:
        ratio, peak = row["ratio"], row["peak_mb"]
        shown.add_row(
            row["case"],
            row["contender"],
            f"{row['seconds']:.4g}",
            f"{ratio['median']:.3g}",
            f"{ratio['min']:.3g} to {ratio['max']:.3g}",
            row["ratio_to"],
            "" if peak is None else f"{peak:.0f}",
        )
    return shown


def main(arguments: list[str] | None = None) -> int:
    """Measure and report; return the exit status, 2 when another process uses the cores."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="measure what the headline ratios need")
    parser.add_argument("--json", type=Path, default=Path("results/benchmark.json"), help="where to write the figures")
    parser.add_argument("--allow-load", action="store_true", help="measure beside other processes (not to be reported)")
    parser.add_argument("--tiny", action="store_true", help="toy sizes, to try the benchmark itself")
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    watch = Watch(options.allow_load)
    measured = []
    try:
        watch.look()
        sizes = tasks(options.tiny)
        choose = quick_cases if options.quick else all_cases
        for case, rounds in choose(sizes, options.tiny):
            measured.append(case.measure(rounds, watch))
    except CoresInUseError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    rows = [row for case in measured for row in case.rows()]
    ratios = headline(measured)
    report = {"machine": machine(), "loaded": options.allow_load, "ratios": ratios, "rows": rows}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(report, indent=2) + "\n")
    Console(width=110).print(table(rows))
    print(json.dumps(ratios))
    return 0


if __name__ == "__main__":
    sys.exit(main())
