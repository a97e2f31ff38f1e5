"""An attack in Python: its result, which can be read, drawn and saved."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.engine.quiet import quiet_lightning
from brainleaks_pl.engine.trainer import InversionTrainer
from brainleaks_pl.evaluation.report import METRICS, Report
from brainleaks_pl.evaluation.run import attack_and_score, silent_trainer
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.reporting.illustrations import illustrate, illustrate_further
from brainleaks_pl.reporting.publishing import write_report
from brainleaks_pl.reporting.text import judged
from brainleaks_pl.targets.classifier import Classifier


class AttackResult(Report):
    """What an attack comes to: a :class:`Report` that says in words what it holds, draws itself and writes itself.

    ``print(result)`` shows each judge's scores beside the nulls, and what was assumed of the encoding.

    Examples:
        >>> from brainleaks_pl import AttackResult, BrainLeaksV3, Scoring, run_attack
        >>> attack = BrainLeaksV3(network, margin=4, classes=[3, 8], seed=0)
        >>> result: AttackResult = run_attack(attack, {"ann": ann}, data, Scoring(draws=2, null_draws=2))
        >>> len(result.confidence("ann"))  # one for each attacked class
        2
        >>> figure = result.plot("confidence/ann")
        >>> sorted(path.name for path in result.save("results").iterdir() if path.is_file())
        ['reconstructions.png', 'reconstructions.pt', 'scores.json']
    """

    def __repr__(self) -> str:
        """Return the judges' scores and those of the nulls, a line each, and a sentence that compares them."""
        attack = self.scores["attack"]["class_path"].rpartition(".")[2]
        data = self.scores["data"]
        lines = [f"{attack} on {data['class']}{' (simulated)' if data['simulated'] else ''}, {_classes(self)}"]
        encoder = self.scores["assumed"]["encoder"]
        if encoder is not None:
            settings = ", ".join(f"{name}={value}" for name, value in encoder.items() if name != "class")
            lines.append(f"the attacker assumes the encoding {encoder['class']}({settings})")
        for name, judge in self.scores["judges"].items():
            lines.append(f"judge {name}: {_scores(judge)}")
            lines += [f"  null {null}: {_scores(values)}" for null, values in judge["nulls"].items()]
            lines.append(judged(name, judge))
        return "\n".join(lines)

    def confidence(self, judge: str) -> list[float]:
        """Return a judge's mean confidence in each attacked class, in the order of ``classes``, each in [0, 1].

        Raises:
            KeyError: when there is no such judge.
        """
        return [float(row["confidence"]) for row in self.scores["judges"][judge]["per_class"]]

    def plot(self, name: str = "reconstructions") -> Figure:
        """Return a picture.

        Args:
            name: ``reconstructions``, each beside the mean training image of its class; ``queries``, of attacks that
                only ask; ``spike_raster``, where there are spikes; ``confidence/<judge>``.

        Raises:
            ValueError: when there is no picture of that name.
        """
        figures = illustrate(self)
        if name not in figures:
            figures |= illustrate_further(self)
        if name not in figures:
            raise ValueError(f"there is no picture {name!r}; there are {', '.join(sorted(figures))}.")
        return figures[name]

    def save(self, folder: str | Path) -> Path:
        """Write ``scores.json``, ``reconstructions.pt`` and the pictures, as ``brainleaks invert`` does.

        Args:
            folder: where to; made if it is absent. Files of an earlier result in it are replaced, each atomically.

        Raises:
            OSError: when a file cannot be written.

        Returns:
            The folder.
        """
        write_report(self, Path(folder))
        return Path(folder)


def run_attack(
    attack: InversionModule,
    judges: Mapping[str, Classifier],
    data: BaseDataModule,
    scoring: Scoring | None = None,
    *,
    trainer: InversionTrainer | None = None,
    title: str = "attack",
    seed: int = 0,
) -> AttackResult | None:
    """Run an attack, and let the judges score what it found.

    Args:
        attack: the attack, not yet run.
        judges: trained networks by name, which the attack has not seen.
        data: the private data set, as the target was trained on it.
        scoring: how the judges score; None means the defaults of :class:`Scoring`.
        trainer: what runs it; None means a silent one, of which Lightning does not speak either.
        title: heading of the pictures.
        seed: seed of the draws.

    Raises:
        ValueError: when judges, encoder or data do not fit what the attack looks for, before it runs; or when it
            comes to values that are not finite.

    Returns:
        The result; None in processes that share the attack and are not the first.

    Examples:
        A network that the attack has not seen scores what it finds, and the nulls:

        >>> from brainleaks_pl import BrainLeaksV3, Scoring, run_attack
        >>> attack = BrainLeaksV3(network, margin=4, classes=[3, 8], seed=0)
        >>> result = run_attack(attack, {"ann": ann}, data, Scoring(draws=10, null_draws=10))
        >>> print(result)
        BrainLeaksV3 on MNIST5k, classes 3, 8
        the attacker assumes the encoding RateEncoder(time_steps=5, gain=1.0)
        judge ann: attack_accuracy 1.000 ± 0.000, top3_accuracy 1.000 ± 0.000, ...
          null noise: attack_accuracy ...
          null black: attack_accuracy ...
          null class_mean: attack_accuracy ...
          null real: attack_accuracy ...
    """
    with quiet_lightning() if trainer is None else nullcontext():
        runs = silent_trainer() if trainer is None else trainer
        report = attack_and_score(attack, judges, data, scoring, trainer=runs, title=title, seed=seed)
    return None if report is None else AttackResult(**vars(report))


def _classes(report: Report) -> str:
    names = [report.data.class_name(label) for label in report.classes]
    if len(names) > 10:
        return f"{len(names)} classes"
    return f"{'class' if len(names) == 1 else 'classes'} {', '.join(names)}"


def _scores(scores: Mapping[str, Any]) -> str:
    shown = (f"{metric} {scores[metric]['mean']:.3f} ± {scores[metric]['std']:.3f}" for metric in METRICS)
    return ", ".join(shown)
