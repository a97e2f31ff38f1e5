"""Checks of a network's gradient: that there is one, and that an exchanged surrogate reaches it."""

from __future__ import annotations

import torch
from torch import Tensor

from brainleaks_pl.networks.surrogates import ATan, FastSigmoid, Surrogate
from brainleaks_pl.targets.checks.findings import Finding, Status
from brainleaks_pl.targets.classifier import Classifier

PROBES: tuple[Surrogate, ...] = (ATan(alpha=2.0), FastSigmoid(slope=5.0))
"""Surrogates that are exchanged for a network's own: the gradient must change."""


def input_gradient(classifier: Classifier, x: Tensor, labels: Tensor, surrogate: Surrogate | None = None) -> Tensor:
    """Return the gradient of how far each sample's class leads with respect to the inputs, in their shape.

    A class leads by its mean logit less that of all classes: where a network is certain, this has a gradient still, and
    the cross-entropy none.
    """
    with torch.enable_grad(), classifier.using_surrogate(surrogate):
        inputs = x.detach().clone().requires_grad_()
        logits = classifier.logits(inputs).mean(0)
        lead = logits.gather(1, labels.unsqueeze(1)).squeeze(1) - logits.mean(1)
        (gradient,) = torch.autograd.grad(lead.sum(), inputs, allow_unused=True)
    return torch.zeros_like(x) if gradient is None else gradient


def check_gradient(
    classifier: Classifier, x: Tensor, labels: Tensor, surrogate: Surrogate | None, *, needed: bool
) -> tuple[Tensor | None, Finding]:
    """See that the gradient with respect to the input is finite and not zero; return it too.

    Args:
        classifier: the network.
        x: samples.
        labels: their classes.
        surrogate: the one that the attack differentiates with; None means the network's own.
        needed: whether the attack cannot do without.
    """
    missing: Status = "failed" if needed else "warning"
    mend = "Attack without gradients (BlackBox), or with another attack.surrogate."
    try:
        gradient = input_gradient(classifier, x, labels, surrogate)
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        return None, Finding("input gradient", missing, f"the network cannot be differentiated: {reason}", mend)
    if not bool(gradient.isfinite().all()):
        return gradient, Finding("input gradient", "failed", "it is not finite.", "Set another attack.surrogate.")
    by_sample = gradient.movedim(-4, 0).flatten(1).abs().amax(1)
    blind = int((by_sample == 0).sum())
    if blind == len(by_sample):
        detail = f"it is zero for all of {blind} samples: a low leak would be a masked gradient, not privacy."
        return gradient, Finding("input gradient", missing, detail, mend)
    many = 2 * blind > len(by_sample)
    detail = f"finite, and zero for {blind} of {len(by_sample)} samples."
    return gradient, Finding("input gradient", "warning" if many else "ok", detail, mend if many else "")


def check_surrogate(
    classifier: Classifier, x: Tensor, labels: Tensor, gradient: Tensor | None
) -> tuple[str | None, Finding | None]:
    """See that an exchanged surrogate changes the gradient.

    Returns:
        Why no surrogate can be tried at attack time (None where one can, or where there are no spikes), and the finding
        (None where there are no spikes).
    """
    title, interface = "exchanged surrogate", classifier.interface
    if not classifier.spiking:
        return None, None
    mend = "Set an interface that supports these neurons, or derive one: its hooks are neurons() and exchange()."
    count = len(interface.neurons(classifier.network))
    if not count:
        reason = f"{type(interface).__name__} finds no neurons in it whose surrogate can be exchanged"
        return reason, Finding(title, "warning", f"masked gradients cannot be tested: {reason}.", mend)
    if gradient is None:
        return "it cannot be differentiated", Finding(title, "warning", "masked gradients cannot be tested.", "")
    try:
        others = [input_gradient(classifier, x, labels, probe) for probe in PROBES]
    except (ValueError, RuntimeError) as error:
        reason = f"its neurons do not take another surrogate ({error})"
        return reason, Finding(title, "warning", f"masked gradients cannot be tested: {reason}.", mend)
    if all(torch.equal(gradient, other) for other in others):
        reason = "its gradient stays the same, to the bit, whatever surrogate its neurons are given"
        return reason, Finding(title, "warning", f"masked gradients cannot be tested: {reason}.", mend)
    return None, Finding(title, "ok", f"{count} layers of neurons take another surrogate, and the gradient changes.")
