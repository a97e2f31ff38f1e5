"""Print a Markdown table of audits: what each kind of judge sees in each attack, beside what is no leak."""

import json
import statistics
import sys
from pathlib import Path
from typing import Any

ATTACKS = ("v1", "v2", "v3")


def cell(row: dict[str, Any]) -> str:
    """Return a score, and in brackets what judges see in a class that the target never saw."""
    false_positive = row["nulls"].get("false_positive")
    return f"{row['mean']:.2f} ({'-' if false_positive is None else f'{false_positive:.2f}'})"


def rows_of(audit: dict[str, Any]) -> list[list[str]]:
    """Return a line for each judge, and one each for identification and verification, of the first spiking target."""
    target = next(name for name, network in audit["targets"].items() if network["spiking"])
    scores = {(row["attack"], row["judge"], row["metric"]): row for row in audit["summary"] if row["target"] == target}
    lines = []
    judged = [(name, judge, "confidence") for name, judge in audit["judges"].items()]
    for name, judge, metric in [*judged, ("identified", None, "identified"), ("verified", None, "verified")]:
        key = name if judge is not None else None
        own = [scores[attack, key, metric] for attack in ATTACKS]
        accuracies = [] if judge is None else [value for value in judge["test_accuracy"] if value is not None]
        accuracy = f"{statistics.mean(accuracies):.3f}" if accuracies else "-"
        nulls = own[-1]["nulls"]
        shown = [nulls[null] for null in ("real", "adversarial", "noise") if null in nulls]
        lines.append([name, accuracy, *(cell(row) for row in own), *(f"{value:.2f}" for value in shown)])
    return lines


def main(paths: list[str]) -> None:
    """Print the table of some ``audit.json``."""
    titles = [
        "data",
        "judge",
        "test accuracy",
        *(f"{name} on the SNN" for name in ATTACKS),
        "real",
        "adversarial",
        "noise",
    ]
    print(f"| {' | '.join(titles)} |")
    print("|---" * len(titles) + "|")
    for path in paths:
        audit = json.loads(Path(path).read_text(encoding="utf-8"))
        for line in rows_of(audit):
            print(f"| {' | '.join([audit['title'].removeprefix('audit_'), *line])} |")


if __name__ == "__main__":
    main(sys.argv[1:])
