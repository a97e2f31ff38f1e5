"""What TensorBoard shows of an attack beside its pictures: settings, scores, and the scores beside the nulls."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]
from torch.utils.tensorboard.summary import hparams, scalar, text

from brainleaks_pl.evaluation.report import METRICS
from brainleaks_pl.reporting.tables import score_tables
from brainleaks_pl.reporting.text import one_line, printable

_VERSION = "brain.Event:2"  # of the format of event files
_WIDTH = 100  # letters, of a table


def settings_of(key: str, value: Any) -> dict[str, Any]:
    """Return a setting under the names that the command line has for it: ``attack``, ``attack.steps``.

    Args:
        key: its key in a config.
        value: its plain value; of a class, ``class_path`` and ``init_args``. What is None is left out.
    """
    if isinstance(value, Mapping) and "class_path" in value:
        inner = value.get("init_args") or {}
        found = {key: value["class_path"].rpartition(".")[2]}
        if value["class_path"].startswith("torch."):  # an optimizer's many switches: those that are off say nothing
            inner = {name: own for name, own in inner.items() if own}
    elif isinstance(value, Mapping):
        inner, found = value, {}
    elif value is None:
        return {}
    elif isinstance(value, bool):
        return {key: str(value).lower()}
    else:
        return {key: value if isinstance(value, int | float) else one_line(str(value))}
    for name, own in inner.items():
        found |= settings_of(f"{key}.{name}", own)
    return found


def run_summaries(settings: Mapping[str, Any], scores: Mapping[str, Any]) -> Iterator[Summary]:
    """Give what describes a run: each score as a scalar, the settings for HParams, the scores beside the nulls as text.

    TensorBoard gathers the columns of HParams from all runs below its folder. An attack names none of its own, as
    those of the first one would hide those of the others.

    Args:
        settings: plain values by name; ``attack`` is what the attack is called.
        scores: as in ``scores.json``.
    """
    for name, judge in scores["judges"].items():
        for metric in METRICS:
            yield scalar(one_line(f"score/{name}/{metric}"), judge[metric]["mean"])
    _, *session = hparams(dict(settings), {})
    yield from session
    console = Console(width=_WIDTH, file=io.StringIO(), color_system=None, force_jupyter=False)
    with console.capture() as capture:
        console.print(*score_tables(scores, settings["attack"]))
    lines = (line.rstrip() for line in printable(capture.get()).splitlines())
    yield text("scores", "\n".join(f"    {line}" for line in lines))  # indented, Markdown leaves it as it is


def picture(name: str, png: bytes) -> Summary:
    """Return a picture that is a PNG file."""
    return Summary(value=[Summary.Value(tag=name, image=Summary.Image(encoded_image_string=png))])


def event_file(summaries: Iterable[Summary], wall_time: float) -> bytes:
    """Return a whole event file.

    Args:
        summaries: what it holds, all of step 0.
        wall_time: seconds since 1970.
    """
    file = io.BytesIO()
    writer = RecordWriter(file)
    writer.write(Event(wall_time=wall_time, file_version=_VERSION).SerializeToString())
    for summary in summaries:
        writer.write(Event(wall_time=wall_time, step=0, summary=summary).SerializeToString())
    return file.getvalue()
