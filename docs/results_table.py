"""Print a Markdown table of results/<config>-<seed>/scores.json: mean and standard deviation over target seeds."""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

METRICS = ("attack_accuracy", "top3_accuracy", "confidence", "daa")


def summary(values: list[float]) -> str:
    """Return the mean, and the standard deviation over seeds where there are several."""
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{spread}"


def main(folder: Path) -> None:
    """Print one row a config, and one for the real-input null of its judge."""
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
    )
    print(f"| {' | '.join(titles)} |")
    print("|---|---|---|---|---|---|---|---|---|")
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
        ]
        print(f"| {' | '.join(cells)} |")
        for null in ("real", "noise"):
            values = (summary([judge["nulls"][null][metric]["mean"] for judge in judges]) for metric in METRICS)
            print(f"| *null: {null}* | | | | {' | '.join(values)} | |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
