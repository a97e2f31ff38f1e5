"""Exports reconstructions to files of other tools: event streams and animations."""

from brainleaks_pl.export.aedat4 import write_aedat4
from brainleaks_pl.export.main import Format, export_main, export_results
from brainleaks_pl.export.results import Reconstruction, SpikingResults, read_results
from brainleaks_pl.export.tonic_array import write_tonic

__all__ = [
    "Format",
    "Reconstruction",
    "SpikingResults",
    "export_main",
    "export_results",
    "read_results",
    "write_aedat4",
    "write_tonic",
]
