"""Defines an audit: targets, judges, attacks and measures on one data set, under one protocol."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from brainleaks_pl.attacks.fitting import WrongTargetError
from brainleaks_pl.audit.cells import budgeted
from brainleaks_pl.audit.measures.base import Measure
from brainleaks_pl.audit.measures.standard import with_standard
from brainleaks_pl.audit.plan import Attacks, Networks, Variant
from brainleaks_pl.audit.settings import Controls
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.data.image_base import ImageDataModule
from brainleaks_pl.engine.fitting import check_fits
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.targets.checks import Checks
from brainleaks_pl.targets.classifier import Classifier


@dataclass(frozen=True)
class Audit:
    """A set of targets on one data set, and what is to be measured of them under one protocol.

    Args:
        data: the private data set.
        targets: factories of the networks under attack, by name.
        judges: factories of the classifiers that score, by name; the attacks never see them.
        attacks: factories of the attacks, by name; each runs on every target that it fits.
        seeds: the target seeds: every network is trained, and every attack run, once for each.
        gradients: the budget of gradients that each attack spends on a class, by as many restarts as it pays for; None
            leaves the attacks as their settings have them.
        scoring: how judges score.
        checks: how networks are checked before they are attacked, or judge.
        controls: what is measured so that the scores can be believed.
        measures: further measures by name; one of the name of a standard measure
            (:data:`~brainleaks_pl.audit.measures.standard.STANDARD`) replaces it, and None leaves it out.
        trainer: settings of the trainer, such as ``accelerator`` and ``precision``.
        settings: the same as plain values, as the report prints them; what changes in them is run anew.

    Examples:
        Which attack fits which target, and what is measured by default:

        >>> from functools import partial
        >>> from brainleaks_pl import BrainLeaksV1, MIFace
        >>> from brainleaks_pl.audit import Audit
        >>> audit = Audit(
        ...     data,
        ...     targets={"snn": lambda: network, "ann": lambda: ann},
        ...     attacks={"v1": partial(BrainLeaksV1, steps=10), "mi_face": MIFace},
        ... )
        >>> audit.fits(audit.networks())
        {'snn': ['v1'], 'ann': ['mi_face']}
        >>> list(audit.all_measures())
        ['inversion', 'agreement', 'ceiling', 'over_time', 'masking', 'sweep']
    """

    data: BaseDataModule
    targets: Networks
    judges: Networks = field(default_factory=dict)
    attacks: Attacks = field(default_factory=dict)
    seeds: list[int] = field(default_factory=lambda: [0, 1, 2])
    gradients: int | None = None
    scoring: Scoring = field(default_factory=Scoring)
    checks: Checks = field(default_factory=Checks)
    controls: Controls = field(default_factory=Controls)
    measures: Mapping[str, Measure | None] = field(default_factory=dict)
    trainer: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def all_measures(self) -> dict[str, Measure]:
        """Return the measures by name, the standard ones among them, in the order of the report."""
        return with_standard(self.measures, bool(self.attacks))

    def attack_settings(self) -> dict[str, Any]:
        """Return, by attack, its ``class_path`` and ``init_args``; None where they are not known."""
        return {name: self.settings.get("attacks", {}).get(name) for name in self.attacks}

    def attackers(self, networks: Mapping[str, Classifier]) -> dict[str, str]:
        """Return, by attack, who could run it.

        Args:
            networks: the targets by name.
        """
        found = {}
        for name, make in self.attacks.items():
            for target in self.targets:
                with suppress(WrongTargetError):
                    found[name] = make(networks[target]).attacker
                    break
        return found

    def networks(self) -> dict[str, Classifier]:
        """Return the targets and judges, untrained.

        Raises:
            ValueError: when one does not fit the data.
        """
        networks = {name: make() for name, make in {**self.targets, **self.judges}.items()}
        check_fits(networks, self.data)
        for network in networks.values():
            network.time_steps = self.data.for_network(network.takes_spikes).time_steps
        return networks

    def controlled(self, networks: Mapping[str, Classifier]) -> list[Variant]:
        """Return the targets that are to be kept from learning something, and those to seek adversarial examples of.

        A network that brought its weights is never trained, so there is no control of it. Adversarial examples need
        images of the data, or the scenes of its recordings.

        Args:
            networks: the targets and judges, untrained.
        """
        variants = []
        for target in self.targets:
            if not networks[target].pretrained:
                if self.controls.shuffled_labels:
                    variants.append(Variant(target, shuffled=True))
                variants += [Variant(target, withheld=own) for own in self.controls.withheld(self.data.num_classes)]
            if self.controls.adversarial and isinstance(self.data.scenes or self.data, ImageDataModule):
                variants.append(Variant(target))
        return variants

    def fits(self, networks: Mapping[str, Classifier]) -> dict[str, list[str]]:
        """Return, by target, the attacks that fit it; see that their budgets suffice.

        Raises:
            ValueError: when an attack fits no target, or takes more than the budget.
        """
        fits: dict[str, list[str]] = {name: [] for name in self.targets}
        for attack, make in self.attacks.items():
            for target, attacks in fits.items():
                try:
                    budgeted(make, networks[target], self.gradients)
                except WrongTargetError:
                    continue
                attacks.append(attack)
            if not any(attack in attacks for attacks in fits.values()):
                raise ValueError(f"the attack {attack} fits none of the targets {', '.join(fits)}.")
        return fits
