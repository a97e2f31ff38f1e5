"""Recordings that a simulator generates once, in a folder named after everything that determines them."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from rich.progress import Progress

from brainleaks_pl.system.storage import temporary_folder

MARKER = "simulated.json"
"""File beside the recordings' folders that says how they were made, and that they are not the real ones."""


def generate_once(folder: Path, inner: str, settings: dict[str, Any], write: Callable[[Path], None]) -> None:
    """Have ``write`` fill ``folder/inner`` and put the marker there, unless ``folder`` exists.

    The folder appears atomically: an interrupted run leaves nothing, and processes may generate at once.

    Args:
        folder: what is made.
        inner: name of the recordings' folder within it, as tonic wants it.
        settings: how the recordings are made, plain values.
        write: makes the folder it is given, and all recordings in it.

    Raises:
        OSError: when the files cannot be written.
    """
    if folder.is_dir():
        return
    _say(f"Simulating recordings, once, in {folder}")
    with temporary_folder(folder) as temporary:
        whole = temporary / folder.name
        write(whole / inner)
        (whole / inner / MARKER).write_text(json.dumps(settings, indent=2))
        try:
            whole.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was faster; what it made is the same
                raise


@rank_zero_only
def _say(words: str) -> None:
    Console(stderr=True).print(words, highlight=False, markup=False, soft_wrap=True)


def find_generated(folder: Path) -> Path:
    """Return the folder.

    Raises:
        FileNotFoundError: when the recordings have not been generated.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"the simulated recordings are not there: no {folder}. Call prepare_data().")
    return folder


def write_note(archive: Path) -> None:
    """Write the archive that tonic looks for; it holds nothing but a note."""
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("SIMULATED.txt", "Simulated recordings by brainleaks_pl, not those of the published data set.\n")


def progress_bar() -> Progress:
    """Return a bar that is seen on a terminal only, and leaves nothing behind."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)
