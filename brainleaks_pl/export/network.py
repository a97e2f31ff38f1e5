"""Trained networks as NIR graphs."""

from __future__ import annotations

from pathlib import Path

from brainleaks_pl.engine.checkpoints import load_network
from brainleaks_pl.networks.nir.export import write_nir
from brainleaks_pl.system.storage import check_writable


def export_network(network: Path, output: Path | None = None, dt: float = 1.0) -> Path:
    """Write a network that fit has trained as a NIR graph, for other simulators and for chips.

    Args:
        network: Checkpoint of the network, such as checkpoints/quickstart/target.pt.
        output: File to write. Default: the checkpoint's path, ending in .nir.
        dt: Length of a time step, > 0; in seconds, the time constants are too, as most readers have it.

    Returns:
        The file.

    Raises:
        FileNotFoundError: when there is no such checkpoint.
        ModuleNotFoundError: when the package nir is not installed.
        ValueError: when the checkpoint holds a network that NIR has no nodes for, or dt is out of range.
        OSError: when the file cannot be written.
    """
    classifier = load_network(network)
    path = Path(network).with_suffix(".nir") if output is None else Path(output)
    check_writable(path.parent, "output")
    write_nir(classifier.network, path, dt)
    return path
