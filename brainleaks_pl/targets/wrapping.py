"""Trained networks as targets and judges, in Python."""

from __future__ import annotations

from torch import nn

from brainleaks_pl.targets.classifier import Classifier
from brainleaks_pl.targets.interfaces import Interface


def wrap(
    network: nn.Module,
    *,
    interface: Interface | None = None,
    input_shape: tuple[int, int, int] | None = None,
    num_classes: int | None = None,
    time_steps: int | None = None,
    expected_accuracy: float | None = None,
) -> Classifier:
    """Make a target, or a judge, of a trained network, for any attack.

    Args:
        network: the network, with its trained weights.
        interface: how it is called; None asks the package's own networks, which say so themselves.
        input_shape: (C, H, W) of the input; None takes the network's own.
        num_classes: K; None takes the network's own.
        time_steps: T of its input; None where it takes images.
        expected_accuracy: the accuracy on test data that it is known to have, in [0, 1].

    Raises:
        ValueError: when something is not known or out of range.

    Examples:
        For your own trained network, say how it is called, what it takes, and how many classes it knows:

        >>> import torch
        >>> from brainleaks_pl import NonSpiking, wrap
        >>> net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
        >>> target = wrap(net, interface=NonSpiking(), input_shape=(1, 8, 8), num_classes=4)
        >>> target.confidences(torch.rand(2, 1, 8, 8)).shape
        torch.Size([2, 4])
        >>> wrap(net, interface=NonSpiking(), num_classes=4)
        Traceback (most recent call last):
            ...
        ValueError: the shape of Sequential's input is not known: give input_shape, (C, H, W).
    """
    classifier = Classifier(
        network, interface, input_shape, num_classes, pretrained=True, expected_accuracy=expected_accuracy
    )
    classifier.fit_to(classifier.input_shape, classifier.num_classes)  # says what is not known
    if time_steps is not None and time_steps < 1:
        raise ValueError(f"time_steps must be at least 1, got {time_steps}.")
    classifier.time_steps = time_steps
    return classifier.eval()
