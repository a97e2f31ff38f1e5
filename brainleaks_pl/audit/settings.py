"""Settings of an audit's controls, which make its scores believable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Controls:
    """What an audit measures beside its attacks, so that its scores can be believed.

    Args:
        shuffled_labels: train each target on shuffled labels as well, and attack it: there is nothing to find, and
            whatever judges recognise there is a fault of attacks, judges or audit.
        groups: number of groups that the classes are dealt out to, at most one per class; for each a target is trained
            that never saw its classes. What the same attacks make of these classes is no leak: the rate at which judges
            recognise them is the false positive rate. 0 leaves it out.
        adversarial: attack each target for adversarial examples as well, test images of other classes, changed by
            ``eps`` at most: what judges recognise there fools them as it fools the target.
        eps: largest change of a pixel, in (0, 1].
        attacks: names of the attacks; None takes all.
        seeds: of the audit's; None takes the first.

    Raises:
        ValueError: when a number is out of range.

    Examples:
        Two targets, each trained without half of the classes, in place of five:

        >>> from brainleaks_pl.audit import Controls
        >>> Controls(groups=2).withheld(num_classes=10)
        [(0, 2, 4, 6, 8), (1, 3, 5, 7, 9)]
    """

    shuffled_labels: bool = True
    groups: int = 5
    adversarial: bool = True
    eps: float = 0.1
    attacks: list[str] | None = None
    seeds: list[int] | None = None

    def __post_init__(self) -> None:
        if self.groups < 0 or self.groups == 1:
            raise ValueError(
                f"controls.groups must be 0 or at least 2, got {self.groups}: a target that sees no class learns "
                "nothing."
            )
        if not 0 < self.eps <= 1:
            raise ValueError(f"controls.eps must lie in (0, 1], got {self.eps}.")

    def withheld(self, num_classes: int) -> list[tuple[int, ...]]:
        """Return the groups of classes, the first ones larger where they do not come out even."""
        groups = min(self.groups, num_classes)
        return [tuple(range(group, num_classes, groups)) for group in range(groups)]
