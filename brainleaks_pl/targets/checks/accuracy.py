"""Checks of a network's skill: its accuracy, the scale of its inputs, and how far to trust its confidence."""

from __future__ import annotations

from typing import Any

from brainleaks_pl.data.base import BaseDataModule
from brainleaks_pl.targets.checks.findings import Finding
from brainleaks_pl.targets.checks.measure import Measurement, measure
from brainleaks_pl.targets.classifier import Classifier

_SHORT = 0.02  # an accuracy that is lower than expected by no more than this is what was expected
_BETTER = 0.1  # by which another scale of the inputs must be better
_SCALE_SAMPLES = 300
_CALIBRATED = 0.1  # an expected calibration error up to which confidence is taken at its word


def check_accuracy(classifier: Classifier, measured: Measurement) -> Finding:
    """Hold the measured accuracy against the expected one, or against chance."""
    accuracy, expected, chance = measured.accuracy, classifier.expected_accuracy, 1 / classifier.num_classes
    detail = f"{accuracy:.3f} on {measured.samples} test samples"
    mend = "See interface (layout, answer, scale, mean, std), the encoder and time_steps, and the weights."
    if expected is not None:
        if accuracy < expected - max(_SHORT, measured.uncertainty(expected)):
            return Finding("accuracy", "failed", f"{detail}, where {expected:.3f} was expected.", mend)
        return Finding("accuracy", "ok", f"{detail}; {expected:.3f} was expected.{_caution(classifier)}")
    if accuracy <= chance + measured.uncertainty(chance):
        return Finding("accuracy", "failed", f"{detail}, which is no better than chance ({chance:.3f}).", mend)
    return Finding("accuracy", "ok", f"{detail}; set expected_accuracy to have it checked.{_caution(classifier)}")


def _caution(classifier: Classifier) -> str:
    """Return what nobody here can know of a network that was trained elsewhere."""
    return " They may have been among its own training data." if classifier.pretrained else ""


def check_scale(classifier: Classifier, data: BaseDataModule, measured: Measurement) -> Finding:
    """See whether the network knows more where its inputs are scaled otherwise."""
    title = "input scale"
    if measured.accuracy > 1 - _BETTER:
        return Finding(title, "ok", "the inputs are scaled as in the network's training.")
    own = measure(classifier, data, _SCALE_SAMPLES).accuracy
    tried = {
        name: measure(classifier, data, _SCALE_SAMPLES, changes).accuracy for name, changes in _others(data).items()
    }
    best = max(tried, key=tried.__getitem__)
    if tried[best] > own + _BETTER:
        return Finding(
            title,
            "failed",
            f"the network recognises {own:.3f} of the test samples as they are, and {tried[best]:.3f} with {best}.",
            f"Set interface.{best}.",
        )
    return Finding(title, "ok", f"none of {len(tried)} other scales of the inputs is better.")


def _others(data: BaseDataModule) -> dict[str, dict[str, Any]]:
    """Return the usual ways to scale inputs, by what the interface calls them."""
    means = data.class_means()
    mean, std = means.mean().item(), max(means.std().item(), 1e-3)
    plain: dict[str, Any] = {"mean": (0.0,), "std": (1.0,)}
    return {
        "scale: 1, mean: [0], std: [1]": {"scale": 1.0, **plain},
        "scale: 255, mean: [0], std: [1]": {"scale": 255.0, **plain},
        f"scale: {1 / 255:.6f}, mean: [0], std: [1]": {"scale": 1 / 255, **plain},
        "scale: 1, mean: [0.5], std: [0.5]": {"scale": 1.0, "mean": (0.5,), "std": (0.5,)},
        f"scale: 1, mean: [{mean:.3f}], std: [{std:.3f}]": {"scale": 1.0, "mean": (mean,), "std": (std,)},
    }


def check_calibration(measured: Measurement) -> Finding:
    """See whether the network's confidence says how often it is right."""
    temperature, error = measured.best_temperature, measured.calibration_error
    detail = (
        f"mean confidence {measured.mean_confidence:.3f} at an accuracy of {measured.accuracy:.3f}, expected "
        f"calibration error {error:.3f}, best temperature {temperature:.2f} times the interface's."
    )
    if error <= _CALIBRATED:
        return Finding("calibration", "ok", detail)
    return Finding(
        "calibration",
        "warning",
        f"{detail} Its confidence says little.",
        f"Multiply interface.temperature by {temperature:.2f}, or set another interface.answer.",
    )
