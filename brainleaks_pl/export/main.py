"""``brainleaks export``, and the function behind it for reconstructions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal, get_args

from lightning.pytorch.utilities import rank_zero_warn
from rich.console import Console

from brainleaks_pl.engine.parsing import SuggestingParser
from brainleaks_pl.engine.values import STRICT
from brainleaks_pl.export.aedat4 import AEDAT4Files
from brainleaks_pl.export.base import FileFormat
from brainleaks_pl.export.dvs_gesture import DVSGestureFiles
from brainleaks_pl.export.gif import GIFFiles
from brainleaks_pl.export.manifest import write_manifest
from brainleaks_pl.export.network import export_network
from brainleaks_pl.export.nmnist import NMNISTFiles
from brainleaks_pl.export.results import read_results
from brainleaks_pl.export.tonic_array import TonicArray
from brainleaks_pl.system.storage import atomic_write, check_writable

Format = Literal["tonic", "nmnist", "dvsgesture", "aedat4", "gif"]

_DESCRIPTION = """Write the spiking reconstructions of an attack as event streams or animations. With --network FILE in
place of --results, write a trained network as a NIR graph (`brainleaks export --network FILE --help`)."""


def export_results(
    results: Path,
    format: Format,
    output: Path | None = None,
    frame_time: int | None = None,
    fps: float = 12.5,
) -> list[Path]:
    """Write the spiking reconstructions of an attack as event streams or animations.

    Every restart becomes an event stream, sorted by time and inside the sensor, one event a spike. From it
    ``tonic.transforms.ToFrame((W, H, 2), time_window=frame_time, start_time=0, end_time=time_steps * frame_time)``
    makes the same spikes again; a manifest beside the files, ``<name>_<format>.json``, holds these numbers. Each file
    is written atomically, and one that an earlier export of other results has written is never replaced.
    A reconstruction without a spike is no recording: it gets no file but a warning, and its line in the manifest.

    Args:
        results: Folder that invert has written.
        format: tonic: a .npy each, structured arrays for tonic's transforms (read by numpy.load).
            nmnist: .bin files in the folders of N-MNIST, up to 34x34 and 10 classes.
            dvsgesture: .npy files in the folders of DvsGesture as tonic has them, up to 128x128, whole milliseconds.
            aedat4: files for iniVation's DV, by the package dv-processing (brainleaks_pl[aedat4]).
            gif: an animation of the best reconstruction of each class.
        output: Folder to write to. Default: <results>/export/<format>.
        frame_time: Microseconds of a time step, 1000 by default, where images were rate-coded; event data have their
            own.
        fps: Time steps that an animation shows a second, in [0.1, 50].

    Returns:
        The files of the reconstructions, in their order.

    Raises:
        FileNotFoundError: when ``results`` or a file in it is missing.
        ValueError: when the results are damaged or no spikes, when the format does not exist or cannot hold them, when
            an argument is out of range, or when files of other results are in the way.
        OSError: when a file cannot be written.

    Examples:
        The spikes of an attack as structured arrays, for tonic's transforms:

        >>> import numpy as np
        >>> from brainleaks_pl import BrainLeaksV1, export_results, run_attack
        >>> attack = BrainLeaksV1(network, steps=5, classes=[3, 8])
        >>> _ = run_attack(attack, {}, data).save("results")
        >>> files = export_results("results", "tonic")
        >>> [str(file) for file in files]
        ['results/export/tonic/results_class3_restart0.npy', 'results/export/tonic/results_class8_restart0.npy']
        >>> np.load(files[0]).dtype.names
        ('x', 'y', 't', 'p')
    """
    exporter = _exporter(format, fps)
    attack = read_results(Path(results), frame_time)
    exporter.check(attack)
    folder = _default_output(attack.folder, format) if output is None else Path(output)
    check_writable(folder, "output")
    silent = [r for r in attack.reconstructions if not r.events]
    rows = [(r, exporter.path(attack, r) if exporter.exports(r) else None) for r in attack.reconstructions]
    write_manifest(folder / f"{attack.name}_{format}.json", attack, rows)
    written = []
    for reconstruction, path in rows:
        if path is not None:
            try:
                with atomic_write(folder / path) as temporary:
                    exporter.write(temporary, attack, reconstruction)
            except OSError as error:
                raise OSError(
                    f"{folder / path} cannot be written ({error}). Name another folder with --output."
                ) from error
            written.append(folder / path)
    if silent:
        units = ", ".join(f"class {r.label} (restart {r.restart})" for r in silent)
        rank_zero_warn(f"{len(silent)} of {len(attack.reconstructions)} reconstructions have no spike: {units}.")
    return written


def export_parser() -> SuggestingParser:
    """Return the parser of the command, for reconstructions."""
    parser = SuggestingParser(prog="brainleaks export", description=_DESCRIPTION, **STRICT)
    parser.add_function_arguments(export_results, as_group=False)
    return parser


def export_main(args: list[str] | None = None) -> None:
    """Run ``brainleaks export``.

    Args:
        args: arguments after ``export``; None takes the process's own.
    """
    args = sys.argv[1:] if args is None else args
    if any(argument.partition("=")[0] == "--network" for argument in args):
        _network_main(args)
        return
    parser = export_parser()
    options = parser.parse_args(args).as_dict()
    files = export_results(**options)
    place = options["output"] or _default_output(options["results"], options["format"])
    Console().print(f"{len(files)} file(s) written to {place}", highlight=False, markup=False, soft_wrap=True)


def _network_main(args: list[str]) -> None:
    """Run ``brainleaks export --network``."""
    parser = SuggestingParser(prog="brainleaks export", **STRICT)
    parser.add_function_arguments(export_network, as_group=False)
    written = export_network(**parser.parse_args(args).as_dict())
    Console().print(f"Written to {written}", highlight=False, markup=False, soft_wrap=True)


def _default_output(results: Path, format: str) -> Path:
    return results / "export" / format


def _exporter(format: str, fps: float) -> FileFormat:
    match format:
        case "tonic":
            return TonicArray()
        case "nmnist":
            return NMNISTFiles()
        case "dvsgesture":
            return DVSGestureFiles()
        case "aedat4":
            return AEDAT4Files()
        case "gif":
            return GIFFiles(fps)
    raise ValueError(f"unknown format {format!r}; choose one of {', '.join(get_args(Format))}.")
