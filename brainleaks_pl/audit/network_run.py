"""The networks of one run of an audit: which are fitted, how accurate they are, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from brainleaks_pl.audit.definition import Audit
from brainleaks_pl.audit.networks import NetworkStore, seed_of, with_argument
from brainleaks_pl.audit.plan import Variant
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.training_views import with_shuffled_labels, without_classes
from brainleaks_pl.engine.errors import error_words
from brainleaks_pl.targets.checks import CheckReport, run_checks
from brainleaks_pl.targets.checks.skill import Skill, skill
from brainleaks_pl.targets.classifier import Classifier


@dataclass
class NetworkRun:
    """Fits and loads the networks of an audit, and remembers what became of them.

    Args:
        audit: the audit.
        store: where the networks are.
        untrained: its targets and judges, untrained.
    """

    audit: Audit
    store: NetworkStore
    untrained: Mapping[str, Classifier]
    accuracies: dict[tuple[int, str], float] = field(default_factory=dict)
    checks: dict[tuple[int, str], CheckReport] = field(default_factory=dict)
    errors: dict[tuple[int, str], str] = field(default_factory=dict)

    def data_of(self, variant: Variant) -> BaseDataModule:
        """Return the private data as a variant takes them; the labels are right and the classes all there."""
        data = self.audit.data
        return data.with_time_steps(variant.value) if variant.parameter == "time_steps" else data

    def is_kept(self, seed: int, variant: Variant) -> bool:
        """Tell whether a network is there from an earlier run, or brought its weights."""
        return self.store.path(seed, variant.name).is_file() or self.untrained[variant.target].pretrained

    def get(self, seed: int, variant: Variant, networks: dict[str, Classifier]) -> str | None:
        """Fit or load a network and add it to others; return what went wrong, if anything did."""
        name = variant.name
        make = {**self.audit.targets, **self.audit.judges}[variant.target]
        if variant.parameter not in (None, "time_steps"):
            make = with_argument(self.untrained[variant.target], str(variant.parameter), variant.value)
        try:
            network, accuracy = self.store.get(seed, name, make, self._training_data(seed, variant))
            if variant.is_control:  # that it knows less than others is its purpose
                assert accuracy is not None
                networks[name], self.accuracies[seed, name] = network, accuracy
                return None
            data = self.data_of(variant)
            report = self._checked(seed, name, network, data.for_network(network.takes_spikes))
            measured = report.test_accuracy if accuracy is None else accuracy
            assert measured is not None  # of networks that brought their weights, it has been measured
            networks[name], self.accuracies[seed, name] = network, measured
        except Exception as error:  # whatever it is, the others go on, and the report says so
            self.errors[seed, name] = error_words(error)
        return self.errors.get((seed, name))

    def skills(self) -> dict[tuple[int, str], Skill]:
        """Return, by seed and name, what the networks know of test data, as far as they can be used."""
        measured = {key: report.test_samples for key, report in self.checks.items()}
        return {key: skill(self.audit.data, accuracy, measured.get(key)) for key, accuracy in self.accuracies.items()}

    def weights(self, seed: int, variant: Variant) -> str | None:
        """Return the digest of a network's weights; None while it is not there."""
        network = self.untrained[variant.target]
        return network.digest() if network.pretrained else self.store.digest(seed, variant.name)

    def _training_data(self, seed: int, variant: Variant) -> BaseDataModule:
        data = self.data_of(variant)
        if variant.shuffled:
            return with_shuffled_labels(data, seed_of(seed, variant.name))
        return without_classes(data, variant.withheld) if variant.withheld else data

    def _checked(self, seed: int, name: str, network: Classifier, data: BaseDataModule) -> CheckReport:
        """Check a network; one that brought its weights is the same for every seed, and checked once."""
        before = (self.checks[other] for other in self.checks if other[1] == name and network.pretrained)
        report = next(before, None) or run_checks(
            network, data, self.audit.checks, name=name, attacked=name not in self.audit.judges, needs_gradient=False
        )
        self.checks[seed, name] = report
        network.surrogates_refused = report.masking_untestable
        if self.audit.checks.refuse:
            report.raise_if_failed()
        return report
