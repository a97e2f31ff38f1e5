"""Membership scores from the answers of a target and its shadow networks: higher means likelier a member.

Pure functions of arrays. S shadows, N samples; ``members`` says which shadow was trained on which sample, ``(S, N)``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from brainleaks_pl.membership.halves import Members

Array = NDArray[np.float64]

OWN_VARIANCE_FROM = 32
"""Shadows on either side from which on LiRA trusts each sample's own variance; below, all samples share one."""
_TINY = 1e-12


def entropy(probabilities: Array) -> Array:
    """Return minus the entropy of class probabilities ``(..., K)`` in nats."""
    held = np.clip(probabilities, _TINY, 1.0)
    negative: Array = (held * np.log(held)).sum(-1)
    return negative


def modified_entropy(probabilities: Array, labels: NDArray[np.int64]) -> Array:
    """Return minus the modified entropy (Song and Mittal, USENIX Security 2021): that of a wrong class counts as loss.

    Args:
        probabilities: of the classes, ``(..., N, K)``.
        labels: the true classes, ``(N,)``.
    """
    held = np.clip(probabilities, _TINY, 1 - _TINY)
    of_wrong = held * np.log(1 - held)
    own = np.take_along_axis(held, np.broadcast_to(labels[:, None], (*held.shape[:-1], 1)), -1)[..., 0]
    wrong = of_wrong.sum(-1) - own * np.log(1 - own)
    negative: Array = (1 - own) * np.log(own) + wrong
    return negative


def lira_online(target: Array, shadows: Array, members: Members, own_variance_from: int = OWN_VARIANCE_FROM) -> Array:
    """Return LiRA's log-likelihood ratio (Carlini et al., arXiv 2112.03570, online).

    Of each sample, the logit-scaled confidences of the shadows with and without it are two Gaussians. Where there are
    few shadows on either side, one variance is shared by all samples: that about each sample's own mean.

    Args:
        target: logit-scaled confidences, ``log p - log(1 - p)`` of the true class, of the target, ``(N,)``.
        shadows: those of the shadows, ``(S, N)``.
        members: which shadow holds which sample; two at least on either side.
        own_variance_from: shadows on either side from which on each sample has its own variances.
    """
    density = np.zeros_like(target)
    for sign, held in ((1, members), (-1, ~members)):
        mean, variance = _moments(shadows, held, own_variance_from)
        density += sign * norm.logpdf(target, mean, np.sqrt(variance))
    return density


def lira_offline(target: Array, shadows: Array, members: Members, own_variance_from: int = OWN_VARIANCE_FROM) -> Array:
    """Return how many standard deviations a target's confidence lies above that of shadows without the sample.

    LiRA's offline score, 1 - Pr[a shadow without it is more confident], is a rising function of it.

    Args:
        target: as of :func:`lira_online`.
        shadows: likewise; only those that do not hold a sample speak of it.
        members: likewise.
        own_variance_from: likewise.
    """
    mean, variance = _moments(shadows, ~members, own_variance_from)
    above: Array = (target - mean) / np.sqrt(variance)
    return above


def rmia(
    target: Array,
    shadows: Array,
    members: Members,
    target_population: Array,
    shadow_population: Array,
    offline_a: float | None = None,
    gamma: float = 1.0,
) -> Array:
    """Return RMIA's score (Zarifzadeh et al., arXiv 2312.03262): the share of the population that a sample beats.

    A sample x beats a sample z of the population where ``(p(x | target) / p(x)) / (p(z | target) / p(z)) > gamma``.

    Args:
        target: probabilities of the true class under the target, ``(N,)``.
        shadows: those under the shadows, ``(S, N)``.
        members: which shadow holds which sample.
        target_population: probabilities of samples that no network was trained on, ``(Z,)``.
        shadow_population: the same under the shadows, ``(S, Z)``.
        offline_a: None asks shadows with and without x (online), p(x) being the mean of the two means. A number in
            [0, 1] asks those without x alone (offline): p(x) is ``((1 + a) p_out + (1 - a)) / 2``; the authors' own
            default is .3, and theirs is how p(z) is scaled as well.
        gamma: by how much a sample must beat another.

    Returns:
        Shares in [0, 1], ``(N,)``.
    """
    without = _mean(shadows, ~members)
    population = shadow_population.mean(0)
    if offline_a is None:
        expected = (_mean(shadows, members) + without) / 2
    else:
        expected, population = (((1 + offline_a) * out + (1 - offline_a)) / 2 for out in (without, population))
    ratios = target / np.maximum(expected, _TINY)
    beaten = np.sort(target_population / np.maximum(population, _TINY)) * gamma
    return np.searchsorted(beaten, ratios, side="left") / len(beaten)


