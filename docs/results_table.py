"""Print a Markdown table of results/<config>-<seed>/scores.json: mean and standard deviation over target seeds."""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

METRICS = ("attack_accuracy", "top3_accuracy", "confidence", "daa")


def summary(values: list[float]) -> str:
    """Return the mean, and the standard deviation over seeds where there are several."""
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


def null_of(judges: list[dict[str, Any]], null: str) -> str:
    """Return attack accuracy / confidence of an input that is no attack."""
    means = (
        statistics.mean(judge["nulls"][null][metric]["mean"] for judge in judges)
        for metric in ("attack_accuracy", "confidence")
    )
    return " / ".join(f"{mean:.3f}" for mean in means)


def main(folder: Path) -> None:
    """Print one row a config, at its end what the judge says of real and of random input (accuracy / confidence)."""
    runs = defaultdict(list)
    for path in sorted(folder.glob("*-[0-9]*/scores.json")):
        runs[path.parent.name.rpartition("-")[0]].append(json.loads(path.read_text(encoding="utf-8")))
    titles = (
        "config",
        "seeds",
        "target",
        "judge",
        "attack accuracy",
        "top-3",
        "confidence",
        "DAA",
        "SSIM to class mean",
        "real",
        "noise",
    )
    print(f"| {' | '.join(titles)} |")
    print("|---" * len(titles) + "|")
    for config, scores in runs.items():
        (name,) = scores[0]["judges"]
        judges = [run["judges"][name] for run in scores]
        ssim = [statistics.mean(row["ssim_class_mean"] for row in run["similarity"]) for run in scores]
        cells = [
            config,
            str(len(scores)),
            summary([run["target"]["test_accuracy"] for run in scores]),
            summary([judge["test_accuracy"] for judge in judges]),
            *(summary([judge[metric]["mean"] for judge in judges]) for metric in METRICS),
            summary(ssim),
            *(null_of(judges, null) for null in ("real", "noise")),
        ]
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
