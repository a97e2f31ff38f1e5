"""Networks as NIR graphs: other people's are read and run, ours are written."""

from brainleaks_pl.networks.nir.export import write_nir
from brainleaks_pl.networks.nir.network import NIRNetwork

__all__ = ["NIRNetwork", "write_nir"]
