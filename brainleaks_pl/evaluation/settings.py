"""How judges score reconstructions, and which of them count."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scoring:
    """How judges score reconstructions.

    Args:
        draws: Bernoulli draws of random reconstructions (published: 1000), at least 1.
        null_draws: draws of the nulls, and of the points of a curve against queries, at least 1.
        rescale: stretch each reconstruction to [0, 1] first (published for the ANN scores, not for the SNN scores).
        batch_size: inputs that a judge sees at once, at least 1.
        least_accuracy: accuracy on real test data, in [0, 1], that a judge must have for what it says to count.

    Raises:
        ValueError: when a number is below 1, or ``least_accuracy`` is out of range.

    Examples:
        The defaults, and why a judge that recognises too little of the real data does not count:

        >>> from brainleaks_pl import Scoring
        >>> Scoring()
        Scoring(draws=1000, null_draws=100, rescale=False, batch_size=250, least_accuracy=0.5)
        >>> Scoring(draws=10, null_draws=10, least_accuracy=0.8).why_not(0.65)
        'recognises 0.65 of the real test data, below scoring.least_accuracy 0.80'
    """

    draws: int = 1000
    null_draws: int = 100
    rescale: bool = False
    batch_size: int = 250
    least_accuracy: float = 0.5

    def __post_init__(self) -> None:
        for name in ("draws", "null_draws", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"scoring.{name} must be at least 1, got {getattr(self, name)}.")
        if not 0 <= self.least_accuracy <= 1:
            raise ValueError(f"scoring.least_accuracy must lie in [0, 1], got {self.least_accuracy}.")

    def why_not(self, test_accuracy: float | None) -> str | None:
        """Return why a judge of this accuracy on real test data does not count; None where it does, or is not known."""
        if test_accuracy is None or test_accuracy >= self.least_accuracy:
            return None
        return (
            f"recognises {test_accuracy:.2f} of the real test data, below scoring.least_accuracy "
            f"{self.least_accuracy:.2f}"
        )
