"""What the checks of a network find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["ok", "warning", "failed"]


@dataclass(frozen=True)
class Checks:
    """How networks are checked before an attack.

    Args:
        samples: test samples that the network is asked about one by one and together, at least 2.
        test_samples: test samples on which the accuracy of a network that brought its weights is measured, at least 1.
        refuse: whether a failed check stops the attack; otherwise it is only said.

    Raises:
        ValueError: when a number is too small.

    Examples:
        A quick look, which stops no attack:

        >>> from brainleaks_pl import Checks, run_checks
        >>> report = run_checks(network, data, Checks(samples=2, test_samples=100, refuse=False), with_accuracy=True)
        >>> report.test_samples, report.test_accuracy > 0.8
        (100, True)
    """

    samples: int = 6
    test_samples: int = 2000
    refuse: bool = True

    def __post_init__(self) -> None:
        if self.samples < 2:
            raise ValueError(f"checks.samples must be at least 2, got {self.samples}.")
        if self.test_samples < 1:
            raise ValueError(f"checks.test_samples must be at least 1, got {self.test_samples}.")


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Args:
        check: what was looked at.
        status: whether all is well.
        detail: what was found.
        mend: which key mends it; empty where nothing is to be mended.
    """

    check: str
    status: Status
    detail: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{self.check}: {self.detail}" + (f" {self.mend}" if self.mend else "")


class FailedCheckError(ValueError):
    """A network failed a check, so that no attack on it, and no score by it, would mean anything."""


@dataclass(frozen=True)
class CheckReport:
    """What all checks of one network found.

    Args:
        network: what the network is called.
        findings: in the order of the checks.
        test_accuracy: on the test samples that were looked at; None where it was not measured.
        test_samples: how many these were.
        masking_untestable: why no surrogate at attack time can be tried on it; None where one can.

    Examples:
        >>> from brainleaks_pl import CheckReport, run_checks
        >>> report: CheckReport = run_checks(network, data, with_accuracy=False)
        >>> print(report.findings[2])
        two calls agree: the network gives the same answer when called again.
        >>> len(report.findings), report.warnings, report.failed
        (7, [], [])
        >>> report.raise_if_failed()  # nothing happens: an attack may begin
    """

    network: str
    findings: Sequence[Finding]
    test_accuracy: float | None = None
    test_samples: int | None = None
    masking_untestable: str | None = None

    @property
    def failed(self) -> list[Finding]:
        """What stands in the way of an attack."""
        return [finding for finding in self.findings if finding.status == "failed"]

    @property
    def warnings(self) -> list[Finding]:
        """What makes the figures doubtful."""
        return [finding for finding in self.findings if finding.status == "warning"]

    def raise_if_failed(self) -> None:
        """Raise a FailedCheckError when something stands in the way."""
        if self.failed:
            reasons = " ".join(str(finding) for finding in self.failed)
            raise FailedCheckError(
                f"{self.network} failed {len(self.failed)} of {len(self.findings)} checks. {reasons} "
                "(`brainleaks check` shows them all; --checks.refuse false attacks it anyway.)"
            )

    @property
    def measured(self) -> dict[str, Any]:
        """The measured accuracy and the number of samples that it rests on; empty where it was not measured."""
        if self.test_accuracy is None:
            return {}
        return {"test_accuracy": self.test_accuracy, "test_samples": self.test_samples}

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        return {
            "findings": [asdict(finding) for finding in self.findings],
            "masking_untestable": self.masking_untestable,
        }
