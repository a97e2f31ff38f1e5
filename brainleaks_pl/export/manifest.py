"""The list of files that an export has written, which keeps exports of different results in one folder apart."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from brainleaks_pl.export.results import Reconstruction, SpikingResults
from brainleaks_pl.system.storage import write_text


def write_manifest(
    path: Path,
    results: SpikingResults,
    files: Iterable[tuple[Reconstruction, Path | None]],
) -> None:
    """Write what is about to be exported, and make room for it: files of an older export that would stay are deleted.

    Args:
        path: the manifest, in the output folder.
        results: what is exported.
        files: the reconstructions and their files, relative to the output folder; None where there is none.

    Raises:
        ValueError: when the folder holds files in these places that no older export of these results has written.
        OSError: when a file cannot be written or deleted.
    """
    folder = path.parent
    rows = list(files)
    source = os.path.relpath(results.folder.resolve(), folder.resolve())  # survives a move of both
    older = _older_files(path, source)
    planned = {file.as_posix() for _, file in rows if file is not None}
    for file in sorted(planned - older):
        if (folder / file).exists():
            raise ValueError(
                f"{folder / file} is there already, and no export of {results.folder} has written it: name another "
                "output folder."
            )
    for file in older - planned:
        if (folder / file).resolve().is_relative_to(folder.resolve()):
            (folder / file).unlink(missing_ok=True)
    content = {
        "results": source,
        "simulated": results.simulated,
        "frame_time": results.frame_time,
        "time_steps": results.time_steps,
        "sensor_size": list(results.sensor_size),
        "polarity": results.polarity,
        "reconstructions": [
            {
                "file": None if file is None else file.as_posix(),
                "class": reconstruction.label,
                "class_name": results.class_name(reconstruction.label),
                "restart": reconstruction.restart,
                "best": reconstruction.best,
                "events": reconstruction.events,
            }
            for reconstruction, file in rows
        ],
    }
    write_text(path, json.dumps(content, indent=2) + "\n")


def _older_files(path: Path, source: str) -> set[str]:
    if not path.exists():
        return set()
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        if content["results"] == source:
            return {row["file"] for row in content["reconstructions"] if isinstance(row["file"], str)}
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: delete it, or choose another output folder.") from error
    raise ValueError(f"{path} lists an export of other results, {content['results']}: choose another output folder.")
