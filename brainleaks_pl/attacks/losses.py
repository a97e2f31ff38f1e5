"""What an attack minimises: costs of the target's outputs for the attacked class, one per sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Loss(ABC):
    """Base of the attack losses; a subclass implements :meth:`__call__`.

    Examples:
        One of your own: how far the class sought lies behind the best one.

        >>> import torch
        >>> from dataclasses import dataclass
        >>> from brainleaks_pl import BrainLeaksV3, Loss
        >>> @dataclass(frozen=True)
        ... class Behind(Loss):
        ...     def __call__(self, logits, labels):
        ...         mean = logits.mean(0)
        ...         return mean.amax(1) - mean.gather(1, labels.unsqueeze(1)).squeeze(1)
        >>> Behind()(torch.tensor([[[1.0, 3.0, 2.0]]]), torch.tensor([2]))
        tensor([1.])
        >>> BrainLeaksV3(network, loss=Behind(), classes=[3]).loss
        Behind()
    """

    @abstractmethod
    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cost of each sample, ``(B,)``.

        Args:
            logits: outputs of the target, ``(T, B, K)`` (T = 1 for non-spiking networks).
            labels: classes, ``(B,)``.
        """


def _of_class(values: Tensor, labels: Tensor) -> Tensor:
    """Pick ``values[..., b, labels[b]]``: ``(..., B, K)`` to ``(..., B)``."""
    return values.gather(-1, labels.expand(values.shape[:-1]).unsqueeze(-1)).squeeze(-1)


def confidence_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Return ``s_k``, the mean over time of the softmax at each sample's class, ``(B,)`` in [0, 1]."""
    return _of_class(logits.softmax(-1), labels).mean(0)


@dataclass(frozen=True)
class Confidence(Loss):
    """``1 - s_k`` with ``s_k`` the mean over time of the softmax (MI-FACE, v1, and v2 on MNIST).

    Examples:
        Two steps, in each of which the class sought has the probability 1/2, and then 3/4:

        >>> import torch
        >>> from brainleaks_pl import Confidence
        >>> logits = torch.tensor([[[0.5, 0.5]], [[0.25, 0.75]]]).log()
        >>> Confidence()(logits, torch.tensor([1]))
        tensor([0.3750])
    """

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return costs in [0, 1], ``(B,)``."""
        return 1 - confidence_of(logits, labels)


@dataclass(frozen=True)
class MeanNLL(Loss):
    """Mean over time of the negative log-likelihood, ``-mean_t log softmax(u_t)[k]`` (v2 on event data).

    Examples:
        >>> import torch
        >>> from brainleaks_pl import MeanNLL
        >>> logits = torch.tensor([[[0.5, 0.5]], [[0.25, 0.75]]]).log()  # (T, B, K)
        >>> MeanNLL()(logits, torch.tensor([1]))  # (log 2 + log 4/3) / 2
        tensor([0.4904])
    """

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return costs >= 0, ``(B,)``."""
        return -_of_class(logits.log_softmax(-1), labels).mean(0)


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Cross-entropy of the outputs' mean over time, ``-log softmax(mean_t u_t)[k]``: the prediction's own loss.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import CrossEntropy
        >>> logits = torch.tensor([[[0.0, 2.0]], [[0.0, 0.0]]])  # (T, B, K); their mean is 0 and 1
        >>> CrossEntropy()(logits, torch.tensor([1]))  # log(1 + 1 / e)
        tensor([0.3133])
    """

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return costs >= 0, ``(B,)``."""
        return F.cross_entropy(logits.mean(0), labels, reduction="none")


@dataclass(frozen=True)
class MaxMargin(Loss):
    """``max_(j != k) m_j - m_k`` with ``m`` the outputs' mean over time: negative once the prediction is right.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import MaxMargin
        >>> logits = torch.tensor([[[1.0, 3.0, 2.0]]])  # (T, B, K)
        >>> MaxMargin()(logits, torch.tensor([1])), MaxMargin()(logits, torch.tensor([0]))
        (tensor([-1.]), tensor([2.]))
    """

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return costs, ``(B,)``."""
        mean = logits.mean(0)
        others = mean.scatter(-1, labels.unsqueeze(-1), float("-inf"))
        return others.amax(-1) - _of_class(mean, labels)


@dataclass(frozen=True)
class Logit(Loss):
    """``-m_k`` with ``m`` the outputs' mean over time.

    Examples:
        >>> import torch
        >>> from brainleaks_pl import Logit
        >>> logits = torch.tensor([[[1.0, 3.0, 2.0]], [[1.0, 5.0, 0.0]]])  # (T, B, K)
        >>> Logit()(logits, torch.tensor([1]))
        tensor([-4.])
    """

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return costs, ``(B,)``."""
        return -_of_class(logits.mean(0), labels)
