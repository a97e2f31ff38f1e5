"""Metrics of a judge's confidence matrix, as pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def metrics(matrix: Tensor, classes: Sequence[int]) -> dict[str, float]:
    """Compute the metrics of one confidence matrix C (paper, section IV).

    With k_i the attacked class of row i::

        attack_accuracy = 1/M * sum_i [argmax_j C[i, j] = k_i]
        top3_accuracy   = 1/M * sum_i [k_i is among the 3 largest of C[i, :]]
        confidence      = 1/M * sum_i C[i, k_i]
        daa             = 1/M * sum_i [argmax_m C[m, k_i] = i]

    Entries that tie share the places they tie for: one of n equal largest entries counts 1/n, so that
    reconstructions which the judge cannot tell apart score at chance. DAA only asks which of the M reconstructions is
    most like a class, and noise passes it well above chance: read it beside the nulls.

    Args:
        matrix: confidences, ``(M, K)``.
        classes: the M distinct attacked classes, row by row.

    Raises:
        ValueError: when ``classes`` does not fit the matrix.

    Examples:
        Three reconstructions; the judge takes two of them for their class:

        >>> import torch
        >>> from brainleaks_pl import metrics
        >>> confidences = torch.tensor([[0.7, 0.2, 0.1, 0.0], [0.1, 0.8, 0.1, 0.0], [0.6, 0.1, 0.3, 0.0]])
        >>> found = metrics(confidences, classes=[0, 1, 2])
        >>> {name: round(value, 2) for name, value in found.items()}
        {'attack_accuracy': 0.67, 'top3_accuracy': 1.0, 'confidence': 0.6, 'daa': 1.0}
    """
    if matrix.ndim != 2:
        raise ValueError(f"the confidence matrix must have the shape (M, K), got {tuple(matrix.shape)}.")
    return {
        name: parts.mean().item()
        for name, parts in class_metrics(matrix, checked_classes(classes, *matrix.shape)).items()
    }


def class_metrics(matrices: Tensor, classes: tuple[int, ...]) -> dict[str, Tensor]:
    """Compute the parts of :func:`metrics`, one per class, of each matrix of ``(..., M, K)``; each is ``(..., M)``."""
    columns = matrices[..., list(classes)].mT
    own = columns.diagonal(dim1=-2, dim2=-1)
    return {
        "attack_accuracy": _wins(own, matrices, 1),
        "top3_accuracy": _wins(own, matrices, 3),
        "confidence": own.double(),
        "daa": _wins(own, columns, 1),
    }


def _wins(own: Tensor, rivals: Tensor, places: int) -> Tensor:
    """Return whether each of ``own (..., M)`` is in the first places of ``rivals (..., M, N)``, which include them."""
    above = (rivals > own.unsqueeze(-1)).sum(-1)
    level = (rivals == own.unsqueeze(-1)).sum(-1)
    return ((places - above).double() / level).clamp(0.0, 1.0)


def checked_classes(classes: Sequence[int], count: int, num_classes: int) -> tuple[int, ...]:
    """Return the classes of ``count`` reconstructions, or raise a ValueError that says what is wrong with them."""
    checked = tuple(int(k) for k in classes)
    if len(checked) != count or count == 0:
        raise ValueError(
            f"each reconstruction needs its class, got {count} reconstructions and {len(checked)} classes."
        )
    if len(set(checked)) != count:
        raise ValueError(f"the attacked classes must be distinct, got {list(checked)}.")
    if min(checked) < 0 or max(checked) >= num_classes:
        raise ValueError(f"classes must lie in 0 to {num_classes - 1}, got {list(checked)}.")
    return checked
