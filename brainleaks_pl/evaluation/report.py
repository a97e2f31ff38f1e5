"""What an attack comes to: its reconstructions, and what judges say of them."""

from __future__ import annotations

import platform
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from brainleaks_pl.attacks.base import InversionModule
from brainleaks_pl.attacks.found_before import digest_bytes
from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.encoders.base import Encoder, describe_encoder
from brainleaks_pl.evaluation.identification import gallery
from brainleaks_pl.evaluation.prior_alone import prior_alone
from brainleaks_pl.evaluation.provenance import provenance
from brainleaks_pl.evaluation.query_curve import query_curve
from brainleaks_pl.evaluation.scoring import Scores, nulls, score
from brainleaks_pl.evaluation.settings import Scoring
from brainleaks_pl.evaluation.similarity import means, similarity, similarity_nulls
from brainleaks_pl.targets.classifier import Classifier

Baselines = MutableMapping[tuple[Any, ...], dict[str, Scores]]
"""Scores of nulls by judge, classes and time steps."""
METRICS = ("attack_accuracy", "top3_accuracy", "confidence", "daa")
_PACKAGES = ("brainleaks_pl", "torch", "lightning", "snntorch", "torchmetrics")


@dataclass(frozen=True, eq=False)
class Report:
    """The results of one attack; :mod:`brainleaks_pl.reporting.illustrations` draws them.

    Args:
        scores: what ``scores.json`` holds.
        tensors: what ``reconstructions.pt`` holds.
        best: the best reconstruction of each class, which the judges score.
        inputs: the same as networks see them: recordings where ``best`` are scenes.
        matrices: by judge its confidence in every class on each of these, ``(M, K)``.
        classes: the M attacked classes.
        data: the private data set.
        title: heading of the pictures.

    Examples:
        What ``run_attack`` returns is a report that also draws itself:

        >>> from brainleaks_pl import BrainLeaksV1, Report, Scoring, run_attack
        >>> attack = BrainLeaksV1(network, classes=[3, 8])
        >>> report = run_attack(attack, {"ann": ann}, data, Scoring(draws=2, null_draws=2))
        >>> isinstance(report, Report)
        True
        >>> report.spikes.shape
        torch.Size([5, 2, 1, 28, 28])
        >>> report.matrices["ann"].argmax(1)
        tensor([3, 8])
        >>> sorted(report.scores["judges"]["ann"]["nulls"])
        ['black', 'class_mean', 'noise', 'real']
    """

    scores: dict[str, Any]
    tensors: dict[str, Tensor]
    best: Tensor
    inputs: Tensor
    matrices: dict[str, Tensor]
    classes: list[int]
    data: BaseDataModule
    title: str

    @property
    def spikes(self) -> Tensor | None:
        """A draw of the spikes of ``best``, ``(T, M, C, H, W)``, uint8; None where they have none."""
        spikes = self.tensors.get("spikes")
        return None if spikes is None else spikes.index_select(1, self.tensors["best"])


def make_report(
    attack: InversionModule,
    judges: Mapping[str, Classifier],
    data: BaseDataModule,
    scoring: Scoring,
    *,
    title: str,
    seed: int,
    facts: Mapping[str, Any],
    baselines: Baselines | None = None,
) -> Report:
    """Let the judges score a finished attack.

    Of several restarts of a class the one that the target likes best is scored; a judge never chooses.

    Args:
        attack: the finished attack.
        judges: the judges by name; they have been trained on ``data``.
        data: the private data set.
        scoring: how to score.
        title: heading of the pictures.
        seed: seed of the draws.
        facts: further keys of ``scores.json``, merged into it (``judges`` by name).
        baselines: what nulls score that were scored before, of the same judges by name, with the same settings and
            seed; what is new is added.
    """
    everything = attack.reconstructions().cpu()
    best_units = torch.tensor(attack.best_restarts())
    best = everything.index_select(-4, best_units)
    tensors = {
        "reconstructions": everything,
        "classes": torch.tensor([label for label, _ in attack.units]),
        "restarts": torch.tensor([restart for _, restart in attack.units]),
        "best": best_units,
        "costs": attack.best_cost.cpu(),
        "target": digest_bytes(attack.target),
    }
    encoder = data.encoder or attack.encoder
    spikes = _one_draw(everything, encoder, seed)
    inputs = best  # as the networks see them
    if spikes is not None:
        tensors["spikes"] = spikes.to(torch.uint8)
        if best.shape[-3:] != data.input_shape:
            inputs = spikes.index_select(1, best_units)

    def scored(images: Tensor, judge: Classifier, draws: int = scoring.null_draws) -> Scores:
        return score(images, judge, attack.classes, encoder=encoder, draws=draws, **_options(scoring, seed))

    length = None if spikes is None else len(spikes)
    known = {} if baselines is None else baselines
    alone = prior_alone(attack, encoder, seed)
    judged: dict[str, Any] = {}
    matrices: dict[str, Tensor] = {}
    for name, judge in judges.items():
        scores = scored(best, judge, scoring.draws)
        key = (name, tuple(attack.classes), length, data.time_steps)
        if key not in known:
            known[key] = _nulls(data, judge, attack.classes, length, scoring, seed)
        own = facts["judges"].get(name, {})
        judged[name] = {
            **own,
            **_counts(scoring, own.get("test_accuracy")),
            "digest": judge.digest(),
            **scores.as_dict(),
            "nulls": {
                null: _without_classes(values)
                for null, values in (
                    *known[key].items(),
                    *((null, scored(images, judge)) for null, images in alone.items()),
                )
            },
        }
        matrices[name] = scores.matrix
    curves = {}
    if attack.snapshots:
        curves["queries"] = query_curve(attack, judges, scored)
    likeness = similarity(inputs, attack.classes, data, rescale=scoring.rescale)
    content = {
        **facts,
        "judges": judged,
        "similarity": likeness,
        "similarity_nulls": means(
            {
                **similarity_nulls(data, attack.classes, time_steps=length, seed=seed, rescale=scoring.rescale),
                **{
                    null: similarity(images, attack.classes, data, rescale=scoring.rescale)
                    for null, images in alone.items()
                    if tuple(images.shape[1:]) == data.input_shape
                },
            }
        ),
        **({} if attack.prior is None else {"prior": attack.prior.describe()}),
        "verification": gallery(data).verification.as_dict(),
        **_scene_similarity(best, attack.classes, data),
        **curves,
        "assumed": {"encoder": describe_encoder(attack.encoder)},
        "data": {
            **data.describe(),
            "simulated": data.simulated,
            "class_names": [data.class_name(label) for label in range(data.num_classes)],
        },
        "scoring": asdict(scoring),
        "seed": seed,
        "versions": versions(),
        "provenance": provenance(),
    }
    return Report(content, tensors, best, inputs, matrices, attack.classes, data, title)


