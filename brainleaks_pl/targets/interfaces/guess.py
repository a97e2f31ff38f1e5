"""Which interface a network most likely needs, for those that do not say."""

from __future__ import annotations

from torch import nn

from brainleaks_pl.targets.interfaces.base import Interface
from brainleaks_pl.targets.interfaces.nonspiking import NonSpiking
from brainleaks_pl.targets.interfaces.time_first import TimeFirst

_FRAMEWORKS = {
    "snntorch": "Snntorch",
    "spikingjelly": "SpikingJelly",
    "norse": "Norse",
    "sinabs": "Sinabs",
    "rockpool": "Rockpool",
}


def own_interface(network: nn.Module) -> Interface:
    """Return the interface of a network that says whether it takes spikes (``takes_spikes``), as the package's own do.

    Raises:
        ValueError: when it does not say so; names the interface that its modules point to.
    """
    takes_spikes = getattr(network, "takes_spikes", None)
    if takes_spikes is None:
        raise ValueError(
            f"{type(network).__name__} does not say how it is called: set interface, most likely to {_likely(network)}."
        )
    return TimeFirst() if takes_spikes else NonSpiking()


def _likely(network: nn.Module) -> str:
    packages = {type(module).__module__.partition(".")[0] for module in nn.Module.modules(network)}
    return next((name for package, name in _FRAMEWORKS.items() if package in packages), "NonSpiking")
