"""The base class of measures: one thing that an audit measures, from what it runs to its section of the report.

A measure is a class in one file, found by its class path. Everything but its section is optional::

    class Spread(Measure):
        def run(self, bench):  # once for each target seed; what it returns is kept and not computed twice
            return {name: spread_of(target, bench.data) for name, target in bench.targets.items()}

        def summarise(self, found):  # goes to audit.json, under `measures`
            return {name: mean(own[name] for own in found.runs.values()) for name in found.targets}

        def section(self, summary, audit, looks, gallery):
            return Section("spread", "Spread", f"The targets' spread: {summary}.")
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from brainleaks_pl.audit.report.looks import Looks
from brainleaks_pl.audit.report.parts import Section
from brainleaks_pl.audit.report.pictures import Gallery
from brainleaks_pl.targets.checks.measure import batches, transferred

if TYPE_CHECKING:  # an audit is made of measures
    from brainleaks_pl.attacks.base import InversionModule
    from brainleaks_pl.audit.chance import Skills
    from brainleaks_pl.audit.definition import Audit
    from brainleaks_pl.audit.plan import Cell
    from brainleaks_pl.data.base import BaseDataModule
    from brainleaks_pl.encoders.base import Encoder
    from brainleaks_pl.evaluation.report import Report
    from brainleaks_pl.evaluation.settings import Scoring
    from brainleaks_pl.targets.classifier import Classifier

Document = dict[str, Any]
"""The content of ``audit.json``."""


@dataclass(frozen=True)
class Planned:
    """What a measure may plan attacks on.

    Args:
        audit: the audit.
        networks: its targets and judges by name, untrained.
        fits: by target, the attacks that fit it.

    Examples:
        Masking plans attacks with another surrogate on the targets that have one:

        >>> from brainleaks_pl import ATan, BrainLeaksV1
        >>> from brainleaks_pl.audit import Audit, Masking, Planned
        >>> audit = Audit(data, targets={"snn": lambda: network}, attacks={"v1": BrainLeaksV1})
        >>> planned = Planned(audit, audit.networks(), audit.fits(audit.networks()))
        >>> planned.fits
        {'snn': ['v1']}
        >>> [cell.name for cell in Masking(["v1"], {"wide": ATan(0.5)}).cells(0, planned)]
        ['seed0-snn-v1-wide']
    """

    audit: Audit
    networks: Mapping[str, Classifier]
    fits: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Attacked:
    """An attack that has just finished.

    Args:
        cell: which one it is.
        attack: the attack, when it has run; ``attack.target`` is the network.
        report: its reconstructions and scores.
        judges: the trained judges by name.
        data: the private data, as the target was trained on them.
        encoder: turns images into what a spiking judge takes; None where there is none.
        scoring: how judges score.

    Examples:
        An audit passes one to :meth:`Measure.of_attack` after each attack; here it is made by hand:

        >>> from brainleaks_pl import BrainLeaksV1, Scoring, run_attack
        >>> from brainleaks_pl.audit import Attacked, OverTime
        >>> from brainleaks_pl.audit.plan import Cell, Variant
        >>> attack = BrainLeaksV1(network, classes=[3, 8])
        >>> judges, scoring = {"ann": ann}, Scoring(draws=2, null_draws=2)
        >>> report = run_attack(attack, judges, data, scoring)
        >>> attacked = Attacked(Cell(0, Variant("snn"), "v1"), attack, report, judges, data, data.encoder, scoring)
        >>> attacked.cell.title
        'v1 on snn, seed 0'
        >>> len(OverTime().of_attack(attacked)["ann"])  # the judge's confidence after each time step
        5
    """

    cell: Cell
    attack: InversionModule
    report: Report
    judges: Mapping[str, Classifier]
    data: BaseDataModule
    encoder: Encoder | None
    scoring: Scoring


@dataclass(frozen=True)
class Bench:
    """What a measure finds at hand on one target seed. Networks are in evaluation mode; leave them as they are.

    Args:
        seed: the target seed; torch's generator has been seeded from it and from the measure's name.
        seeds: all seeds of the audit, for measures that take only some of them.
        data: the private data; ``data.for_network(target.takes_spikes)`` are those as a network takes them.
        targets: the trained targets by name, without those that failed; at least one.
        judges: the trained judges by name, likewise.
        test_accuracy: by name of a target or judge, in [0, 1].
        trainer: settings of the trainer, such as ``accelerator`` and ``precision``.
        say: tells the user how it goes, one line at a time.
        own_folder: see :attr:`folder`.

    Examples:
        An audit passes one to :meth:`Measure.run` for each seed; here it is made by hand:

        >>> from pathlib import Path
        >>> from brainleaks_pl.audit import Bench
        >>> accuracy = {"snn": 0.87, "ann": 0.85}
        >>> networks = {"targets": {"snn": network}, "judges": {"ann": ann}, "test_accuracy": accuracy}
        >>> bench = Bench(0, [0, 1], data, **networks, trainer={}, say=print, own_folder=Path("results"))
        >>> [(tuple(x.shape), len(labels)) for x, labels in bench.test_batches(network, samples=150)]
        [((5, 100, 1, 28, 28), 100), ((5, 50, 1, 28, 28), 50)]
        >>> bench.folder.is_dir()
        True
    """

    seed: int
    seeds: Sequence[int]
    data: BaseDataModule
    targets: Mapping[str, Classifier]
    judges: Mapping[str, Classifier]
    test_accuracy: Mapping[str, float]
    trainer: Mapping[str, Any]
    say: Callable[[str], None]
    own_folder: Path

    @property
    def folder(self) -> Path:
        """The measure's own folder for checkpoints of this seed, made when it is first asked for."""
        self.own_folder.mkdir(parents=True, exist_ok=True)
        return self.own_folder

    def test_batches(
        self, network: Classifier, samples: int = 1000, batch_size: int = 100
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Return test samples as a network takes them, on its device, and their labels, in batches.

        Args:
            network: the network.
            samples: largest number of samples, evenly spread over the test data.
            batch_size: largest number of samples in a batch.
        """
        data = self.data.for_network(network.takes_spikes)
        for place, batch in enumerate(batches(data, samples, batch_size)):
            yield transferred(data, batch, network.device, seed=place)


@dataclass(frozen=True)
class Findings:
    """What an audit has come to when all has run.

    Args:
        name: what the audit calls the measure.
        audit: the audit.
        networks: its targets and judges by name, untrained.
        cells: all cells, as in ``audit.json``.
        runs: by seed what the measure's :meth:`Measure.run` returned; seeds that failed, or returned None, are missing.
        targets: ``targets`` of ``audit.json``.
        judges: ``judges`` of ``audit.json``.
        skills: by seed and name, what the networks know of test data.

    Examples:
        What judges said of two reconstructions, and how often they agree:

        >>> from brainleaks_pl.audit import Agreement, Audit, Findings
        >>> def said(*ranks):
        ...     rows = [{"class": k, "rank": rank, "confidence": 1 / rank} for k, rank in enumerate(ranks)]
        ...     return {"per_class": rows}
        >>> judges = {"cnn": said(1, 1), "mlp": said(1, 4)}
        >>> cell = {"status": "done", "kind": "main", "seed": 0, "target": "snn", "attack": "v1"}
        >>> cell |= {"judges": judges, "measured": {"mine": 0.5}}
        >>> audit = Audit(data, targets={"snn": lambda: network})
        >>> found = Findings("mine", audit, {}, [cell], runs={}, targets={}, judges=judges, skills={})
        >>> found.of_cell(cell)
        0.5
        >>> Agreement().summarise(found)[0]["same_verdict"]
        0.5
    """

    name: str
    audit: Audit
    networks: Mapping[str, Classifier]
    cells: Sequence[Mapping[str, Any]]
    runs: Mapping[int, Any]
    targets: Mapping[str, Mapping[str, Any]]
    judges: Mapping[str, Mapping[str, Any]]
    skills: Skills

    def of_cell(self, cell: Mapping[str, Any]) -> Any:
        """Return what the measure's :meth:`Measure.of_attack` kept of a cell; None where it kept nothing."""
        return cell["measured"].get(self.name)


class Measure(ABC):
    """One thing that an audit measures; see the hooks. What they return must be plain values, as JSON has them.

    An exception in a hook ends this measure on that seed, or for that attack, and is reported; the rest is run.

    Examples:
        One of your own: the mean number of input spikes. ``examples/own_measure.py`` is a longer one.

        >>> from pathlib import Path
        >>> from brainleaks_pl.audit import Bench, Measure, Section
        >>> class InputSpikes(Measure):
        ...     def run(self, bench):
        ...         return {name: self.mean(bench, target) for name, target in bench.targets.items()}
        ...
        ...     def mean(self, bench, target):
        ...         return sum(x.sum().item() for x, _ in bench.test_batches(target, samples=100)) / 100
        ...
        ...     def section(self, summary, audit, looks, gallery):
        ...         return Section("spikes", "Input spikes", "How many spikes a sample has.")
        >>> bench = Bench(0, [0], data, {"snn": network}, {}, {}, {}, say=print, own_folder=Path("results"))
        >>> InputSpikes().run(bench)["snn"] > 100
        True
    """

    def check(self, audit: Audit) -> None:
        """See that the measure's settings fit an audit, before any data are read.

        Raises:
            ValueError: says what is wrong, starting with the name of the argument.
        """
        return

    def cells(self, seed: int, planned: Planned) -> Iterable[Cell]:
        """Return attacks that the audit shall run for this measure on a target seed."""
        return ()

    def of_attack(self, attacked: Attacked) -> Any:
        """Return what is measured of a finished attack; it is kept in its cell, as ``measured.<name>``."""
        return None

    def run(self, bench: Bench) -> Any:
        """Return what is measured on one target seed.

        It is kept in ``measures/<name>/seed<n>.json`` of the results, and is not run again unless the measure's class
        or settings, its own file (if it is none of this package's), a network, or the data have changed.
        """
        return None

    def summarise(self, found: Findings) -> Any:
        """Return what ``audit.json`` holds as ``measures.<name>``."""
        return None

    def warnings(self, summary: Any, audit: Document) -> Sequence[str]:
        """Return what makes figures doubtful, in sentences.

        Args:
            summary: what :meth:`summarise` returned.
            audit: the content of ``audit.json``, but for ``warnings``.
        """
        return ()

    @abstractmethod
    def section(
        self, summary: Any, audit: Document, looks: Looks, gallery: Gallery
    ) -> Section | Sequence[Section] | None:
        """Return the measure's section of the report, or several; None where there is nothing to show.

        Args:
            summary: what :meth:`summarise` returned.
            audit: the content of ``audit.json``.
            looks: colours and markers of attacks and targets.
            gallery: pictures of the attacks.
        """


def has_own(measure: Measure, hook: str) -> bool:
    """Tell whether a measure does something in one of the hooks."""
    return getattr(type(measure), hook) is not getattr(Measure, hook)