def rehearse(attack: InversionModule, judges: Mapping[str, Classifier], data: BaseDataModule, seed: int) -> None:
    """Let the judges score what an attack starts from, so that what does not fit is found before the attack.

    Args:
        attack: the attack, not yet run.
        judges: the judges by name.
        data: the private data set.
        seed: seed of the draws.

    Raises:
        ValueError: when the judges, the encoder or the data do not fit what the attack looks for.
    """
    scoring, encoder = Scoring(draws=1, null_draws=1), data.encoder or attack.encoder
    first = torch.arange(0, len(attack.units), attack.restarts)
    start = attack.reconstruction(attack.best.cpu().index_select(-4, first)).detach()
    gallery(data)
    with torch.random.fork_rng(devices=[]):
        spikes = _one_draw(start, encoder, seed)
        for judge in judges.values():
            score(start, judge, attack.classes, encoder=encoder, **_options(scoring, seed))
            _nulls(data, judge, attack.classes, None if spikes is None else len(spikes), scoring, seed)


def _options(scoring: Scoring, seed: int) -> dict[str, Any]:
    return {"rescale": scoring.rescale, "seed": seed, "batch_size": scoring.batch_size}


def _nulls(
    data: BaseDataModule, judge: Classifier, classes: list[int], time_steps: int | None, scoring: Scoring, seed: int
) -> dict[str, Scores]:
    """Score the nulls beside reconstructions of so many time steps, or of none."""
    return nulls(
        data.for_network(judge.takes_spikes),
        judge,
        classes,
        time_steps=time_steps,
        draws=scoring.null_draws,
        **_options(scoring, seed),
    )


def _counts(scoring: Scoring, test_accuracy: float | None) -> dict[str, Any]:
    """Say whether a judge counts: None where its accuracy is not known."""
    if test_accuracy is None:
        return {"counts": None, "why_not": "its accuracy on real test data is not known"}
    why_not = scoring.why_not(test_accuracy)
    return {"counts": True} if why_not is None else {"counts": False, "why_not": why_not}


def versions(*further: str) -> dict[str, str]:
    """Return the versions of Python and of the packages that scores depend on, and of further packages."""
    return {"python": platform.python_version(), **{package: version(package) for package in (*_PACKAGES, *further)}}


def _scene_similarity(best: Tensor, classes: Sequence[int], data: BaseDataModule) -> dict[str, Any]:
    """Compare reconstructed scenes with those that the private recordings show, where these are known."""
    if best.ndim == 5 or data.scenes is None or tuple(best.shape[1:]) != data.scenes.input_shape:
        return {}
    return {"scene_similarity": similarity(best, classes, data.scenes)}


def _one_draw(reconstructions: Tensor, encoder: Encoder | None, seed: int) -> Tensor | None:
    """Draw spikes, ``(T, N, C, H, W)``, of spike probabilities or of images that are encoded as spikes."""
    generator = torch.Generator().manual_seed(seed)
    if reconstructions.ndim == 5:
        return torch.bernoulli(reconstructions, generator=generator)
    if encoder is None:
        return None
    encoded = encoder.encode(reconstructions, generator)
    return encoded if bool(((encoded == 0) | (encoded == 1)).all()) else None  # else a current


def _without_classes(scores: Scores) -> dict[str, Any]:
    return {name: value for name, value in scores.as_dict().items() if name in METRICS}
