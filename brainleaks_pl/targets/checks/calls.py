"""Checks of how a network answers: in the right form, the same every time, each sample by itself."""

from __future__ import annotations

import torch
from torch import Tensor

from brainleaks_pl.targets.checks.findings import Finding
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.interfaces import SpikingInterface
from brainleaks_pl.targets.weights import digest_of, load_weights

_CLOSE = 1e-4  # of the largest answer: products of other batch sizes round otherwise


def check_input(classifier: Classifier, x: Tensor) -> Finding:
    """Say what the network sees, and whether that is finite and not all the same."""
    seen = classifier.interface.normalise(x)
    low, high = seen.min().item(), seen.max().item()
    kind = "spikes (T, B, C, H, W)" if classifier.takes_spikes else "images (B, C, H, W)"
    detail = f"{kind} with (C, H, W) = {classifier.input_shape}, normalised values from {low:.3g} to {high:.3g}."
    if not bool(seen.isfinite().all()):
        return Finding("input", "failed", detail, "Set interface.scale, interface.mean and interface.std.")
    if low == high:
        return Finding("input", "failed", f"{detail} They are all the same.", "See what the data hold.")
    return Finding("input", "ok", detail)


def check_form(classifier: Classifier, x: Tensor, answers: Tensor) -> Finding:
    """See that the answers are finite, differ between samples, and are made of what the interface says."""
    if not bool(answers.isfinite().all()):
        return Finding(
            "answer",
            "failed",
            "the answers are not finite: weights or inputs are broken.",
            "See the weights, and interface.scale, interface.mean and interface.std.",
        )
    if bool((answers == answers[:, :1]).all()):
        return Finding(
            "answer",
            "failed",
            "the network says the same of all samples: it is silent, or does not see them.",
            "Set interface.scale (or the encoder's gain), interface.output, or the weights.",
        )
    interface = classifier.interface
    if isinstance(interface, SpikingInterface):
        outputs = interface.outputs(classifier.network, interface.normalise(x))
        whole = bool((outputs == outputs.round()).all()) and bool((outputs >= 0).all())
        low, high = outputs.min().item(), outputs.max().item()
        if interface.counts_spikes and not whole:
            return Finding(
                "answer",
                "failed",
                f"{interface.answer} is asked for, but the outputs are no spikes: they range from {low:.3g} to "
                f"{high:.3g}.",
                "Set interface.output to the element that holds spikes, or interface.answer to one of the membrane.",
            )
        if not interface.counts_spikes and outputs.ndim == 3 and whole and high <= 1:
            return Finding(
                "answer",
                "failed",
                f"{interface.answer} is asked for, but the outputs are spikes: all of them are 0 or 1.",
                "Set interface.output to the element that holds membranes, or interface.answer to spike_count.",
            )
    steps, _, classes = answers.shape
    return Finding("answer", "ok", f"{classes} values per sample, {steps} of each over time.")


def check_repeated(classifier: Classifier, x: Tensor, answers: Tensor) -> Finding:
    """See that the network gives the same answer when called again."""
    difference = _difference(classifier.logits(x), answers)
    if difference > 0:
        return Finding(
            "two calls agree",
            "failed",
            f"called again, the network gives another answer, by as much as {difference:.1%} of its largest answer: "
            "its neurons keep their state between calls, or it draws at random.",
            "Set interface to one whose reset puts these neurons to rest.",
        )
    return Finding("two calls agree", "ok", "the network gives the same answer when called again.")


def check_alone(classifier: Classifier, x: Tensor, answers: Tensor) -> Finding:
    """See that a sample's answer does not depend on the batch that it is in."""
    alone = torch.cat([classifier.logits(x[..., i : i + 1, :, :, :]) for i in range(x.shape[-4])], 1)
    difference = _difference(alone, answers)
    if difference > _CLOSE:
        return Finding(
            "a sample by itself",
            "failed",
            f"a sample by itself gets another answer than in a batch, by as much as {difference:.1%} of the largest "
            "answer: batch and time may be exchanged, or batches normalised.",
            "Set interface.layout.",
        )
    return Finding("a sample by itself", "ok", "a sample's answer does not depend on its batch.")


def check_rebuilt(classifier: Classifier, x: Tensor, answers: Tensor) -> Finding:
    """See that nothing of the network is left to chance when it is built and its weights are loaded."""
    title = "built again"
    if classifier.factory is None:
        return Finding(title, "ok", "the network was given as a network, and is not built again.")
    with torch.random.fork_rng():
        torch.manual_seed(0x5EED)
        other = classifier.factory()
    if classifier.weights is not None:
        load_weights(other, classifier.interface, classifier.weights_path)
    elif not classifier.pretrained:  # its checkpoint holds the whole state
        other.load_state_dict(classifier.network.state_dict())
    other.to(classifier.device).eval()
    ours = classifier.network.state_dict()
    random = [
        name
        for name, value in other.state_dict().items()
        if not classifier.interface.transient(name) and digest_of({"": value}) != digest_of({"": ours[name]})
    ]
    own, classifier.network = classifier.network, other
    try:
        difference = _difference(classifier.logits(x), answers)
    finally:
        classifier.network = own
    if random or difference > 0:
        what = ", ".join(random[:5]) or "something that its state_dict does not hold"
        return Finding(
            title,
            "failed",
            f"built again, the network is another: {what} is left to chance.",
            "Give weights that hold it, or have the network read it.",
        )
    return Finding(title, "ok", "built again, the network gives the same answer: nothing is random.")


def _difference(answers: Tensor, others: Tensor) -> float:
    """Return the largest difference, as a share of the largest answer."""
    if answers.shape != others.shape:
        return float("inf")
    return ((answers - others).abs().max() / others.abs().max().clamp(min=1e-12)).item()
