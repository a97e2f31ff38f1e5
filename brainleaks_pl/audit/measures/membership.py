"""Whether attackers can tell which samples a network was trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from brainleaks_pl.audit.measures.base import Bench, Document, Findings, Measure
from brainleaks_pl.audit.plan import check_known, is_chosen
from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.membership import membership_finding, membership_groups
from brainleaks_pl.audit.report.parts import Section
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.membership.questions import Questions
from brainleaks_pl.membership.results import Reading
from brainleaks_pl.membership.run import Membership, NetworkKind, run_membership
from brainleaks_pl.membership.shadows import check_bits
from brainleaks_pl.targets.classifier import Classifier

if TYPE_CHECKING:
    from brainleaks_pl.audit.definition import Audit

_APART = 0.02  # test accuracies that differ by more are not called equal
_LEAD = (
    "Was this image in the training set? The audit's targets are trained on all training data, so no comparable "
    "non-members are left. Networks of the same recipes are therefore trained on random halves, all kinds on the same "
    "halves. Each network is the target in turn. The others are its shadows, except for the one trained on the "
    "opposite half. The area under the ROC curve (AUC) is the chance that a member scores higher than a non-member: .5 "
    "if nothing leaks. What matters to a person is how many members are found while hardly anyone is accused wrongly."
)


@dataclass(frozen=True)
class MembershipInference(Measure):
    """How well attackers tell which half of the training data a network was trained on.

    Networks like the targets are trained on halves, whatever is done with the targets themselves; those that brought
    their weights have no recipe, and are left out.

    Args:
        networks: trained of each kind, an even number, at least 4.
        targets: names; None takes all.
        seeds: of the audit's; None takes the first.
        samples: largest number of training samples that are asked about; None takes all.
        population: largest number of test samples, for RMIA and for test accuracy.
        attacks: their names; None takes all that fit.
        label_only: number of networks of a kind that are asked for labels alone, even; 0 asks none.
        bits: numbers of bits; the networks are attacked again with their weights rounded to each.
        draws: encodings of each sample that a spiking network is asked about.
        dropout_draws: encodings with input dropout; 0 leaves that attack out.
        dropout: the probability that an entry of the input is dropped.
        rates: false positive rates at which members found are counted.
        priors: shares of members for which precision is given.
        together: networks in a group; an interruption costs at most one group.

    Examples:
        Sixteen shadow networks of one of the targets, trained on part of the data:

        >>> from brainleaks_pl.audit import Audit, MembershipInference
        >>> membership = MembershipInference(networks=16, targets=["snn"], samples=2000)
        >>> audit = Audit(data, targets={"snn": lambda: network}, measures={"membership": membership})
        >>> membership.check(audit)
        >>> MembershipInference(targets=["vgg"]).check(audit)
        Traceback (most recent call last):
            ...
        ValueError: targets names 'vgg', which is not among snn.
    """

    networks: int = 64
    targets: list[str] | None = None
    seeds: list[int] | None = None
    samples: int | None = None
    population: int = 1000
    attacks: list[str] | None = None
    label_only: int = 8
    bits: tuple[int, ...] = ()
    draws: int = 4
    dropout_draws: int = 4
    dropout: float = 0.01
    rates: tuple[float, ...] = (0.01, 0.001)
    priors: tuple[float, ...] = (0.5, 0.1, 0.01)
    together: int = 8

    def check(self, audit: Audit) -> None:
        """See that names are known, and that numbers are in range."""
        check_known("targets", self.targets, audit.targets)
        check_known("seeds", self.seeds, audit.seeds)
        self._settings()
        for bits in self.bits:
            check_bits(bits)

    def run(self, bench: Bench) -> dict[str, Any] | None:
        """Return what :func:`~brainleaks_pl.membership.run.run_membership` does, on the chosen seeds."""
        if not is_chosen(bench.seed, self.seeds, bench.seeds):
            return None
        kinds = {
            name: NetworkKind(_untrained(target), bits=self.bits)
            for name, target in bench.targets.items()
            if (self.targets is None or name in self.targets) and not _brought(target)
        }
        if not kinds:
            raise ValueError("all targets brought their weights, so there is no recipe to train shadow networks by.")
        return run_membership(
            kinds,
            bench.data,
            self._settings(),
            folder=bench.folder,
            seed=bench.seed,
            device=_device(bench.trainer),
            say=bench.say,
        )

    def summarise(self, found: Findings) -> list[dict[str, Any]]:
        """Return what was found on each seed."""
        return [{"seed": seed, **run} for seed, run in found.runs.items()]

    def warnings(self, summary: list[dict[str, Any]], audit: Document) -> list[str]:
        """Say which rates rest on too few non-members, and which kinds generalise differently."""
        words = []
        for run in summary:
            few = [
                (rate, own["needed"], own["there"])
                for target in run["targets"].values()
                for row in target["attacks"].values()
                for rate, own in row["tpr"].items()
                if "needed" in own
            ]
            for rate, needed, there in dict.fromkeys(few):
                words.append(
                    f"Membership, seed {run['seed']}: for some attacks, members found at a false positive rate of "
                    f"{rate} are not given, because that takes {needed} non-members over all attacked networks and "
                    f"there are only {there}."
                )
            test = {kind: own["accuracy"]["test"]["mean"] for kind, own in run["targets"].items()}
            least, most = min(test, key=test.__getitem__), max(test, key=test.__getitem__)
            if test[most] - test[least] > _APART:
                words.append(
                    f"Membership, seed {run['seed']}: test accuracies differ, from {test[least]:.3f} ({least}) to "
                    f"{test[most]:.3f} ({most}). A network that generalises worse gives its members away for that "
                    "reason alone."
                )
        return words

    def section(self, summary: list[dict[str, Any]], audit: Document, looks: Looks, gallery: Gallery) -> Section:
        """Show curves, rates, differences, and the samples most at risk."""
        if not summary:
            return Section("membership", "Who was in the training set?", _LEAD, finding="Membership was not measured.")
        return Section(
            "membership",
            "Who was in the training set?",
            _LEAD,
            groups=tuple(group for run in summary for group in membership_groups(run, gallery, len(summary) > 1)),
            finding=" ".join(membership_finding(run) for run in summary),
        )

    def _settings(self) -> Membership:
        return Membership(
            networks=self.networks,
            samples=self.samples,
            population=self.population,
            attacks=self.attacks,
            label_only=self.label_only,
            questions=Questions(self.draws, self.dropout_draws, self.dropout),
            reading=Reading(tuple(self.rates), tuple(self.priors)),
            together=self.together,
        )


def _brought(target: Classifier) -> bool:
    return target.weights is not None or bool((target.constructor_arguments or {}).get("pretrained"))


def _untrained(target: Classifier) -> Callable[[], Classifier]:
    """Return what builds a network like one, untrained."""
    if target.factory is None or target.constructor_arguments is None:
        raise ValueError(
            f"{target.name} was given as a network: give the function that builds it, so that shadows can be trained."
        )
    return partial(type(target), **target.constructor_arguments)


def _device(trainer: Mapping[str, Any]) -> str:
    wanted = str(trainer.get("accelerator", "auto"))
    return "cuda" if wanted in ("auto", "gpu", "cuda") and torch.cuda.is_available() else "cpu"