def bavaria(target: Array, shadows: Array, members: Members, weight: float = 4.0) -> Array:
    """Return a likelihood ratio of two Student distributions, whose variances few shadows suffice for (BaVarIA-t).

    After Brännvall, arXiv 2603.11799: LiRA's Gaussians with conjugate normal-inverse-gamma priors, so that a sample's
    variance passes smoothly from that of all samples to its own. The abstract and introduction were at hand: priors,
    and the Student predictive, are the paper's; what the priors hold is not known to be, and was chosen here. On
    either side, the prior of the variance is that of all samples about their own means and counts as ``weight``
    shadows; the prior of the mean is the mean of all samples, and counts as many shadows as the variance within
    samples is of that between them.

    Args:
        target: as of :func:`lira_online`.
        shadows: likewise.
        members: likewise.
        weight: shadows that the prior of the variance counts for, > 0.
    """
    density = np.zeros_like(target)
    for sign, held in ((1, members), (-1, ~members)):
        count = held.sum(0)
        mean = _mean(shadows, held)
        squares = (np.square(shadows - mean) * held).sum(0)
        within = max(float(squares.sum() / max(1, (count - 1).sum())), _TINY)
        prior_mean = float(mean.mean())
        between = max(float(mean.var() - within * (1 / count).mean()), _TINY)
        prior_count = within / between
        total = prior_count + count
        centre = (prior_count * prior_mean + count * mean) / total
        shape = (weight + count) / 2
        scale = (weight * within + squares + prior_count * count / total * np.square(mean - prior_mean)) / 2
        spread = np.sqrt(scale * (total + 1) / (shape * total))
        density += sign * student.logpdf(target, 2 * shape, centre, spread)
    return density


def likelihood_ratio(target: Array, shadows: Array, members: Members) -> Array:
    """Return LiRA's log-likelihood ratio for several numbers of each sample: queries, or features of a spiking network.

    Each sample has its own means, with and without it; all share one covariance on either side, that about these means
    (as LiRA does with one query and few shadows), with a thousandth of its diagonal added to it.

    Args:
        target: F numbers of each sample under the target, ``(N, F)``.
        shadows: under the shadows, ``(S, N, F)``.
        members: which shadow holds which sample.
    """
    density = np.zeros(len(target))
    for sign, held in ((1, members), (-1, ~members)):
        count = held.sum(0)
        mean = (shadows * held[..., None]).sum(0) / count[:, None]
        rest = (shadows - mean)[held]
        covariance = rest.T @ rest / max(1, len(rest) - len(target))
        covariance += np.diag(1e-3 * np.diag(covariance) + _TINY)
        away = np.linalg.solve(np.linalg.cholesky(covariance), (target - mean).T)
        density -= sign * (np.square(away).sum(0) + np.linalg.slogdet(covariance)[1]) / 2
    return density


def _mean(values: Array, held: Members) -> Array:
    mean: Array = (values * held).sum(0) / held.sum(0)
    return mean


def _moments(values: Array, held: Members, own_variance_from: int) -> tuple[Array, Array]:
    """Return means of the held values of each sample, and variances, its own or one for all, ``(N,)``."""
    count, mean = held.sum(0), _mean(values, held)
    squares = (np.square(values - mean) * held).sum(0)
    if count.min() >= own_variance_from:
        variance = squares / (count - 1)
    else:
        variance = np.full_like(mean, squares.sum() / max(1, (count - 1).sum()))
    return mean, np.maximum(variance, _TINY)
