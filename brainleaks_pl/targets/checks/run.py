"""Runs all checks of one network, in order."""

from __future__ import annotations

import torch
from torch import Tensor

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.networks.surrogates import Surrogate
from brainleaks_pl.targets.checks.accuracy import check_accuracy, check_calibration, check_scale
from brainleaks_pl.targets.checks.calls import check_alone, check_form, check_input, check_rebuilt, check_repeated
from brainleaks_pl.targets.checks.findings import CheckReport, Checks, Finding
from brainleaks_pl.targets.checks.gradients import check_gradient, check_surrogate
from brainleaks_pl.targets.checks.measure import batches, measure, transferred
from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.modes import evaluating

_CALL = "See interface.layout, interface.flatten, interface.output and num_classes."


def run_checks(
    classifier: Classifier,
    data: BaseDataModule,
    settings: Checks = Checks(),
    *,
    name: str | None = None,
    attacked: bool = True,
    surrogate: Surrogate | None = None,
    needs_gradient: bool = True,
    with_accuracy: bool | None = None,
) -> CheckReport:
    """Look for what would make an attack on a network, or a score by it, mean nothing.

    Args:
        classifier: the network, with its trained weights.
        data: the private data, as the network takes them.
        settings: how many samples are looked at.
        name: what the network is called; None takes its class.
        attacked: whether it is under attack; of judges no gradient is looked at.
        surrogate: the one that the attack differentiates with; None means the network's own.
        needs_gradient: whether the attack follows the gradient; where there is none it is then refused.
        with_accuracy: whether its accuracy on test data is measured; None does so where it brought its weights.

    Raises:
        FileNotFoundError: when the data are missing.

    Examples:
        A network whose answers are all the same is not worth attacking:

        >>> import torch
        >>> from brainleaks_pl import run_checks
        >>> run_checks(network, data, with_accuracy=False).failed
        []
        >>> _ = torch.nn.init.zeros_(network.network.output.weight)
        >>> _ = torch.nn.init.zeros_(network.network.output.bias)
        >>> finding = run_checks(network, data, with_accuracy=False).failed[0]
        >>> finding.detail
        'the network says the same of all samples: it is silent, or does not see them.'
        >>> finding.mend
        "Set interface.scale (or the encoder's gain), interface.output, or the weights."
    """
    name = name or classifier.name
    with evaluating(classifier), torch.no_grad(), torch.random.fork_rng(devices=[]):
        x, labels = _samples(classifier, data, settings.samples)
        findings = [check_input(classifier, x)]
        try:
            answers = classifier.logits(x)
        except Exception as error:  # whatever a network of somebody else's raises, people want to know what it was
            reason = f"the network cannot be called ({type(error).__name__}: {error})"
            return CheckReport(name, [*findings, Finding("answer", "failed", reason, _CALL)])
        findings += [check_form(classifier, x, answers), check_repeated(classifier, x, answers)]
        if findings[-1].status == "ok":  # or answers could not be compared
            findings += [check_alone(classifier, x, answers), check_rebuilt(classifier, x, answers)]
        untestable = None
        if attacked:
            gradient, found = check_gradient(classifier, x, labels, surrogate, needed=needs_gradient)
            untestable, exchanged = check_surrogate(classifier, x, labels, gradient)
            findings += [found] if exchanged is None else [found, exchanged]
        if not (classifier.pretrained if with_accuracy is None else with_accuracy):
            return CheckReport(name, findings, masking_untestable=untestable)
        measured = measure(classifier, data, settings.test_samples)
        findings += [
            check_accuracy(classifier, measured),
            check_scale(classifier, data, measured),
            check_calibration(measured),
        ]
    return CheckReport(name, findings, measured.accuracy, measured.samples, masking_untestable=untestable)


def _samples(classifier: Classifier, data: BaseDataModule, samples: int) -> tuple[Tensor, Tensor]:
    """Return so many test samples as the network sees them, one more where they would be as many as time steps."""
    x, labels = transferred(data, next(iter(batches(data, samples, samples))), classifier.device)
    if x.ndim == 5 and x.shape[0] == x.shape[1]:  # or an exchange of batch and time would not show
        x, labels = x[:, 1:], labels[1:]
    return (x.float(), labels) if classifier.takes_spikes or x.ndim == 4 else (x.float().mean(0), labels)
