"""The file that ``predict`` writes."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from brainleaks_pl.cli.messages import say
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.system.storage import write_text

PREDICTIONS = "predictions.csv"
"""Name of the file in the folder of the results."""


def write_predictions(path: Path, batches: Sequence[Any] | None, data: BaseDataModule) -> bool:
    """Write, atomically, a line for each test sample: its number, its class, and the class it was taken for.

    Args:
        path: the file.
        batches: predicted classes, ``(B,)`` each, of the test samples in order; maybe not of all.
        data: the data set.

    Returns:
        Whether the file has replaced an earlier one.

    Raises:
        OSError: when it cannot be written.
    """
    predicted = torch.cat([batch.flatten().cpu() for batch in batches or ()]).tolist() if batches else []
    labels = data.split("test").labels[: len(predicted)].tolist()
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["sample", "class", "predicted", "class_name", "predicted_name"])
    for index, (label, own) in enumerate(zip(labels, predicted, strict=True)):
        table.writerow([index, label, own, data.class_name(label), data.class_name(own)])
    replaced = path.exists()
    write_text(path, text.getvalue())
    return replaced


def say_written(path: Path, replaced: bool) -> None:
    """Say where the predictions are, and whether others were there before."""
    say(f"Written to {path}{', in place of the earlier predictions' if replaced else ''}.")
