"""The trained networks of a config: their checkpoints, checked against config and data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainleaks_pl.cli.messages import warn
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.checkpoints import load_checkpoint
from brainleaks_pl.targets.checks.skill import skill
from brainleaks_pl.targets.classifier import Classifier


@dataclass(frozen=True)
class TrainedNetworks:
    """The folder where ``fit`` keeps the target and the judges.

    Args:
        folder: the folder.
        data: the private data set.
        command: the command that trains them.
    """

    folder: Path
    data: BaseDataModule
    command: str

    def path(self, part: str) -> Path:
        """Return the file of ``target`` or of a judge."""
        return self.folder / f"{part}.pt"

    def accuracy(self, part: str, network: Classifier) -> float | None:
        """Load a network that is there and fits, and return its test accuracy; None where it has to be trained.

        That it was trained on the samples at hand is seen where these can be read.
        """
        try:
            facts = self._read(part, network)
        except (FileNotFoundError, ValueError):
            return None
        try:
            other = self._is_of_other_data(facts, network)
        except (OSError, ValueError):
            other = False
        return None if other else float(facts["test_accuracy"])

    def load(self, part: str, network: Classifier) -> dict[str, Any]:
        """Load a trained network and return what its checkpoint says; one that brought its weights has them already.

        Raises:
            FileNotFoundError: when it is not there; says how to train it.
            ValueError: when it does not fit.
        """
        if network.pretrained:
            network.time_steps = self.data.for_network(network.takes_spikes).time_steps
            return {}
        try:
            return self._read(part, network)
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error} Run `{self.command}` first.") from None

    def warn_of_other_data(self, loaded: Mapping[str, Mapping[str, Any]], networks: Mapping[str, Classifier]) -> None:
        """Say which networks were trained on other samples than those at hand.

        Args:
            loaded: by part what its checkpoint says.
            networks: by part the network.
        """
        for part, facts in loaded.items():
            if self._is_of_other_data(facts, networks[part]):
                name = type(self.data).__name__
                warn(
                    f"{self.path(part)} was trained on other samples of {name} than those at hand: what "
                    f"is said of its privacy is not about these. Run `{self.command}`, or set data.root."
                )

    def warn_of_chance(self, accuracies: Mapping[str, float | None], networks: Mapping[str, Classifier]) -> None:
        """Say which networks know no more of test data than chance does.

        Args:
            accuracies: by part its test accuracy; None is not known yet.
            networks: by part the network.
        """
        for part, accuracy in accuracies.items():
            data = self.data.for_network(networks[part].takes_spikes)
            if accuracy is not None and (known := skill(data, accuracy)).at_chance:
                warn(
                    f"{part} recognises test data no better than chance ({known}): as a target it has nothing to give "
                    "away, which is no privacy, and as a judge it says nothing."
                )

    def _is_of_other_data(self, facts: Mapping[str, Any], network: Classifier) -> bool:
        known = facts.get("data_digest")
        return known is not None and known != self.data.for_network(network.takes_spikes).digest()

    def _read(self, part: str, network: Classifier) -> dict[str, Any]:
        return load_checkpoint(self.path(part), network, self.data.for_network(network.takes_spikes))
