"""Refuses numbers that are not finite where they arise, because a NaN could pass for privacy."""

from __future__ import annotations

from torch import Tensor


def require_finite(values: Tensor, what: str, when: str) -> None:
    """See that all values are finite.

    Args:
        values: any tensor of floats.
        what: what they are, in the plural.
        when: when they arose, such as ``step 3``.

    Raises:
        ValueError: when some are NaN or infinite; says how many, and where to look.
    """
    if bool(values.sum().isfinite()):  # one pass; the sum of finite values may still overflow
        return
    bad = int((~values.isfinite()).sum())
    if bad:
        raise ValueError(
            f"{when}: {bad} of {values.numel()} {what} are not finite. Look at the target's weights and answers "
            "(`brainleaks check`), or lower the learning rate of the attack's optimizer."
        )
